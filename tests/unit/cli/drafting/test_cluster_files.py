"""An organisation's own files give drafts names and communities; what is wrong is told at once."""

from pathlib import Path

import pytest
import yaml

from responsibility.api.parse import parse_record
from tests.unit.cli.conftest import Done, Run

WORLD = ("-f", "reef/hub.yaml", "-f", "reef/rbac", "-f", "reef/model.yaml")
LISTING = """\
name: sea
provider: aws
hubs:
  - name: reef
    display_name: "Reef, the hub"
    domain: reef.example
    helm_chart: basehub
    helm_chart_values_files: [common.values.yaml, reef.values.yaml, enc-reef.secret.values.yaml]
"""
ORG = "custom: {homepage: {templateVars: {org: {name: All, url: https://all.example}}}}"
COMMON = f"jupyterhub: {{{ORG}}}\n"
OWN = "basehub: {jupyterhub: {custom: {homepage: {templateVars: {org: {name: Reef people}}}}}}\n"


@pytest.fixture
def folder(files: Path) -> Path:
    """Return the folder of a cluster that has the hub."""
    made = files.parent / "config/clusters/sea"
    made.mkdir(parents=True)
    (made / "cluster.yaml").write_text(LISTING, encoding="utf-8")
    (made / "common.values.yaml").write_text(COMMON, encoding="utf-8")
    (made / "reef.values.yaml").write_text(OWN, encoding="utf-8")
    (made / "enc-reef.secret.values.yaml").write_bytes(b"\xff encrypted")
    return made


def _init(run: Run, folder: Path | str) -> Done:
    return run("init", *WORLD, "--from", str(folder))


@pytest.mark.parametrize("up", [0, 1, 2, 3])
def test_a_hub_is_called_as_its_files_call_it(run: Run, folder: Path, up: int) -> None:
    named = [folder, *folder.parents][up]
    done = _init(run, named)
    assert done.code == 0, done.err
    raw = yaml.safe_load(done.out)
    parse_record(raw, strict=True)
    assert raw["spec"]["hub"]["displayName"] == "Reef, the hub"
    (party,) = raw["spec"]["parties"]
    assert party["displayName"] == "Reef people", "the last file wins"
    assert party["contact"] == {"url": "https://all.example"}
    assert "has no line" not in done.err


def test_a_hub_of_two_clusters_is_asked_about(run: Run, folder: Path) -> None:
    other = folder.parent / "lake"
    other.mkdir()
    (other / "cluster.yaml").write_text("hubs: [{name: reef}, {name: pond}]\n", encoding="utf-8")
    done = _init(run, folder.parent)
    assert done.code == 2
    assert "hub reef is one of cluster lake as well: name the folder of the cluster" in done.err
    assert _init(run, folder).code == 0


@pytest.mark.parametrize(
    ("listing", "why"),
    [
        ("hubs: 3\n", "there is no list of hubs"),
        ("hubs: [{display_name: x}]\n", "a hub has no name"),
        ("hubs: [{name: reef, helm_chart_values_files: [nowhere.yaml]}]\n", "nowhere.yaml"),
        ("hubs: [{name: reef, helm_chart_values_files: [/etc/passwd]}]\n", "outside of its"),
        ("hubs: [{name: reef, helm_chart_values_files: [../../../x]}]\n", "outside of its"),
        (f"hubs: [{{name: reef, display_name: {'x' * 200}}}]\n", "displayName"),
        ("hubs: [\n", "cluster.yaml"),
    ],
)
def test_what_is_wrong_with_them_is_told(run: Run, folder: Path, listing: str, why: str) -> None:
    (folder / "cluster.yaml").write_text(listing, encoding="utf-8")
    done = _init(run, folder)
    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_a_folder_of_something_else_is_told(run: Run, files: Path) -> None:
    done = _init(run, files)
    assert done.code == 2
    assert "there is no cluster.yaml here" in done.err
