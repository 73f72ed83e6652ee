"""One technique: what it takes for one identity to come to act as another, and its route's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BIND: Final = "bind"
ESCALATE: Final = "escalate"
IMPERSONATE: Final = "impersonate"
TOKEN: Final = "token"  # noqa: S105 - the name of a route
EXEC: Final = "exec"
WORKLOAD: Final = "workload"
NODE: Final = "node"
# By changing what is agreed or enforced; `ownership.access.policy_bypass` knows how.
POLICY: Final = "policy"
DIRECT: Final = "direct"

NODE_USER: Final = "system:node:"

ROUTES: Final = (DIRECT, BIND, ESCALATE, IMPERSONATE, TOKEN, EXEC, WORKLOAD, NODE, POLICY)


# Compared by identity: each stands in one table, and is looked up all the time.
@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """One permission of a technique: any of the verbs on one resource.

    ``named`` asks for the target's own name, ``names`` for any of some fixed ones; otherwise any
    name does. It is asked in the target's namespace, unless ``namespace`` is another one, or
    ``everywhere`` asks at cluster scope. ``anywhere`` is content with any namespace.
    """

    verbs: tuple[str, ...]
    group: str
    resource: str
    subresource: str = ""
    named: bool = False
    names: tuple[str, ...] = ()
    everywhere: bool = False
    anywhere: bool = False
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique into an identity: what is needed, and how to say it.

    ``pods`` says that it needs a pod that runs as the target; ``exists`` that the target must
    exist (a ServiceAccount that does not can still be impersonated). ``mode`` is that of
    constrained impersonation, in which every single action needs a permission of its own.
    """

    route: str
    words: str
    requirements: tuple[Requirement, ...]
    pods: bool = False
    exists: bool = True
    mode: str = ""
