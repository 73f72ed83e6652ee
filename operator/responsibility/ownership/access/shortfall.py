"""Shortfalls, one direction of drift: an owner cannot do what its item requires of it.

A party holds a permission when at least ``minimumHolders`` of its subjects do. A group counts as
enough, since how many people are in it is known to the identity provider only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from responsibility.hub.discovery import HubKey
from responsibility.ownership.access.grant_masks import Ability, Holdings, ability
from responsibility.ownership.results.facts import Shortfall
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.access_reviews import EVERYTHING, Ask, Reviews
from responsibility.ownership.terms.agreement import Item, Party
from responsibility.ownership.terms.permission_index import Names, PermissionIndex, bits
from responsibility.rbac.objects import GROUP, Subject

Abilities = Sequence[tuple[Subject, Ability]]


@dataclass(frozen=True, slots=True)
class CheckedScope:
    """A scope in which shortfalls are looked for: one hub's namespace, or the cluster.

    ``scope`` is the mask of the permissions asked there; ``layers`` the holdings that count
    there together. Subjects that are ``gone`` hold nothing, whatever is bound to them.
    ``record`` is set where the owner is not the same party for all records. ``by_use`` are the
    required bits, those first which most items require; with none, the server is asked about
    every permission.
    """

    hub: HubKey | None
    model: str
    permissions: PermissionIndex
    names: Names
    scope: int
    layers: tuple[Holdings, ...]
    reviews: Reviews
    gone: frozenset[Subject] = frozenset()
    record: str = ""
    by_use: tuple[int, ...] = ()

    def abilities(self, party: Party) -> Abilities:
        """Return what each subject of a party can do, by RBAC or by the server's own word."""
        return [
            (subject, self._ability(subject))
            for subject in party.subjects
            if subject not in self.gone
        ]

    def _ability(self, subject: Subject) -> Ability:
        able = ability(subject, self.layers, self.permissions, self.names)
        if subject not in self.reviews.favoured:
            return able
        sure = able.sure
        for bit in bits(self.scope & ~sure):
            attributes = self.permissions.by_bit[bit].attributes(self.names)
            if self.reviews.allows(subject, attributes):
                sure |= 1 << bit
        return Ability(sure, able.perhaps & ~sure)


def shortfalls(
    item: Item, owner: Party, abilities: Abilities, where: CheckedScope
) -> Iterator[Finding | Ask]:
    """Yield what ``owner`` lacks for ``item``, and what to ask the server about it."""
    required = item.terms.required & where.scope
    missing, unsure = lacking(abilities, required, item.minimum_holders)
    if not missing and not unsure:
        return
    yield from _asks(abilities, (missing, unsure), where)
    for kind, mask in (("missing-access", missing), ("unknown", unsure)):
        if mask:
            yield Finding(
                kind=kind,
                item=item.name,
                number=item.terms.number,
                hub=where.hub,
                title=item.terms.title,
                model=where.model if where.hub is None else "",
                party=owner.name,
                owners=(owner.label,),
                record=where.record,
                permissions=where.permissions.select(mask, where.names),
                facts=Shortfall(item.minimum_holders, by_group=kind == "unknown"),
            )


def lacking(abilities: Abilities, required: int, minimum: int) -> tuple[int, int]:
    """Return the required bits that too few subjects hold: surely, and perhaps."""
    enough = _held_by(minimum, ((s, able.sure) for s, able in abilities))
    perhaps = _held_by(minimum, ((s, able.sure | able.perhaps) for s, able in abilities))
    return required & ~perhaps, required & perhaps & ~enough


def _held_by(minimum: int, masks: Iterable[tuple[Subject, int]]) -> int:
    """Return the bits that at least so many subjects hold; a group is as many as it takes."""
    # By how many each bit is held: by one or more, by two or more, and so on.
    held = [0] * max(minimum, 1)
    for subject, mask in masks:
        if subject.kind == GROUP:
            held = [each | mask for each in held]
        else:
            for number in range(len(held) - 1, 0, -1):
                held[number] |= held[number - 1] & mask
            held[0] |= mask
    return held[-1]


def _asks(abilities: Abilities, masks: tuple[int, int], where: CheckedScope) -> Iterator[Ask]:
    """Yield the questions to the server that findings about each of the masks rest on.

    Most servers go by RBAC alone and answer each with no, and one no is enough to be sure that
    something is lacking. So of a subject for whom the server never spoke up, each finding asks for
    one permission, which others ask for as well where that goes; and each hub for one more, another
    on each, so that whatever else grants something shows. Of whom the server lets do more than
    RBAC, everything is asked: first about everything, then one by one.
    """
    probes = {bit for mask in masks if mask for bit in _probes(mask, where)}
    for subject, able in abilities:
        if where.by_use and subject not in where.reviews.favoured:
            wanted: Iterable[int] = (bit for bit in sorted(probes) if not able.sure >> bit & 1)
        else:
            everything = Ask(subject, EVERYTHING)
            if everything not in where.reviews.answers:
                yield everything
                continue
            wanted = bits((masks[0] | masks[1]) & ~able.sure)
        for bit in wanted:
            yield Ask(subject, where.permissions.by_bit[bit].attributes(where.names))


def _probes(mask: int, where: CheckedScope) -> Iterator[int]:
    """Yield the bits of a mask by which the server is tried."""
    first = next((bit for bit in where.by_use if mask >> bit & 1), None)
    if first is not None:
        yield first
        own = where.by_use[crc32(str(where.hub).encode()) % len(where.by_use)]
        if mask >> own & 1:
            yield own


def split_asks(parts: Iterator[Finding | Ask]) -> tuple[list[Finding], list[Ask]]:
    """Part findings from permissions."""
    findings: list[Finding] = []
    asks: list[Ask] = []
    for part in parts:
        if isinstance(part, Ask):
            asks.append(part)
        else:
            findings.append(part)
    return findings, asks
