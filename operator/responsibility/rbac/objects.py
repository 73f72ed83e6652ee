"""The objects of RBAC, as small immutable values.

Full client models cost ten times the time and memory of these, and a cluster has tens of
thousands of bindings. Field names follow ``rbac.authorization.k8s.io/v1``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from responsibility.subject_kinds import AnyKind, SubjectKind

# Short, for what is compared all over the code.
USER: Final = SubjectKind.USER
GROUP: Final = SubjectKind.GROUP
SERVICE_ACCOUNT: Final = SubjectKind.SERVICE_ACCOUNT

_NO_LABELS: Mapping[str, str] = MappingProxyType({})


def _no_labels() -> Mapping[str, str]:
    return _NO_LABELS


class Truth(StrEnum):
    """An answer: *unknown* where group membership or another authorizer decides."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


# A tuple, since it is hashed all the time.
class Subject(NamedTuple):
    """A User, a Group or a ServiceAccount (the only kind with a namespace)."""

    kind: AnyKind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        """Return the form people write: ``Group engineers``, ``ServiceAccount prod/hub``."""
        return (
            f"{self.kind} {self.namespace}/{self.name}"
            if self.namespace
            else (f"{self.kind} {self.name}")
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A PolicyRule; every list exactly as stored, since wildcards have several meanings."""

    verbs: tuple[str, ...]
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class RoleKey:
    """A Role (with namespace) or a ClusterRole (without)."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``Role prod/edit`` or ``ClusterRole edit``."""
        return (
            f"Role {self.namespace}/{self.name}" if self.namespace else (f"ClusterRole {self.name}")
        )


@dataclass(frozen=True, slots=True)
class Role:
    """A Role or ClusterRole; for an aggregate, the *stored* rules decide.

    ``aggregation`` holds an aggregate's label selectors as the API stores them; ``autoupdate``
    the annotation by which Kubernetes keeps (or is told not to keep) its own objects up to date.
    """

    key: RoleKey
    rules: tuple[Rule, ...]
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=_no_labels, hash=False)
    aggregation: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    autoupdate: str = ""


@dataclass(frozen=True, slots=True, order=True)
class BindingKey:
    """A RoleBinding (with namespace) or a ClusterRoleBinding (without)."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``RoleBinding prod/x`` or ``ClusterRoleBinding x``."""
        return (
            f"RoleBinding {self.namespace}/{self.name}"
            if self.namespace
            else (f"ClusterRoleBinding {self.name}")
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding or ClusterRoleBinding with its subjects as they take effect.

    A ServiceAccount subject without namespace has already been given the RoleBinding's; one
    in a ClusterRoleBinding keeps the empty namespace and is nobody.
    """

    key: BindingKey
    role: RoleKey
    subjects: tuple[Subject, ...]
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=_no_labels, hash=False)
    autoupdate: str = ""


# How charts name themselves on what they make: by Helm's recommended label, and by an older one.
_CHART_LABELS: Final = ("helm.sh/chart", "chart")
_VERSION = re.compile(r"-v?[0-9]+[.].*$")


def chart_of(labels: Mapping[str, str]) -> str:
    """Return the chart that an object's labels name, without its version; empty if none is."""
    value = next((labels[key] for key in _CHART_LABELS if labels.get(key)), "") if labels else ""
    return _VERSION.sub("", value)


@dataclass(frozen=True, slots=True)
class Attributes:
    """One question, as the API server's authorizer sees a request.

    ``name`` empty means any name (only an unrestricted rule answers yes); ``namespace`` empty
    means cluster scope or all namespaces. ``path`` makes it a non-resource question. A request
    about the Namespace object ``x`` itself carries ``namespace="x", name="x"``.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The source of a right: the binding, its role, and the index of the rule that grants.

    ``names`` is set when the rule is restricted to names (they are the rule's). For the group
    ``system:masters``, which passes before RBAC is asked, ``binding`` and ``role`` are None.
    """

    binding: BindingKey | None
    role: RoleKey | None
    rule: int = 0
    names: tuple[str, ...] = ()

    @property
    def binding_text(self) -> str:
        """By what it gives, without the rule, as people read it: the binding, and its role."""
        if self.binding is None:
            return "the API server itself, before RBAC is asked"
        return f"{self.binding} to {self.role}"
