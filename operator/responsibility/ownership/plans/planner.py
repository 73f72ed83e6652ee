"""Find a plan: try changes on the access graph, assess what comes of them, and try again.

The assessment itself is the judge of whether a right has ended, so a plan counts every source and
every route that findings count. What has to go is mostly forced: a right ends only when the last
of its sources does, and a route of one step only at that step. There is a choice where

* a role gives too much to everybody it is bound to: it is narrowed instead of cutting each binding,
  if that is fewer changes (all combinations up to `_EXACT_ROLES` such roles, one by one beyond);
* a step of a route needs several rights at once: of those, as few as possible are taken (all
  combinations up to `_EXACT_PAIRS`, beyond that each is left out if the plan does without).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from responsibility.ownership.assess import Assessor
from responsibility.ownership.assessment import Assessment
from responsibility.ownership.entitlement import selves
from responsibility.ownership.findings import Finding
from responsibility.ownership.plans.aim import Aim
from responsibility.ownership.plans.change import Action, Change, Obstacle, Plan
from responsibility.ownership.plans.keep import PREFIX, keep
from responsibility.ownership.plans.losses import Teller
from responsibility.ownership.plans.narrow import aggregated, drops, narrowed
from responsibility.ownership.plans.places import Held, Ledger, Place, places
from responsibility.ownership.plans.protect import (
    REASONS,
    is_granted,
    is_own,
    is_system,
    is_system_role,
)
from responsibility.ownership.plans.simulate import simulate, somebodies
from responsibility.ownership.questions import bits
from responsibility.ownership.snapshot import Snapshot
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    Attributes,
    Binding,
    BindingKey,
    RoleKey,
    Rule,
    Subject,
    Truth,
)

# A subject to be taken out of a binding.
Pair = tuple[BindingKey, Subject]

_EXACT_ROLES = 6
_EXACT_PAIRS = 6
# Each is an assessment with routes; beyond so many, what could be left out is not looked for.
_MOST_TRIED = 64


def make_plan(
    snapshot: Snapshot,
    aim: Aim,
    *,
    assessor: Assessor | None = None,
    sees: Iterable[Attributes] = (),
) -> Plan:
    """Return the plan that ends all excess rights that are meant, as far as RBAC can.

    ``assessor`` saves work where it knows the snapshot; ``sees`` are the rights without which
    the operator would be blind.
    """
    return _Planner(snapshot, aim, assessor or Assessor(), tuple(sees)).plan()


@dataclass(slots=True)
class _Wanted:
    """What has to go for one finding to end."""

    finding: Finding
    direct: set[Pair] = field(default_factory=set)
    routes: set[Pair] = field(default_factory=set)


@dataclass(slots=True)
class _Work:
    """All that has to go: by role and binding, whom to take out; and which findings that ends.

    With ``namespaces``, it is only what counts there.
    """

    by_role: dict[RoleKey, dict[BindingKey, set[Subject]]]
    ends: dict[Pair, list[str]]
    ended_by_role: dict[RoleKey, list[str]]
    namespaces: frozenset[str] | None = None

    @classmethod
    def of(cls, active: Iterable[_Wanted], pairs: Iterable[Pair], graph: AccessGraph) -> _Work:
        """Put it in order."""
        work = cls({}, {}, {})
        for key, subject in pairs:
            role = work.by_role.setdefault(graph.bindings[key].role, {})
            role.setdefault(key, set()).add(subject)
        for wanted in active:
            name = wanted.finding.id
            for pair in wanted.direct | wanted.routes:
                work.ends.setdefault(pair, []).append(name)
            for bound in {graph.bindings[key].role for key, _ in wanted.direct}:
                work.ended_by_role.setdefault(bound, []).append(name)
        return work

    def without(self, out: Callable[[Pair], bool]) -> _Work:
        """Return it without some of the subjects."""
        by_role: dict[RoleKey, dict[BindingKey, set[Subject]]] = {}
        for role, cut in self.by_role.items():
            for key, who in cut.items():
                some = {each for each in who if not out((key, each))}
                if some:
                    by_role.setdefault(role, {})[key] = some
        return replace(self, by_role=by_role)

    def about(self, role: RoleKey, whole: dict[BindingKey, set[Subject]]) -> _Work:
        """Return the part that decides what a role costs: where it is bound, and the cluster.

        ``whole`` is all that would have to go of that role.
        """
        here = {key.namespace for key in self.by_role.get(role, {})}
        everywhere = "" in here or role.name.startswith(PREFIX)
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

    def touched(self) -> dict[str, set[Subject]]:
        """Return by namespace who is taken out of anything."""
        found: dict[str, set[Subject]] = {}
        for cut in self.by_role.values():
            for key, who in cut.items():
                found.setdefault(key.namespace, set()).update(who)
        return found


@dataclass(slots=True)
class _Planner:
    snapshot: Snapshot
    aim: Aim
    assessor: Assessor
    sees: tuple[Attributes, ...]
    places: list[Place] = field(init=False)
    by_namespace: dict[str, list[Place]] = field(init=False, default_factory=dict)
    # Everybody who is owed anything by an agreement, and the bindings of each role.
    declared: frozenset[Subject] = field(init=False, default_factory=frozenset)
    bound: dict[RoleKey, list[Binding]] = field(init=False, default_factory=dict)
    # Known already: who is owed nothing in a namespace, and roles without what is too much.
    strangers: dict[tuple[str, Subject], bool] = field(init=False, default_factory=dict)
    narrow: dict[RoleKey, tuple[Rule, ...] | None] = field(init=False, default_factory=dict)
    alone: dict[Pair, AccessGraph] = field(init=False, default_factory=dict)
    ledger: Ledger = field(init=False, default_factory=Ledger)
    targets: dict[str, _Wanted] = field(init=False, default_factory=dict)
    obstacles: dict[str, Obstacle] = field(init=False, default_factory=dict)
    # Pairs that may not be cut: the reason, and the item that it is about.
    held_back: dict[Pair, tuple[str, str]] = field(init=False, default_factory=dict)
    gone: frozenset[Subject] = field(init=False, default_factory=frozenset)
    # Roles that are not to be narrowed: what is left of them would not do.
    broad: set[RoleKey] = field(init=False, default_factory=set)
    # Whether those who keep something keep what nobody reserves, too.
    generous: bool = field(init=False, default=True)

    def plan(self) -> Plan:
        assessment = self.assessor.assess(self.snapshot)
        self.places = places(self.snapshot, assessment)
        for place in self.places:
            self.by_namespace.setdefault(place.namespace, []).append(place)
        self.declared = frozenset(s for place in self.places for s in place.declared())
        for binding in self.snapshot.graph.bindings.values():
            self.bound.setdefault(binding.role, []).append(binding)
        if self.snapshot.accounts is not None:
            self.gone = frozenset(
                s
                for s in self.declared
                if s.kind == SERVICE_ACCOUNT and (s.namespace, s.name) not in self.snapshot.accounts
            )
        for finding in self.aim.findings(assessment):
            self._want(self._key(finding), finding)
        changes = self._settle()
        while self._guard(changes):
            changes = self._settle()
        changes = self._spare(changes)
        ended = [w.finding for key, w in sorted(self.targets.items()) if key not in self.obstacles]
        return self._told(changes, ended)

    # --- what has to go ---------------------------------------------------------------------

    def _key(self, finding: Finding) -> str:
        """Return what a right is known by: direct, by a route, or left with what is kept.

        A direct right may end though a route to it stays, or a part of it that is owed.
        """
        if finding.steps:
            return f"{finding.id} route"
        kept = finding.sources and not self._has_any(finding)
        return f"{finding.id} kept" if kept else finding.id

    def _has_any(self, finding: Finding) -> bool:
        """Return whether any of a finding's bindings is one that the cluster has now."""
        bindings = self.snapshot.graph.bindings
        return any(s.binding is not None and s.binding in bindings for s in finding.sources)

    def _want(self, key: str, finding: Finding, changes: Sequence[Change] = ()) -> bool:
        """Note what has to go for a finding; return whether that is news."""
        if key.endswith(" kept"):
            return self._keep(key, finding, changes)
        if not finding.sources or any(source.binding is None for source in finding.sources):
            return self._give_up(key, finding, "built-in" if finding.sources else "not-rbac")
        wanted = self.targets.setdefault(key, _Wanted(finding))
        pairs = self._pairs(finding)
        into = wanted.routes if finding.steps else wanted.direct
        if not pairs:
            return self._give_up(key, finding, "not-rbac" if self._has_any(finding) else "owed")
        for pair in sorted(pairs):
            reason = self._protected(pair, finding)
            if reason:
                return self._give_up(key, finding, reason, pair)
        if pairs <= into:
            return False
        into |= pairs
        return True

    def _keep(self, key: str, finding: Finding, changes: Sequence[Change]) -> bool:
        """Give up what is owed; and all of the right, if the rest would be no less."""
        if self.generous:
            self.generous = False
            return True
        wanted = self.targets.get(finding.id)
        if wanted is not None and finding.id not in self.obstacles:
            after = simulate(self.snapshot.graph, changes)
            if self._exceeds(finding, after) == self._exceeds(finding, self.snapshot.graph):
                self._give_up(finding.id, finding, "owed")
        return self._give_up(key, finding, "owed")

    def _exceeds(self, finding: Finding, graph: AccessGraph) -> list[Held]:
        """Return what the subject holds beyond its due of the item, place by place."""
        assert finding.subject is not None  # noqa: S101 - excess is somebody's
        found = []
        for place in self.places:
            reserved = next((i.reserved for i in place.terms.items if i.name == finding.item), 0)
            beyond = reserved & ~place.entitled(finding.subject)
            found.append(self.ledger.held(graph, place, finding.subject).within(beyond))
        return found

    def _pairs(self, finding: Finding) -> set[Pair]:
        assert finding.subject is not None  # noqa: S101 - excess is somebody's
        graph = self.snapshot.graph
        pairs: set[Pair] = set()
        for source in finding.sources:
            binding = graph.bindings.get(source.binding) if source.binding else None
            if binding is None:
                continue
            if finding.hub is not None and not finding.steps and not binding.key.namespace:
                # Whether that is excess, too, a finding of the cluster says.
                continue
            who = (finding.subject,) if not finding.steps else selves(finding.subject)
            pairs.update((binding.key, each) for each in who if each in somebodies(binding))
        return pairs

    def _protected(self, pair: Pair, finding: Finding) -> str:
        key, subject = pair
        if is_own(subject, self.snapshot.own):
            return "own-right"
        if is_system(self.snapshot.graph.bindings[key]):
            return "system-object"
        if is_granted(self.snapshot.graph.bindings[key]):
            return "granted"
        if self._works_with(pair, whole=not finding.steps):
            return "let-through"
        return self.held_back.get(pair, ("", ""))[0]

    def _works_with(self, pair: Pair, *, whole: bool) -> str:
        """Return why a subject is let through where a binding gives it rights; mostly empty.

        Without ``whole``, being let through for some items will do.
        """
        key, subject = pair
        for place in self._where(key.namespace) if key.namespace else ():
            for each in place.exempt.of_subject(subject):
                if not whole or all(each.for_item(item.name) for item in place.terms.items):
                    return each.reason
        return ""

    def _give_up(self, key: str, finding: Finding, reason: str, pair: Pair | None = None) -> bool:
        if key in self.obstacles:
            return False
        known = REASONS[reason]
        item = self.held_back[pair][1] if pair in self.held_back else finding.item
        words = {
            "subject": str(pair[1] if pair else finding.subject),
            "binding": str(pair[0]) if pair else "",
            "binding_arguments": _arguments(pair[0]) if pair else "",
            "item": item or finding.item,
            "reason": (self._works_with(pair, whole=False) if pair else "").rstrip("."),
        }
        self.obstacles[key] = Obstacle(
            reason, finding, known.why.format(**words), known.instead.format(**words)
        )
        return True

    def _active(self) -> list[_Wanted]:
        return [w for key, w in sorted(self.targets.items()) if key not in self.obstacles]

    # --- until nothing is left --------------------------------------------------------------

    def _settle(self) -> list[Change]:
        """Return changes after which only what is given up is left."""
        while True:
            changes = self._changes()
            if not self._progress(changes):
                return changes

    def _progress(self, changes: Sequence[Change]) -> bool:
        """Assess what the changes lead to, and return whether there is more to do."""
        left = {self._key(finding): finding for finding in self._left(changes)}
        stuck = {key: finding for key, finding in left.items() if key not in self.obstacles}
        if any([self._want(key, finding, changes) for key, finding in stuck.items()]):  # noqa: C419 - all
            return True
        if not stuck:
            return False
        # All that it takes has been cut, and still the right is there: by what is left of a role,
        # or by what is kept.
        narrow = {c.key for c in changes if c.action is Action.NARROW_ROLE} - self.broad
        for finding in stuck.values():
            roles = {self.snapshot.graph.bindings[key].role for key, _ in self._pairs(finding)}
            if roles & narrow:
                self.broad |= {key for key in roles if key in narrow}
                return True
        if self.generous:
            self.generous = False
            return True
        for key, finding in stuck.items():
            self._give_up(key, finding, "owed")
        return True

    def _left(self, changes: Sequence[Change]) -> list[Finding]:
        graph = simulate(self.snapshot.graph, changes)
        assessment = self._assess(graph)
        known = [wanted.finding for wanted in self.targets.values()]
        return self.aim.further(assessment, known)

    def _assess(self, graph: AccessGraph) -> Assessment:
        return self.assessor.assess(replace(self.snapshot, graph=graph))

    # --- from what has to go to changes ------------------------------------------------------

    def _changes(self, left_out: frozenset[Pair] = frozenset()) -> list[Change]:
        active = self._active()
        routes = {pair for wanted in active for pair in wanted.routes} - left_out
        direct = {pair for wanted in active for pair in wanted.direct}
        work = _Work.of(active, direct | routes, self.snapshot.graph)
        roles = self._narrowable(direct)
        picked = {key: roles[key] for key in roles if self._is_of_strangers(key)}
        left = [key for key in roles if key not in picked]
        # Nobody is owed anything by them, so that all they cost is what is written.
        picked = {key: rules for key, rules in picked.items() if len(work.by_role[key]) > 1}
        if len(roles) <= _EXACT_ROLES:
            best = self._build(work, picked)
            for count in range(1, len(left) + 1):
                for some in combinations(left, count):
                    narrow = picked | {key: roles[key] for key in some}
                    best = min(best, self._build(work, narrow), key=self._cost)
            return best
        # Of the others, only who is owed anything makes a difference.
        few = work.without(self._is_stranger) if left else work
        for key in left:
            part = few.about(key, work.by_role[key])
            here = {each: picked[each] for each in picked if each in part.by_role}
            other = here | {key: roles[key]}
            if self._cost(self._build(part, other)) < self._cost(self._build(part, here)):
                picked[key] = roles[key]
        return self._build(work, picked)

    def _is_of_strangers(self, role: RoleKey) -> bool:
        """Return whether all whom a role is bound to are owed nothing wherever it counts."""
        return not role.name.startswith(PREFIX) and all(
            self._is_stranger((binding.key, who))
            for binding in self.bound[role]
            for who in somebodies(binding)
        )

    def _is_stranger(self, pair: Pair) -> bool:
        """Return whether nothing is owed to a subject where the binding counts."""
        key, who = pair
        known = self.strangers.get((key.namespace, who))
        if known is None:
            known = self.strangers[key.namespace, who] = (
                # A group that comes by nature has members that are owed something.
                not (who.kind == GROUP and not is_joinable(who.name))
                and who not in self.declared
                and not any(place.owed(who) for place in self._where(key.namespace))
            )
        return known

    def _where(self, namespace: str) -> Sequence[Place]:
        """Return the places in which a binding of a namespace counts."""
        return self.by_namespace.get(namespace, ()) if namespace else self.places

    def _cost(self, changes: Sequence[Change]) -> tuple[int, int]:
        """Return what is to be small: changes, then subjects owed something that lose more."""
        removed = sum(s in self.declared for change in changes for s in change.removes)
        return len(changes), removed

    def _narrowable(self, direct: set[Pair]) -> dict[RoleKey, tuple[Rule, ...]]:
        """Return the roles that give too much to everybody they are bound to, narrowed."""
        graph = self.snapshot.graph
        wanted = sorted({graph.bindings[key].role for key, _ in direct})
        found: dict[RoleKey, tuple[Rule, ...]] = {}
        for key in wanted:
            role = graph.roles.get(key)
            pairs = {(b.key, s) for b in self.bound[key] for s in somebodies(b)}
            if role is None or not pairs <= direct:
                continue
            if key in self.broad or is_system_role(role) or aggregated(role):
                continue
            if key not in self.narrow:
                self.narrow[key] = self._narrow(role.rules, pairs)
            rules = self.narrow[key]
            # Of a role without any rule nothing is left to bind.
            if rules and rules != role.rules:
                found[key] = rules
        return found

    def _narrow(self, rules: tuple[Rule, ...], pairs: set[Pair]) -> tuple[Rule, ...] | None:
        dropped = set()
        for key, subject in sorted(pairs):
            for place in self._where(key.namespace):
                held = self.ledger.own(self.snapshot.graph, place, subject)
                mask = held.mask
                for bit, _ in held.some:
                    mask |= 1 << bit
                dropped |= drops(
                    mask & place.terms.reserved & ~place.owed(subject) & place.scope, place
                )
        return narrowed(rules, dropped)

    def _build(self, work: _Work, narrow: Mapping[RoleKey, tuple[Rule, ...]]) -> list[Change]:
        graph = self.snapshot.graph
        cuts = [
            _cut(graph.bindings[key], who, work.ends)
            for role, cut in work.by_role.items()
            if role not in narrow
            for key, who in cut.items()
        ]
        for role, rules in narrow.items():
            former = graph.roles[role]
            cuts.append(
                Change(
                    Action.NARROW_ROLE,
                    role,
                    former.uid,
                    rules_before=former.rules,
                    rules_after=rules,
                    ends=tuple(work.ended_by_role[role]),
                )
            )
        after = simulate(graph, cuts)
        where = self.places
        if work.namespaces is not None:
            where = [place for place in where if place.namespace in work.namespaces]
        kept = keep(graph, after, where, touched=work.touched(), ledger=self.ledger, gone=self.gone)
        return sorted((*kept, *cuts), key=lambda change: change.place)

    # --- what must not happen ----------------------------------------------------------------

    def _guard(self, changes: Sequence[Change]) -> bool:
        """Hold back what would leave an item to nobody, or the operator blind."""
        before = len(self.held_back)
        after = simulate(self.snapshot.graph, changes)
        cut = [
            (c.key, s)
            for c in changes
            if isinstance(c.key, BindingKey) and c.action is not Action.CREATE_BINDING
            for s in c.removes
        ]
        self._guard_items(after, cut, changes)
        self._guard_sight(after, cut)
        if len(self.held_back) == before:
            return False
        for wanted in self._active():
            for pair in sorted(wanted.direct | wanted.routes):
                if pair in self.held_back:
                    key = self._key(wanted.finding)
                    self._give_up(key, wanted.finding, self.held_back[pair][0], pair)
                    break
        return True

    def _guard_items(
        self, after: AccessGraph, cut: Sequence[Pair], changes: Sequence[Change]
    ) -> None:
        graph = self.snapshot.graph
        pairs = list(cut)
        for change in changes:
            if isinstance(change.key, RoleKey) and change.action is Action.NARROW_ROLE:
                pairs += [(b.key, s) for b in self.bound[change.key] for s in somebodies(b)]
        by_namespace: dict[str, list[Pair]] = {}
        for pair in pairs:
            by_namespace.setdefault(pair[0].namespace, []).append(pair)
        for place in self.places:
            here = [
                pair
                for namespace in dict.fromkeys(("", place.namespace))
                for pair in by_namespace.get(namespace, ())
            ]
            if not here:
                continue
            holders = self.ledger.holders(graph, place)
            before = self._people(graph, place)
            now = self._people(after, place)
            for item in place.items:
                needs = (item.required or item.reserved) & place.scope
                # What nothing asks for item by item is needed as a whole.
                lost = (
                    needs & before & ~now
                    if item.required
                    else (needs & before if not needs & now else 0)
                )
                if lost:
                    concerned = [pair for pair in here if holders.get(pair[1], 0) & lost]
                    self._hold(place, lost, item.name, concerned)

    def _people(self, graph: AccessGraph, place: Place) -> int:
        """Return what anybody at all can do in a place who isn't Kubernetes itself."""
        mask = 0
        for subject, held in self.ledger.holders(graph, place).items():
            if subject != MASTERS_SUBJECT and not _of_kubernetes(subject):
                mask |= held
        if self.snapshot.reviews.answers:
            for subject in place.declared():
                for bit in bits(place.scope & ~mask):
                    asked = place.questions.atoms[bit].attributes(place.names)
                    if self.snapshot.reviews.allows(subject, asked):
                        mask |= 1 << bit
        return mask

    def _hold(self, place: Place, lost: int, item: str, pairs: Iterable[Pair]) -> None:
        gives: dict[Subject, dict[Pair, int]] = {}
        for key, subject in pairs:
            mask = self.ledger.own(self._alone((key, subject)), place, subject).mask & lost
            if mask:
                gives.setdefault(subject, {})[key, subject] = mask
        # As few as will do; rather somebody who is a party to it than a stranger.
        declared = set(place.declared())
        for subject in sorted(gives, key=lambda s: (s not in declared, s)):
            held = {pair: mask for pair, mask in gives[subject].items() if mask & lost}
            for pair, mask in held.items():
                self.held_back.setdefault(pair, ("last-holder", item))
                lost &= ~mask

    def _alone(self, pair: Pair) -> AccessGraph:
        """Return a cluster with nothing in it but this subject in this binding."""
        known = self.alone.get(pair)
        if known is None:
            binding = self.snapshot.graph.bindings[pair[0]]
            role = self.snapshot.graph.roles.get(binding.role)
            known = self.alone[pair] = AccessGraph.build(
                [role] if role else [], [replace(binding, subjects=(pair[1],))]
            )
        return known

    def _guard_sight(self, after: AccessGraph, cut: Sequence[Pair]) -> None:
        own = self.snapshot.own
        if own is None:
            return
        for asked in self.sees:
            if self.snapshot.graph.holds(own, asked)[0] is not Truth.YES:
                continue
            if after.holds(own, asked)[0] is Truth.YES:
                continue
            for key, subject in cut:
                if subject in selves(own):
                    self.held_back.setdefault((key, subject), ("blind", ""))

    # --- as little as possible ----------------------------------------------------------------

    def _spare(self, changes: list[Change]) -> list[Change]:
        """Leave out what the plan can do without: of what routes need, not all has to go."""
        active = self._active()
        direct = {pair for wanted in active for pair in wanted.direct}
        loose = sorted({pair for wanted in active for pair in wanted.routes} - direct)
        if not loose or len(loose) > _MOST_TRIED:
            return changes
        if len(loose) <= _EXACT_PAIRS:
            # From the largest set to leave out to the smallest.
            for count in range(len(loose), 0, -1):
                fitting = [
                    trial
                    for some in combinations(loose, count)
                    if (trial := self._without(frozenset(some))) is not None
                ]
                if fitting:
                    return min(fitting, key=lambda c: (len(c), [x.place for x in c]))
            return changes
        out: frozenset[Pair] = frozenset()
        for pair in loose:
            trial = self._without(out | {pair})
            if trial is not None:
                out, changes = out | {pair}, trial
        return changes

    def _without(self, out: frozenset[Pair]) -> list[Change] | None:
        changes = self._changes(out)
        left = {self._key(finding) for finding in self._left(changes)}
        return changes if left <= self.obstacles.keys() else None

    # --- to be read ------------------------------------------------------------------------------

    def _told(self, changes: Sequence[Change], ended: Sequence[Finding]) -> Plan:
        after = simulate(self.snapshot.graph, changes)
        teller = Teller(self.snapshot, after, self.places, self.ledger)
        return Plan(
            aim=str(self.aim),
            routes=self.snapshot.routes,
            changes=tuple(teller.tell(change) for change in changes),
            ended=tuple(ended),
            obstacles=tuple(self.obstacles[key] for key in sorted(self.obstacles)),
        )


def _cut(binding: Binding, who: set[Subject], ends: Mapping[Pair, Iterable[str]]) -> Change:
    before = tuple(sorted(somebodies(binding)))
    after = tuple(s for s in before if s not in who)
    ended = {key for subject in who for key in ends.get((binding.key, subject), ())}
    return Change(
        Action.EDIT_BINDING if after else Action.DELETE_BINDING,
        binding.key,
        binding.uid,
        role=binding.role,
        before=before,
        after=after,
        ends=tuple(sorted(ended)),
    )


def _of_kubernetes(subject: Subject) -> bool:
    """Return whether a subject is a part of the control plane, which acts for no party."""
    return subject.name.startswith("system:") or subject.namespace == "kube-system"


def _arguments(key: BindingKey) -> str:
    if key.namespace:
        return f"rolebinding {key.name} -n {key.namespace}"
    return f"clusterrolebinding {key.name}"
