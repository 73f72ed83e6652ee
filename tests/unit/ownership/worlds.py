"""Random worlds of ownership: RBAC with few words, and a model that uses the same ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import parse_model
from responsibility.api.record import Responsibility
from responsibility.hub.discovery import Hub
from responsibility.ownership.terms.permission_index import HUB, Permission
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Binding, Role, Subject
from tests.unit.ownership.building import hub, record
from tests.unit.rbac.worlds import Worlds, seeded

# Where the hubs are: two of them share a namespace.
HUBS = (hub("ns-a", "one"), hub("ns-a", "two", "two-"), hub("ns-b", "one"), hub("ns-c", "three"))
PARTIES = ("host", "guest", "crew")
PEOPLE = (
    *(Subject(USER, name) for name in ("ann", "bob")),
    *(Subject(GROUP, name) for name in ("engineers", "students", "system:serviceaccounts:ns-a")),
    *(Subject(SERVICE_ACCOUNT, "hub", ns) for ns in ("ns-a", "ns-b")),
)
_VERBS = ("get", "list", "create", "delete", "deletecollection", "bind", "*")
_RESOURCES = ("pods", "deployments", "namespaces", "roles", "pods/exec", "deployments/scale")
_NAMES = ("$(prefix)hub", "proxy", "$(namespace)")


def manifest(who: Subject) -> dict[str, str]:
    """Return a subject as records write it."""
    return {"kind": who.kind, "name": who.name} | (
        {"namespace": who.namespace} if who.namespace else {}
    )


@dataclass(frozen=True, slots=True)
class Agreements:
    """Draws models and records."""

    draw: random.Random

    def by_bit(self, count: int) -> tuple[Permission, ...]:
        """Return questions, among them such as no model should ask."""
        return tuple(self._atom() for _ in range(count))

    def _atom(self) -> Permission:
        draw = self.draw
        resource, _, sub = draw.choice((*_RESOURCES, "*", "*/scale")).partition("/")
        return Permission(
            draw.choice(_VERBS),
            draw.choice(("", "apps", "rbac.authorization.k8s.io", "*")),
            resource,
            sub,
            draw.choice(("", "", *_NAMES)),
            draw.choice((HUB, HUB, "", "ns-c")),
        )

    def permission(self) -> dict[str, Any]:
        draw = self.draw
        named = draw.random() < 0.4
        verbs = ("get", "delete", "bind") if named else _VERBS
        resources = draw.sample(_RESOURCES, draw.randint(1, 2))
        if draw.random() < 0.1:
            resources, named = ["*"], False
        where: dict[str, str] = {}
        # Names with placeholders are asked of a hub.
        if not named:
            where = draw.choice(({}, {}, {"scope": "Cluster"}, {"namespace": "ns-c"}))
        return {
            "verbs": draw.sample(verbs, draw.randint(1, 2)),
            "apiGroups": [draw.choice(("", "apps", "rbac.authorization.k8s.io"))],
            "resources": resources,
            **({"resourceNames": draw.sample(_NAMES, draw.randint(1, 2))} if named else {}),
            **where,
        }

    def model(self) -> ResponsibilityModel:
        draw = self.draw
        items = [
            {
                "name": f"item-{number}",
                "number": number,
                "title": "x",
                "kinds": ["kubernetes"],
                "owner": draw.choice(PARTIES[:2]),
                "required": [self.permission() for _ in range(draw.randint(0, 2))],
                "reserved": [self.permission() for _ in range(draw.randint(0, 3))],
            }
            for number in range(1, 5)
        ]
        if draw.random() < 0.4:
            items[0]["reserved"].append(  # type: ignore[attr-defined]  # it is a list
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "scope": "Cluster"}
            )
        return parse_model(
            {
                "apiVersion": "responsibility.2i2c.org/v1alpha1",
                "kind": "ResponsibilityModel",
                "metadata": {"name": "garden"},
                "spec": {
                    "parties": [
                        {"name": name, "contact": {"email": "a@b.example"}, "subjects": self.some()}
                        for name in PARTIES
                    ],
                    "items": items,
                    "record": {"owner": "host"},
                },
            }
        )

    def some(self) -> list[dict[str, str]]:
        return [manifest(who) for who in self.draw.sample(PEOPLE, self.draw.choice((0, 1, 1, 2)))]

    def record(self, at: Hub, *, exemptions: bool = True) -> Responsibility:
        draw = self.draw
        items: dict[str, dict[str, Any]] = {}
        for number in draw.sample(range(1, 5), draw.randint(0, 3)):
            line: dict[str, Any] = {"owner": draw.choice(PARTIES)}
            if draw.random() < 0.4:
                until = f"2030-0{draw.randint(1, 9)}-01T00:00:00Z"
                line["delegates"] = [{"party": "crew", "until": until}]
            items[f"item-{number}"] = line
        if draw.random() < 0.1:
            items["item-1"] = {"owner": "nobody"}
        parties = {name: {"subjects": self.some()} for name in PARTIES if draw.random() < 0.3}
        exempt = [
            {"subject": manifest(who), "items": [draw.choice(("*", "item-1"))], "reason": "x"}
            for who in draw.sample(PEOPLE, 1)
            if exemptions and draw.random() < 0.3
        ]
        key = at.key
        return record(
            f"{key.namespace}-{key.release}",
            key.namespace,
            key.release,
            items=items,
            parties=parties,
            exemptions=exempt,
        )


@dataclass(frozen=True, slots=True)
class World:
    """A drawn cluster with its agreements."""

    seed: int
    rbac: Worlds
    agreements: Agreements
    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]
    model: ResponsibilityModel
    records: tuple[Responsibility, ...]


def world(seed: int, *, exemptions: bool = True) -> World:
    """Return the world of a seed."""
    draw = random.Random(seed)
    rbac = seeded(seed, most_bindings=30)
    objects = rbac.world()
    agreements = Agreements(draw)
    records = tuple(
        agreements.record(at, exemptions=exemptions) for at in HUBS if draw.random() < 0.8
    )
    return World(
        seed, rbac, agreements, objects.roles, objects.bindings, agreements.model(), records
    )
