"""How the control plane's programs are built, with a compiler that only pretends."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.lab import binaries
from tests.e2e.lab.errors import LabError

# Answers `go env GOVERSION`, and notes each `go build … -o FILE PACKAGE` before it writes the file.
_GO = """#!/bin/sh
if [ "$1" = env ]; then echo "$FAKE_GO_VERSION"; exit 0; fi
for last; do :; done
if [ "$last" = "$FAKE_GO_FAILS" ]; then echo 'signal: killed' >&2; exit 1; fi
echo "$last" >> "$FAKE_GO_LOG"
while [ "$1" != -o ]; do shift; done
echo built > "$2"
"""


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the pretended Go on PATH; the file it notes its builds in."""
    compiler = tmp_path / "bin" / "go"
    compiler.parent.mkdir()
    compiler.write_text(_GO, encoding="utf-8")
    compiler.chmod(0o755)
    log = tmp_path / "builds"
    monkeypatch.setenv("PATH", f"{compiler.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.26.8")
    monkeypatch.setenv("FAKE_GO_LOG", str(log))
    monkeypatch.setenv("FAKE_GO_FAILS", "")
    return log


def test_parallel_callers_build_each_program_once(builds: Path) -> None:
    with ThreadPoolExecutor() as pool:
        directories = {found.result() for found in [pool.submit(binaries.build) for _ in range(4)]}
    assert len(directories) == 1
    wanted = [each for each in binaries.COMMANDS if each.need == "cluster"]
    assert builds.read_text(encoding="utf-8").split() == [each.package for each in wanted]
    assert {path.name for path in directories.pop().iterdir()} == {each.name for each in wanted}


def test_helm_is_built_when_asked_for(builds: Path) -> None:
    binaries.build()
    assert "helm" not in builds.read_text(encoding="utf-8")
    assert {"helm", "helm3"} <= {path.name for path in binaries.build({"helm"}).iterdir()}


def test_a_failed_build_leaves_nothing_under_the_name(
    builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_FAILS", "k8s.io/kubernetes/cmd/kubectl")
    with pytest.raises(LabError, match=r"building kubectl failed.*memory(.|\n)*signal: killed"):
        binaries.build()
    assert builds.exists()
    monkeypatch.setenv("FAKE_GO_FAILS", "")
    assert (binaries.build() / "kubectl").exists()


@pytest.mark.parametrize("version", ["go1.25.9", "go1.4", ""])
@pytest.mark.usefixtures("builds")
def test_an_old_go_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", version)
    with pytest.raises(LabError, match=r"install Go 1\.26 or newer from https://go\.dev/dl/"):
        binaries.build()


def test_a_missing_go_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"Go is not installed.*E2E_CLUSTER=kind"):
        binaries.build()


def test_another_compiler_is_another_cache(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = binaries.build()
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.27.0")
    assert binaries.build() != first
    assert builds.read_text(encoding="utf-8").split().count("go.etcd.io/etcd/server/v3") == 2


def test_prometheus_is_built_apart(builds: Path) -> None:
    """Whoever has a control plane and wants to try alerts does not build it again."""
    directory = binaries.build_monitoring()
    assert {path.name for path in directory.iterdir()} == {"prometheus", "promtool"}
    assert binaries.build() != directory
    assert builds.read_text(encoding="utf-8").split()[:2] == [
        command.package for command in binaries.MONITORING
    ]


@pytest.mark.parametrize(
    ("moved", "rebuilt"), [("prometheus", (False, True)), ("kwok", (True, False))]
)
@pytest.mark.usefixtures("builds")
def test_a_new_pin_rebuilds_no_more_than_it_must(
    moved: str, rebuilt: tuple[bool, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = tmp_path / "gomods"
    shutil.copytree(binaries.GO_MODULES, pins)
    monkeypatch.setattr(binaries, "GO_MODULES", pins)
    before = (binaries.build(), binaries.build_monitoring())
    with (pins / moved / "go.sum").open("a", encoding="utf-8") as pin:
        pin.write("example.org/new v1.0.0 h1:0\n")
    after = (binaries.build(), binaries.build_monitoring())
    assert tuple(old != new for old, new in zip(before, after, strict=True)) == rebuilt


def test_kubernetes_comes_with_its_own_staging_modules() -> None:
    """Its go.mod asks for v0.0.0 of them; a replacement that lags would build, and misbehave."""
    kubernetes = binaries.pinned_version("kubernetes", "k8s.io/kubernetes")
    text = (binaries.GO_MODULES / "kubernetes" / "go.mod").read_text(encoding="utf-8")
    replacements = {line.split()[-1] for line in text.splitlines() if "=>" in line}
    assert replacements == {kubernetes.replace("v1.", "v0.", 1)}
