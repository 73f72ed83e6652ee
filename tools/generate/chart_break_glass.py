"""The chart's copy of the shipped model's break-glass webhook."""

from __future__ import annotations

from responsibility.admission.webhooks.break_glass import webhook_configuration
from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model

# Filled in by the chart.
SERVICE = {"name": "$(service)", "namespace": "$(operator-namespace)", "port": 443}
USERS = "$(break-glass-users)"
GROUPS = "$(break-glass-groups)"


def render() -> str:
    """Return the configuration as YAML."""
    manifest = webhook_configuration(
        load_shipped_model(), {"service": SERVICE}, users=USERS, groups=GROUPS
    )
    return to_yaml(manifest)
