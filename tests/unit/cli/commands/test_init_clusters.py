"""All hubs of several clusters are drafted by one command, however alike they are called."""

from pathlib import Path

import pytest
import yaml

from bench import fleet
from responsibility.api.parse import parse_record
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

CLUSTER = small.hub("prod")
TABLE = """\
cluster,hub,displayName,community,email,groups
sea,prod,Sea,Sea people,sea@hubs.example,sea-leads
lake,prod,Lake,Lake people,lake@hubs.example,lake-leads
"""
ASKED = ("init", "--clusters", "clusters.yaml", "--from", "hubs.csv", "-d", "records")


@pytest.fixture(autouse=True)
def clusters(files: Path) -> Path:
    """Write two clusters, each with a hub of the same name, and a table of both."""
    for name in ("sea", "lake"):
        (files.parent / f"{name}.yaml").write_text(CLUSTER, encoding="utf-8")
    listed = [{"name": name, "files": [f"{name}.yaml"]} for name in ("sea", "lake")]
    Path("clusters.yaml").write_text(yaml.safe_dump(listed), encoding="utf-8")
    Path("hubs.csv").write_text(TABLE, encoding="utf-8")
    return files.parent


def test_hubs_that_are_called_alike_do_not_collide(run: Run) -> None:
    done = run(*ASKED)
    assert done.code == 0, done.err
    assert sorted(done.out.split()) == ["records/lake/lake-prod.yaml", "records/sea/sea-prod.yaml"]
    assert "2 drafts written: review them, then kubectl apply -R -f records" in done.err
    for name in ("sea", "lake"):
        raw = yaml.safe_load(Path(f"records/{name}/{name}-prod.yaml").read_text("utf-8"))
        record = parse_record(raw, strict=True)
        assert (record.name, record.spec.hub.cluster) == (f"{name}-prod", name)
        (party,) = raw["spec"]["parties"]
        assert party["contact"] == {"email": f"{name}@hubs.example"}
        assert party["subjects"] == [{"kind": "Group", "name": f"{name}-leads"}]


def test_a_draft_that_is_not_written_is_no_success(run: Run) -> None:
    assert run(*ASKED).code == 0
    Path("records/sea/sea-prod.yaml").write_text("mine", encoding="utf-8")
    again = run(*ASKED)
    assert again.code == 1
    assert "records/sea/sea-prod.yaml is there already and stays as it is" in again.err
    assert Path("records/sea/sea-prod.yaml").read_text(encoding="utf-8") == "mine"
    one = ("init", "-f", "sea.yaml", "-d", "records")
    assert run(*one).code == 0
    assert run(*one).code == 1


def test_a_cluster_that_can_not_be_asked_costs_the_others_nothing(run: Run) -> None:
    Path("sea.yaml").unlink()
    done = run(*ASKED)
    assert done.code == 1
    assert done.out.split() == ["records/lake/lake-prod.yaml"]
    assert "Warning: sea: " in done.err
    assert "1 cluster could not be asked" in done.err


def test_a_table_of_several_clusters_is_not_taken_for_one(run: Run) -> None:
    done = run("init", "-f", "sea.yaml", "--from", "hubs.csv")
    assert (done.code, done.out) == (2, "")
    assert "hubs.csv has hubs of 2 clusters, and one is asked" in done.err
    Path("hubs.csv").write_text("".join(TABLE.splitlines(True)[:2]), encoding="utf-8")
    assert "Sea people" in run("init", "-f", "sea.yaml", "--from", "hubs.csv").out


def test_what_does_not_go_together_is_said(run: Run) -> None:
    assert "say where, with -d DIR" in run("init", "--clusters", "clusters.yaml").err
    assert "leave out HUB" in run(*ASKED, "prod").err
    assert "take one of them" in run(*ASKED, "--contexts", "a").err


def test_the_fleet_of_the_benchmarks_has_the_shape_that_it_says() -> None:
    every = fleet.hubs()
    assert len(every) == fleet.HUBS
    assert len({hub.cluster for hub in every}) == fleet.CLUSTERS
    assert sum(hub.cluster == "c00" for hub in every) == fleet.LARGEST
    assert len({hub.namespace for hub in every}) < fleet.HUBS
    assert len({hub.namespace for hub in fleet.hubs(together=True)}) == fleet.HUBS
