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
from datetime import datetime
from functools import reduce
from operator import or_

from responsibility import api_groups
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.access.refusals import HubRefusals, RefusedEffect, on_object
from responsibility.ownership.access.side_ways import Goal, Passage, SideWays
from responsibility.ownership.results.facts import SideDoor
from responsibility.ownership.results.findings import HOLLOW, Finding
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.entitlement import (
    ExemptionBook,
    is_break_glass,
    with_implied_groups,
)
from responsibility.ownership.terms.permission_index import Permission, bits, mask_of
from responsibility.rbac.control_planes import is_control_plane_subject
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.escalation.technique import (
    EXEC,
    TOKEN,
    WORKLOAD,
    Requirement,
    Technique,
)
from responsibility.rbac.escalation.techniques import INTO_ACCOUNT
from responsibility.rbac.objects import SERVICE_ACCOUNT, Source, Subject

# What can be done in a namespace. Constrained impersonation lets single actions through.
_INTO_ACCOUNT = tuple(
    technique
    for technique in INTO_ACCOUNT
    if technique.route in {TOKEN, WORKLOAD, EXEC}
    and not technique.mode
    and not any(requirement.everywhere for requirement in technique.requirements)
)
_BIND = Requirement(("create", "update", "patch"), api_groups.RBAC, "rolebindings")

_Passage = Passage[Step]


def _accounts(hub: HubRefusals) -> list[int]:
    """Return the accounts of the hub's namespace, as which others may act."""
    return [
        number
        for number, subject in enumerate(hub.subjects)
        if subject.kind == SERVICE_ACCOUNT and subject.namespace == hub.namespace
    ]


def _edges(hub: HubRefusals) -> dict[int, list[tuple[int, _Passage]]]:
    """Return who can act as which account of the hub's namespace."""
    accounts = _accounts(hub)
    edges: dict[int, list[tuple[int, _Passage]]] = {}
    for number, actor in enumerate(hub.subjects):
        if actor in hub.rights.unrestricted:
            continue
        leading = [
            (target, passage)
            for target in accounts
            if target != number
            for passage in _into(hub, actor, hub.subjects[target])
        ]
        if leading:
            edges[number] = leading
    return edges


def _side_ways(
    hub: HubRefusals, edges: Mapping[int, Sequence[tuple[int, _Passage]]], lines: int
) -> SideWays[Step]:
    """Return the graph of one hub, with the ways to the effects of some items."""
    accounts = _accounts(hub)
    goals = {
        number: found
        for number, actor in enumerate(hub.subjects)
        if _is_stranger(hub, actor) and (found := list(_goals(hub, number, accounts, lines)))
    }
    return SideWays(edges, goals)


def _is_stranger(hub: HubRefusals, actor: Subject) -> bool:
    """Return whether somebody is to be kept from anything: who is exempt is told of otherwise."""
    exempt = any(hub.book.of_subject(who) for who in with_implied_groups(actor))
    return not (
        exempt
        or actor in hub.rights.unrestricted
        or is_control_plane_subject(actor)
        or is_break_glass(hub.agreement.terms, actor)
    )


def _into(hub: HubRefusals, actor: Subject, target: Subject) -> Iterator[_Passage]:
    """Yield the ways of an actor into a ServiceAccount, without those that are closed sooner."""
    found: dict[int, _Passage] = {}
    for technique in _INTO_ACCOUNT:
        asked = [hub.ask(actor, r, target.name) for r in technique.requirements]
        held = [each for each in asked if each is not None]
        if len(held) < len(asked):
            continue
        closed_by = reduce(or_, (mask for mask, _ in held), 0)
        if any(closed_by & other == other for other in found):
            continue
        sources = tuple(dict.fromkeys(source for _, some in held for source in some))
        found[closed_by] = Passage(closed_by, _step(technique, actor, target, sources))
    yield from found.values()


def _step(
    technique: Technique, actor: Subject, target: Subject, sources: tuple[Source, ...]
) -> Step:
    return Step(
        technique.route,
        actor,
        technique.words.format(target=target),
        sources,
        target,
        target.namespace,
    )


def _goals(
    hub: HubRefusals, number: int, accounts: Sequence[int], lines: int
) -> Iterator[Goal[Step]]:
    """Yield how the effect of each of some items that refuse an actor can be reached."""
    actor = hub.subjects[number]
    passes = hub.passes(actor)
    for line, item in enumerate(hub.agreement.items):
        if not lines >> line & 1:
            continue
        # Others of its items may let it do some of it: that was agreed.
        refused = [effect for effect in hub.effects(line) if not effect.allowed & passes]
        if not refused or item.name in hub.agreement.unresolved:
            continue
        for passage in _replacing(hub, actor, line, refused):
            yield Goal(line, number, passage, number)
        for target in accounts:
            if target != number:
                yield from _as_another(hub, number, target, line, refused)


def _as_another(
    hub: HubRefusals, number: int, target: int, line: int, refused: Sequence[RefusedEffect]
) -> Iterator[Goal[Step]]:
    """Yield how an item's effect is reached by acting as an account that passes."""
    whom = hub.subjects[target]
    passes = hub.passes(whom)
    passed = [effect for effect in refused if effect.allowed & passes] if passes else []
    if not passed:
        return
    by_bit, names = hub.agreement.terms.permissions.by_bit, hub.agreement.names
    mask = mask_of(effect.bit for effect in passed)
    if held := hub.held(whom) & mask:
        words = f"{_text(by_bit[next(bits(held))].named(names))}, for which it is let through"
        yield Goal(line, target, Passage(0, Step(TOKEN, whom, words, ())), number)
        return
    for helper, who in enumerate(hub.subjects):
        given = hub.held(who) & mask
        binds = hub.ask(who, _BIND) if given else None
        if binds is None or who in hub.rights.unrestricted:
            continue
        what = _text(by_bit[next(bits(given))].named(names))
        words = f"bind {whom} to its own right to {what}, for which that is let through"
        yield Goal(line, target, Passage(binds[0], Step(WORKLOAD, who, words, binds[1])), helper)


def _replacing(
    hub: HubRefusals, actor: Subject, line: int, refused: Sequence[RefusedEffect]
) -> Iterator[_Passage]:
    """Yield how somebody changes an object that it may not change: by making it anew."""
    found: dict[int, _Passage] = {}
    seen: set[tuple[str, str, str]] = set()
    for effect in refused:
        operation, group, full = effect.key
        name, resource = effect.name, full.partition("/")[0]
        if operation != "update" or (group, resource, name) in seen:
            continue
        seen.add((group, resource, name))
        # Whoever may not delete, or create, needs no second look.
        deletes = hub.sources(actor, on_object("delete", group, resource), name)
        creates = deletes and hub.sources(actor, on_object("create", group, resource))
        if not creates:
            continue
        closed_by = hub.refusing(actor, ("delete", group, resource), name)
        closed_by |= hub.refusing(actor, ("create", group, resource), name)
        if closed_by >> line & 1 or closed_by in found:
            # Its own policy refuses it, or it is known by now.
            continue
        what = f"{resource} {name}" if name else f"any {resource}"
        sources = tuple(dict.fromkeys((*deletes, *creates)))
        step = Step(WORKLOAD, actor, f"delete {what} and create it anew", sources)
        found[closed_by] = Passage(closed_by, step)
    yield from found.values()


def _text(permission: Permission) -> str:
    name = f" {permission.name}" if permission.name else ""
    return f"{permission.verb} {permission.full_resource}{name}"


def _alike(hub: HubRefusals, subjects: Iterable[Subject]) -> dict[Subject, int]:
    """Return one of those who are alike, and how many they are; accounts of the hub each alone.

    Hundreds may be bound to the same role.
    """
    found: dict[Subject, int] = {}
    first: dict[object, Subject] = {}
    for subject in sorted(dict.fromkeys(subjects)):
        if subject.kind == SERVICE_ACCOUNT and subject.namespace == hub.namespace:
            found[subject] = 1
            continue
        like = (*hub.profile(subject), _is_stranger(hub, subject))
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
) -> Iterator[Finding]:
    """Yield the items of a hub that are to refuse, and are hollow; ``layers`` are who holds what.

    The first layer is the hub's namespace.
    """
    items = agreement.items
    denied = mask_of(n for n, i in enumerate(items) if i.admission is AdmissionStage.DENY)
    if not denied:
        return
    namespace = agreement.hub.namespace
    wide = (
        s
        for layer in layers[1:]
        for s in layer
        if s.kind == SERVICE_ACCOUNT and s.namespace == namespace
    )
    hub = HubRefusals(agreement, book, rights, layers, now)
    members = _alike(hub, (*rights.graph.scope(namespace).by_subject, *wide))
    hub.subjects.extend(members)
    edges = _edges(hub)
    graph = _side_ways(hub, edges, denied)
    found = graph.open(denied)
    if not found:
        return
    # What is to be raised must not be hollow either, and closes by others in turn.
    lines, more = denied, graph.closers()
    while more & ~lines:
        lines |= more
        graph = _side_ways(hub, edges, lines)
        more = graph.closers()
    together = tuple(items[n].name for n in bits(graph.to_raise(denied)))
    for line, way in found.items():
        item = items[line]
        others = sum(members[hub.subjects[n]] for n in graph.actors(line, denied)) - 1
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
            route=way.words,
            sources=tuple(dict.fromkeys(s for step in way.words[:1] for s in step.sources)),
            facts=SideDoor(
                closed_by=tuple(items[n].name for n in bits(way.closed_by)),
                together=together,
                others=others,
            ),
        )
