"""The chart's copies of alerts and dashboards: ``python -m responsibility.monitoring``.

With ``--check`` it writes nothing, and exits with 1 where a file is outdated. With ``--rules`` it
prints the rule file, for a Prometheus that is configured by other means than the chart.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from responsibility.monitoring import grafana, rules
from responsibility.monitoring.dashboards import DASHBOARDS

DEFAULT = Path("helm/hub-responsibility/files")
RULES = Path("alerts/hub-responsibility.rules.yaml")
DASHBOARDS_DIRECTORY = Path("dashboards")


def files() -> Mapping[Path, str]:
    """Return all files, by their path under the chart's ``files``."""
    return {
        RULES: rules.render(),
        **{
            DASHBOARDS_DIRECTORY / f"{dashboard.uid}.json": grafana.render(dashboard)
            for dashboard in DASHBOARDS
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, compare them, or print the rules."""
    parser = argparse.ArgumentParser(prog="python -m responsibility.monitoring")
    parser.add_argument("directory", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if outdated")
    parser.add_argument("--rules", action="store_true", help="print the rule file and do no more")
    parser.add_argument(
        "--runbook-url", default="", metavar="URL", help="with --rules: where docs/runbook.md is"
    )
    options = parser.parse_args(arguments)
    if options.rules:
        sys.stdout.write(rules.render(options.runbook_url))
        return 0
    wanted = {options.directory / path: text for path, text in files().items()}
    directories = {path.parent for path in wanted}
    outdated = [p for p, text in wanted.items() if not p.is_file() or p.read_text("utf-8") != text]
    stray = [p for d in sorted(directories) for p in sorted(d.glob("*")) if p not in wanted]
    if options.check:
        for path in (*outdated, *stray):
            sys.stderr.write(
                f"{path} differs from responsibility/monitoring: "
                "run python -m responsibility.monitoring\n"
            )
        return bool(outdated or stray)
    for path in stray:
        path.unlink()
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
    for path in outdated:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
