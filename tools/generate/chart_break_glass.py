"""The chart's copy of the shipped model's break-glass webhook; ``make generate`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from responsibility.admission.webhooks.break_glass import webhook_configuration
from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from tools.generate.copies import keep

# Filled in by the chart.
SERVICE = {"name": "$(service)", "namespace": "$(operator-namespace)", "port": 443}
USERS = "$(break-glass-users)"
GROUPS = "$(break-glass-groups)"


def text() -> str:
    """Return the configuration as YAML."""
    manifest = webhook_configuration(
        load_shipped_model(), {"service": SERVICE}, users=USERS, groups=GROUPS
    )
    return to_yaml(manifest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it differs."""
    return keep(
        "tools.generate.chart_break_glass",
        lambda file: {file: text()},
        arguments,
        place="file",
    )


if __name__ == "__main__":
    sys.exit(main())
