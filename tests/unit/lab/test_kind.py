"""Which kind of cluster is chosen, and what is said where kind can't work: pretended programs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import clusters, containers, kind
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.kind import KindCluster
from tests.e2e.lab.kwok import KwokCluster

DEFAULT = f"kindest/node:v1.36.1@sha256:{'0' * 64}"
# Fails to make a cluster as kind does, where the file beside it says so.
_KIND = f"""#!/bin/sh
# {DEFAULT}
echo "$@" >> "$0.log"
if [ "$1 $2" = "get clusters" ]; then cat "$0.clusters" 2>/dev/null; exit 0; fi
if [ -f "$0.fails" ]; then cat "$0.fails" >&2; exit 1; fi
"""
# Knows the images that the file beside it names; a registry has none.
_DOCKER = """#!/bin/sh
case "$1" in
info) exit 0 ;;
image) grep -qxF "$3" "$0.images" ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a pretended kind and docker on PATH, and nothing else of that name."""
    for name, text in (("kind", _KIND), ("docker", _DOCKER)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("E2E_CLUSTER", raising=False)
    monkeypatch.delenv(kind.IMAGE, raising=False)
    clusters._possible.cache_clear()
    yield tmp_path / "bin"
    clusters._possible.cache_clear()


def images(programs: Path, *names: str) -> None:
    (programs / "docker.images").write_text("\n".join(names), encoding="utf-8")


def test_kind_is_chosen_where_its_default_image_is(programs: Path) -> None:
    images(programs, DEFAULT)
    assert kind.why_not() == ""
    assert clusters.choose() is KindCluster


def test_without_an_image_it_is_kwok_and_the_reason_is_told(
    programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    images(programs)
    assert DEFAULT in kind.why_not()
    with pytest.MonkeyPatch.context() as patch:
        told: list[str] = []
        patch.setattr("tests.e2e.lab.lifetime.say", told.append)
        assert clusters.choose() is KwokCluster
    assert "no registry has it; E2E_KIND_IMAGE names another" in told[0]
    assert capfd.readouterr().out == ""


def test_the_image_that_is_asked_for_counts(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(programs, "kindest/node:v1.37.2-local")
    monkeypatch.setenv(kind.IMAGE, "kindest/node:v1.37.2-local")
    assert clusters.choose() is KindCluster


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("", None),
        ("1.37.2", "kindest/node:v1.37.2"),
        ("v1.37.2", "kindest/node:v1.37.2"),
        ("v1.37.2-local", "kindest/node:v1.37.2-local"),
        ("registry.example/node:1", "registry.example/node:1"),
    ],
)
def test_a_version_is_a_tag(asked: str, meant: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kind.IMAGE, asked)
    assert kind.node_image() == meant


def test_without_docker_there_is_no_kind(programs: Path) -> None:
    (programs / "docker").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert kind.why_not() == "docker doesn't answer"


def test_a_node_that_cannot_be_pulled_is_said_to_be_that(programs: Path) -> None:
    (programs / "kind.fails").write_text(f'failed to pull image "{DEFAULT}"', encoding="utf-8")
    with pytest.raises(LabError, match=r"no registry has the node's image\. E2E_KIND_IMAGE names"):
        KindCluster("unit-pull").up()


def test_a_node_that_did_not_start_is_kept_for_its_logs(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "kind.fails").write_text("kubeadm timed out", encoding="utf-8")
    (programs / "kind.clusters").write_text("other\nunit-logs\n", encoding="utf-8")
    kept = tmp_path / "kept"
    monkeypatch.setattr(kind, "KEPT_LOGS", kept)
    cluster = KindCluster("unit-logs")
    with pytest.raises(LabError, match="kubeadm timed out"):
        cluster.up()
    (programs / "kind.fails").unlink()
    assert cluster.keep_logs() == kept / "unit-logs"
    create, listed, export = (programs / "kind.log").read_text(encoding="utf-8").splitlines()
    assert "--retain" in create
    assert listed == "get clusters"
    assert export == f"export logs {kept / 'unit-logs'} --name=unit-logs"


def test_there_are_no_logs_where_no_node_was_made(programs: Path) -> None:
    (programs / "kind.clusters").write_text("other\n", encoding="utf-8")
    assert KindCluster("unit-none").keep_logs() is None
    assert "export" not in (programs / "kind.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("instances", [128, 512])
def test_what_is_too_little_for_several_nodes_is_said_with_what_to_set(
    tmp_path: Path, instances: int
) -> None:
    (tmp_path / "max_user_instances").write_text(f"{instances}\n", encoding="utf-8")
    said = containers.scarcity(tmp_path)
    assert ("sudo sysctl fs.inotify.max_user_instances=1024" in said) == (instances < 512)


def test_where_there_is_no_such_limit_nothing_is_said(tmp_path: Path) -> None:
    assert containers.scarcity(tmp_path / "nothing") == ""
