"""Authors of changes, as what is agreed knows them: a party, or a user of Kubernetes.

What an author may, the lists say that policies and the webhook go by, made of the agreement as the
operator writes them onto a hub's Namespace. A party acts in them under a name of its own, since
most communities have no user in Kubernetes at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from responsibility.admission.annotation_entries import entry
from responsibility.admission.stages.namespace_annotations import item_keys
from responsibility.admission.webhooks.requester import (
    RequesterEntitlement,
    UserInfo,
    entitlement,
)
from responsibility.cli.review.agreements import Agreements, HubTerms, is_known, side
from responsibility.cli.terminal.errors import CliError
from responsibility.ownership.terms.agreement import Agreement, Party
from responsibility.phrases import some
from responsibility.rbac.objects import GROUP, Subject

_PARTY: Final = "party "
_USER: Final = "user:"
_MOST_NAMED: Final = 5
_NOT: Final = RequesterEntitlement(may=False)


@dataclass(frozen=True, slots=True)
class Author:
    """Whoever makes a change: a party of an agreement, a user, or nobody in particular.

    ``side`` is what tells the party from others of its name; ``only`` is the one record by which
    it is known, where nothing else tells it from others. ``several`` are those that it acts for,
    where these are more than one; it may what any of them may.
    """

    name: str = ""
    side: object = None
    only: str = ""
    party: Party | None = None
    user: UserInfo | None = None
    several: tuple[Author, ...] = ()

    def __str__(self) -> str:
        """Return the name that the author was given by."""
        return self.name

    def held(
        self, terms: HubTerms, items: Iterable[str], now: datetime
    ) -> dict[str, RequesterEntitlement]:
        """Return what the author has of each item, on one hub."""
        wanted = list(items)
        if self.several:
            every = [each.held(terms, wanted, now) for each in self.several]
            return {name: _best([held[name] for held in every]) for name in wanted}
        agreement, person = terms.agreement, self.user
        if self.party is not None:
            person = self._as_party(terms)
            agreement = _by_party(agreement)
        if person is None:
            return dict.fromkeys(wanted, _NOT)
        notes: dict[str, str] = {}
        for name in wanted:
            notes.update(item_keys(agreement, agreement.item(name), now).annotations)
        return {name: entitlement(notes, name, person, now) for name in wanted}

    def acts_for(self, terms: HubTerms, party: str) -> bool:
        """Return whether the author is a party of an agreement, or one of its subjects."""
        if self.several:
            return any(each.acts_for(terms, party) for each in self.several)
        if self.party is not None:
            return self.party.name == party and self._as_party(terms) is not None
        found = terms.agreement.parties.get(party)
        if self.user is None or found is None:
            return False
        return not self.user.lines.isdisjoint(map(entry, found.subjects))

    def _as_party(self, terms: HubTerms) -> UserInfo | None:
        assert self.party is not None  # noqa: S101 - asked for nobody else
        name = self.party.name
        agreement = terms.agreement
        if self.only:
            same = agreement.record == self.only
        elif terms.recorded:
            same = side(agreement, name) == self.side
        else:
            same = agreement.parties.get(name) == self.party
        return UserInfo("", (_PARTY + name,)) if same else None


def _best(held: list[RequesterEntitlement]) -> RequesterEntitlement:
    """Return what somebody may who has all of these: what one of them gives whole, else the first.

    Ranges are not put together: what is inside of each would have to be looked at apart.
    """
    whole = [each for each in held if each.has_no_range]
    return next(iter([*whole, *(e for e in held if e.is_free), *(e for e in held if e.may)]), _NOT)


def _by_party(agreement: Agreement) -> Agreement:
    parties = {
        name: replace(party, subjects=(Subject(GROUP, _PARTY + name),))
        for name, party in agreement.parties.items()
    }
    return replace(agreement, parties=parties, exemptions=(), neighbours=())


def author_of(name: str | None, groups: Iterable[str], agreements: Agreements) -> Author:
    """Return the author that ``--as`` means: ``PARTY``, ``RECORD/PARTY``, ``user:NAME``.

    A name that no party has is a user's.

    Raises CliError where several parties are called that.
    """
    member_of = tuple(groups)
    if not name:
        if member_of:
            raise CliError("--as-group needs --as: name the user as well")
        return Author()
    if member_of or name.startswith(_USER):
        # An account that somebody has called like a party is none.
        return Author(name, user=UserInfo(name.removeprefix(_USER), member_of))
    record, _, party = name.rpartition("/")
    found = agreements.sides(party, record)
    if not found:
        if record and "@" not in name and ":" not in name:
            raise CliError(f"--as {name}: there is no record {record} with a party {party}")
        return Author(name, user=UserInfo(name, ()))
    if len(found) > 1:
        named = [f"{terms.agreement.record}/{party}" for terms in found.values()]
        raise CliError(
            f"--as {party}: {len(found)} different parties are called that, since records say "
            f"different things of it or nothing: say which, such as {some(named, _MOST_NAMED)}"
        )
    ((key, terms),) = found.items()
    known = terms.agreement.parties[party]
    only = record if record and not is_known(known) else ""
    return Author(name, key, only, known)
