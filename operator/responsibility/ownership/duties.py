"""Findings that need no RBAC: dates that have passed, contacts and owners that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from responsibility.api.item import RECORD_ITEM
from responsibility.ownership.results.facts import (
    Absent,
    Expired,
    Expiring,
    Facts,
    NobodyDeclared,
    NoContact,
    Overdue,
    Vacancy,
)
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
            yield _about_party("owner-vacant", agreement, party, names, Vacancy(party.subjects))
        elif not party.subjects:
            enforced = tuple(
                item.name
                for item in owned
                if item.enforced and not _anybody(item.parties(now), agreement, gone)
            )
            if enforced:
                yield _about_party("owner-vacant", agreement, party, enforced, NobodyDeclared())


def _gone(agreement: Agreement, party: Party, gone: frozenset[Subject]) -> Iterator[Finding]:
    """Yield which of a party's subjects are gone, while others are left."""
    absent = tuple(subject for subject in party.subjects if subject in gone)
    if absent and not is_vacant(party, gone):
        yield _about_party("subject-gone", agreement, party, (), Absent(absent))


def _anybody(parties: Iterable[str], agreement: Agreement, gone: frozenset[Subject]) -> bool:
    """Return whether some subject of these parties is left."""
    return any(
        subject not in gone
        for name in parties
        if name in agreement.parties
        for subject in agreement.parties[name].subjects
    )


def is_vacant(party: Party, gone: frozenset[Subject]) -> bool:
    """Return whether a party declares subjects and all of them are ``gone``."""
    return bool(party.subjects) and gone.issuperset(party.subjects)


def _about_party(
    kind: str, agreement: Agreement, party: Party, items: tuple[str, ...], facts: Facts
) -> Finding:
    return Finding(
        kind=kind,
        item=RECORD_ITEM,
        number=0,
        hub=agreement.hub,
        party=party.name,
        owners=(party.label,),
        items=items,
        facts=facts,
    )


def _expired(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    for item in agreement.items:
        for delegation in item.delegates:
            if delegation.until is not None and not delegation.active(now):
                yield Finding(
                    kind="delegation-expired",
                    item=item.name,
                    number=item.terms.number,
                    hub=agreement.hub,
                    title=item.terms.title,
                    party=delegation.party,
                    facts=Expired(
                        delegation.until,
                        delegation.reason,
                        in_model=item.delegates is item.terms.delegates,
                    ),
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
                    title=item.terms.title,
                    party=delegation.party,
                    facts=Expiring(until),
                )


def _overdue(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    for item in agreement.items:
        if item.review_after is not None and now.astimezone(UTC).date() > item.review_after:
            yield Finding(
                kind="attestation-overdue",
                item=item.name,
                number=item.terms.number,
                hub=agreement.hub,
                title=item.terms.title,
                party=item.owner,
                facts=Overdue(item.review_after),
            )


def _unreachable(agreement: Agreement) -> Iterator[Finding]:
    for party in agreement.parties.values():
        owned = tuple(i.name for i in agreement.items if i.owner == party.name)
        if owned and not party.contact:
            yield _about_party("contact-missing", agreement, party, owned, NoContact())
