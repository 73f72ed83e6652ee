"""What the cluster has only one of goes by the lowest stage that any record asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from responsibility.admission import annotation_entries
from responsibility.admission.stages.cluster_stages import ClusterPlan, cluster_plan
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.results.assessment import Assessment
from tests.unit.ownership.building import KEEPERS, NOW, assess, exempt, garden, people, record

GATE = "gate"


def world(*stages: str, item: dict[str, Any] | None = None, **more: Any) -> Assessment:
    """Return a world with a hub for each stage."""
    records = [
        record(f"hub-{n}", enforcement={"admission": stage}, items={GATE: item or {}}, **more)
        for n, stage in enumerate(stages)
    ]
    return assess(*KEEPERS, records=records)


def decide(assessment: Assessment, before: str = "observe", **more: Any) -> ClusterPlan:
    given: dict[str, Any] = {
        "trouble": "",
        "granted": {GATE: AdmissionStage(before)},
        "enabled": True,
        **more,
    }
    return cluster_plan(assessment, assessment.clusters["garden"], [GATE], **given)


@pytest.mark.parametrize(
    ("stages", "lowest"),
    [
        (("deny", "deny"), "deny"),
        (("deny", "warn"), "warn"),
        (("deny", "observe"), "observe"),
        ((), "observe"),
    ],
)
def test_the_lowest_stage_counts(stages: tuple[str, ...], lowest: str) -> None:
    decided = decide(world(*stages))
    (stage,) = decided.stages
    assert (stage.stage, stage.asked, stage.reason) == (lowest, lowest, "")
    if lowest == "observe":
        assert decided.table == {}
    else:
        assert decided.table is not None
        assert decided.table[GATE].stage == lowest
        assert list(decided.table[GATE].entries) == ["group:keepers"]


def test_whoever_owns_it_by_one_record_may() -> None:
    records = [
        record("a", enforcement={"admission": "warn"}),
        record(
            "b",
            enforcement={"admission": "warn"},
            items={GATE: {"owner": "guests"}},
            parties={"guests": people("User ann")},
        ),
    ]
    table = decide(assess(*KEEPERS, records=records)).table
    assert table is not None
    assert list(table[GATE].entries) == ["group:keepers", "user:ann"]


def test_each_item_has_owners_of_its_own() -> None:
    asked = record(
        enforcement={"admission": "warn"},
        items={GATE: {}, "fence": {"owner": "guests"}},
        parties={"guests": people("User ann")},
    )
    assessment = assess(*KEEPERS, records=[asked])
    items = [GATE, "fence"]
    granted = dict.fromkeys(items, AdmissionStage.OBSERVE)
    decided = cluster_plan(
        assessment, assessment.clusters["garden"], items, trouble="", granted=granted, enabled=True
    )
    assert decided.table is not None
    owners = {name: list(entry.entries) for name, entry in decided.table.items()}
    assert owners == {GATE: ["group:keepers"], "fence": ["user:ann"]}


def test_what_cannot_be_listed_is_no_longer_enforced() -> None:
    """Those who are left out would be refused what is theirs."""
    crowds = {
        f"crowd-{n}": people(*(f"User {n}-{number}-{'x' * 500}" for number in range(64)))
        for n in range(3)
    }
    owned = {"owner": "crowd-0", "delegates": [{"party": f"crowd-{n}"} for n in (1, 2)]}
    for forced in ({}, {"force": True}):
        asked = record(
            enforcement={"admission": "deny", **forced}, items={GATE: owned}, parties=crowds
        )
        (stage,) = decide(assess(*KEEPERS, records=[asked]), "deny").stages
        assert (stage.stage, stage.reason) == ("observe", "CannotBeListed")


def test_a_delegate_of_several_records_may_until_the_latest_date() -> None:
    ends = [NOW + timedelta(hours=hours) for hours in (1, 3)]
    records = [
        record(
            f"hub-{n}",
            enforcement={"admission": "warn"},
            items={GATE: {"delegates": [{"party": "guests", "until": end.isoformat()}]}},
            parties={"guests": people("User ann")},
        )
        for n, end in enumerate(ends)
    ]
    decided = decide(assess(*KEEPERS, records=records))
    assert decided.table is not None
    assert list(decided.table[GATE].entries) == [
        "group:keepers",
        f"{annotation_entries.marker(ends[1])} user:ann",
    ]
    assert decided.markers() == {annotation_entries.marker(ends[1])}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"enabled": False}, "NotEnabled"),
        ({"written": False}, "NotEnabled"),
        ({"trouble": "it is missing"}, "PolicyNotReliable"),
    ],
)
def test_it_does_not_go_up_where_something_is_wrong(more: dict[str, Any], reason: str) -> None:
    (stage,) = decide(world("deny"), **more).stages
    assert (stage.stage, stage.reason) == ("observe", reason)


def test_without_the_right_to_write_them_even_what_is_in_force_ends_and_says_what_to_set() -> None:
    (stage,) = decide(world("deny"), "deny", written=False).stages
    assert (stage.stage, stage.reason) == ("observe", "NotEnabled")
    assert "enforcement.cluster" in stage.message


def test_an_owner_who_cannot_is_not_put_in_charge_of_the_cluster() -> None:
    assessment = assess(records=[record(enforcement={"admission": "deny"})])
    (stage,) = decide(assessment).stages
    assert (stage.stage, stage.reason) == ("observe", "OwnerLacksAccess")
    (kept,) = decide(assessment, "deny").stages
    assert kept.stage == "deny"
    forced = assess(records=[record(enforcement={"admission": "deny", "force": True})])
    (stage,) = decide(forced).stages
    assert stage.stage == "deny"


def test_parts_of_single_hubs_are_nobody_here_but_those_of_any_namespace_are() -> None:
    exemptions = [
        exempt("ServiceAccount $(namespace)/$(prefix)hub", "*"),
        exempt("ServiceAccount */$(prefix)user-scheduler", "*"),
    ]
    assessment = assess(
        *KEEPERS,
        records=[record(enforcement={"admission": "warn"})],
        models=[garden(exemptions=exemptions)],
    )
    table = decide(assessment).table
    assert table is not None
    assert list(table[GATE].entries) == [
        "group:keepers",
        r"like:^system:serviceaccount:[^:]*:user\-scheduler$",
    ]


@pytest.mark.parametrize("before", ["observe", "warn", "deny"])
def test_where_no_more_than_warnings_are_allowed_nothing_is_refused(before: str) -> None:
    (found,) = decide(world("deny"), before, limit=AdmissionStage.WARN).stages
    assert (found.asked, found.stage, found.reason) == ("deny", "warn", "StageNotAllowed")
    (found,) = decide(world("warn"), before, limit=AdmissionStage.WARN).stages
    assert (found.stage, found.reason) == ("warn", "")
