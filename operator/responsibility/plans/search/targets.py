"""Targets: which subjects have to leave which bindings, and what may not be touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from responsibility.ownership.results import wording
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.plans.change import Obstacle, PlannedChange
from responsibility.plans.context import Pair, PlanContext
from responsibility.plans.protect import REASONS, is_granted, is_operator, is_system
from responsibility.plans.scopes import HeldPermissions
from responsibility.plans.search.removals import RemovalTarget
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Source

_KEPT = " kept"


@dataclass(slots=True)
class Targets:
    """The rights that are to end, by what they are known by, and those that nothing may end."""

    context: PlanContext
    # What was worked on before, from where the basis comes.
    earlier: tuple[Finding, ...] = ()
    wanted: dict[str, RemovalTarget] = field(default_factory=dict)
    obstacles: dict[str, Obstacle] = field(default_factory=dict)
    # Pairs that may not be cut: the reason, and the item that it is about.
    held_back: dict[Pair, tuple[str, str]] = field(default_factory=dict)
    # Why not, by pair and whether the right is direct: many findings are about the same.
    _reasons: dict[tuple[Pair, bool], str] = field(default_factory=dict)

    def active(self) -> list[RemovalTarget]:
        """Return what is still to end, in order."""
        return [w for key, w in sorted(self.wanted.items()) if key not in self.obstacles]

    def known(self) -> list[Finding]:
        """Return every finding that was worked on."""
        return [*self.earlier, *(wanted.finding for wanted in self.wanted.values())]

    def key(self, finding: Finding) -> str:
        """Return what a right is known by: direct, by a route, or left with what is kept.

        A direct right may end though a route to it stays, or a part of it that is owed.
        """
        if finding.route:
            return f"{finding.id} route"
        kept = finding.sources and not self._has_any(finding)
        return f"{finding.id}{_KEPT}" if kept else finding.id

    def _has_any(self, finding: Finding) -> bool:
        """Return whether any of a finding's bindings is one that the cluster has now."""
        bindings = self.context.graph.bindings
        return any(s.binding is not None and s.binding in bindings for s in finding.sources)

    def want(self, key: str, finding: Finding, changes: Sequence[PlannedChange] = ()) -> bool:
        """Note what has to go for a finding; return whether that is news."""
        if key.endswith(_KEPT):
            return self._keep(key, finding, changes)
        if not finding.sources or any(source.binding is None for source in finding.sources):
            return self.give_up(key, finding, "built-in" if finding.sources else "not-rbac")
        wanted = self.wanted.setdefault(key, RemovalTarget(finding))
        pairs = self.pairs(finding)
        into = wanted.routes if finding.route else wanted.direct
        if not pairs:
            return self.give_up(key, finding, "not-rbac" if self._has_any(finding) else "owed")
        for pair in sorted(pairs):
            reason = self._protected(pair, finding)
            if reason:
                return self.give_up(key, finding, reason, pair)
        if pairs <= into:
            return False
        into |= pairs
        return True

    def _keep(self, key: str, finding: Finding, changes: Sequence[PlannedChange]) -> bool:
        """Give up what is owed; and all of the right, if the rest would be no less."""
        wanted = self.wanted.get(finding.id)
        if wanted is not None and finding.id not in self.obstacles:
            before = self.context.graph
            if self._exceeds(finding, simulate(before, changes)) == self._exceeds(finding, before):
                self.give_up(finding.id, finding, "owed")
        return self.give_up(key, finding, "owed")

    def _exceeds(self, finding: Finding, graph: AccessGraph) -> list[HeldPermissions]:
        """Return what the subject holds beyond its due of the item, scope by scope."""
        assert finding.subject is not None  # noqa: S101 - excess is somebody's
        found = []
        for scope in self.context.scopes:
            reserved = next((i.reserved for i in scope.terms.items if i.name == finding.item), 0)
            entitled = scope.agreed(finding.subject)
            if finding.hub is None:
                entitled |= scope.entitled_cluster_wide(finding.subject)
            beyond = reserved & ~entitled
            held = self.context.reader.held(graph, scope, finding.subject)
            found.append(held.within(beyond))
        return found

    def pairs(self, finding: Finding) -> set[Pair]:
        """Return who has to leave what for this finding to end."""
        assert finding.subject is not None  # noqa: S101 - excess is somebody's
        graph = self.context.graph
        pairs: set[Pair] = set()
        for source in finding.sources:
            binding = graph.bindings.get(source.binding) if source.binding else None
            if binding is None:
                continue
            if finding.hub is not None and not finding.route and not binding.key.namespace:
                # Whether that is excess, too, a finding of the cluster says.
                continue
            who = (finding.subject,) if not finding.route else with_implied_groups(finding.subject)
            members = self.context.members(binding.key)
            pairs.update((binding.key, each) for each in who if each in members)
        return pairs

    def _protected(self, pair: Pair, finding: Finding) -> str:
        asked = (pair, not finding.route)
        if asked not in self._reasons:
            self._reasons[asked] = self._reason(pair, whole=not finding.route)
        return self._reasons[asked] or self.held_back.get(pair, ("", ""))[0]

    def _reason(self, pair: Pair, *, whole: bool) -> str:
        """Return why no plan may cut a pair, whatever else is in it; mostly empty."""
        key, subject = pair
        binding = self.context.graph.bindings[key]
        if is_operator(subject, self.context.snapshot.operator):
            return "own-right"
        if is_system(binding):
            return "system-object"
        if is_granted(binding):
            return "granted"
        return "let-through" if self._works_with(pair, whole=whole) else ""

    def _works_with(self, pair: Pair, *, whole: bool) -> str:
        """Return why a subject is let through with all that a binding gives it; mostly empty.

        Without ``whole``, being let through for some items will do.
        """
        key, subject = pair
        graph = self.context.graph
        role = graph.bindings[key].role
        rules = graph.roles[role].rules if role in graph.roles else ()
        sources = [Source(key, role, number) for number in range(len(rules))]
        for scope in self.context.scopes_of(key.namespace) if key.namespace else ():
            for each in scope.exempt.of_subject(subject):
                if whole and not all(each.for_item(item.name) for item in scope.terms.items):
                    continue
                if all(each.covers_source(s, graph, scope.names) for s in sources):
                    return each.reason
        return ""

    def hold(self, pairs: Mapping[Pair, tuple[str, str]]) -> bool:
        """Hold pairs back; return whether that is news."""
        news = {pair: why for pair, why in pairs.items() if pair not in self.held_back}
        self.held_back |= news
        return bool(news)

    def anew(self) -> Targets:
        """Return targets of which nothing is wanted yet, with the same held back."""
        return Targets(self.context, self.earlier, held_back=self.held_back)

    def give_up(self, key: str, finding: Finding, reason: str, pair: Pair | None = None) -> bool:
        """Note that a right stays, why, and what to do instead; return whether that is news."""
        if key in self.obstacles:
            return False
        known = REASONS[reason]
        item = self.held_back[pair][1] if pair in self.held_back else finding.item
        words = {
            "subject": str(pair[1] if pair else finding.subject),
            "binding": str(pair[0]) if pair else "",
            "binding_arguments": wording.binding_arguments(pair[0]) if pair else "",
            "item": item or finding.item,
            "reason": (self._works_with(pair, whole=False) if pair else "").rstrip("."),
        }
        self.obstacles[key] = Obstacle(
            reason, finding, known.why.format(**words), known.instead.format(**words)
        )
        return True
