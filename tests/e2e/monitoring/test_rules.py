"""What promtool says of the rules: that they are rules, and fire when they should and only then."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from responsibility.monitoring import rules
from responsibility.monitoring.hub_alerts import RECORDS
from responsibility.monitoring.rules import ALERTS
from tests.e2e.monitoring.prometheus import program
from tests.unit.monitoring import promtool

SHIPPED = (
    Path(__file__).parents[3] / "helm/hub-responsibility/files/alerts/hub-responsibility.rules.yaml"
)


def _promtool(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program("promtool")), *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("url", ["", "https://docs.example/runbook.md"])
def test_they_are_rules(url: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rules.render(url), encoding="utf-8")
    checked = _promtool("check", "rules", "--lint-fatal", str(file), directory=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert f"{len(ALERTS) + len(RECORDS)} rules found" in checked.stdout


def test_so_are_those_that_the_chart_ships(tmp_path: Path) -> None:
    checked = _promtool("check", "rules", "--lint-fatal", str(SHIPPED), directory=tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_each_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    _write(tmp_path, promtool.rule_file())

    def judged(name: str) -> str:
        tested = _promtool("test", "rules", f"{name}.yaml", directory=tmp_path)
        return "" if tested.returncode == 0 else (tested.stdout + tested.stderr)[-8_000:]

    # Each test of a rule has a database of its own, which takes a while to open.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert not "".join(pool.map(judged, promtool.files("rules.yaml")))


# How each kind of rule could be wrong, and an alert whose test must notice it.
_BROKEN = {
    "fires at once": ('"for": "30m"', '"for": "0m"', "OwnerCannotAct"),
    "never fires": ('kind=\\"missing-access\\"', 'kind=\\"missing\\"', "OwnerCannotAct"),
    "asks for the wrong owner": (
        "group_left (party, contact)",
        "group_left (party)",
        "OwnerVacant",
    ),
    "counts a cause for each of its findings": (
        "count by (cluster, hub_namespace, hub, kind, level, party, contact)",
        "sum by (cluster, hub_namespace, hub, kind, level, party, contact)",
        "ExcessAccessHigh",
    ),
    "forgets the namespace": (
        '\\"namespace\\", \\"$1\\"',
        '\\"elsewhere\\", \\"$1\\"',
        "OwnerCannotAct",
    ),
    "counts what two pods say": (
        "max by (cluster, hub_namespace, hub, item) (responsibility_enforced)",
        "responsibility_enforced",
        "NotEnforced",
    ),
}


@pytest.mark.parametrize("how", _BROKEN)
def test_a_broken_rule_is_noticed(how: str, tmp_path: Path) -> None:
    right, wrong, alert = _BROKEN[how]
    text = yaml.safe_dump(
        promtool.rule_file(), default_style='"', default_flow_style=False, width=100_000
    )
    assert right in text
    _write(tmp_path, {})
    (tmp_path / "rules.yaml").write_text(text.replace(right, wrong), encoding="utf-8")
    (name,) = [name for name in promtool.files("rules.yaml") if name.startswith(f"{alert}-")]
    tested = _promtool("test", "rules", f"{name}.yaml", directory=tmp_path)
    assert tested.returncode != 0
    # A rule that can't be read would be noticed by anything.
    assert "got:" in tested.stdout + tested.stderr


def _write(directory: Path, rule_file: promtool.Json) -> None:
    (directory / "rules.yaml").write_text(yaml.safe_dump(rule_file), encoding="utf-8")
    for name, tests in promtool.files("rules.yaml").items():
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(tests), encoding="utf-8")
