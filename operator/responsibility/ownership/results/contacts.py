"""Parties to call about a finding: at most those who own the item where it holds.

A finding of the whole cluster touches any number of hubs, and each community has written its own
address into its own record. These are not for the other communities: of the cluster, the address
that all hubs share is told, or else the one in the model.
"""

from __future__ import annotations

from collections.abc import Sequence

from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, Party


def parties_to_call(finding: Finding, agreements: Sequence[Agreement]) -> tuple[Party, ...]:
    """Return the party concerned, or whoever owns the item; only such as can be reached.

    ``agreements`` are that of the finding's hub or, for the cluster, all of its model.
    """
    found: dict[tuple[str, str], Party] = {}
    shared: dict[tuple[str, str], Party] = {}
    for agreement in agreements:
        name = finding.party or agreement.owner(finding.item)
        for parties, known in ((agreement.parties, found), (agreement.terms.parties, shared)):
            party = parties.get(name)
            if party is not None and party.contact:
                known.setdefault((name, party.contact), party)
    is_one = finding.hub is not None or len(found) == 1
    return tuple((found if is_one else shared).values())
