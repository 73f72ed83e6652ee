"""Those who may act by another item are known to policies, whatever the stage of that is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from responsibility.admission import annotation_entries
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api.names import (
    CONTACT_ANNOTATION,
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    STAGE_LABEL,
)
from responsibility.api.stages import AdmissionStage
from tests.unit.admission.stages.stage_worlds import GUESTS, decide, one, stage, world
from tests.unit.ownership.building import NOW, people, record

ONLY_BEDS = {"beds": {"enforcement": {"admission": "deny"}}}


def only_beds(**more: Any) -> Any:
    """Return a record that asks for one item only, by whose policy others may act, too."""
    return one("observe", items=ONLY_BEDS, **more)


def test_who_may_act_by_another_item_is_said_whatever_the_stage_of_that_is() -> None:
    said = decide(world(records=[only_beds()])).namespaces["prod"]
    assert said.labels == {STAGE_LABEL + "beds": "deny"}
    assert said.annotations[OWNERS_ANNOTATION + "beds"] == "group:visitors"
    assert said.annotations[OWNERS_ANNOTATION + "fence"] == "group:keepers"
    # Nobody is refused by that one, so nobody is told whom to call.
    assert CONTACT_ANNOTATION + "beds" in said.annotations
    assert CONTACT_ANNOTATION + "fence" not in said.annotations


def test_delegations_of_an_item_that_is_only_read_end_by_themselves_too() -> None:
    until = NOW + timedelta(hours=1)
    fence = {"delegates": [{"party": "guests", "until": until.isoformat()}]}
    asked = one("observe", items={**ONLY_BEDS, "fence": fence})
    assert decide(world(records=[asked])).namespaces["prod"].markers() == {
        annotation_entries.marker(until)
    }


def test_where_those_who_may_act_by_another_item_cannot_be_listed_nothing_is_enforced() -> None:
    # More than annotations hold: each of the names has two thousand bytes.
    others = [f"odd{number}" for number in range(3)]
    odd = {
        party: people(*(f"User {party}-{number}{'🌊' * 500}" for number in range(64)))
        for party in ("odd", *others)
    }
    asked = record(
        parties={"guests": GUESTS, **odd},
        items={
            **ONLY_BEDS,
            "fence": {"owner": "odd", "delegates": [{"party": party} for party in others]},
        },
        enforcement={"admission": "observe"},
    )
    found = stage(decide(world(records=[asked]), "deny"), "beds")
    assert (found.stage, found.reason) == ("observe", "CannotBeListed")
    assert "party odd" in found.message


def test_what_is_not_asked_for_takes_no_room_from_what_is() -> None:
    """Beds come first, and their owners' names fill most of what annotations hold."""

    def many(party: str, number: int) -> Any:
        return people(*(f"User {party}-{n}{'🌊' * 500}" for n in range(number)))

    asked = record(
        parties={"guests": GUESTS, "crowd": many("crowd", 64), "few": many("few", 32)},
        items={
            "beds": {"owner": "crowd", "enforcement": {"admission": "observe"}},
            "fence": {"owner": "few", "enforcement": {"admission": "deny", "force": True}},
        },
        enforcement={"admission": "observe"},
    )
    decided = decide(world(records=[asked]))
    assert (stage(decided, "beds").stage, stage(decided).stage) == ("observe", "deny")


def test_what_is_said_of_items_that_are_only_read_stays_while_the_hub_is_gone() -> None:
    assessment = world(records=[only_beds()], hubs=[], namespaces={"prod": False})
    said = {
        OWNERS_ANNOTATION + "beds": "user:x",
        OWNERS_ANNOTATION + "fence": "user:y",
        HUB_ANNOTATION: "h",
    }
    there = NamespaceKeys({STAGE_LABEL + "beds": "deny"}, said)
    granted = {"prod": {"beds": AdmissionStage.DENY}}
    decided = decide(assessment, present={"prod": there}, granted=granted)
    assert decided.namespaces["prod"].annotations == said
