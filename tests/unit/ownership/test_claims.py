"""Which record speaks for which hub, and what is said of one that speaks for none."""

from typing import Any

from responsibility.hub.discovery import HubKey
from responsibility.ownership.claims import HUB_CLAIMED, holding, waiting
from responsibility.ownership.results.assessment import HubState
from responsibility.ownership.terms.snapshot import Broken
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    garden,
    grant,
    hub,
    of_kind,
    on_hub,
    record,
    states,
)

OLD, YOUNG = "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"


def test_the_older_of_two_records_keeps_the_hub() -> None:
    found = assess(
        records=[record("a", "prod", "prod", created=YOUNG), record("b", "prod", created=OLD)],
        hubs=[hub("prod")],
    )
    assert list(found.hubs) == ["b"]
    refused = found.refused_records["a"]
    assert refused.reason == "HubClaimed"
    assert "record b is older and already speaks for hub prod/prod" in refused.message
    assert not found.unrecorded


def test_who_waits_does_not_come_after_it() -> None:
    waits = record("a", "prod", "prod", created=OLD)
    anew = record("b", "prod", created=YOUNG)
    told = {"a": "prod/prod"}
    for records, heir in (([waits], []), ([waits, anew], ["b"])):
        found = assess(records=records, hubs=[hub("prod")], waiting=told)
        assert list(found.hubs) == heir
        assert found.refused_records["a"].reason == HUB_CLAIMED
        assert ("b already speaks" if heir else "create it anew") in (
            found.refused_records["a"].message
        )
        # Told again each time: this is what it is remembered by.
        assert found.refused_records["a"].hub == HubKey("prod", "prod")


def test_who_waited_for_another_hub_does_not_wait() -> None:
    # Which hub a record without a release is about may have been another one for a while.
    found = assess(
        records=[record("a", "prod")], hubs=[hub("prod", "spring")], waiting={"a": "prod/prod"}
    )
    assert list(found.hubs) == ["a"]


def test_who_waits_is_known_by_its_status() -> None:
    claimed = {"type": "Ready", "status": "False", "reason": HUB_CLAIMED}
    ready = {"type": "Ready", "status": "True", "reason": "Assessed"}
    found = waiting(
        [
            ("a", {"hub": "prod/prod", "conditions": [claimed]}),
            ("b", {"hub": "prod/prod", "conditions": [ready]}),
            ("c", {}),
        ]
    )
    assert found == {"a": "prod/prod"}


def test_who_speaks_is_known_by_its_status() -> None:
    claimed = {"type": "Ready", "status": "False", "reason": HUB_CLAIMED}
    statuses: list[tuple[str, dict[str, Any]]] = [
        ("a", {"hub": "prod/prod", "conditions": [claimed]}),
        ("b", {"hub": "prod/prod"}),
        ("c", {}),
    ]
    assert holding(statuses) == {"b": "prod/prod"}


def test_a_second_release_takes_no_hub_from_a_record_that_speaks_for_it() -> None:
    """Whoever may make Deployments would else blind the record, or hand its hub to another."""
    both = [hub("prod", "a", "a-"), hub("prod", "b", "b-")]
    speaks, other = record("x", "prod", created=OLD), record("y", "prod", "a", created=YOUNG)
    told = {"x": "prod/a"}
    found = assess(records=[speaks, other], hubs=both, holding=told)
    assert on_hub(found, "x").hub_state is HubState.FOUND
    assert on_hub(found, "x").agreement.hub == HubKey("prod", "a")
    assert found.refused_records["y"].reason == HUB_CLAIMED
    assert list(map(str, found.unrecorded)) == ["prod/b"]
    # Of what is gone, and of another namespace, nothing is held.
    for hubs, held in (([*both[1:], hub("prod", "c")], told), (both, {"x": "test/a"})):
        found = assess(records=[speaks], hubs=hubs, holding=held)
        assert on_hub(found, "x").hub_state is HubState.AMBIGUOUS


def test_a_hub_that_another_record_names_takes_no_record_from_its_own() -> None:
    """Its own hub is deleted and the other one's made: it would wait behind that from then on."""
    mine, other = record("x", "prod", created=YOUNG), record("y", "prod", "b", created=OLD)
    told = {"x": "prod/a"}
    seen = {"namespaces": {"prod": False}, "holding": told}
    found = assess(records=[mine, other], hubs=[hub("prod", "b")], **seen)
    assert on_hub(found, "x").hub_state is HubState.MISSING
    assert on_hub(found, "x").agreement.hub == HubKey("prod", "a")
    assert on_hub(found, "y").hub_state is HubState.FOUND
    found = assess(records=[mine, other], hubs=[hub("prod", "a"), hub("prod", "b")], **seen)
    assert {on_hub(found, name).hub_state for name in "xy"} == {HubState.FOUND}
    # One that no record names, it follows.
    found = assess(records=[mine], hubs=[hub("prod", "b")], **seen)
    assert on_hub(found, "x").agreement.hub == HubKey("prod", "b")


def test_of_two_of_one_age_the_first_by_name_keeps_it() -> None:
    for order in (("a", "b"), ("b", "a")):
        found = assess(records=[record(n, "prod") for n in order], hubs=[hub("prod")])
        assert list(found.hubs) == ["a"]


def test_hubs_come_by_name_whichever_record_is_older() -> None:
    records = [record("b", created=OLD), record("a", created=YOUNG)]
    assert list(assess(records=records).hubs) == ["a", "b"]


def test_the_release_may_be_left_out_where_there_is_one() -> None:
    found = assess(records=[record("a", "prod")], hubs=[hub("prod", "spring")])
    assert on_hub(found, "a").hub_state is HubState.FOUND
    assert on_hub(found, "a").agreement.hub == HubKey("prod", "spring")


def test_where_there_are_several_it_must_be_said_which() -> None:
    several = [hub("prod", "a", "a-"), hub("prod", "prod")]
    found = assess(
        grant("User ann", "update", "configmaps"), records=[record("x", "prod")], hubs=several
    )
    assert on_hub(found, "x").hub_state is HubState.AMBIGUOUS
    assert on_hub(found, "x").releases == ("a", "prod")
    assert not [f for f in of_kind(found, "excess-access") if f.hub]
    assert "ok" not in states(found, "x").values()
    # Nobody speaks for either of them.
    assert list(map(str, found.unrecorded)) == ["prod/a", "prod/prod"]


def test_a_record_that_does_not_say_which_is_in_nobodys_way() -> None:
    found = assess(
        records=[
            record("vague", "prod", created=OLD),
            record("clear", "prod", "prod", created=YOUNG),
        ],
        hubs=[hub("prod", "a", "a-"), hub("prod", "prod")],
    )
    assert on_hub(found, "clear").hub_state is HubState.FOUND
    assert on_hub(found, "vague").hub_state is HubState.AMBIGUOUS
    assert list(map(str, found.unrecorded)) == ["prod/a"]
    keys = [a.agreement.hub for a in found.hubs.values()]
    assert len(set(keys)) == len(keys)


def test_a_hub_that_is_not_there_is_missing() -> None:
    found = assess(
        grant("User ann", "update", "configmaps"),
        records=[record()],
        hubs=[],
        namespaces={"prod": False},
    )
    assert on_hub(found).hub_state is HubState.MISSING
    assert not [f for f in of_kind(found, "excess-access", "missing-access") if f.hub]
    assert "ok" not in states(found).values()


def test_a_namespace_that_is_not_there_is_missing() -> None:
    found = assess(records=[record()], hubs=[], namespaces={})
    assert on_hub(found).hub_state is HubState.NO_NAMESPACE


def test_a_hub_that_is_there_has_a_namespace_whatever_was_seen_first() -> None:
    found = assess(records=[record()], hubs=[hub("prod")], namespaces={})
    assert on_hub(found).hub_state is HubState.FOUND


def test_a_hub_in_a_namespace_that_is_being_deleted_is_left_alone() -> None:
    found = assess(
        grant("User ann", "update", "configmaps"),
        records=[record("x", "prod")],
        hubs=[hub("prod", "spring")],
        namespaces={"prod": True},
    )
    assert on_hub(found, "x").hub_state is HubState.DELETING
    assert not [f for f in of_kind(found, "excess-access") if f.hub]
    assert on_hub(found, "x").agreement.hub == HubKey("prod", "spring")


def test_hubs_without_a_record_are_counted_and_listed() -> None:
    found = assess(records=[record("a")], hubs=[hub("a"), hub("b"), hub("c", "d")])
    assert list(map(str, found.unrecorded)) == ["b/b", "c/d"]


def test_a_record_without_its_model_is_refused_and_told_which_there_are() -> None:
    found = assess(records=[record(model="other")])
    refused = found.refused_records["prod"]
    assert refused.reason == "ModelMissing"
    assert "garden" in refused.message


def test_a_record_whose_model_cannot_be_read_is_told_so() -> None:
    found = assess(
        records=[record(model="bad")],
        broken_models={"bad": Broken("bad", "spec.items: missing", 7)},
    )
    assert found.refused_records["prod"].reason == "ModelMalformed"
    assert "spec.items: missing" in found.refused_records["prod"].message
    assert found.refused_models["bad"].generation == 7


def test_a_record_that_cannot_be_read_is_told_why() -> None:
    found = assess(broken_records={"odd": Broken("odd", "spec.hub: missing", 3)})
    refused = found.refused_records["odd"]
    assert (refused.reason, refused.message, refused.generation) == (
        "Malformed",
        "spec.hub: missing",
        3,
    )


def test_a_line_that_cannot_be_followed_is_told_and_the_others_count() -> None:
    odd = record(
        items={
            "fence": {"owner": "gaurd"},
            "gait": {"owner": "keeper"},
            "beds": {"delegates": [{"party": "crew"}]},
        },
        exemptions=[
            {
                "subject": {"kind": "User", "name": "x"},
                "items": ["fense"],
                "reason": "y",
            }
        ],
    )
    found = assess(*KEEPERS, grant("User ann", "patch", "*", group="apps"), records=[odd])
    agreement = on_hub(found).agreement
    assert {p.path for p in agreement.problems} == {
        "spec.items[fence].owner",
        "spec.items[beds].delegates",
        "spec.items[gait]",
        "spec.exemptions[0].items",
    }
    assert all(p.remedy for p in agreement.problems)
    assert agreement.unresolved == {"fence", "beds"}
    assert not [f for f in found.findings() if f.hub and f.item in agreement.unresolved]
    assert states(found)["fence"] == states(found)["beds"] == "unknown"
    assert states(found)["gate"] == "ok"


def test_of_such_a_line_nothing_is_said_cluster_wide_either() -> None:
    odd = record("a", items={"beds": {"owner": "gaests"}})
    found = assess(
        *KEEPERS, grant("User ann", "delete", "configmaps", ns=""), records=[odd, record("b")]
    )
    (finding,) = of_kind(found, "excess-access")
    assert (finding.item, finding.hubs) == ("beds", 1)
    assert states(found, "a")["beds"] == "unknown"


def test_the_model_may_come_after_the_record() -> None:
    assert assess(records=[record()], models=[garden()]).hubs


def test_where_nobody_knows_which_hubs_there_are_statuses_say_whom_a_record_speaks_for() -> None:
    names, plain = record("a", "prod", "prod", created=OLD), record("b", "prod", created=YOUNG)
    blind: dict[str, Any] = {"hubs": [], "hubs_known": False}

    def hubs(**said: Any) -> dict[str, str]:
        found = assess(records=[names, plain], **blind, **said)
        return {name: str(each.agreement.hub) for name, each in found.hubs.items()}

    both = {"a": "prod/prod", "b": "prod/spring"}
    assert hubs(holding=both) == both
    # Which of them came first matters only where they speak for the same.
    assert hubs(holding={"b": "prod/prod"}) == {"a": "prod/prod"}
    assert hubs(holding={"a": "prod/prod"}, waiting={"b": "prod/spring"}) == {"a": "prod/prod"}
    assert hubs(holding={"b": "prod/spring"}, waiting={"a": "prod/prod"}) == {"b": "prod/spring"}
    # Nothing was said yet: it stands in nobody's way; nor does a hub of another namespace count.
    assert hubs() == {"a": "prod/prod", "b": "prod"}
    assert hubs(holding={"b": "coast/prod"}) == {"a": "prod/prod", "b": "prod"}


def test_a_record_of_which_nothing_was_said_is_not_taken_to_be_about_several_hubs() -> None:
    found = assess(records=[record("a", "prod")], hubs=[], hubs_known=False, namespaces={})
    assert on_hub(found, "a").hub_state is HubState.NO_NAMESPACE
