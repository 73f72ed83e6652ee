"""The chart's copy of the shipped model's webhook for values."""

from __future__ import annotations

from responsibility.admission.webhooks.values_configuration import webhook_configuration
from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from tools.generate.chart_break_glass import SERVICE


def render() -> str:
    """Return the configuration as YAML."""
    return to_yaml(webhook_configuration(load_shipped_model(), {"service": SERVICE}))
