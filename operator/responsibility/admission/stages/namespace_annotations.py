"""Annotations of a hub's Namespace that tell policies what is agreed; their keys: ``api.names``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from responsibility.admission.annotation_entries import entry, marker
from responsibility.admission.stages.exempt_entries import exempt_entry
from responsibility.api.base import clip
from responsibility.api.foreign_text import harmless
from responsibility.api.names import (
    BOUNDS_ANNOTATION,
    BREAK_GLASS_ANNOTATION,
    CONTACT_ANNOTATION,
    DELEGATES_ANNOTATION,
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
)
from responsibility.ownership.results import wording
from responsibility.ownership.terms.agreement import Agreement, Delegation, Item, Party
from responsibility.rbac.identity import is_somebody
from responsibility.rbac.objects import Subject

# All annotations of an object may take 256 KiB together, and others put theirs there too.
BUDGET = 160 * 1024

_LONGEST_CONTACT = 512
# Deployment/spec.replicas; whatever else a path may hold, a kind begins with a capital letter.
_OF_OBJECT = re.compile(r"([A-Z][A-Za-z0-9]*)/(.+)")
_KIB = 1024


class UnlistableError(ValueError):
    """A list that cannot be written; the message names the party and says what to do."""


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """The annotations of a Namespace about one item.

    ``vacant`` is whether neither the owner nor a delegate has a subject. Where ``trouble`` is set,
    the item cannot be enforced, and the rest is empty. ``size`` is in bytes.
    """

    item: str
    annotations: Mapping[str, str]
    vacant: bool = False
    trouble: str = ""
    size: int = 0


def item_keys(agreement: Agreement, item: Item, now: datetime) -> ItemKeys:
    """Return what the Namespace says of ``item`` at ``now``."""
    try:
        return _item_keys(agreement, item, now)
    except UnlistableError as error:
        return ItemKeys(item.name, {}, trouble=str(error))


def hub_annotations(agreement: Agreement) -> dict[str, str]:
    """Return what the Namespace says of the hub as a whole, in words and for all items.

    Raises UnlistableError for a break-glass subject that cannot be listed.
    """
    return {
        HUB_ANNOTATION: _words(f"{agreement.display_name} ({agreement.hub})"),
        PREFIX_ANNOTATION: agreement.names.prefix,
        RELEASE_ANNOTATION: agreement.names.release,
        BREAK_GLASS_ANNOTATION: "\n".join(
            sorted(set(_entries("spec.breakGlass of the model", agreement.terms.break_glass)))
        ),
    }


def within_budget(agreement: Agreement, wanted: Iterable[ItemKeys]) -> list[ItemKeys]:
    """Mark the entries that exceed the annotation size budget as unenforceable; keep the order."""
    left = BUDGET - _size(hub_annotations(agreement))
    fitting = []
    for found in wanted:
        if found.size > left:
            fitting.append(ItemKeys(found.item, {}, trouble=_too_large(agreement, found, left)))
            continue
        left -= found.size
        fitting.append(found)
    return fitting


def _item_keys(agreement: Agreement, item: Item, now: datetime) -> ItemKeys:
    lasting: set[str] = set()
    until: dict[str, datetime] = {}
    ranges: dict[str, tuple[Delegation, ...]] = {}
    free: set[str] = set(_of_party(agreement.parties.get(item.owner)))
    lasting |= free
    for delegation in item.delegates:
        if not delegation.active(now):
            continue
        for line in _of_party(agreement.parties.get(delegation.party)):
            if delegation.until is None:
                lasting.add(line)
            else:
                end = delegation.until
                until[line] = max(end, until.get(line, end))
            if delegation.bounds:
                ranges[line] = (*ranges.get(line, ()), delegation)
            else:
                free.add(line)
    vacant = not lasting and not until
    lasting |= set(_exempt(agreement, item))
    dated = sorted(
        ((end, line) for line, end in until.items() if line not in lasting),
        key=lambda pair: (-pair[0].timestamp(), pair[1]),
    )
    found = {
        OWNERS_ANNOTATION: "\n".join(sorted(lasting)),
        DELEGATES_ANNOTATION: "\n".join(f"{marker(end)} {line}" for end, line in dated),
        BOUNDS_ANNOTATION: "\n".join(sorted(_bounds(item, ranges, free))),
        CONTACT_ANNOTATION: _contact(agreement, item),
    }
    annotations = {f"{key}{item.name}": text for key, text in found.items() if text}
    return ItemKeys(
        item.name,
        annotations,
        vacant=vacant,
        size=_size(annotations),
    )


def _of_party(party: Party | None) -> Iterator[str]:
    if party is not None:
        yield from _entries(f"party {party.name}", party.subjects)


def _entries(where: str, subjects: Iterable[Subject]) -> Iterator[str]:
    for subject in subjects:
        if not is_somebody(subject):
            continue
        try:
            yield entry(subject)
        except ValueError as error:
            raise UnlistableError(f"{where}: {error}: no list can hold it; remove it") from None


def _exempt(agreement: Agreement, item: Item) -> Iterator[str]:
    permissions = agreement.terms.permissions
    for exemption in (*agreement.exemptions, *agreement.neighbours):
        if not exemption.for_item(item.name):
            continue
        # A policy can't tell rights of an item apart: who needs some of them passes.
        if not exemption.coverage(permissions, agreement.names).touches(item.terms.reserved):
            continue
        try:
            line = exempt_entry(exemption)
        except ValueError as error:
            raise UnlistableError(f"exemptions: {error}: no list can hold it; remove it") from None
        if line:
            yield line


def _bounds(
    item: Item, ranges: Mapping[str, tuple[Delegation, ...]], free: set[str]
) -> Iterator[str]:
    for line, delegations in ranges.items():
        if line in free:
            continue
        if "\t" in line:
            raise UnlistableError(
                f"item {item.name}: {line!r} has a tab in its name: it cannot be held to bounds"
            )
        for delegation in delegations:
            for bound in delegation.bounds:
                kind, path = _kind_and_path(bound.path)
                yield f"{line}\t{kind}\t{path}\t{bound.minimum}\t{bound.maximum}"


def _kind_and_path(text: str) -> tuple[str, str]:
    match = _OF_OBJECT.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


def _contact(agreement: Agreement, item: Item) -> str:
    party = agreement.parties.get(item.owner)
    return "" if party is None else _words(wording.contact_text(party))


def _words(text: str) -> str:
    """Return text that is put into messages: on one line, and not too long."""
    return clip(harmless(" ".join(text.split())), _LONGEST_CONTACT)


def _size(annotations: Mapping[str, str]) -> int:
    return sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items())


def _too_large(agreement: Agreement, found: ItemKeys, left: int) -> str:
    item = agreement.item(found.item)
    parties = [agreement.parties[n] for n in dict.fromkeys((item.owner, *_delegates(item)))]
    largest = max(parties, key=lambda p: sum(len(s.name) for s in p.subjects))
    return (
        f"the lists of who may act take {found.size / _KIB:.0f} KiB and only {left / _KIB:.0f} of "
        f"{BUDGET / _KIB:.0f} KiB are left in the Namespace's annotations: party {largest.name} "
        f"alone has {len(largest.subjects)} subjects; name a group in their place"
    )


def _delegates(item: Item) -> Iterator[str]:
    return (delegation.party for delegation in item.delegates)
