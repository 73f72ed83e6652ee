"""Findings that need no RBAC: dates that have passed, contacts and owners that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from responsibility.api.item import RECORD_ITEM
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, Party, notice
from responsibility.rbac.objects import Subject


def duties(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    """Yield what is due on one hub, whatever its RBAC says."""
    yield from _expired(agreement, now)
    yield from _expiring(agreement, now)
    yield from _overdue(agreement, now)
    yield from _unreachable(agreement)


def vacancies(agreement: Agreement, gone: frozenset[Subject], now: datetime) -> Iterator[Finding]:
    """Yield owners for whom nobody is left to act.

    That is: declared subjects that are all ServiceAccounts that do not exist; or an item that
    is to be enforced, and neither its owner nor a delegate has a subject. A community that has
    no Kubernetes identity is not vacant: it acts elsewhere.
    """
    for party in agreement.parties.values():
        owned = [i for i in agreement.items if i.owner == party.name and i.terms.checkable]
        if not owned:
            continue
        yield from _gone(agreement, party, gone)
        if is_vacant(party, gone):
            names = tuple(item.name for item in owned)
            absent = ", ".join(str(s) for s in party.subjects)
            yield _about_party(
                "owner-vacant",
                agreement,
                party,
                names,
                f"{party.label} owns {_items(len(names))}, but none of its subjects exists: "
                f"{absent}",
            )
        elif not party.subjects:
            enforced = tuple(
                item.name
                for item in owned
                if item.enforced and not _anybody(item.parties(now), agreement, gone)
            )
            if enforced:
                yield _about_party(
                    "owner-vacant",
                    agreement,
                    party,
                    enforced,
                    f"{party.label} has no subject, but {', '.join(enforced)} is to be enforced: "
                    "nobody could act",
                )


def _gone(agreement: Agreement, party: Party, gone: frozenset[Subject]) -> Iterator[Finding]:
    """Yield which of a party's subjects are gone, while others are left."""
    absent = [str(subject) for subject in party.subjects if subject in gone]
    if absent and not is_vacant(party, gone):
        yield _about_party(
            "subject-gone",
            agreement,
            party,
            (),
            f"{party.label} declares {', '.join(absent)}, which does not exist",
        )


def _anybody(parties: Iterable[str], agreement: Agreement, gone: frozenset[Subject]) -> bool:
    """Return whether some subject of these parties is left."""
    return any(
        subject not in gone
        for name in parties
        if name in agreement.parties
        for subject in agreement.parties[name].subjects
    )


def _items(count: int) -> str:
    return f"{count} item{'s' * (count != 1)}"


def is_vacant(party: Party, gone: frozenset[Subject]) -> bool:
    """Return whether a party declares subjects and all of them are ``gone``."""
    return bool(party.subjects) and gone.issuperset(party.subjects)


def _about_party(
    kind: str, agreement: Agreement, party: Party, items: tuple[str, ...], message: str
) -> Finding:
    return Finding(
        kind=kind,
        item=RECORD_ITEM,
        number=0,
        hub=agreement.hub,
        message=message,
        party=party.name,
        items=items,
    )


def _expired(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    for item in agreement.items:
        for delegation in item.delegates:
            if delegation.until is not None and not delegation.active(now):
                ended = f"{delegation.until:%Y-%m-%d %H:%M} UTC"
                where = "model" if item.delegates is item.terms.delegates else "record"
                why = f" ({delegation.reason})" if delegation.reason else ""
                yield Finding(
                    kind="delegation-expired",
                    item=item.name,
                    number=item.terms.number,
                    hub=agreement.hub,
                    party=delegation.party,
                    message=f"The delegation of {item.terms.title} to {delegation.party}{why} "
                    f"ended on {ended} and is still in the {where}",
                )


def _expiring(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    for item in agreement.items:
        for delegation in item.delegates:
            until = delegation.until
            if until is not None and now < until and notice(until) <= now:
                yield Finding(
                    kind="delegation-expiring",
                    item=item.name,
                    number=item.terms.number,
                    hub=agreement.hub,
                    party=delegation.party,
                    message=f"The delegation of {item.terms.title} to {delegation.party} ends on "
                    f"{until:%Y-%m-%d %H:%M} UTC; then its rights are too much",
                )


def _overdue(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    for item in agreement.items:
        if item.review_after is not None and now.astimezone(UTC).date() > item.review_after:
            yield Finding(
                kind="attestation-overdue",
                item=item.name,
                number=item.terms.number,
                hub=agreement.hub,
                party=item.owner,
                message=f"{item.terms.title} was to be reviewed after {item.review_after}",
            )


def _unreachable(agreement: Agreement) -> Iterator[Finding]:
    for party in agreement.parties.values():
        owned = tuple(i.name for i in agreement.items if i.owner == party.name)
        if owned and not party.contact:
            yield _about_party(
                "contact-missing",
                agreement,
                party,
                owned,
                f"{party.label} owns {_items(len(owned))} and has neither e-mail nor url",
            )
