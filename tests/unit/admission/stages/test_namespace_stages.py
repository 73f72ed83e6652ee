"""Stages go down at once and up only where nobody is locked out, unless the record insists."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responsibility.admission import annotation_entries
from responsibility.admission.stages.blockers import BLOCKERS
from responsibility.admission.stages.namespace_keys import NOTHING, NamespaceKeys
from responsibility.admission.stages.namespace_stages import (
    ItemStage,
    StagePlan,
    only_down,
    stages_of,
)
from responsibility.api.names import (
    DELEGATES_ANNOTATION,
    HUB_ANNOTATION,
    MANAGED_LABEL,
    OWNERS_ANNOTATION,
    PREFIX_ANNOTATION,
    STAGE_LABEL,
)
from responsibility.api.stages import AdmissionStage
from tests.unit.admission.stages.stage_worlds import (
    CAN,
    ITEMS,
    STAGES,
    decide,
    labels,
    one,
    stage,
    world,
)
from tests.unit.ownership.building import NOW, assess, hub


@pytest.mark.parametrize(("before", "asked"), [*itertools.product(STAGES, STAGES)])
def test_where_nothing_is_wrong_what_is_asked_for_is_done(
    before: AdmissionStage, asked: AdmissionStage
) -> None:
    decided = decide(world(records=[one(asked)]), before)
    for item in ITEMS:
        assert stage(decided, item) == ItemStage(item, asked, asked)
    expected = {} if asked == "observe" else {STAGE_LABEL + item: asked for item in ITEMS}
    assert labels(decided) == expected


def test_the_stages_until_now_are_read_from_a_status() -> None:
    published = [
        {"name": "beds", "admission": "deny"},
        {"name": "fence"},
        {"name": "gate", "admission": "of another version"},
        {"admission": "warn"},
    ]
    assert stages_of(published) == {"beds": "deny", "fence": "observe", "gate": "observe"}


def test_nothing_asked_for_says_nothing_at_all() -> None:
    assert decide(world(records=[one("observe")]), "deny").namespaces == {}


def test_an_item_may_have_a_stage_of_its_own() -> None:
    asked = one("warn", items={"beds": {"enforcement": {"admission": "deny"}}})
    decided = decide(world(records=[asked]))
    assert labels(decided) == {
        STAGE_LABEL + "beds": "deny",
        STAGE_LABEL + "fence": "warn",
    }


@pytest.mark.parametrize("asked", [AdmissionStage.WARN, AdmissionStage.DENY])
def test_a_policy_that_cannot_be_relied_on_is_not_put_in_force(asked: AdmissionStage) -> None:
    books = {"garden": {"beds": "", "fence": "it is missing"}}
    decided = decide(world(records=[one(asked)]), policies=books)
    assert stage(decided) == ItemStage(
        "fence", asked, AdmissionStage.OBSERVE, "PolicyNotReliable", "it is missing"
    )
    assert stage(decided, "beds").stage == asked
    assert stage(decide(world(records=[one(asked)]), asked, policies=books)).stage == asked


def test_switched_off_everything_ends() -> None:
    decided = decide(world(records=[one()]), "deny", enabled=False)
    assert {s.reason for s in decided.stages["prod"]} == {"NotEnabled"}
    assert "enforcement.enabled" in stage(decided).message
    assert decided.namespaces == {}


@pytest.mark.parametrize("before", STAGES)
@pytest.mark.parametrize("force", [False, True])
def test_where_no_more_than_warnings_are_allowed_nothing_is_refused(
    before: str, force: bool
) -> None:
    asked = one("deny", enforcement={"force": force})
    # Whatever would stand in the way of refusing is no matter to a warning.
    decided = decide(assess(CAN, records=[asked]), before, limit=AdmissionStage.WARN)
    assert (stage(decided).stage, stage(decided).reason) == ("warn", "StageNotAllowed")
    assert labels(decided) == {STAGE_LABEL + item: "warn" for item in ITEMS}
    assert (
        stage(decide(world(records=[one("warn")]), before, limit=AdmissionStage.WARN)).reason == ""
    )


def test_nothing_new_is_in_force_where_people_have_not_let_it() -> None:
    assessment = world(records=[one()])
    found = stage(decide(assessment, managed=frozenset()))
    assert (found.stage, found.reason) == ("observe", "NamespaceNotManaged")
    assert found.message.endswith(f"kubectl label namespace prod {MANAGED_LABEL}=true")
    assert stage(decide(assessment, managed={"prod"})).stage == "deny"
    # Who is bound does not get free by taking the mark away, and who writes records ends it.
    there = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {OWNERS_ANNOTATION + "fence": "user:y"})
    before: dict[str, Any] = {
        "granted": {"prod": {"fence": AdmissionStage.DENY}},
        "present": {"prod": there},
    }
    assert stage(decide(assessment, managed=frozenset(), **before)).stage == "deny"
    lifted = decide(world(records=[one("observe")]), managed=frozenset(), **before)
    assert lifted.namespaces == {}


@pytest.mark.parametrize("own", ["prod", "other"])
def test_nothing_is_enforced_where_the_operator_runs(own: str) -> None:
    found = stage(decide(world(records=[one()]), own_namespace=own, managed={"prod"}))
    assert found.reason == ("NamespaceProtected" if own == "prod" else "")


def test_a_hub_that_is_gone_for_a_while_keeps_what_its_namespace_says() -> None:
    assessment = world(records=[one()], hubs=[], namespaces={"prod": False})
    assert stage(decide(assessment)).reason == "HubMissing"
    there = NamespaceKeys(
        {STAGE_LABEL + "fence": "deny"},
        {
            OWNERS_ANNOTATION + "fence": "user:x",
            HUB_ANNOTATION: "h",
            OWNERS_ANNOTATION + "gate": "user:y",
        },
    )
    decided = decide(
        assessment, present={"prod": there}, granted={"prod": {"fence": AdmissionStage.DENY}}
    ).namespaces["prod"]
    assert decided.labels == there.labels
    assert decided.annotations == {
        OWNERS_ANNOTATION + "fence": "user:x",
        HUB_ANNOTATION: "h",
    }


def test_what_objects_are_called_changes_only_where_nothing_is_in_force() -> None:
    """Whoever may make Deployments would end what guards the Secret ``hub`` by another hub."""
    named = decide(world(records=[one()], hubs=[hub("prod", "prod")])).namespaces["prod"]
    assert named.annotations[PREFIX_ANNOTATION] == ""
    moved = world(records=[one()], hubs=[replace(hub("prod", "prod"), prefix="evil-")])
    kept = decide(moved, "deny", present={"prod": named}).namespaces["prod"]
    assert kept.annotations[PREFIX_ANNOTATION] == ""
    # By the record: once nothing is in force any more, it is as the hub is called.
    lifted = world(records=[one("observe")], hubs=[replace(hub("prod", "prod"), prefix="evil-")])
    assert decide(lifted, "deny", present={"prod": named}).namespaces == {}
    anew = decide(moved, present={"prod": NOTHING}).namespaces["prod"]
    assert anew.annotations[PREFIX_ANNOTATION] == "evil-"


def test_a_namespace_that_is_going_or_gone_is_not_written() -> None:
    going = decide(world(records=[one()], namespaces={"prod": True}), "deny")
    assert going.untouched == {"prod"}
    assert going.namespaces == {}
    gone = decide(world(records=[one()], hubs=[], namespaces={}), "deny")
    assert stage(gone).reason == "NamespaceMissing"
    assert gone.namespaces == {}


def test_a_record_that_cannot_be_followed_leaves_things_as_they_are() -> None:
    decided = decide(world(records=[one(model="lost")]), unreadable={"prod"})
    assert decided == StagePlan({}, {}, frozenset({"prod"}))


@pytest.mark.parametrize("before", STAGES)
def test_a_model_that_cannot_be_rendered_any_more_lifts_nothing(before: str) -> None:
    decided = decide(
        world(records=[one()]),
        before,
        policies={"garden": {}},
        unrendered={"garden": "item fence: no path"},
    )
    assert decided.untouched == {"prod"}
    found = stage(decided)
    assert (found.stage, found.reason) == (before, "PolicyNotReliable")
    assert "no path" in found.message


def test_delegations_end_by_themselves_and_their_dates_are_told() -> None:
    until = NOW + timedelta(hours=1)
    fence = {"delegates": [{"party": "guests", "until": until.isoformat()}]}
    asked = one(items={"fence": fence})
    said = decide(world(records=[asked])).namespaces["prod"]
    assert said.markers() == {annotation_entries.marker(until)}
    assert (
        said.annotations[DELEGATES_ANNOTATION + "fence"]
        == f"{annotation_entries.marker(until)} group:visitors"
    )
    after = decide(world(records=[asked], now=until)).namespaces["prod"]
    assert after.markers() == set()
    assert "visitors" not in after.annotations[OWNERS_ANNOTATION + "fence"]


def test_reasons_are_words_and_each_has_one_line_of_the_table() -> None:
    reasons = [blocker.reason for blocker in BLOCKERS]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.isalpha() and reason[0].isupper() for reason in reasons)
    # What those decide who write records is final; what anybody can cause can be overruled.
    assert not [h.reason for h in BLOCKERS if h.ends and h.forcible]


@pytest.mark.parametrize(("before", "asked"), [*itertools.product(STAGES, STAGES)])
def test_what_is_made_without_knowing_everything_only_goes_down(
    before: AdmissionStage, asked: AdmissionStage
) -> None:
    # Nothing of RBAC is known, and no hub: all that could not be listed.
    blind = assess(records=[one(asked)], hubs=())
    there = NamespaceKeys(
        {} if before == "observe" else {STAGE_LABEL + item: before for item in ITEMS},
        {OWNERS_ANNOTATION + item: "user:ann" for item in ITEMS},
    )
    decided = only_down(decide(blind, before, present={"prod": there}), blind, {"prod": there})
    lowest = min(before, asked)
    expected = {} if lowest == "observe" else {STAGE_LABEL + item: lowest for item in ITEMS}
    assert labels(decided) == expected
    if expected:
        assert decided.namespaces["prod"].annotations == there.annotations


def test_an_owner_is_let_in_although_rbac_is_not_known() -> None:
    known = assess(records=[one()])
    there = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {OWNERS_ANNOTATION + "fence": "x"})
    decided = only_down(decide(known, "deny", present={"prod": there}), known, {"prod": there})
    assert labels(decided) == {STAGE_LABEL + "fence": "deny"}, "nor are the beds raised"
    assert decided.namespaces["prod"].annotations[OWNERS_ANNOTATION + "fence"] != "x"


def test_where_no_record_is_left_nothing_is() -> None:
    there = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {OWNERS_ANNOTATION + "fence": "x"})
    gone = assess()
    assert not only_down(decide(gone, present={"prod": there}), gone, {"prod": there}).namespaces
