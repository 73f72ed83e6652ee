"""Removals: whom to take out of which bindings, by role."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from responsibility.api.names import KEPT_PREFIX
from responsibility.ownership.results.findings import Finding
from responsibility.plans.context import Pair
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import BindingKey, RoleKey, Subject


@dataclass(slots=True)
class RemovalTarget:
    """Rights that have to go for one finding to end, and the first steps to them."""

    finding: Finding
    direct: set[Pair] = field(default_factory=set)
    routes: set[Pair] = field(default_factory=set)


@dataclass(slots=True)
class Removals:
    """Subjects to take out of bindings, by role; and the findings that this ends.

    With ``namespaces``, it is only what counts there.
    """

    by_role: dict[RoleKey, dict[BindingKey, set[Subject]]]
    ends: dict[Pair, list[str]]
    ended_by_role: dict[RoleKey, list[str]]
    namespaces: frozenset[str] | None = None

    @classmethod
    def of(
        cls, active: Iterable[RemovalTarget], pairs: Iterable[Pair], graph: AccessGraph
    ) -> Removals:
        """Group subjects and their bindings by role."""
        removals = cls({}, {}, {})
        for key, subject in pairs:
            role = removals.by_role.setdefault(graph.bindings[key].role, {})
            role.setdefault(key, set()).add(subject)
        for wanted in active:
            name = wanted.finding.id
            for pair in wanted.direct | wanted.routes:
                removals.ends.setdefault(pair, []).append(name)
            for bound in {graph.bindings[key].role for key, _ in wanted.direct}:
                removals.ended_by_role.setdefault(bound, []).append(name)
        return removals

    def without(self, out: Callable[[Pair], bool]) -> Removals:
        """Return the removals without some of the pairs."""
        by_role: dict[RoleKey, dict[BindingKey, set[Subject]]] = {}
        for role, cut in self.by_role.items():
            for key, who in cut.items():
                some = {each for each in who if not out((key, each))}
                if some:
                    by_role.setdefault(role, {})[key] = some
        return replace(self, by_role=by_role)

    def about(self, role: RoleKey, whole: dict[BindingKey, set[Subject]]) -> Removals:
        """Return the part that decides what a role costs: where it is bound, and the cluster.

        ``whole`` is all that would have to go of that role.
        """
        here = {key.namespace for key in self.by_role.get(role, {})}
        everywhere = "" in here or role.name.startswith(KEPT_PREFIX)
        by_role = dict(self.by_role)
        if not everywhere:
            here.add("")
            parts = (
                (other, {key: who for key, who in cut.items() if key.namespace in here})
                for other, cut in self.by_role.items()
            )
            by_role = {other: cut for other, cut in parts if cut}
        by_role[role] = whole
        return replace(self, by_role=by_role, namespaces=None if everywhere else frozenset(here))

    def pairs(self) -> frozenset[Pair]:
        """Return who is to leave what."""
        return frozenset(
            (key, who) for cut in self.by_role.values() for key, some in cut.items() for who in some
        )

    def touched(self) -> dict[str, set[Subject]]:
        """Return by namespace who is taken out of anything."""
        found: dict[str, set[Subject]] = {}
        for cut in self.by_role.values():
            for key, who in cut.items():
                found.setdefault(key.namespace, set()).update(who)
        return found
