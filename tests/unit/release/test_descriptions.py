"""What is said about a release's files: krew's manifest, provenance, and the one version."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.generate import versions
from tools.release import krew_manifest, provenance
from tools.release.images import IMAGES
from tools.release.plugin_archive import PLATFORMS, archive_name

ROOT = Path(__file__).parents[3]
HOME = "https://forge.example/hub-responsibility"


def test_krew_is_told_of_every_platform() -> None:
    """By the rules of ``internal/index/validation/validate.go``; the long tests ask krew itself."""
    archives = {p: (archive_name("1.2.3", p), p.name.encode()) for p in PLATFORMS}
    found = krew_manifest.manifest("1.2.3", HOME, archives)
    assert f"{found['metadata']['name']}.yaml" == krew_manifest.FILE
    spec = found["spec"]
    assert spec["version"] == "v1.2.3"
    assert len(spec["shortDescription"]) <= 50
    by_platform = {tuple(p["selector"]["matchLabels"].values()): p for p in spec["platforms"]}
    assert set(by_platform) == {
        (system, arch) for system in ("linux", "darwin") for arch in ("amd64", "arm64")
    }
    for (system, arch), each in by_platform.items():
        name = f"kubectl-responsibility_v1.2.3_{system}_{arch}.tar.gz"
        assert each["uri"] == f"{HOME}/releases/download/v1.2.3/{name}"
        assert each["sha256"] == hashlib.sha256(f"{system}_{arch}".encode()).hexdigest()
        assert each["bin"] in {entry["from"] for entry in each["files"]}
        assert "LICENSE" in {entry["from"] for entry in each["files"]}


def test_provenance_names_what_was_built_and_of_what(tmp_path: Path) -> None:
    """As https://slsa.dev/spec/v1.0/provenance has the predicate."""
    built = [tmp_path / name for name in ("b.tar.gz", "a.whl")]
    for path in built:
        path.write_text(path.name, encoding="utf-8")
    now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    run = provenance.Build("1.2.3", HOME, "c" * 40, "https://b.example", now, now + timedelta(1))
    found = provenance.statement(ROOT, run, built)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://slsa.dev/provenance/v1"
    assert found["subject"] == [
        {"name": n, "digest": {"sha256": hashlib.sha256(n.encode()).hexdigest()}}
        for n in ("a.whl", "b.tar.gz")
    ]
    definition = found["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["version"] == "1.2.3"
    source, *rest = definition["resolvedDependencies"]
    assert source == {"uri": f"git+{HOME}@refs/tags/v1.2.3", "digest": {"gitCommit": "c" * 40}}
    for image in IMAGES:
        path = ROOT / image.lock
        lock = {"name": str(image.lock), "digest": {"sha256": provenance.sha256(path)}}
        assert lock in rest
        text = path.read_text(encoding="utf-8")
        locked = re.findall(r"^(\S+)==([^ ;\\]+)", text, re.MULTILINE)
        assert locked
        for name, version in locked:
            assert rest.count({"uri": f"pkg:pypi/{name}@{version}"}) == 1
    (base,) = [each for each in rest if each.get("uri", "").startswith("docker://")]
    assert base["uri"] == "docker://docker.io/library/python:3.13-slim"
    assert len(base["digest"]["sha256"]) == 64
    details = found["predicate"]["runDetails"]
    assert details["builder"] == {"id": "https://b.example"}
    assert details["metadata"]["startedOn"] == "2027-03-01T12:00:00Z"


def test_the_version_is_put_wherever_it_stands() -> None:
    text = "version: 0.1.0\nappVersion: 1.0.0-rc.1\nkubeVersion: 1.30.0\n"
    found = versions.replaced(text, r"^(?:v|appV)ersion: ", "2.0.0")
    assert found == "version: 2.0.0\nappVersion: 2.0.0\nkubeVersion: 1.30.0\n"
    with pytest.raises(ValueError, match="no version stands after"):
        versions.replaced(text, "chartVersion: ", "2.0.0")


def test_nothing_that_people_read_has_the_version_otherwise() -> None:
    """Each place is generated, or it would be forgotten one day."""
    listed = subprocess.run(
        ["git", "ls-files", "docs", "helm", "README.md", "action.yml", "Containerfile", ".github"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = {
        Path(name)
        for name in listed
        if re.search(
            rf"(?<![\d.]){re.escape(versions.VERSION)}(?![\d.])",
            (ROOT / name).read_text(encoding="utf-8", errors="replace"),
        )
    }
    assert found == set(versions.PLACES)


def test_all_else_takes_it_from_where_it_is_written() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert versions.VERSION not in makefile
    assert '--build-arg VERSION="$$(sed -n' in makefile
