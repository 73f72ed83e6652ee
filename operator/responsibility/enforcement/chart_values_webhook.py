"""The chart's copy of the shipped model's webhook for values; ``make generate`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from responsibility.enforcement.chart_break_glass import SERVICE
from responsibility.enforcement.copies import keep
from responsibility.enforcement.values_webhook import webhook_configuration


def text() -> str:
    """Return the configuration as YAML."""
    return to_yaml(webhook_configuration(load_shipped_model(), {"service": SERVICE}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it differs."""
    return keep(
        "responsibility.enforcement.chart_values_webhook",
        lambda file: {file: text()},
        arguments,
        place="file",
    )


if __name__ == "__main__":
    sys.exit(main())
