"""Every expression of every dashboard has an answer from what the operator really exports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from demo.organisation import ATLAS, COAST, LEAP
from responsibility.monitoring import grafana
from responsibility.monitoring.grafana import DASHBOARDS
from responsibility.monitoring.panels import Panel
from tests.e2e.lab.waiting import wait_until
from tests.e2e.monitoring.organisation import ADRIFT, PERHAPS
from tests.e2e.monitoring.prometheus import Prometheus, Sample
from tests.e2e.monitoring.windows import shorten
from tests.e2e.operator.api import path_of
from tests.e2e.operator.world import World, role_binding

ALL = ".*"
HUBS = (LEAP.namespace, COAST.namespace, ATLAS.namespace, ADRIFT, PERHAPS)
_PATIENCE = 60.0
# What is exported only of what does not happen here: a use of the break-glass, a container's limit.
_NOT_HERE = ("responsibility_break_glass_uses_total", "responsibility_memory_")


def _queries() -> Iterator[Any]:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
                name = (
                    f"{dashboard.uid.removeprefix('hub-responsibility-')}: {panel.title} {letter}"
                )
                yield pytest.param(panel, query.expression, id=name)


def ask(prometheus: Prometheus, expression: str, cluster: str = ALL, hub: str = "") -> list[Sample]:
    """Evaluate an expression as Grafana would, with its variables filled in."""
    expression = expression.replace("$cluster", cluster).replace("$hub_namespace", hub)
    return prometheus.query(shorten(expression.replace("$hub", hub)))


def _answers(prometheus: Prometheus, expression: str, cluster: str) -> list[Sample]:
    """Return the answer, of the first hub that has one where a hub is to be chosen.

    A histogram that has seen nothing lately answers with what is no number.
    """
    hubs = HUBS if "$hub" in expression else ("",)
    found = (ask(prometheus, expression, cluster, hub) for hub in hubs)
    numbers = ([s for s in samples if not math.isnan(s.value)] for samples in found)
    return next((samples for samples in numbers if samples), [])


def _change(world: World) -> None:
    """Change the cluster, so that the operator has something to do."""
    binding = role_binding(ADRIFT, "comes-and-goes", "view", "somebody@example.org")
    world.admin.apply(binding)
    world.admin.delete(path_of(binding))


@pytest.mark.parametrize(("panel", "expression"), list(_queries()))
@pytest.mark.parametrize(("which", "cluster"), [("one", ALL), ("many", ALL), ("many", "north")])
def test_every_expression_has_an_answer(
    *,
    which: str,
    cluster: str,
    panel: Panel,
    expression: str,
    world: World,
    request: pytest.FixtureRequest,
) -> None:
    prometheus: Prometheus = request.getfixturevalue(which)
    if any(metric in expression for metric in _NOT_HERE):
        # It can be evaluated; else this fails with Prometheus' own words.
        _answers(prometheus, expression, cluster)
        return

    def answers() -> list[Sample]:
        if "_bucket" in expression:
            _change(world)
        return _answers(prometheus, expression, cluster)

    samples = wait_until(answers, _PATIENCE, f"data for {panel.title}", interval=0.5)
    clusters = {sample.labels.get("cluster", "") for sample in samples} - {""}
    assert clusters <= ({cluster} if cluster != ALL else {"north", "south"})


@pytest.mark.parametrize(("panel", "expression"), list(_queries()))
def test_nothing_of_a_cluster_that_is_not_chosen(
    panel: Panel, expression: str, many: Prometheus
) -> None:
    del panel
    for sample in _answers(many, expression, "elsewhere"):
        # What counts says zero, where there is nothing to count.
        assert sample.value == 0


def test_clusters_are_counted_apart_and_together(one: Prometheus, many: Prometheus) -> None:
    """Hubs of two clusters that have the same names are two hubs each."""
    (panel,) = [p for d in DASHBOARDS for p in d.panels if p.title == "Hubs with a record"]
    expression = panel.queries[0].expression

    def counted() -> list[float]:
        asked = [(one, ALL), (many, ALL), (many, "north")]
        return [ask(prometheus, expression, cluster)[0].value for prometheus, cluster in asked]

    expected = [float(number) for number in (len(HUBS), 2 * len(HUBS), len(HUBS))]
    wait_until(lambda: counted() == expected, _PATIENCE, lambda: f"{expected}, not {counted()}")


def test_variables_offer_what_there_is(many: Prometheus) -> None:
    def offered() -> dict[str, list[str]]:
        found = {}
        for dashboard in DASHBOARDS:
            for variable in grafana.document(dashboard)["templating"]["list"]:
                if variable["type"] == "query":
                    selector, label = variable["definition"][len("label_values(") : -1].rsplit(
                        ", ", 1
                    )
                    selector = selector.replace("$cluster", "north")
                    selector = selector.replace("$hub_namespace", COAST.namespace)
                    found[variable["name"]] = many.label_values(selector, label)
        return found

    expected = {
        "cluster": ["north", "south"],
        "hub_namespace": sorted(HUBS),
        "hub": [COAST.release],
    }
    wait_until(lambda: offered() == expected, _PATIENCE, lambda: f"{expected}, not {offered()}")


def test_without_the_label_no_cluster_is_offered(one: Prometheus) -> None:
    assert one.label_values("responsibility_build_info", "cluster") == []


def test_one_hub_shows_its_own(one: Prometheus) -> None:
    """What its dashboard says is what the status of its record says."""
    (panel,) = [p for d in DASHBOARDS for p in d.panels if p.title == "Items"]
    owners, _, enforced, *_ = [query.expression for query in panel.queries]

    def shown() -> bool:
        of_coast = {s.labels["item"]: s.labels for s in ask(one, owners, hub=COAST.namespace)}
        of_adrift = ask(one, enforced, hub=ADRIFT)
        return (
            len(of_coast) > 20
            and of_coast["use-sessions"]["contact"] == "https://coast.example/contact"
            and bool(of_adrift)
            and not ask(one, enforced, hub=COAST.namespace)
        )

    wait_until(shown, _PATIENCE, "the items of one hub")


def test_alerts_can_be_marked_on_graphs(one: Prometheus) -> None:
    (marks,) = grafana.document(DASHBOARDS[0])["annotations"]["list"]
    wait_until(lambda: ask(one, marks["target"]["expr"]), _PATIENCE, "alerts that fire")
