"""The table of generated files: each path in the repository, with what renders it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from responsibility.api import admission, crd
from responsibility.api.parse import load_shipped_model
from responsibility.monitoring import grafana, inhibitions, rules
from responsibility.monitoring.grafana import DASHBOARDS
from tools.generate import (
    admission_reference,
    agreed_settings_reference,
    api_reference,
    chart_break_glass,
    chart_policies,
    chart_roles,
    chart_values_webhook,
    cli_reference,
    metrics_reference,
    rights_reference,
    support,
    unenforceable,
    values_reference,
    versions,
)

ROOT = Path(__file__).parents[2]
MODEL = Path("operator/responsibility/api/models/2i2c.yaml")
# Those of earlier versions stay, for people who have made theirs from one of them.
SHIPPED = MODEL.parent / f"shipped/{versions.VERSION}.yaml"
PAGES = Path("docs/reference")
CHART = Path("helm/hub-responsibility/files")
RULES = CHART / "alerts/hub-responsibility.rules.yaml"
# Folders that hold nothing else, so that what is no longer generated goes.
FOLDERS = (
    Path("crds"),
    *(CHART / name for name in ("alerts", "crds", "dashboards", "policies", "roles")),
)


def _record_dates() -> str:
    return "---\n".join(crd.to_yaml(document) for document in admission.manifests())


def _role_file(name: str) -> str:
    return chart_roles.files(load_shipped_model())[name]


FILES: Mapping[Path, Callable[[], str]] = {
    **{
        folder / resource.filename: partial(crd.render, resource)
        for folder in (Path("crds"), CHART / "crds")
        for resource in crd.RESOURCES
    },
    PAGES / "admission.md": admission_reference.render,
    PAGES / "agreed-settings.md": agreed_settings_reference.render,
    PAGES / "api.md": api_reference.render,
    PAGES / "cli.md": cli_reference.render,
    PAGES / "metrics.md": metrics_reference.render,
    PAGES / "rights.md": rights_reference.render,
    PAGES / "values.md": values_reference.render,
    support.PAGE: support.render,
    unenforceable.DOCUMENT: unenforceable.render,
    **{path: partial(versions.render, path) for path in versions.PLACES},
    **{
        path: partial((ROOT / MODEL).read_text, encoding="utf-8")
        for path in (CHART / "model.yaml", SHIPPED)
    },
    RULES: rules.render,
    CHART / "alerts/alertmanager.yaml": inhibitions.render,
    **{
        CHART / "dashboards" / f"{dashboard.uid}.json": partial(grafana.render, dashboard)
        for dashboard in DASHBOARDS
    },
    CHART / "policies/record-dates.yaml": _record_dates,
    CHART / "policies/enforcement.yaml": chart_policies.render,
    CHART / "policies/break-glass.yaml": chart_break_glass.render,
    CHART / "policies/values.yaml": chart_values_webhook.render,
    **{
        CHART / "roles" / name: partial(_role_file, name)
        for name in ("hub.yaml", "prefixed.yaml", "cluster.yaml")
    },
}
