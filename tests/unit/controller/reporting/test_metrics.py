"""Every metric of the table is exported, nothing else is, and no label tells a name."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from responsibility.controller.reporting.metrics_collector import MOST_CAUSES
from responsibility.controller.reporting.metrics_table import METRICS, PREFIX, table
from responsibility.upgrades.versions import ClusterVersions, Unlisted, Version, grouped
from tests.unit.controller.reporting.busy import busy
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import World, garden_world
from tests.unit.ownership.building import grant

_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def exported(world: World) -> list[Metric]:
    return list(text_string_to_metric_families(generate_latest(world.metrics.registry).decode()))


@virtual
async def test_the_table_is_what_is_exported_and_nothing_else() -> None:
    found = {
        (sample.name, frozenset(sample.labels) - {"le"})
        for family in exported(await busy())
        for sample in family.samples
    }
    wanted = {
        (PREFIX + metric.name + suffix, frozenset(metric.labels))
        for metric in METRICS
        for suffix in _SUFFIXES[metric.type]
    }
    assert found == wanted


@virtual
async def test_versions_are_known_only_where_all_are() -> None:
    world = await busy()
    nodes = {"node-a": "v1.31.2"}
    for versions, known in (
        (ClusterVersions(Version(1, 33), grouped(nodes)), 1),
        (ClusterVersions(None, grouped(nodes)), 0),
        (ClusterVersions(Version(1, 33), grouped(nodes | {"node-b": ""})), 0),
        (ClusterVersions(Version(1, 33), (), Unlisted.FAILED), 0),
    ):
        world.store.versions = versions
        await world.publish()
        found = {s.name: s.value for family in exported(world) for s in family.samples}
        assert found[f"{PREFIX}kubernetes_versions_known"] == known


@virtual
async def test_dates_are_those_of_the_record() -> None:
    found = {
        (sample.name.removeprefix(PREFIX), sample.labels["item"]): sample
        for family in exported(await busy())
        for sample in family.samples
        if sample.name.endswith(("end_timestamp_seconds", "due_timestamp_seconds"))
    }
    assert len(found) == 2
    delegation = found["delegation_end_timestamp_seconds", "fence"]
    assert delegation.labels["party"] == "guests"
    assert datetime.fromtimestamp(delegation.value, UTC) == datetime(2030, 2, 1, tzinfo=UTC)
    # Still in time on the day itself.
    due = found["review_due_timestamp_seconds", "tea"]
    assert datetime.fromtimestamp(due.value, UTC) == datetime(2030, 3, 2, tzinfo=UTC)


@virtual
async def test_causes_have_the_findings_that_drift_has_and_their_ids() -> None:
    world = await busy()
    samples = [s for family in exported(world) for s in family.samples]
    causes = [s for s in samples if s.name == f"{PREFIX}cause_info"]
    drift = [s for s in samples if s.name == f"{PREFIX}drift"]
    for kind in {s.labels["kind"] for s in drift}:
        of_kind = [s.value for s in causes if s.labels["kind"] == kind]
        assert sum(of_kind) == sum(s.value for s in drift if s.labels["kind"] == kind), kind
    assessment = world.metrics.state.assessment
    assert assessment is not None
    severities = {f.id: f.severity.name.lower() for f in assessment.findings()}
    assert {s.labels["cause"]: s.labels["level"] for s in causes}.items() <= severities.items()


@virtual
async def test_whoever_makes_bindings_by_the_hundred_makes_no_series_by_the_hundred() -> None:
    world = garden_world("prod")
    world.allow(*(grant(f"User eve-{n}", "update", "configmaps") for n in range(MOST_CAUSES + 9)))
    await world.publish()
    samples = [s for family in exported(world) for s in family.samples]
    causes = [s for s in samples if s.name == f"{PREFIX}cause_info"]
    places = Counter((s.labels["hub_namespace"], s.labels["hub"]) for s in causes)
    assert max(places.values()) == MOST_CAUSES


@virtual
async def test_no_label_names_a_subject() -> None:
    text = generate_latest((await busy()).metrics.registry).decode()
    for name in ("eve", "root", "keepers", "caretaker"):
        assert f'"{name}' not in text


@virtual
async def test_a_hub_that_is_gone_leaves_no_series() -> None:
    world = await busy()
    world.delete_record("prod")
    world.delete_hub("prod")
    await world.publish()
    assert 'hub_namespace="prod"' not in generate_latest(world.metrics.registry).decode()
    assert 'hub_namespace="staging"' in generate_latest(world.metrics.registry).decode()


def test_before_the_first_look_the_process_speaks_of_itself_only() -> None:
    names = {f.name for f in exported(World())}
    assert {f"{PREFIX}leader", f"{PREFIX}build_info"} <= names
    assert f"{PREFIX}rbac_enforced" not in names


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_the_reference_has_every_metric(metric: object) -> None:
    assert f"`{PREFIX}{metric.name}`" in table()  # type: ignore[attr-defined]  # each has one
