"""Hollow enforcement: items at ``deny`` whose effect somebody reaches by what is not refused.

A request is refused by the policy of an item that reserves it, and passes for whoever may act by
any item that says something about it (``admission/policies/guards.py`` writes the policies by the
same rule). So an item at ``deny`` is void where somebody who is refused can

* act as a ServiceAccount of the hub's namespace that passes, by a token, a pod, commands in one,
  and that account holds the right or can be given it by a RoleBinding;
* delete the object and create it anew as it likes;

and where what that takes belongs to items that are only observed or warned. Whoever gets there
whichever items are at ``deny`` is left out: an owner may do it by agreement (whoever has an object
as a whole may make it anew), and impersonation never reaches admission, so that only taking the
right away helps; as excess access it is told.

Only the namespace is looked at, and only whom its own bindings name: what cluster-wide rights and
other namespaces open is told as excess access of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from responsibility.api.stages import AdmissionStage
from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.access.hub_refusals import HubRefusals
from responsibility.ownership.access.refusals import BIND, RefusalTables, RefusedEffect, Remake
from responsibility.ownership.access.side_ways import Goal, Passage, SideWays
from responsibility.ownership.results.facts import SideDoor
from responsibility.ownership.results.findings import HOLLOW, Finding
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.entitlement import (
    ExemptionBook,
)
from responsibility.ownership.terms.permission_index import bits, mask_of
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.escalation.technique import (
    TOKEN,
    WORKLOAD,
    Technique,
)
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject


@dataclass(frozen=True, slots=True)
class _Into:
    """A step of a way: one account acts as another."""

    technique: Technique
    actor: int
    target: int

    def step(self, hub: HubRefusals) -> Step:
        actor, target = hub.subjects[self.actor], hub.subjects[self.target]
        sources = hub.sources_of(actor, self.technique.requirements, target.name)
        words = self.technique.words.format(target=target)
        return Step(self.technique.route, actor, words, sources, target, target.namespace)


@dataclass(frozen=True, slots=True)
class _MakesAnew:
    """The end of a way: somebody makes an object anew."""

    actor: int
    remake: Remake

    def step(self, hub: HubRefusals) -> Step:
        actor, remake = hub.subjects[self.actor], self.remake
        name = hub.agreement.names.fill(remake.name)
        what = f"{remake.resource} {name}" if name else f"any {remake.resource}"
        sources = hub.remake_sources(actor, remake)
        return Step(WORKLOAD, actor, f"delete {what} and create it anew", sources)


@dataclass(frozen=True, slots=True)
class _Passes:
    """The end of a way: an account does what it is let through for."""

    target: int
    bit: int

    def step(self, hub: HubRefusals) -> Step:
        words = f"{_text(hub, self.bit)}, for which it is let through"
        return Step(TOKEN, hub.subjects[self.target], words, ())


@dataclass(frozen=True, slots=True)
class _Binds:
    """The end of a way: somebody binds an account that is let through to a right of its own."""

    helper: int
    target: int
    bit: int

    def step(self, hub: HubRefusals) -> Step:
        who, whom = hub.subjects[self.helper], hub.subjects[self.target]
        words = (
            f"bind {whom} to its own right to {_text(hub, self.bit)}, for which that is let through"
        )
        return Step(WORKLOAD, who, words, hub.sources_of(who, (BIND,), ""))


_Move = _Into | _MakesAnew | _Passes | _Binds


@dataclass(slots=True, eq=False)
class _Ways:
    """The ways of one hub to the effects of its items, put together as far as they are asked."""

    hub: HubRefusals
    accounts: list[int] = field(init=False)
    edges: dict[int, list[tuple[int, Passage[_Move]]]] = field(init=False)
    # Who may give others a right by a RoleBinding, the items that refuse it, and its own rights.
    _helpers: list[tuple[int, int, int]] = field(init=False)
    # Through an account, by the items for which one passes oneself: it is the same for all these.
    _through: dict[tuple[int, int, int], list[Goal[_Move]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find who can act as which account of the hub's namespace, and who can bind."""
        hub = self.hub
        self.accounts = [
            number
            for number, subject in enumerate(hub.subjects)
            if subject.kind == SERVICE_ACCOUNT and subject.namespace == hub.namespace
        ]
        free = [
            (number, subject)
            for number, subject in enumerate(hub.subjects)
            if subject not in hub.rights.unrestricted
        ]
        self.edges = {
            number: leading
            for number, actor in free
            if (leading := list(self._leading(number, actor)))
        }
        self._helpers = [
            (number, asked[0], hub.held(who))
            for number, who in free
            if (asked := hub.ask(who, BIND)) is not None
        ]

    def _leading(self, number: int, actor: Subject) -> Iterator[tuple[int, Passage[_Move]]]:
        for target in self.accounts:
            if target != number:
                for closed_by, technique in self.hub.ways_into(actor, self.hub.subjects[target]):
                    yield target, Passage(closed_by, _Into(technique, number, target))

    def to_effects(self, lines: int) -> SideWays[_Move]:
        """Return the graph of them, to the effects of some items."""
        hub = self.hub
        goals = {
            number: found
            for number, actor in enumerate(hub.subjects)
            if hub.is_stranger(actor) and (found := list(self._goals(number, actor, lines)))
        }
        return SideWays(self.edges, goals)

    def _goals(self, number: int, actor: Subject, lines: int) -> Iterator[Goal[_Move]]:
        """Yield how the effect of each of some items that refuse an actor can be reached."""
        hub, passes = self.hub, self.hub.passes(actor)
        for line in bits(lines):
            refused = hub.table.refused(line, passes)
            if not refused or hub.agreement.items[line].name in hub.agreement.unresolved:
                continue
            for closed_by, remake in hub.remakes(actor, line):
                yield Goal(line, number, Passage(closed_by, _MakesAnew(number, remake)), number)
            for target in self.accounts:
                if target == number:
                    continue
                known = self._through.get((target, line, passes))
                if known is None:
                    known = list(self._as_another(target, line, refused))
                    self._through[target, line, passes] = known
                yield from known

    def _as_another(
        self, target: int, line: int, refused: Sequence[RefusedEffect]
    ) -> Iterator[Goal[_Move]]:
        """Yield how an item's effect is reached by acting as an account that passes."""
        hub, whom = self.hub, self.hub.subjects[target]
        passes = hub.passes(whom)
        mask = mask_of(effect.bit for effect in refused if effect.allowed & passes)
        if held := hub.held(whom) & mask:
            yield Goal(line, target, Passage(0, _Passes(target, next(bits(held)))), target)
            return
        for helper, closed_by, rights in self._helpers if mask else ():
            if given := rights & mask:
                binds = _Binds(helper, target, next(bits(given)))
                yield Goal(line, target, Passage(closed_by, binds), helper)


def _text(hub: HubRefusals, bit: int) -> str:
    permission = hub.agreement.terms.permissions.by_bit[bit].named(hub.agreement.names)
    name = f" {permission.name}" if permission.name else ""
    return f"{permission.verb} {permission.full_resource}{name}"


def _alike(hub: HubRefusals, subjects: Iterable[Subject]) -> dict[Subject, int]:
    """Return one of those who are alike, and how many they are; accounts of the hub each alone.

    Hundreds may be bound to the same role. Who opens no way is left out.
    """
    found: dict[Subject, int] = {}
    first: dict[object, Subject] = {}
    for subject in sorted(dict.fromkeys(subjects)):
        if subject.kind == SERVICE_ACCOUNT and subject.namespace == hub.namespace:
            found[subject] = 1
        elif (like := hub.like(subject)) is not None:
            one = first.setdefault(like, subject)
            found[one] = found.get(one, 0) + 1
    return found


def hollow_findings(
    agreement: Agreement,
    book: ExemptionBook,
    rights: Permissions,
    *,
    layers: Sequence[Mapping[Subject, Holding]],
    now: datetime,
    tables: RefusalTables,
) -> Iterator[Finding]:
    """Yield the items of a hub that are to refuse, and are hollow; ``layers`` are who holds what.

    The first layer is the hub's namespace. What many hubs have in common is kept in ``tables``.
    """
    items = agreement.items
    denied = mask_of(n for n, i in enumerate(items) if i.admission is AdmissionStage.DENY)
    if not denied:
        return
    namespace = agreement.hub.namespace
    hub = HubRefusals(agreement, book, rights, layers, now, tables)
    if not hub.table.guarding & ~denied:
        # What is left open then is closed by no item.
        return
    graph = rights.graph
    accounts = (
        s for s in tables.wide_accounts(graph, namespace) if any(s in wide for wide in layers[1:])
    )
    members = _alike(hub, (*graph.scope(namespace).by_subject, *accounts))
    hub.subjects.extend(members)
    ways = _Ways(hub)
    paths = ways.to_effects(denied)
    found = paths.open(denied)
    if not found:
        return
    # What is to be raised must not be hollow either, and closes by others in turn.
    lines, more = denied, paths.closers()
    while more & ~lines:
        lines |= more
        paths = ways.to_effects(lines)
        more = paths.closers()
    together = tuple(items[n].name for n in bits(paths.to_raise(denied)))
    for line, way in found.items():
        item, route = items[line], tuple(move.step(hub) for move in way.words)
        others = sum(members[hub.subjects[n]] for n in paths.actors(line, denied)) - 1
        yield Finding(
            kind=HOLLOW,
            item=item.name,
            number=item.terms.number,
            hub=agreement.hub,
            title=item.terms.title,
            subject=hub.subjects[way.actor],
            owners=(agreement.parties[item.owner].label,)
            if item.owner in agreement.parties
            else (),
            route=route,
            sources=tuple(dict.fromkeys(s for step in route[:1] for s in step.sources)),
            facts=SideDoor(
                closed_by=tuple(items[n].name for n in bits(way.closed_by)),
                together=together,
                others=others,
            ),
        )
