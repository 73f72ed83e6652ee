"""The page about support says what the tests really run, and names nothing that isn't there."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.lab import binaries
from tools.generate import support
from tools.generate.support import Row

ROOT = Path(__file__).parents[2]
ROWS = [(name, row) for name, rows in support.tables().items() for row in rows]


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{n}: {r.version}" for n, r in ROWS])
def test_each_row_is_tried_by_something_or_says_that_it_is_not(name: str, row: Row) -> None:
    assert bool(row.by) != bool(row.why_not), f"{name} {row.version}: one of the two"
    targets = set(
        re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    )
    for command in re.findall(r"`([^`]+)`", f"{row.by} {row.why_not} {row.note}"):
        if command.startswith("make "):
            assert command.removeprefix("make ") in targets
        elif "/" in command:
            assert (ROOT / command).exists()
    assert not row.by or "`" in row.by, "a test or a command"


def test_versions_are_those_that_are_built() -> None:
    """By what builds them, and not by what reads the same file for the page."""
    said = {row.version for _, row in ROWS if row.by}
    for module, dependency in (
        ("kubernetes", "k8s.io/kubernetes"),
        ("helm", "helm.sh/helm/v4"),
        ("helm3", "helm.sh/helm/v3"),
    ):
        assert binaries.pinned_version(module, dependency).removeprefix("v") in said
    assert {command.name for command in binaries.COMMANDS} >= {"kube-apiserver", "helm", "helm3"}


def test_the_long_and_the_short_runs_are_as_said() -> None:
    marked = (ROOT / "tests/e2e/helms.py").read_text(encoding="utf-8")
    assert 'BOTH: Final = ("helm", pytest.param("helm3", marks=pytest.mark.long))' in marked
    short = (ROOT / "tests/e2e/test_helm3.py").read_text(encoding="utf-8")
    assert 'programs.helm("helm3")' in short
    assert "mark.long" not in short
    told = subprocess.run(
        ["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "e2e" in told.stdout


def test_the_demo_s_hubs_have_the_versions_that_the_page_has() -> None:
    organisation = (ROOT / "demo" / "organisation.py").read_text(encoding="utf-8")
    said = " ".join(row.version for name, row in ROWS if "JupyterHub" in name and row.by)
    for version in re.findall(r'chart_version="(\d+\.\d+)', organisation):
        assert version in said


def test_the_chart_refuses_what_the_page_says_it_refuses() -> None:
    chart = yaml.safe_load((ROOT / "helm/hub-responsibility/Chart.yaml").read_text("utf-8"))
    (refused,) = [row for name, row in ROWS if name == "Kubernetes" and "older" in row.version]
    assert chart["kubeVersion"] == f">={refused.version.removeprefix('older than ')}.0-0"


def _switches() -> dict[str, object]:
    """Return what the chart can switch on to look inside hubs and at the cluster, by its values."""
    values = yaml.safe_load((ROOT / "helm/hub-responsibility/values.yaml").read_text("utf-8"))
    return {
        name: default
        for name, default in values.items()
        if re.fullmatch(r"hub(?:Pages|(?!Page$)\w+)|cluster[A-Z]\w+", name)
        and (default == [] or (isinstance(default, dict) and "enabled" in default))
    }


def test_each_switch_that_looks_inside_is_on_both_pages_with_what_it_needs() -> None:
    switches = _switches()
    assert {"hubAdmins", "hubPages", "clusterVersions"} <= switches.keys()
    rows = [row for name, row in ROWS if "inside hubs" in name]
    assert {row.version.strip("`") for row in rows} == switches.keys()
    assert all(row.note.startswith("needs ") for row in rows)
    security = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    table = security.partition("<!-- looks -->\n")[2].partition("\n\n")[0].splitlines()[2:]
    told = {}
    for line in table:
        switch, needs, gains = (cell.strip() for cell in line.strip("|").split(" | "))
        [(name, section)] = re.findall(r"^\[`(\w+)`\]\(#([a-z-]+)\)$", switch)
        heading = section.replace("-", " ").capitalize()
        assert f"\n## {heading}\n" in security, section
        told[name] = (needs, gains)
    assert told.keys() == switches.keys()
    assert all(needs and gains for needs, gains in told.values())


def test_what_looks_inside_is_off_at_first() -> None:
    for name, default in _switches().items():
        assert default == [] or (isinstance(default, dict) and default["enabled"] is False), name
