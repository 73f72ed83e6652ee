"""Small RBAC worlds, drawn at random, in which everything odd about RBAC is frequent.

The words are few, so that rules, bindings and questions meet. `World` draws from a seed, for
tests against a live API server too; `worlds` and `questions` are strategies for hypothesis,
which can shrink what they draw.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)
from responsibility.subject_kinds import UnknownKind
from tests.unit.rbac.near import Near

T = TypeVar("T")

VERBS = ("get", "list", "create", "delete", "deletecollection", "bind", "Get")
API_GROUPS = ("", "apps", "rbac.authorization.k8s.io")
RESOURCES = ("pods", "deployments", "namespaces", "roles", "Pods")
SUBRESOURCES = ("", "", "exec", "scale")
RULE_RESOURCES = (
    *("pods", "deployments", "namespaces", "roles", "pods/exec", "deployments/scale"),
    *("*", "*/scale", "*/exec", "pods/*", "*/*", "Pods", "*/"),
)
NAMES = ("hub", "proxy", "*", "ns-a", "")
PATHS = ("/metrics", "/healthz", "/healthz/ping", "/api/v1", "/")
RULE_PATHS = ("/metrics", "/healthz*", "/healthz/*", "/api/**", "*", "/*/ping", "/")
NAMESPACES = ("ns-a", "ns-b", "ns-c")
ROLE_NAMES = ("alpha", "beta", "gamma", "delta", "missing")
USERS = (
    *("ann", "bob", "system:anonymous", "system:node:n1"),
    *("system:serviceaccount:ns-a:hub", "system:serviceaccount:ns-b:hub"),
    # Named almost like a ServiceAccount.
    *("system:serviceaccount:ns-a", "system:serviceaccount:ns-a:hub:x"),
)
GROUPS = (
    *("engineers", "students", "system:masters", "system:nodes"),
    *("system:authenticated", "system:unauthenticated"),
    *("system:serviceaccounts", "system:serviceaccounts:ns-a", "system:serviceaccounts:ns-b"),
)
SERVICE_ACCOUNTS = ("hub", "default")


class Draw(Protocol):
    """Where choices come from: `random.Random`, or hypothesis."""

    def choice(self, options: Sequence[T], /) -> T: ...

    def randint(self, low: int, high: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class World:
    """All roles and bindings; keys are unique."""

    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]

    @property
    def objects(self) -> tuple[tuple[Role, ...], tuple[Binding, ...]]:
        return self.roles, self.bindings


@dataclass(frozen=True, slots=True)
class Worlds:
    """What may be in a world. ``valid`` leaves out what the API's validation refuses."""

    draw: Draw
    valid: bool = False
    namespaces: tuple[str, ...] = NAMESPACES
    role_names: tuple[str, ...] = ROLE_NAMES
    fewest_bindings: int = 0
    most_bindings: int = 8

    def world(self) -> World:
        keys = [
            RoleKey(namespace, name)
            for namespace in ("", *self.namespaces)
            for name in self.role_names
            if name != "missing" and self.draw.randint(0, 3)
        ]
        count = self.draw.randint(self.fewest_bindings, self.most_bindings)
        return World(
            tuple(self.role(key) for key in keys),
            tuple(self.binding(f"b{number}") for number in range(count)),
        )

    def role(self, key: RoleKey) -> Role:
        return Role(key, tuple(self.rule(key.namespace) for _ in range(self.draw.randint(0, 3))))

    def rule(self, namespace: str) -> Rule:
        verbs = ("*",) if self.one_in(5) else self.some(VERBS)
        if (not self.valid or not namespace) and self.one_in(5):
            return Rule(verbs, non_resource_urls=self.some(RULE_PATHS))
        groups = ("*",) if self.one_in(4) else self.some(API_GROUPS)
        return Rule(
            verbs=verbs if self.valid or not self.one_in(20) else (),
            api_groups=groups,
            resources=self.some(RULE_RESOURCES),
            resource_names=self.some(NAMES) if self.one_in(3) else (),
        )

    def binding(self, name: str) -> Binding:
        namespace = "" if self.one_in(3) else self.draw.choice(self.namespaces)
        own = namespace and self.draw.randint(0, 1)
        return Binding(
            BindingKey(namespace, name),
            RoleKey(namespace if own else "", self.draw.choice(self.role_names)),
            tuple(self.subject(namespace) for _ in range(self.draw.randint(0, 3))),
        )

    def subject(self, namespace: str = "") -> Subject:
        """Return a subject of a binding in the namespace."""
        match self.draw.randint(0, 9):
            case 0 | 1 | 2:
                return Subject(USER, self.draw.choice(USERS))
            case 3 | 4 | 5 | 6:
                return Subject(GROUP, self.draw.choice(GROUPS))
            case 7 if not self.valid:
                # A ServiceAccount without a namespace where there is none to take: nobody.
                return Subject(SERVICE_ACCOUNT, "hub", namespace)
            case 8 if not self.valid:
                return Subject(UnknownKind("Robot"), "hub")
            case _:
                name = self.draw.choice(SERVICE_ACCOUNTS)
                return Subject(SERVICE_ACCOUNT, name, self.draw.choice(self.namespaces))

    def attributes(self) -> Attributes:
        """Return a question."""
        verb = self.draw.choice((*VERBS, "*"))
        if self.one_in(6):
            return Attributes(verb, path=self.draw.choice((*PATHS, "/api", "/healthz/x/y")))
        namespace = self.draw.choice(("", *self.namespaces, "elsewhere"))
        if namespace and self.one_in(6):
            # A request about the Namespace itself.
            return Attributes(verb, "", "namespaces", name=namespace, namespace=namespace)
        return Attributes(
            verb,
            self.draw.choice(API_GROUPS),
            self.draw.choice((*RESOURCES, "*")),
            self.draw.choice((*SUBRESOURCES, "*")),
            self.draw.choice(("", "", "other", *NAMES)),
            namespace,
        )

    def identity(self) -> tuple[str, tuple[str, ...]]:
        """Return a user name and groups, such as come with a request."""
        user = self.draw.choice((*USERS, "nobody", ""))
        count = self.draw.randint(0, 3)
        return user, tuple(dict.fromkeys(self.draw.choice(GROUPS) for _ in range(count)))

    def some(self, options: Sequence[T]) -> tuple[T, ...]:
        """Return one to three options; the same one may come twice."""
        return tuple(self.draw.choice(options) for _ in range(self.draw.randint(1, 3)))

    def one_in(self, count: int) -> bool:
        return self.draw.randint(1, count) == 1


class _Hypothesis:
    """Lets hypothesis choose."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def choice(self, options: Sequence[T], /) -> T:
        return self._draw(st.sampled_from(options))

    def randint(self, low: int, high: int, /) -> int:
        return self._draw(st.integers(low, high))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    return Worlds(_Hypothesis(draw)).world()


@st.composite
def questions(draw: st.DrawFn) -> Attributes:
    return Worlds(_Hypothesis(draw)).attributes()


@st.composite
def asked_worlds(draw: st.DrawFn) -> tuple[World, str, tuple[str, ...], Attributes]:
    """Return a world with somebody who asks something; mostly about what is bound in it."""
    world = Worlds(_Hypothesis(draw), fewest_bindings=4).world()
    choose = random.Random(draw(st.integers(0, 2**32)))
    roles = {role.key: role for role in world.roles}
    aimed = Near(choose, roles, world.bindings, NAMESPACES).questions()
    asked = next(aimed, None) if choose.random() < 0.9 else None
    return world, *(asked or (*draw(identities()), draw(questions())))


@st.composite
def identities(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    return Worlds(_Hypothesis(draw)).identity()


@st.composite
def new_bindings(draw: st.DrawFn, name: str = "") -> Binding:
    """Return a binding of that name, or one that may or may not replace one of a world."""
    source = _Hypothesis(draw)
    return Worlds(source).binding(name or f"b{source.randint(0, 9)}")


@st.composite
def new_roles(draw: st.DrawFn) -> Role:
    """Return a role that may or may not replace one of a world."""
    source = _Hypothesis(draw)
    key = RoleKey(source.choice(("", *NAMESPACES)), source.choice(ROLE_NAMES))
    return Worlds(source).role(key)


def seeded(seed: int, *, most_bindings: int = 40, valid: bool = False) -> Worlds:
    """Return the worlds of a seed, larger ones."""
    return Worlds(
        random.Random(seed),
        valid=valid,
        fewest_bindings=most_bindings // 2,
        most_bindings=most_bindings,
    )
