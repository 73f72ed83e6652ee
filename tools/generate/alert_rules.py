"""The alert rules for a Prometheus that is configured by other means than the chart.

``python -m tools.generate.alert_rules [RUNBOOK_URL [GRAFANA_URL]] > rules.yaml``; with the address
of a copy of docs/runbook.md, or of a Grafana that has the dashboards, alerts link to it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from responsibility.monitoring import rules


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rule file."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate.alert_rules")
    parser.add_argument(
        "runbook_url", nargs="?", default="", metavar="RUNBOOK_URL", help="where docs/runbook.md is"
    )
    parser.add_argument(
        "grafana_url", nargs="?", default="", metavar="GRAFANA_URL", help="such as https://grafana"
    )
    parsed = parser.parse_args(arguments)
    sys.stdout.write(rules.render(parsed.runbook_url, parsed.grafana_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
