"""Changes made of removals: which roles to narrow, which bindings to cut, what to preserve.

There is a choice where a role gives too much to everybody that it is bound to: it is narrowed
instead of cutting each binding, if that is fewer changes. All combinations are tried up to
`_EXACT_ROLES` such roles, one by one beyond.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from responsibility.api.names import KEPT_PREFIX
from responsibility.plans.change import Action, PlannedChange
from responsibility.plans.context import Pair, PlanContext
from responsibility.plans.protect import is_system_role
from responsibility.plans.search.narrow import aggregated, drops, narrowed
from responsibility.plans.search.preserve import preserve
from responsibility.plans.search.removals import Removals, RemovalTarget
from responsibility.plans.simulate import Simulation, somebodies
from responsibility.rbac.objects import Binding, RoleKey, Rule, Subject

_EXACT_ROLES = 6


@dataclass(slots=True)
class ChangeBuilder:
    """Finds the fewest changes that take out who has to go."""

    context: PlanContext
    # Roles that are not to be narrowed: what is left of them would not do.
    broad: set[RoleKey] = field(default_factory=set)
    # Roles without what is too much.
    _narrow: dict[RoleKey, tuple[Rule, ...] | None] = field(default_factory=dict)
    # Whether that of a role costs less, by all that it depends on.
    _pays: dict[tuple[Hashable, ...], bool] = field(default_factory=dict)
    _simulation: Simulation = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the cluster as it is."""
        self._simulation = Simulation(self.context.graph)

    def changes(
        self,
        active: Sequence[RemovalTarget],
        *,
        left_out: frozenset[Pair] = frozenset(),
    ) -> list[PlannedChange]:
        """Return changes that take everybody out of everything, but for what is left out."""
        graph = self.context.graph
        routes = {pair for wanted in active for pair in wanted.routes} - left_out
        direct = {pair for wanted in active for pair in wanted.direct}
        removals = Removals.of(active, direct | routes, graph)
        roles = self._narrowable(direct)
        picked = {key: roles[key] for key in roles if self._is_of_unentitled(key)}
        left = [key for key in roles if key not in picked]
        # Nobody is owed anything by them, so that all they cost is what is written.
        picked = {key: rules for key, rules in picked.items() if len(removals.by_role[key]) > 1}
        if len(roles) <= _EXACT_ROLES:
            best = self._build(removals, picked)
            for count in range(1, len(left) + 1):
                for some in combinations(left, count):
                    narrow = picked | {key: roles[key] for key in some}
                    built = self._build(removals, narrow)
                    best = min(best, built, key=self._cost)
            return best
        # Of the others, only who is owed anything makes a difference.
        few = removals.without(self.context.is_unentitled) if left else removals
        for key in left:
            part = few.about(key, removals.by_role[key])
            here = {each: picked[each] for each in picked if each in part.by_role}
            asked = (key, part.pairs(), frozenset(here))
            pays = self._pays.get(asked)
            if pays is None:
                other = here | {key: roles[key]}
                pays = self._cost(self._build(part, other)) < self._cost(self._build(part, here))
                self._pays[asked] = pays
            if pays:
                picked[key] = roles[key]
        return self._build(removals, picked)

    def _is_of_unentitled(self, role: RoleKey) -> bool:
        """Return whether all whom a role is bound to are owed nothing wherever it counts."""
        return not role.name.startswith(KEPT_PREFIX) and self.context.are_unentitled(
            self.context.pairs(role)
        )

    def _cost(self, changes: Sequence[PlannedChange]) -> tuple[int, int]:
        """Return what is to be small: changes, then subjects owed something that lose more."""
        declared = self.context.declared
        removed = sum(s in declared for change in changes for s in change.removes)
        return len(changes), removed

    def _narrowable(self, direct: set[Pair]) -> dict[RoleKey, tuple[Rule, ...]]:
        """Return the roles that give too much to everybody they are bound to, narrowed."""
        graph = self.context.graph
        wanted = sorted({graph.bindings[key].role for key, _ in direct})
        found: dict[RoleKey, tuple[Rule, ...]] = {}
        for key in wanted:
            role = graph.roles.get(key)
            if role is None or not all(pair in direct for pair in self.context.pairs(key)):
                continue
            if key in self.broad or is_system_role(role):
                continue
            if aggregated(role, self.context.aggregates):
                continue
            if key not in self._narrow:
                self._narrow[key] = self._narrowed(role.rules, sorted(self.context.pairs(key)))
            rules = self._narrow[key]
            # Of a role without any rule nothing is left to bind.
            if rules and rules != role.rules:
                found[key] = rules
        return found

    def _narrowed(self, rules: tuple[Rule, ...], pairs: Iterable[Pair]) -> tuple[Rule, ...] | None:
        dropped = set()
        for key, subject in pairs:
            for scope in self.context.scopes_of(key.namespace):
                held = self.context.reader.held_directly(self.context.graph, scope, subject)
                mask = held.mask
                for bit, _ in held.some:
                    mask |= 1 << bit
                dropped |= drops(
                    mask
                    & scope.terms.reserved
                    & ~scope.entitled(subject, cluster_wide=not key.namespace)
                    & scope.mask,
                    scope,
                )
        return narrowed(rules, dropped)

    def _build(
        self, removals: Removals, narrow: Mapping[RoleKey, tuple[Rule, ...]]
    ) -> list[PlannedChange]:
        graph = self.context.graph
        cuts = [
            _cut(graph.bindings[key], who, removals.ends)
            for role, cut in removals.by_role.items()
            if role not in narrow
            for key, who in cut.items()
        ]
        for role, rules in narrow.items():
            former = graph.roles[role]
            cuts.append(
                PlannedChange(
                    Action.NARROW_ROLE,
                    role,
                    former.uid,
                    rules_before=former.rules,
                    rules_after=rules,
                    ends=tuple(removals.ended_by_role[role]),
                )
            )
        scopes = self.context.scopes
        if removals.namespaces is not None:
            scopes = [scope for scope in scopes if scope.namespace in removals.namespaces]
        after = self._simulation.after(cuts)
        kept = preserve(self.context, after, scopes, touched=removals.touched())
        return sorted((*kept, *cuts), key=lambda change: change.sort_key)


def _cut(binding: Binding, who: set[Subject], ends: Mapping[Pair, Iterable[str]]) -> PlannedChange:
    before = tuple(sorted(somebodies(binding)))
    after = tuple(s for s in before if s not in who)
    ended = {key for subject in who for key in ends.get((binding.key, subject), ())}
    return PlannedChange(
        Action.EDIT_BINDING if after else Action.DELETE_BINDING,
        binding.key,
        binding.uid,
        role=binding.role,
        before=before,
        after=after,
        ends=tuple(sorted(ended)),
    )
