"""Delegations end, reviews fall due, and contacts go missing, whatever RBAC says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from responsibility.api.record import Responsibility
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from tests.unit.ownership.building import (
    KEEPERS,
    NOW,
    assess,
    excess,
    garden,
    garden_with,
    grant,
    of_kind,
    on_hub,
    people,
    record,
    snapshot,
    states,
)

UNTIL = datetime(2030, 7, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CREW = grant("Group crew", "delete", "configmaps")


def lent(until: str | None = "2030-07-01T00:00:00Z", **more: str) -> Responsibility:
    delegate = {"party": "crew", **({"until": until} if until else {}), **more}
    return record(
        parties={"crew": people("Group crew", contact={"email": "crew@garden.example"})},
        items={"beds": {"delegates": [delegate]}},
    )


@pytest.mark.parametrize(
    ("now", "over"),
    [(NOW, False), (UNTIL - SECOND, False), (UNTIL, True), (UNTIL + SECOND, True)],
)
def test_a_delegation_ends_at_its_end(now: datetime, over: bool) -> None:
    found = assess(*KEEPERS, CREW, records=[lent(reason="harvest")], now=now)
    assert bool(of_kind(found, "delegation-expired")) is over
    # What was lent is in excess from then on.
    assert (excess(found) == {("Group crew", "beds", "prod/prod")}) is over
    assert (on_hub(found).items[1].delegates == ("crew",)) is not over
    told = of_kind(found, "delegation-expiring")
    if over:
        assert not told
        (finding,) = of_kind(found, "delegation-expired")
        assert "(harvest) ended on 2030-07-01 00:00 UTC and is still in the record" in (
            wording.message(finding)
        )
        assert found.next_deadline is None
    else:
        # First it is told that it ends soon, and then that it has ended.
        assert found.next_deadline == (UNTIL if told else UNTIL - timedelta(days=14))


def test_a_delegation_without_an_end_does_not_end() -> None:
    found = assess(*KEEPERS, CREW, records=[lent(None)], now=UNTIL)
    assert not found.findings()
    assert found.next_deadline is None


def test_an_end_in_another_zone_is_the_same_moment() -> None:
    assert (
        not assess(CREW, records=[lent("2030-07-01T02:00:00+02:00")], now=UNTIL - SECOND)
        .hubs["prod"]
        .agreement.items[1]
        .parties(UNTIL)[1:]
    )


def test_a_record_can_take_back_what_the_model_lends() -> None:
    beds = garden().spec.items[0].model_dump(by_alias=True, mode="json", exclude_unset=True)
    model = garden_with({**beds, "delegates": [{"party": "keeper"}]})
    keeper = grant("Group keepers", "delete", "configmaps")
    kept = assess(*KEEPERS, keeper, models=[model], records=[record()])
    taken = assess(
        *KEEPERS, keeper, models=[model], records=[record(items={"beds": {"delegates": []}})]
    )
    assert not excess(kept)
    assert excess(taken) == {("Group keepers", "beds", "prod/prod")}


def test_where_the_model_lent_it_the_model_is_told() -> None:
    beds = garden().spec.items[0].model_dump(by_alias=True, mode="json", exclude_unset=True)
    ended = {"party": "keeper", "until": "2030-01-01T00:00:00Z"}
    found = assess(models=[garden_with({**beds, "delegates": [ended]})], records=[record()])
    assert wording.message(of_kind(found, "delegation-expired")[0]).endswith(
        "is still in the model"
    )


@pytest.mark.parametrize(
    "until", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z"]
)
def test_no_end_is_too_far_away(until: str) -> None:
    found = assess(CREW, records=[lent(until)])
    assert bool(of_kind(found, "delegation-expired")) is until.startswith("0001")


# -- reviews -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "over"),
    [
        (datetime(2030, 6, 20, 23, 59, tzinfo=UTC), False),
        (datetime(2030, 6, 21, tzinfo=UTC), True),
        (datetime(2030, 6, 21, 1, tzinfo=timezone(timedelta(hours=2))), False),
    ],
)
def test_an_item_is_overdue_after_the_day_of_its_review(now: datetime, over: bool) -> None:
    due = record(items={"tea": {"reviewAfter": "2030-06-20"}})
    found = assess(*KEEPERS, records=[due], now=now)
    assert (states(found)["tea"] == "overdue") is over
    assert [f.is_drift for f in of_kind(found, "attestation-overdue")] == [False] * over
    assert found.next_deadline == (None if over else datetime(2030, 6, 21, tzinfo=UTC))


def test_the_last_day_there_is_can_be_written() -> None:
    last = record(items={"tea": {"reviewAfter": "9999-12-31"}})
    assert assess(*KEEPERS, records=[last]).next_deadline is None


def test_drift_is_worse_than_being_overdue() -> None:
    due = record(items={"fence": {"reviewAfter": "2030-01-01"}})
    assert states(assess(*KEEPERS, records=[due]))["fence"] == "overdue"
    assert states(assess(records=[due]))["fence"] == "drift"


def test_the_next_deadline_is_the_first_of_all() -> None:
    found = assess(
        records=[
            lent("2031-01-01T00:00:00Z"),
            record("b", items={"tea": {"reviewAfter": "2030-08-01"}}),
        ]
    )
    assert found.next_deadline == datetime(2030, 8, 2, tzinfo=UTC)


# -- contacts ----------------------------------------------------------------------------------


def test_an_owner_that_cannot_be_reached_is_told_once_and_is_no_drift() -> None:
    found = assess(*KEEPERS, records=[record(parties={"guests": {"contact": {}}})])
    (finding,) = found.findings()
    assert (finding.kind, finding.item, finding.party) == ("contact-missing", "record", "guests")
    assert finding.items == ("beds", "tea")
    assert not finding.is_drift
    assert "drift" not in set(states(found).values())


def test_one_way_to_reach_it_is_enough() -> None:
    for contact in ({"email": "a@b.example"}, {"url": "https://b.example"}):
        assert not assess(
            *KEEPERS, records=[record(parties={"guests": {"contact": contact}})]
        ).findings()


def test_a_party_that_owns_nothing_need_not_be_reached() -> None:
    assert not assess(*KEEPERS, records=[record(parties={"crew": {}})]).findings()


def test_an_attested_item_is_checked_by_its_contact() -> None:
    def checked(**contact: str) -> tuple[str, ...]:
        found = assess(*KEEPERS, records=[record(parties={"guests": {"contact": contact}})])
        return next(r.checked for r in on_hub(found).items if r.item.name == "tea")

    assert checked(email="a@b.example") == ("attested",)
    assert checked() == ()


# -- time and memory ---------------------------------------------------------------------------


def test_time_that_moves_is_noticed_in_both_directions() -> None:
    assessor = Assessor()
    before = snapshot(*KEEPERS, CREW, records=[lent()])

    def at(now: datetime) -> bool:

        return bool(excess(assessor.assess(replace(before, now=now))))

    assert [at(UNTIL - SECOND), at(UNTIL), at(UNTIL + SECOND), at(UNTIL - SECOND)] == [
        False,
        True,
        True,
        False,
    ]
