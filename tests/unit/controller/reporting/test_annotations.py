"""What a Deployment says of its owners."""

from dataclasses import replace

from responsibility.controller.reporting.annotations import desired, ours, outdated, patch
from responsibility.hub.discovery import Deployment
from responsibility.ownership.results.assessment import Assessment
from tests.unit.ownership.building import NOW, assess, grant, record

OURS = "responsibility.2i2c.org/"
EVE = grant("User eve", "update", "configmaps")
ADA = grant("User ada", "update", "configmaps")


def said(assessment: Assessment) -> dict[str, str]:
    (values,) = desired(assessment).values()
    return {key.removeprefix(OURS): value for key, value in values.items()}


def test_a_deployment_names_its_owners() -> None:
    values = said(assess(records=[record()]))
    assert values["record"] == "prod"
    assert values["model"] == "garden"
    assert values["owner-split"] == "keeper 3, guests 2"
    assert values["owners"] == "beds=guests,fence=keeper,gate=keeper,shed=keeper,tea=guests"
    assert values["contacts"] == "Keeper: keeper@garden.example; Guests: https://guests.example"


def test_they_change_neither_with_time_nor_with_the_order_of_findings() -> None:
    one = assess(EVE, ADA, records=[record()])
    two = assess(ADA, EVE, records=[record()], now=NOW.replace(hour=23))
    assert desired(one) == desired(two)
    state = one.hubs["prod"]
    turned = replace(state, findings=tuple(reversed(state.findings)))
    assert desired(replace(one, hubs={"prod": turned})) == desired(one)
    assert not any("2030" in value for value in said(one).values())


def test_no_subject_is_among_them() -> None:
    assert "eve" not in str(said(assess(EVE, records=[record()])))


def test_long_values_are_clipped() -> None:
    url = "https://x.example/" + "a" * 480
    parties = {f"p{n}": {"contact": {"url": url}} for n in range(12)}
    items = {
        name: {"owner": f"p{n}"} for n, name in enumerate(["beds", "fence", "gate", "shed", "tea"])
    }
    values = said(assess(records=[record(parties=parties, items=items)]))
    assert max(map(len, values.values())) <= 4_096


def test_without_a_hub_or_a_record_there_are_none() -> None:
    assert desired(assess(records=[record()], hubs=[])) == {}
    assert desired(assess(records=[])) == {}


def deployment(**annotations: str) -> Deployment:
    return Deployment("prod", "hub", "u1", "hub", "prod", "4", annotations)


def test_only_annotations_are_applied_and_to_this_very_object() -> None:
    body = patch(deployment(), {f"{OURS}record": "prod"})
    assert body == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "hub",
            "namespace": "prod",
            "uid": "u1",
            "annotations": {f"{OURS}record": "prod"},
        },
    }


def test_to_remove_them_is_to_apply_none() -> None:
    assert outdated(deployment(**{f"{OURS}record": "prod"}), {})
    assert not outdated(deployment(), {})
    assert "annotations" not in patch(deployment(), {})["metadata"]  # type: ignore[operator]  # it is a map


def test_of_an_answer_only_ours_are_read() -> None:
    answer = {"metadata": {"annotations": {f"{OURS}record": "a", "example.org/x": "b"}}}
    assert ours(answer) == {f"{OURS}record": "a"}
    assert ours({"metadata": {}}) == {}


def test_the_clusters_name_is_told_where_there_is_one() -> None:
    one = assess(records=[record()])
    (named,) = desired(one, cluster="leap").values()
    assert named["responsibility.2i2c.org/cluster"] == "leap"
    assert "responsibility.2i2c.org/cluster" not in next(iter(desired(one).values()))
