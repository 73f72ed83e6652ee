"""All dashboards, and the JSON in which Grafana reads them: the same bytes for the same table.

The shape is that of schema version 39 (Grafana 11); later versions migrate it when they load it.
No data source is named: it is chosen above the dashboard, as the cluster is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from responsibility.monitoring.drawing import drawn
from responsibility.monitoring.fleet import FLEET
from responsibility.monitoring.one_hub import ONE_HUB
from responsibility.monitoring.panels import (
    WIDTH,
    Dashboard,
    Kind,
    Panel,
    Query,
    Variable,
)
from responsibility.monitoring.the_operator import THE_OPERATOR

Json = dict[str, Any]

DASHBOARDS = (FLEET, ONE_HUB, THE_OPERATOR)
SCHEMA = 39
TAG = "hub-responsibility"
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
# The state now, rather than how it came to be.
_INSTANT = frozenset({Kind.TABLE, Kind.BARS, Kind.SHARES})
_LETTERS = "ABCDEFGHIJ"


def render(dashboard: Dashboard) -> str:
    """Return a dashboard as a JSON file."""
    return json.dumps(document(dashboard), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def document(dashboard: Dashboard) -> Json:
    """Return a dashboard as Grafana's model of it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "",
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {
            "list": [_source_choice(), *map(_choice, _earlier(dashboard.variables))],
        },
        "annotations": {"list": [_alerts()]},
        "links": [
            {
                "type": "dashboards",
                "title": "Hub responsibility",
                "tags": [TAG],
                "asDropdown": False,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "tooltip": "",
                "url": "",
            }
        ],
        "panels": list(_placed(dashboard.panels)),
    }


def _placed(panels: Sequence[Panel]) -> Iterator[Json]:
    """Set panels from left to right, and below each other where a line is full."""
    x = y = line = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > WIDTH:
            x, y, line = 0, y + line, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        yield _panel(number, panel, place)
        x, line = x + panel.width, max(line, panel.height)


def _panel(number: int, panel: Panel, place: Json) -> Json:
    common: Json = {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "gridPos": place,
    }
    if panel.kind is Kind.TITLE:
        return {**common, "collapsed": False, "panels": []}
    targets = [
        _target(letter, query, panel.kind)
        for letter, query in zip(_LETTERS, panel.queries, strict=False)
    ]
    return {
        **common,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": targets,
        **drawn(panel),
    }


def _target(letter: str, query: Query, kind: Kind) -> Json:
    instant = kind in _INSTANT
    return {
        "refId": letter,
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "legendFormat": "" if kind is Kind.TABLE else query.legend,
        "format": "table" if kind is Kind.TABLE else "time_series",
        "instant": instant,
        "range": not instant,
    }


def _source_choice() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def _earlier(variables: Sequence[Variable]) -> Iterator[tuple[Variable, str]]:
    """Yield each choice with the selector of those made before it."""
    chosen: list[str] = []
    for variable in variables:
        yield variable, ", ".join(chosen)
        sign = "=~" if variable.several else "="
        chosen.append(f'{variable.label}{sign}"${variable.name}"')


def _choice(selection: tuple[Variable, str]) -> Json:
    variable, chosen = selection
    selector = f"{variable.metric}{{{chosen}}}" if chosen else variable.metric
    query = f"label_values({selector}, {variable.label})"
    everything = {"text": ["All"], "value": ["$__all"]}
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.title,
        "datasource": SOURCE,
        "definition": query,
        "query": {
            "qryType": 1,
            "query": query,
            "refId": "PrometheusVariableQueryEditor-VariableQuery",
        },
        "hide": 0,
        "includeAll": variable.several,
        # Matches series without the label, too: a Prometheus of one cluster need not name it.
        **({"allValue": ".*", "current": everything} if variable.several else {}),
        "multi": variable.several,
        "options": [],
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
    }


def _alerts() -> Json:
    """Return what marks, on every graph, when alerts fired; off until it is switched on."""
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": False,
        "hide": False,
        "iconColor": "red",
        "target": {
            "refId": "Anno",
            "expr": (
                'ALERTS{cluster=~"$cluster", alertname=~"Responsibility.+", alertstate="firing"}'
            ),
            "interval": "60s",
        },
        "titleFormat": "{{alertname}}",
        "textFormat": "{{hub_namespace}} {{item}}",
    }
