"""Upgrades as docs/upgrade.md says: values of before, another name, a model taken over."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from responsibility.api.names import SHIPPED_MODEL_ANNOTATION
from tests.e2e import helms
from tests.e2e.lab import clusters, programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator.api import OURS, Admin, Manifest, where
from tests.e2e.releases import CHART, DEFINITIONS, INSTALL, NAMESPACE, RELEASE, Release

NEW = ("certManager", "accessRoles")
PARTY = ("model.parties[0].name=provider", "model.parties[0].contact.email=support@example.org")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Start a cluster with nothing of ours on it."""
    with clusters.cluster(f"e2e-{os.getpid()}-upgrade") as fresh:
        yield fresh


@pytest.fixture(params=helms.BOTH)
def release(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Release]:
    """Return one Helm's release; nothing of it is left for the next test."""
    name: str = request.param
    program = programs.helm(name)
    made = Release(program, cluster)
    yield made
    for listed in ("other", RELEASE):
        made.tried("uninstall", listed)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    cluster.kubectl("delete", "crd", *DEFINITIONS, "--ignore-not-found")


def _install(release: Release, chart: Path = CHART, *options: str, name: str = RELEASE) -> None:
    """Install or upgrade."""
    command = ("upgrade", "--install", name, str(chart), "--create-namespace", *options)
    helms.installed(lambda: release.tried(*command))


def _older(directory: Path) -> Path:
    """Return the chart as it was before it had some of its values."""
    older = directory / "older"
    shutil.copytree(CHART, older)
    values = yaml.safe_load((older / "values.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump({k: v for k, v in values.items() if k not in NEW})
    (older / "values.yaml").write_text(text, encoding="utf-8")
    (older / "values.schema.json").unlink()
    for path in (path for path in (older / "templates").rglob("*") if path.is_file()):
        without = re.sub(rf"[$\w.]*\.Values\.({'|'.join(NEW)})\.\w+", "false", path.read_text())
        path.write_text(without, encoding="utf-8")
    for key in ("\nversion: ", "\nappVersion: "):
        _replace(older / "Chart.yaml", key, f"{key}0.0.9 # ")
    _replace(older / "files" / "model.yaml", "title: Support users", "title: Help users")
    return older


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _model_diff(release: Release, *options: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("kubectl-responsibility")
    where_to = f"--kubeconfig={release.cluster.kubeconfig}"
    command = [str(program), "model", "diff", where_to, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_command_of_the_page_names_the_test_that_tries_it() -> None:
    page = (CHART.parents[1] / "docs" / "upgrade.md").read_text(encoding="utf-8")
    marks = re.findall(r"^<!-- tried by (\w+) -->\n```bash$", page, re.MULTILINE)
    assert len(marks) == page.count("```bash")
    assert [mark for mark in marks if not callable(globals().get(mark))] == []


def _model(release: Release) -> Manifest:
    found: Manifest = Admin(release.cluster).get(where(OURS, "ResponsibilityModel", "2i2c"))
    return found


def _contact(release: Release) -> object:
    parties = {party["name"]: party for party in _model(release)["spec"]["parties"]}
    return parties["provider"].get("contact")


def test_values_of_before_are_kept_where_the_chart_has_more(
    release: Release, tmp_path: Path
) -> None:
    _install(release, _older(tmp_path), "--set=clusterName=kept,mode=warn")
    refused = release.tried(*INSTALL, str(CHART), "--reuse-values")
    assert refused.returncode != 0, "the values of before are all that there are"
    kept = ("--reset-then-reuse-values",)
    looked = release.helm(*INSTALL, str(CHART), *kept, "--dry-run=server")
    viewer = f"{RELEASE}-viewer"
    assert f"name: {viewer}" in looked
    assert not [name for name in release.ours() if name.endswith(viewer)], "that was a look"
    release.helm(*INSTALL, str(CHART), *kept)
    values = yaml.safe_load(release.helm("get", "values", RELEASE, "--output=yaml"))
    assert values == {"clusterName": "kept", "mode": "warn"}
    assert f"clusterrole.rbac.authorization.k8s.io/{viewer}" in release.ours()


def test_what_a_newer_chart_s_model_has_is_told_and_taken_over_by_hand(
    release: Release, tmp_path: Path
) -> None:
    """Without parties in the values the model is the organisation's: no upgrade touches it."""
    older = _older(tmp_path)
    _install(release, older)
    item = {"name": "data", "number": 7, "title": "Our data"}
    _own(release, item)
    release.helm(*INSTALL, str(CHART), "--reset-then-reuse-values")
    model = _model(release)
    titles = {each["name"]: each["title"] for each in model["spec"]["items"]}
    assert (titles["data"], titles["general-user-support"]) == ("Our data", "Help users")
    assert model["metadata"]["annotations"][SHIPPED_MODEL_ANNOTATION].startswith("0.0.9@sha256:")
    told = _model_diff(release)
    assert told.returncode == 1
    assert "0.0.9@sha256:" in told.stderr, "no such version was ever shipped"
    told = _model_diff(release, f"--then={older / 'files' / 'model.yaml'}")
    assert told.returncode == 1
    assert [line.split()[:2] for line in told.stdout.splitlines()[1:-1]] == [
        ["shipped", "items[general-user-support].title"],
        ["yours", "items[data].title"],
    ]
    _own(release, item, {"name": "general-user-support", "number": 3, "title": "Support users"})
    # What it says to be done last, word for word.
    (command,) = re.findall(r"say so: kubectl (.*)", told.stderr)
    release.cluster.kubectl(*shlex.split(command))
    told = _model_diff(release)
    assert (told.returncode, told.stderr) == (0, "")
    assert [line.split()[0] for line in told.stdout.splitlines()[1:-1]] == ["yours"]


def _own(release: Release, *items: Manifest) -> None:
    """Have the organisation say some items' titles, by a field manager of its own."""
    model = {
        "apiVersion": OURS,
        "kind": "ResponsibilityModel",
        "metadata": {"name": "2i2c"},
        "spec": {"items": list(items)},
    }
    Admin(release.cluster).apply(model, manager="organisation")


def test_a_release_of_another_name_takes_over_what_was_kept(release: Release) -> None:
    _install(release)
    uid = _model(release)["metadata"]["uid"]
    release.helm("uninstall", RELEASE, "--wait")
    options = ("upgrade", "--install", "other", str(CHART))
    refused = release.tried(*options)
    assert refused.returncode != 0
    assert "ownership" in refused.stderr
    release.helm(*options, "--take-ownership")
    assert _model(release)["metadata"]["uid"] == uid
    definition = yaml.safe_load(
        release.cluster.kubectl("get", "crd", DEFINITIONS[0], "-o=yaml").stdout
    )
    assert definition["metadata"]["annotations"]["meta.helm.sh/release-name"] == "other"


def test_a_model_that_helm_created_becomes_that_of_the_values_and_is_kept(
    release: Release,
) -> None:
    _install(release)
    uid = _model(release)["metadata"]["uid"]
    assert _contact(release) is None
    given = [f"--set={value}" for value in PARTY]
    if release.program.name == "helm3":
        refused = release.tried(*INSTALL, str(CHART), *given)
        assert refused.returncode != 0
        assert "kubectl annotate responsibilitymodel 2i2c helm.sh/hook-" in refused.stderr
        only = ("--show-only=templates/model.yaml", "--kube-version=1.37.0")
        text = release.helm("template", RELEASE, str(CHART), *given, *only)
        apply = ("apply", "--server-side", "--force-conflicts", "-f=-")
        release.cluster.kubectl(*apply, input=text)
        release.cluster.kubectl("annotate", "responsibilitymodel", "2i2c", "helm.sh/hook-")
    release.helm(*INSTALL, str(CHART), *given)
    assert _contact(release) == {"email": "support@example.org"}
    _goes_on(release, uid)


def test_a_model_of_the_values_from_the_start_follows_them(release: Release) -> None:
    given = [f"--set={value}" for value in PARTY]
    _install(release, CHART, *given)
    if release.program.name == "helm3":
        assert "once more" in release.helm("get", "notes", RELEASE)
        release.helm(*INSTALL, str(CHART), *given)
    assert _contact(release) == {"email": "support@example.org"}
    _goes_on(release, _model(release)["metadata"]["uid"])


def _goes_on(release: Release, uid: str) -> None:
    """Change the values, take them out again, uninstall: the model follows, and then stays."""
    other = "--set=model.parties[0].contact.email=new@example.org"
    release.helm(*INSTALL, str(CHART), f"--set={PARTY[0]}", other)
    assert _contact(release) == {"email": "new@example.org"}
    release.helm(*INSTALL, str(CHART))
    release.helm("uninstall", RELEASE, "--wait")
    assert _model(release)["metadata"]["uid"] == uid
    assert _contact(release) == {"email": "new@example.org"}
