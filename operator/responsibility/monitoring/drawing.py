"""Drawings of each kind of panel: Grafana's options, colours and columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from responsibility.monitoring.panels import Judgement, Kind, Panel, Unit

Json = dict[str, Any]

# Colours from a value up; the first has no lower end.
_STEPS: dict[Judgement, tuple[tuple[str, float | None], ...]] = {
    Judgement.NEUTRAL: (("blue", None),),
    Judgement.ZERO_IS_GOOD: (("green", None), ("orange", 1)),
    Judgement.ONE_IS_GOOD: (("red", None), ("green", 1), ("red", 2)),
}
_LAST: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def drawn(panel: Panel) -> Json:
    """Return the part of a panel's JSON that says how it looks."""
    return _BY_KIND[panel.kind](panel)


def _fields(panel: Panel, **more: Any) -> Json:
    steps = [{"color": color, "value": value} for color, value in _STEPS[panel.judgement]]
    defaults: Json = {
        "unit": panel.unit.value,
        "color": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [],
        "noValue": "none",
        **more,
    }
    if panel.unit is Unit.COUNT:
        defaults["decimals"] = 0
    return {"defaults": defaults, "overrides": []}


def _number(panel: Panel) -> Json:
    return {
        "fieldConfig": _fields(panel),
        "options": {
            "colorMode": "value",
            "graphMode": "area" if panel.unit is Unit.COUNT else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": _LAST,
            "textMode": "auto",
            "wideLayout": True,
        },
    }


def _history(panel: Panel) -> Json:
    custom = {
        "drawStyle": "line",
        "fillOpacity": 25 if panel.stacked else 5,
        "lineInterpolation": "stepAfter" if panel.unit is Unit.COUNT else "linear",
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
    }
    return {
        "fieldConfig": _fields(
            panel, color={"mode": "palette-classic-by-name"}, custom=custom, min=0
        ),
        "options": {
            "legend": {
                "calcs": ["lastNotNull"],
                "displayMode": "table",
                "placement": "right",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _bars(panel: Panel) -> Json:
    return {
        "fieldConfig": _fields(panel, color={"mode": "fixed", "fixedColor": "orange"}, min=0),
        "options": {
            "displayMode": "basic",
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": _LAST,
            "showUnfilled": False,
            "sizing": "auto",
            "valueMode": "text",
        },
    }


def _shares(panel: Panel) -> Json:
    return {
        "fieldConfig": _fields(panel, color={"mode": "palette-classic-by-name"}),
        "options": {
            "displayLabels": [],
            "legend": {
                "displayMode": "table",
                "placement": "right",
                "showLegend": True,
                "values": ["value", "percent"],
            },
            "pieType": "donut",
            "reduceOptions": _LAST,
            "tooltip": {"mode": "single", "sort": "none"},
        },
    }


def _table(panel: Panel) -> Json:
    config = _fields(panel, custom={"align": "auto", "filterable": True})
    # An empty cell is an answer here: nothing of that kind.
    config["defaults"]["noValue"] = ""
    names: dict[str, str] = dict(panel.columns)
    hidden = {"Time": True}
    for position, query in enumerate(panel.queries):
        # Of a single query, Grafana calls the values just that.
        fields = (f"Value #{chr(ord('A') + position)}", *(("Value",) * (len(panel.queries) == 1)))
        for name in fields:
            if query.legend:
                names[name] = query.legend
            else:
                hidden[name] = True
        if query.unit is not Unit.COUNT:
            config["overrides"].append(
                _override(query.legend, {"id": "unit", "value": query.unit.value})
            )
    if panel.opens:
        config["overrides"] += [
            _opens("Hub", panel.opens, "${cluster:queryparam}"),
            # Only where series name their cluster is there such a column.
            _opens("Cluster", panel.opens, "var-cluster=${__value.raw}"),
        ]
    order = {name: position for position, name in enumerate(names)}
    return {
        "fieldConfig": config,
        "options": {"cellHeight": "sm", "showHeader": True},
        "transformations": [
            *([{"id": "merge", "options": {}}] if len(panel.queries) > 1 else []),
            {
                "id": "organize",
                "options": {
                    "excludeByName": hidden,
                    "indexByName": order,
                    "renameByName": names,
                },
            },
        ],
    }


def _override(column: str, property_: Json) -> Json:
    return {"matcher": {"id": "byName", "options": column}, "properties": [property_]}


def _opens(column: str, uid: str, cluster: str) -> Json:
    fields = "&".join(
        f"var-{variable}=${{__data.fields.{name}}}"
        for variable, name in (("hub_namespace", "Namespace"), ("hub", "Hub"))
    )
    link = {
        "title": "Open this hub",
        "url": f"/d/{uid}?${{datasource:queryparam}}&{cluster}&{fields}",
    }
    return _override(column, {"id": "links", "value": [link]})


_BY_KIND: dict[Kind, Callable[[Panel], Json]] = {
    Kind.NUMBER: _number,
    Kind.HISTORY: _history,
    Kind.BARS: _bars,
    Kind.SHARES: _shares,
    Kind.TABLE: _table,
}
