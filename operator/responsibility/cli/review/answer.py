"""Answers to a review: what needs whose approval, in the fewest lines, and whom to ask.

What is the same on many hubs is one line. Settings are named, values never are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from responsibility.admission.webhooks.requester import Range
from responsibility.cli.review.judgement import ReviewLine, ReviewResult
from responsibility.cli.review.layout import HubPlace
from responsibility.cli.sources.location import Location
from responsibility.ownership.results.contacts import owners_to_call, parties_of
from responsibility.ownership.terms.agreement import Agreement, Party
from responsibility.phrases import counted, range_text, some

MOST_NAMED = 4
_MOST_HUBS = 3


@dataclass(slots=True)
class ReviewGroup:
    """Things of the same items and owners, on one hub or several, that the author may or not."""

    items: tuple[str, ...]
    may: bool
    left: Range | None
    what: tuple[str, ...]
    hubs: list[HubPlace] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    places: list[Location] = field(default_factory=list)
    # Where it takes another party than the owner, that one.
    party: str = ""

    @property
    def numbered(self) -> str:
        """Return the items as people know them: ``14 Resource limits``."""
        agreement = self.agreements[0]
        terms = [agreement.item(name).terms for name in self.items]
        return " or ".join(f"{each.number} {each.title}" for each in terms)

    @property
    def owners(self) -> str:
        """Return who owns it, as they are called."""
        names = [
            _label(agreement, self.party or agreement.owner(item))
            for agreement in self.agreements
            for item in self.items
        ]
        return some(list(dict.fromkeys(names)), _MOST_HUBS)

    @property
    def to_ask(self) -> tuple[Party, ...]:
        """Return whom to ask; no community's address is told of another's hub."""
        if self.party:
            return parties_of([(each, self.party) for each in self.agreements])
        return owners_to_call(self.items, self.agreements)

    @property
    def where(self) -> str:
        """Return the hubs, or how many of them there are."""
        if not self.hubs:
            return "-"
        names = some([str(hub) for hub in self.hubs], _MOST_HUBS)
        return (
            names if len(self.hubs) <= _MOST_HUBS else f"{counted(len(self.hubs), 'hub')}: {names}"
        )

    @property
    def shown(self) -> str:
        """Return the settings, or a few of them and how many more there are."""
        return some(self.what, MOST_NAMED)

    @property
    def range_text(self) -> str:
        """Return the range that the author may stay inside of; empty where there is none."""
        if self.left is None:
            return ""
        return f"beyond {self.left.path} {range_text(self.left.minimum, self.left.maximum)}"


def groups(judgement: ReviewResult) -> list[ReviewGroup]:
    """Return the lines of a judgement in groups, what needs approval first."""
    by_hub: dict[tuple[Any, ...], list[ReviewLine]] = {}
    for line in judgement.lines:
        key = (
            line.may,
            line.items,
            line.left,
            line.party,
            _side(line),
            line.hub or line.terms.model.terms.name,
        )
        by_hub.setdefault(key, []).append(line)
    found: dict[tuple[Any, ...], ReviewGroup] = {}
    for (may, items, left, party, owners, _), lines in by_hub.items():
        what = tuple(dict.fromkeys(line.what for line in lines))
        group = found.setdefault(
            (may, items, left, party, owners, what),
            ReviewGroup(items, may, left, what, party=party),
        )
        group.agreements.append(lines[0].terms.agreement)
        group.hubs += [lines[0].hub] if lines[0].hub is not None else []
        group.places += [line.place for line in lines if line.place is not None]
    return sorted(found.values(), key=_order)


def _order(group: ReviewGroup) -> tuple[bool, int, tuple[str, ...]]:
    number = min(group.agreements[0].item(name).terms.number for name in group.items)
    return group.may, number, group.what


def _side(line: ReviewLine) -> tuple[str, ...]:
    """Return who owns it, by name: communities of several hubs are one line, without addresses."""
    return tuple(line.party or line.terms.agreement.owner(name) for name in line.items)


def _label(agreement: Agreement, name: str) -> str:
    party = agreement.parties.get(name)
    return party.label if party is not None else name


def verdict(judgement: ReviewResult) -> str:
    """Return the answer in one sentence, without its full stop."""
    found = groups(judgement)
    by = f" by {judgement.author}" if judgement.author.name else ""
    if not found:
        return "nothing that anybody owns changes"
    needed = [group for group in found if not group.may]
    if not needed:
        return f"this change{by} needs nobody else's approval"
    owners = dict.fromkeys(group.owners for group in needed)
    return f"this change{by} needs the approval of {some(list(owners), MOST_NAMED)}"


def touched(judgement: ReviewResult) -> str:
    """Return how much it touches: ``3 files changed, which touch 50 of 171 hubs``."""
    files = counted(len(judgement.files), "file")
    hubs = len(judgement.touched)
    total = counted(judgement.hubs, "hub")
    passed = f"; {len(judgement.ignored)} passed over" if judgement.ignored else ""
    return f"{files} changed, and {hubs} of {total} with {_it(len(judgement.files))}{passed}"


def _it(number: int) -> str:
    return "it" if number == 1 else "them"


def common(judgement: ReviewResult) -> Iterator[str]:
    """Yield the files that are for more than one hub, with how many."""
    for file in judgement.files:
        if len(file.hubs) > 1:
            yield f"{file.path} is common to {counted(len(file.hubs), 'hub')}"


def departures(judgement: ReviewResult) -> list[str]:
    """Return what is no longer as agreed, one line for what is the same on several hubs."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for each in judgement.departures:
        item = each.terms.agreement.item(each.left.item).terms
        key = (each.what, each.left.wanted, f"{item.number} {item.title}")
        found.setdefault(key, []).append(str(each.hub))
    return [
        f"{what} is no longer as agreed ({wanted}; item {item}) on {some(hubs, _MOST_HUBS)}"
        for (what, wanted, item), hubs in found.items()
    ]


def contact(party: Party) -> str:
    """Return a party and its address, as a person would write them."""
    return f"{party.label}: {party.contact}"


def as_json(judgement: ReviewResult, base: str, head: str) -> dict[str, Any]:
    """Return everything, as documented in the reference."""
    return {
        "base": base,
        "head": head,
        "as": judgement.author.name or None,
        "may": not judgement.needed,
        "summary": verdict(judgement),
        "hubs": {"touched": len(judgement.touched), "total": judgement.hubs},
        "files": [
            {"path": file.path, "change": file.how, "hubs": len(file.hubs)}
            for file in judgement.files
        ],
        "changes": [_line_json(line) for line in judgement.lines],
        "ignored": judgement.ignored,
        "leavesAgreed": [
            {
                "hub": str(each.hub),
                "record": each.terms.agreement.record or None,
                "what": each.what,
                "item": each.left.item,
                "agreed": each.left.wanted,
                "place": _place_json(each.place),
            }
            for each in judgement.departures
        ],
        "ask": [
            {
                "items": list(group.items),
                "owners": group.owners,
                "contacts": [contact(party) for party in group.to_ask],
                "hubs": [str(hub) for hub in group.hubs],
            }
            for group in groups(judgement)
            if not group.may
        ],
    }


def _line_json(line: ReviewLine) -> dict[str, Any]:
    agreement, hub = line.terms.agreement, line.hub
    return {
        "hub": None
        if hub is None
        else {"cluster": hub.cluster, "namespace": hub.namespace, "release": hub.release},
        "record": agreement.record or None,
        "what": line.what,
        "items": [
            {
                "name": name,
                "number": agreement.item(name).terms.number,
                "title": agreement.item(name).terms.title,
                "owner": line.party or agreement.owner(name),
                "displayName": _label(agreement, line.party or agreement.owner(name)),
            }
            for name in line.items
        ],
        "may": line.may,
        "bounds": None
        if line.left is None
        else {"path": line.left.path, "min": line.left.minimum, "max": line.left.maximum},
        "place": _place_json(line.place),
    }


def _place_json(place: Location | None) -> dict[str, Any] | None:
    return None if place is None else {"file": place.file, "line": place.line}
