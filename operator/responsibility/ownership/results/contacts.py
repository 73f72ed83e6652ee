"""Parties to call about a finding: at most those who own the item where it holds.

A finding of the whole cluster touches any number of hubs, and each community has written its own
address into its own record. These are not for the other communities: of the cluster, the address
that all hubs share is told, or else the one in the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, Party


def parties_to_call(finding: Finding, agreements: Sequence[Agreement]) -> tuple[Party, ...]:
    """Return the party concerned, or whoever owns the item; only such as can be reached.

    ``agreements`` are that of the finding's hub or, for the cluster, all of its model.
    """
    return _to_call(
        [(each, finding.party or each.owner(finding.item)) for each in agreements],
        alone=finding.hub is not None,
    )


def owners_to_call(items: Iterable[str], agreements: Sequence[Agreement]) -> tuple[Party, ...]:
    """Return the owners of items on some hubs; of several hubs, by the same rule."""
    names = list(items)
    return parties_of([(each, each.owner(name)) for each in agreements for name in names])


def parties_of(sides: Sequence[tuple[Agreement, str]]) -> tuple[Party, ...]:
    """Return parties of agreements by name; of several hubs, by the same rule."""
    return _to_call(sides, alone=len({agreement.record for agreement, _ in sides}) == 1)


def _to_call(sides: Iterable[tuple[Agreement, str]], *, alone: bool) -> tuple[Party, ...]:
    found: dict[tuple[str, str], Party] = {}
    shared: dict[tuple[str, str], Party] = {}
    for agreement, name in sides:
        for parties, known in ((agreement.parties, found), (agreement.terms.parties, shared)):
            party = parties.get(name)
            if party is not None and party.contact:
                known.setdefault((name, party.contact), party)
    return tuple((found if alone or len(found) == 1 else shared).values())
