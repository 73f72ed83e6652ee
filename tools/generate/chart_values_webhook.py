"""The chart's copy of the shipped model's webhook for values; ``make generate`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from responsibility.admission.webhooks.values_configuration import webhook_configuration
from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from tools.generate.chart_break_glass import SERVICE
from tools.generate.copies import keep


def text() -> str:
    """Return the configuration as YAML."""
    return to_yaml(webhook_configuration(load_shipped_model(), {"service": SERVICE}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it differs."""
    return keep(
        "tools.generate.chart_values_webhook",
        lambda file: {file: text()},
        arguments,
        place="file",
    )


if __name__ == "__main__":
    sys.exit(main())
