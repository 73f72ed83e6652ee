"""The first story: two hubs, what was agreed on them, and what the operator tells about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from demo import organisation
from tests.e2e.lab import audit
from tests.e2e.lab.lifetime import say
from tests.e2e.operator.enforcement import only_told
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, owners

LEAP, COAST = organisation.LEAP, organisation.COAST
# Lines of a status with eight findings; what makes it longer than that is told elsewhere already.
DESCRIBED = 140
# What the design allows until the operator is ready.
REQUESTS = 100

# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    world = bare_world
    # One of its delegations has ended, which the chart's policy refuses in a new record.
    world.install("--set", "policies.recordDates=false")
    world.admin.apply(*organisation.manifests(), *organisation.third_hub())
    world.admin.apply(*organisation.records(datetime.now(UTC)), organisation.third_record())
    return world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    """Run one that lists nothing again, however long it takes to come to rest."""
    with world.operator(settings=only_told.SETTINGS) as running:
        world.until_at_rest(running)
        yield running


def once_each(events: list[audit.Event]) -> Iterator[audit.Event]:
    """Yield requests, those about its own rights once: it asks again as long as it takes."""
    asked = set()
    for event in events:
        if event.get("objectRef", {}).get("resource") == "selfsubjectaccessreviews":
            question = json.dumps((event.get("requestObject") or {}).get("spec"), sort_keys=True)
            if question in asked:
                continue
            asked.add(question)
        yield event


def test_it_starts_with_few_requests(world: World, operator: Operator) -> None:
    """Reviews come on top, for what an owner seems to lack: other authorizers may grant it."""
    made = Counter(
        f"{event['verb']} {event.get('objectRef', {}).get('resource', '(discovery)')}"
        for event in once_each(world.requests())
        if event["verb"] != "patch"
    )
    events, reviews = made.pop("create events", 0), made.pop("create subjectaccessreviews")
    say(f"{made.total()} requests until settled, and {reviews} reviews, {events} Events: {made}")
    assert made.total() < REQUESTS
    assert operator.metrics().value("missing_rights") == 0


def test_a_record_is_held_against_its_hub(world: World) -> None:
    record = world.record(LEAP.record)
    status = record["status"]
    assert status["observedGeneration"] == record["metadata"]["generation"]
    assert world.condition(LEAP.record, "Ready")[:2] == ("True", "Assessed")
    assert world.condition(LEAP.record, "HubFound") == ("True", "Found", "chart 4.4.0")
    assert world.condition(LEAP.record, "RBACNotEnforced")[:2] == ("False", "RBACEnforced")
    assert world.condition(LEAP.record, "Drift")[0] == "True"
    assert world.condition(LEAP.record, "Annotated")[0] == "True"
    assert status["hub"] == "leap-prod/leap-prod"
    assert status["enforcement"] == "observe/audit"


def test_the_hub_with_the_older_chart_is_found_too(world: World) -> None:
    assert world.condition(COAST.record, "HubFound") == ("True", "Found", "chart 3.3.8")


def test_every_item_has_its_owner_and_its_state(world: World) -> None:
    owned = owners(world.status(LEAP.record))
    assert len(owned) == 21
    assert owned["kubernetes-configuration"] == "provider"
    items = world.items(LEAP.record)
    assert items["kubernetes-configuration"]["state"] == "drift"
    assert items["use-sessions"] == {"state": "recorded"}, "as agreed, so the status has no line"
    assert world.items(COAST.record)["general-user-support"]["state"] == "overdue"


def test_describe_tells_no_more_than_what_is_not_agreed(world: World) -> None:
    """What follows from the agreement is not told again, and no finding takes a line of its own."""
    shown = world.cluster.kubectl("describe", "resp", COAST.record).stdout.splitlines()
    status = shown[shown.index("Status:") : shown.index("Events:") if "Events:" in shown else None]
    say(f"kubectl describe of a hub with 8 findings: {len(shown)} lines, {len(status)} of status")
    assert world.status(COAST.record)["drift"]["total"] == 8
    assert len(status) < DESCRIBED


def test_the_owners_are_counted(world: World) -> None:
    split = world.status(LEAP.record)["ownerSplit"]
    counts = {party: int(count) for party, count in (p.split() for p in split.split(", "))}
    assert counts.keys() == {"provider", "community"}
    assert sum(counts.values()) == 20


def test_a_right_never_taken_back_is_found_with_its_source(world: World) -> None:
    (cause,) = [
        cause
        for cause in world.causes(COAST.record, kind="excess-access")
        if cause["subject"]["name"] == organisation.LEAVER["name"]
    ]
    assert {*cause["items"]} >= {"deploy-configure-hub", "incident-response"}
    assert all("former-engineer" in binding for binding in cause["bindings"])
    assert "former-engineer" in cause["remedy"]
    assert len(cause["ids"].split()) == 7
    assert cause["ids"].split()[0] == cause["id"]
    assert all(later > cause["since"] for later in cause.get("findings", {}).values())


def test_an_owner_that_lost_its_role_lacks_what_its_items_need(world: World) -> None:
    (missing,) = world.causes(organisation.ATLAS.record, kind="missing-access")
    assert {*missing["items"]} >= {"deploy-configure-hub", "incident-response"}
    assert missing["party"] == "community"


def test_a_delegation_that_has_ended_is_found(world: World) -> None:
    (expired,) = world.causes(LEAP.record, kind="delegation-expired")
    assert expired["items"] == ["kubernetes-configuration"]
    assert "spring workshop" in expired["message"]


def test_counts_agree_with_findings(world: World) -> None:
    for hub in (LEAP, COAST):
        status = world.status(hub.record)
        told = sum(len(cause["ids"].split()) for cause in status["causes"])
        assert status["drift"]["total"] == told + status.get("truncated", 0)
        assert status["drift"]["causes"] == len(status["causes"])
        assert sum(status["drift"]["byKind"].values()) == status["drift"]["total"]


def test_what_the_cluster_has_once_is_told_once(world: World) -> None:
    status = world.model_status()
    assert status["records"] == 3
    assert status["itemCount"] == 20
    holders = {entry["subject"]["name"] for entry in status["breakGlass"]}
    assert organisation.CONTRACTOR["name"] in holders
    about = {c["subject"]["name"] for c in status["causes"] if "subject" in c}
    assert organisation.CONTRACTOR["name"] in about
    assert not any(
        c.get("subject", {}).get("name") == organisation.CONTRACTOR["name"]
        for c in world.causes(LEAP.record)
    )


def test_kubectl_get_shows_it_in_a_line(world: World) -> None:
    shown = world.cluster.kubectl("get", "resp").stdout.splitlines()
    header = shown[0].split()
    assert header == ["NAME", "HUB", "OWNER-SPLIT", "DRIFT", "ENFORCEMENT", "READY", "AGE"]
    (leap,) = [line for line in shown if line.startswith(LEAP.record)]
    drift = str(world.status(LEAP.record)["drift"]["total"])
    for cell in ("leap-prod/leap-prod", "provider", drift, "observe/audit", "True"):
        assert cell in leap


def test_the_deployments_of_a_hub_name_its_owners(world: World) -> None:
    for name in ("hub", "proxy", "user-scheduler", "autohttps"):
        shown = world.annotations(LEAP.namespace, name)
        assert shown["record"] == LEAP.record
        assert shown["model"] == "2i2c"
        assert "kubernetes-configuration=provider" in shown["owners"].split(",")
        assert "hub-leads@leap.example" in shown["contacts"]


def test_what_only_looks_like_a_hub_is_left_alone(world: World) -> None:
    for name in ("node-placeholder", "shared-dirsize-metrics", "configurator"):
        assert world.annotations(LEAP.namespace, name) == {}


def test_events_tell_of_findings_where_kubectl_describe_looks(world: World) -> None:
    world.until(
        lambda: "ExcessAccess" in {event["reason"] for event in world.events(COAST.record)},
        "the Event",
    )
    assert all(
        event["source"]["component"] == "responsibility-operator"
        or event.get("reportingComponent") == "responsibility-operator"
        for event in world.events(COAST.record)
    )
    described = world.cluster.kubectl("describe", "resp", COAST.record).stdout
    assert "ExcessAccess" in described


def test_metrics_say_the_same_as_the_status(world: World, operator: Operator) -> None:
    scraped = operator.metrics()
    for hub in (LEAP, COAST, organisation.ATLAS):
        total = scraped.total("drift", hub_namespace=hub.namespace, hub=hub.release)
        assert total == world.status(hub.record)["drift"]["total"]
    assert scraped.total("drift", hub="") == world.model_status()["drift"]["total"]
    assert scraped.value("records") == 3
    assert scraped.value("rbac_enforced") == 1
    assert scraped.value("unrecorded_hubs") == 0
    assert scraped.value("leader") == 1
    (owner,) = scraped.of("item_owner_info", hub="coast", item="use-sessions")
    assert owner[0]["party"] == "community"
    assert owner[0]["contact"] == "https://coast.example/contact"


def test_no_metric_names_a_person(operator: Operator) -> None:
    text = operator.metrics().text
    for subject in (organisation.CONTRACTOR, organisation.LEAVER, organisation.LEAP_ADMINS):
        assert subject["name"] not in text


def test_its_probes_answer(operator: Operator) -> None:
    assert operator.answer("/healthz") == (200, "ok\n")
    assert operator.answer("/readyz") == (200, "ok\n")
