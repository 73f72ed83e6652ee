"""Whose consent a change of a record takes."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.api.parse import load_shipped_model, parse_record
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.consents import consents
from responsibility.ownership.terms.resolve import (
    resolve_defaults,
    resolve_model,
    resolve_record,
)

TERMS = resolve_model(load_shipped_model())
DEFAULTS = resolve_defaults(TERMS)
KEEPER = ("record", "provider")
LIMITS, ACCESS = "kubernetes-configuration", "user-access"


def agreed(*items: dict[str, Any], **spec: Any) -> Agreement:
    """Return the agreement of a record with these items."""
    raw = {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": "reef"},
        "spec": {"hub": {"namespace": "reef"}, "items": list(items), **spec},
    }
    return resolve_record(parse_record(raw), TERMS, None)


def item(name: str, owner: str = "", *delegates: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name}
    if owner:
        found["owner"] = owner
    if delegates:
        found["delegates"] = [{"party": party} for party in delegates]
    return found


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (agreed(), agreed(), []),
        (
            agreed(),
            agreed(item(LIMITS, "community")),
            [(LIMITS, "provider"), (LIMITS, "community")],
        ),
        (agreed(item(LIMITS, "community")), None, [(LIMITS, "community"), (LIMITS, "provider")]),
        (None, agreed(item(ACCESS, "provider")), [(ACCESS, "community"), (ACCESS, "provider")]),
        (agreed(), agreed(item(LIMITS, "", "community")), [(LIMITS, "provider")]),
        (agreed(item(LIMITS, "", "community")), agreed(), [(LIMITS, "provider")]),
        (
            agreed(),
            agreed(item("record", "community")),
            [("record", "provider"), ("record", "community")],
        ),
    ],
)
def test_both_parties_of_what_changes_hands(
    old: Agreement | None, new: Agreement | None, wanted: list[tuple[str, str]]
) -> None:
    found = [(each.item, each.party) for each in consents(old, new, DEFAULTS)]
    assert found == [KEEPER, *wanted]


def test_who_becomes_keeper_by_the_change_is_not_asked_as_one() -> None:
    old, new = agreed(), agreed(item("record", "community"), item(LIMITS, "community"))
    first, *_ = consents(old, new, DEFAULTS)
    assert (first.party, first.why) == ("provider", "keeps the records")


def test_a_party_is_the_one_that_was_known_before() -> None:
    """The change may say something else of a party, which must not speak for it."""
    mine = {"name": "community", "subjects": [{"kind": "Group", "name": "mine"}]}
    old, new = agreed(), agreed(item(LIMITS, "community"), parties=[mine])
    assert all(each.agreement is old for each in consents(old, new, DEFAULTS))
    fresh = agreed(item(LIMITS, "other"), parties=[{"name": "other"}])
    *_, last = consents(old, fresh, DEFAULTS)
    assert (last.party, last.agreement) == ("other", fresh)
