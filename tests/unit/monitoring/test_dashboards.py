"""Dashboards have the shape that Grafana loads, and ask for what there is."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from responsibility.monitoring import grafana
from responsibility.monitoring.grafana import DASHBOARDS
from responsibility.monitoring.panels import Dashboard, Kind, Panel
from responsibility.ownership.results.findings import KINDS
from tests.unit.monitoring import expressions, grafana_types

each = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda d: d.uid)
# What Grafana fills in by itself.
_BUILT_IN = {"__rate_interval", "__value", "__data", "__all"}


def _panels() -> Iterator[Any]:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            yield pytest.param(dashboard, panel, id=f"{dashboard.uid}: {panel.title}")


each_panel = pytest.mark.parametrize(("dashboard", "panel"), list(_panels()))


def _read(dashboard: Dashboard) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(grafana.render(dashboard))
    return loaded


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def test_addresses_are_one_each_and_short_enough() -> None:
    uids = [dashboard.uid for dashboard in DASHBOARDS]
    assert len(set(uids)) == len(uids)
    # Grafana refuses longer ones.
    assert all(len(uid) <= 40 and re.fullmatch(r"[a-z0-9-]+", uid) for uid in uids)


@each
def test_grafana_knows_every_field_and_takes_every_value(dashboard: Dashboard) -> None:
    assert grafana_types.problems(_read(dashboard)) == []


# Where a dashboard could be wrong, and what is said of it.
_WRONG: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "a field that is misspelt": (("grafToolTip",), 1, ".grafToolTip is no field"),
    "a number as a text": (("panels", 0, "gridPos", "w"), "4", "should be <class 'int'>"),
    "a value that is none": (("panels", 0, "options", "colorMode"), "all", "BigValueColorMode"),
    "an option of another panel": (("panels", 0, "options", "pieType"), "pie", "is no field"),
    "a field of a query": (("panels", 0, "targets", 0, "query"), "up", "is no field"),
    "a threshold": (
        ("panels", 0, "fieldConfig", "defaults", "thresholds", "mode"),
        "relative",
        "ThresholdsMode",
    ),
    "a transformation": (("panels", 9, "transformations", 0, "disabled"), "no", "'bool'"),
}


@pytest.mark.parametrize("what", _WRONG)
def test_what_grafana_does_not_know_is_noticed(what: str) -> None:
    path, value, said = _WRONG[what]
    document = _read(DASHBOARDS[0])
    *way, last = path
    place: Any = document
    for step in way:
        place = place[step]
    place[last] = value
    (problem,) = grafana_types.problems(document)
    assert said in problem


@each
def test_the_same_table_gives_the_same_bytes(dashboard: Dashboard) -> None:
    assert grafana.render(dashboard) == grafana.render(dashboard)
    assert grafana.render(dashboard).endswith("}\n")


@each
def test_panels_are_numbered_and_do_not_overlap(dashboard: Dashboard) -> None:
    panels = _read(dashboard)["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for panel in panels:
        place = panel["gridPos"]
        assert min(place["x"], place["y"]) >= 0
        assert min(place["w"], place["h"]) >= 1
        assert place["x"] + place["w"] <= 24
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@each
def test_lines_have_no_holes(dashboard: Dashboard) -> None:
    """Panels side by side are of one height, and fill the screen."""
    lines: dict[int, list[dict[str, int]]] = {}
    for panel in _read(dashboard)["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"])
    for places in lines.values():
        assert len({place["h"] for place in places}) == 1, places
        assert sum(place["w"] for place in places) == 24, places


@each
def test_variables_are_declared_and_used(dashboard: Dashboard) -> None:
    document = _read(dashboard)
    declared = {variable["name"] for variable in document["templating"]["list"]}
    used = {
        name
        for text in _strings([document["panels"], document["templating"], document["annotations"]])
        for name in re.findall(r"\$\{?(\w+)", text)
    }
    assert used - _BUILT_IN == declared
    assert document["templating"]["list"][0]["type"] == "datasource"


@each
def test_no_data_source_is_named(dashboard: Dashboard) -> None:
    document = _read(dashboard)
    sources = [panel["datasource"] for panel in document["panels"] if panel["type"] != "row"]
    sources += [t["datasource"] for panel in document["panels"] for t in panel.get("targets", [])]
    sources += [v["datasource"] for v in document["templating"]["list"] if v["type"] == "query"]
    sources += [a["datasource"] for a in document["annotations"]["list"]]
    assert sources
    assert all(s == {"type": "prometheus", "uid": "${datasource}"} for s in sources)


@each
def test_all_clusters_are_chosen_with_or_without_the_label(dashboard: Dashboard) -> None:
    (cluster,) = [v for v in _read(dashboard)["templating"]["list"] if v["name"] == "cluster"]
    assert cluster["includeAll"]
    assert cluster["multi"]
    assert cluster["allValue"] == ".*"
    assert cluster["current"]["value"] == ["$__all"]


@each_panel
def test_every_selector_heeds_the_chosen_clusters(dashboard: Dashboard, panel: Panel) -> None:
    assert dashboard.panels
    for query in panel.queries:
        names = re.findall(r"\bresponsibility_\w+(\{[^}]*\})?", query.expression)
        assert names
        assert all('cluster=~"$cluster"' in selector for selector in names), query.expression


@each_panel
def test_it_asks_for_metrics_and_labels_that_there_are(dashboard: Dashboard, panel: Panel) -> None:
    del dashboard
    for query in panel.queries:
        named = expressions.metrics(query.expression)
        assert named <= expressions.EXPORTED.keys()
        labels = {label for name in named for label in expressions.EXPORTED[name]}
        labels |= expressions.ADDED
        assert expressions.groupings(query.expression) <= labels
        assert expressions.selected(query.expression) <= labels
        assert expressions.kinds(query.expression) <= KINDS.keys()
        assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= expressions.groupings(
            query.expression
        )


@each_panel
def test_panels_are_complete(dashboard: Dashboard, panel: Panel) -> None:
    del dashboard
    if panel.kind is Kind.TITLE:
        assert not panel.queries
        return
    assert panel.queries
    if panel.kind is Kind.TABLE:
        # What comes out of the queries are the labels that the outermost aggregation keeps.
        kept = [re.findall(r"\bby \(([^)]*)\)", query.expression)[0] for query in panel.queries]
        shown = [set(labels.split(", ")) for labels in kept]
        assert all(labels <= panel.columns.keys() for labels in shown)
        assert set().union(*shown) == panel.columns.keys()


@each
def test_targets_have_letters_of_their_own(dashboard: Dashboard) -> None:
    for panel in _read(dashboard)["panels"]:
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(letters)) == len(letters)
        for target in panel.get("targets", []):
            assert target["instant"] is not target["range"]
            assert (target["format"] == "table") is (panel["type"] == "table")


@each
def test_columns_that_are_styled_exist(dashboard: Dashboard) -> None:
    for panel in _read(dashboard)["panels"]:
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            names = panel["transformations"][-1]["options"]["renameByName"].values()
            assert override["matcher"]["options"] in names


@each
def test_links_lead_to_dashboards_that_there_are(dashboard: Dashboard) -> None:
    document = _read(dashboard)
    variables = {d.uid: {v["name"] for v in _read(d)["templating"]["list"]} for d in DASHBOARDS}
    for url in (text for text in _strings(document["panels"]) if text.startswith("/d/")):
        uid, _, query = url.removeprefix("/d/").partition("?")
        names = re.findall(r"var-(\w+)=", query) + re.findall(r"\$\{(\w+):queryparam\}", query)
        assert set(names) == variables[uid]


@each
def test_thresholds_begin_without_a_lower_end(dashboard: Dashboard) -> None:
    for panel in _read(dashboard)["panels"]:
        if panel["type"] == "row":
            continue
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        values = [step["value"] for step in steps]
        assert values[0] is None
        assert values[1:] == sorted(values[1:])
