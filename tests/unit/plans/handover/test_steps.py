"""Handovers where the operator grants: what it will bind is foreseen, and the rest is by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responsibility.api.parse import parse_record
from responsibility.api.record import Responsibility
from responsibility.grants.forecast import foresee
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.handover.record_patch import (
    Edit,
    HandoverRequest,
    delegate_first,
    patched,
    transfer,
    transfer_with_overlap,
)
from responsibility.plans.handover.simulation import HandoverSimulation
from responsibility.plans.handover.steps import Handover, HandoverStep, hand_over
from tests.unit.grants import grant_worlds
from tests.unit.grants.grant_worlds import UID, asking, roles, settled
from tests.unit.ownership.building import KEEPERS, NOW, everything, garden, snapshot

OVERLAP = timedelta(days=14)
FENCE = HandoverRequest("prod", ("fence",), "guests", NOW, OVERLAP)


def on_cluster(record: Responsibility, **status: Any) -> Responsibility:
    """Return a record as the API server has it."""
    raw = record.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raw["metadata"]["uid"] = f"{UID}{record.name}"
    return parse_record({**raw, **({"status": status} if status else {})})


def granting(
    record: Responsibility | None = None, *more: Any, without: str = "", **status: Any
) -> Snapshot:
    """Return a cluster whose operator has granted what a record asks for."""
    record = on_cluster(record or asking(), **status)
    found = snapshot(*KEEPERS[1:], *more, records=[record], models=[garden()])
    graph, _ = found.graph.replace(
        put_roles=[r for r in roles().values() if not without or not r.key.name.endswith(without)],
        put_bindings=settled(record).values(),
    )
    return replace(found, graph=graph)


def told(
    world: Snapshot, request: HandoverRequest = FENCE
) -> tuple[Handover, dict[str, HandoverStep]]:
    result = hand_over(world, request, foresee)
    return result, {stage.what: stage for stage in result.stages}


def test_the_operator_gives_and_takes_back_and_nothing_is_left_to_do_by_hand() -> None:
    result, stages = told(granting())
    give = stages["give guests what it lacks"]
    assert give.by_operator == ("fence",)
    assert (give.changes, give.blocked) == ((), ())
    assert stages["make guests the owner"].taken_back == (), "not before the overlap ends"
    assert stages["end the overlap"].taken_back == ("fence",)
    assert stages["revoke what is then too much"].obstacles == (), "what it takes back itself"
    assert result.plan.changes == ()
    assert result.vacant == ()
    assert not any(stage.nobody for stage in result.stages)


def test_without_an_overlap_it_takes_back_as_soon_as_the_owner_changes() -> None:
    _, stages = told(granting(), replace(FENCE, overlap=timedelta()))
    assert "end the overlap" not in stages
    assert stages["make guests the owner"].taken_back == ("fence",)


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (delegate_first, timedelta()),
        (transfer_with_overlap, timedelta()),
        (transfer_with_overlap, OVERLAP),
        (transfer, OVERLAP),
    ],
)
def test_what_is_foreseen_is_what_the_operator_makes(edit: Edit, after: timedelta) -> None:
    world = granting()
    record = world.records["prod"]
    agreement = Assessor().assess(world).hubs["prod"].agreement
    version = patched(record, agreement, FENCE, edit)
    view = HandoverSimulation(world, "prod", foresee).at(version, NOW + after)
    there = {
        key: (binding.role, frozenset(binding.subjects))
        for key, binding in view.snapshot.graph.bindings.items()
        if key.name.startswith("responsibility-grant-")
    }
    then = snapshot(records=[version], models=[garden()], now=NOW + after + timedelta(seconds=1))
    live = settled(record)
    made = grant_worlds.applied(grant_worlds.compare(grant_worlds.wanted(then), live), live)
    assert there == {key: (present.role, present.who) for key, present in made.items()}
    assert there


def test_an_operator_that_grants_nothing_is_not_counted_on() -> None:
    said = {
        "type": "Granted",
        "status": "False",
        "reason": "SwitchedOff",
        "message": "",
        "lastTransitionTime": "2030-01-01T00:00:00Z",
    }
    _, stages = told(granting(conditions=[said]))
    give = stages["give guests what it lacks"]
    assert give.by_operator == ()
    assert give.changes, "by hand"
    assert not any(stage.taken_back for stage in stages.values())
    (obstacle,) = stages["revoke what is then too much"].obstacles
    assert obstacle.reason == "granted", "it stays until somebody deletes it"


def test_what_the_operator_can_not_grant_is_given_by_hand_and_it_is_said_why() -> None:
    _, stages = told(granting(without="fence"))
    give = stages["give guests what it lacks"]
    ((item, why),) = give.blocked
    assert item == "fence"
    assert "there is no ClusterRole responsibility-item-fence" in why
    assert give.by_operator == ()
    assert [change.key.namespace for change in give.changes] == ["prod", "prod"]
    assert not any(stage.nobody for stage in stages.values())


def test_what_stays_by_a_binding_of_the_whole_cluster_is_told() -> None:
    _, stages = told(granting(None, everything("Group keepers")))
    revoke = stages["revoke what is then too much"]
    assert revoke.changes == ()
    assert revoke.remains, "keepers can still do everything"
    assert all(f.hub is None and str(f.subject) == "Group keepers" for f in revoke.remains)


def test_items_for_which_nobody_can_act_as_it_is_are_named_at_once() -> None:
    world = snapshot(records=[asking(enforcement={"rbac": "audit"})], models=[garden()])
    result, stages = told(world)
    assert result.vacant == ("fence",)
    assert stages["delegate to guests"].nobody == (), "which is no fault of this step"
    assert not any(stage.nobody for stage in stages.values())


def test_lines_that_say_nothing_new_are_not_added_to_a_record() -> None:
    everything_ = ("beds", "fence", "gate", "shed", "tea")
    result, stages = told(granting(), replace(FENCE, items=everything_))
    patch = stages["delegate to guests"].patch
    assert patch is not None
    assert [line["name"] for line in patch.items] == ["fence", "gate", "shed"]
    assert result.to.name == "guests"
