"""Every image of the table is built, saved and listed: none is left out of a release."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.generate.versions import VERSION
from tools.release import __main__ as program
from tools.release.checks import ReleaseError
from tools.release.images import IMAGES, Image, placed

ROOT = Path(__file__).parents[3]
REGISTRY = "registry.example.org/team"
EACH = pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.contents)


def _make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _repositories(values: Any) -> Iterator[str]:
    if isinstance(values, dict):
        if "repository" in values:
            yield values["repository"]
        for each in values.values():
            yield from _repositories(each)


def test_they_are_those_that_the_chart_starts() -> None:
    text = (ROOT / "helm/hub-responsibility/values.yaml").read_text(encoding="utf-8")
    assert sorted(_repositories(yaml.safe_load(text))) == sorted(image.name for image in IMAGES)


def test_a_released_chart_starts_what_was_released(tmp_path: Path) -> None:
    """Whoever installs it from a registry has nothing to set."""
    before = (ROOT / program.CHART / "values.yaml").read_text(encoding="utf-8")
    chart = program.chart_for(ROOT / program.CHART, f"{REGISTRY}/", tmp_path)
    after = (chart / "values.yaml").read_text(encoding="utf-8")
    assert sorted(f"{name}:{VERSION}" for name in _repositories(yaml.safe_load(after))) == sorted(
        image.reference(REGISTRY, VERSION) for image in IMAGES
    )
    changed = [
        (was, now)
        for was, now in zip(before.splitlines(), after.splitlines(), strict=True)
        if was != now
    ]
    assert len(changed) == len(IMAGES)


def test_without_a_registry_a_chart_is_released_as_it_is(tmp_path: Path) -> None:
    chart = program.chart_for(ROOT / program.CHART, "", tmp_path)
    before = (ROOT / program.CHART / "values.yaml").read_bytes()
    assert (chart / "values.yaml").read_bytes() == before


@EACH
def test_a_chart_that_does_not_name_an_image_is_not_released(image: Image) -> None:
    with pytest.raises(ReleaseError, match=f"image {image.name} 0 times"):
        placed("image:\n  repository: another\n", [image], REGISTRY)


def test_every_lock_is_of_one_of_them_or_of_their_building() -> None:
    there = {path.relative_to(ROOT) for path in (ROOT / "image").glob("*.lock")}
    assert there == {Path("image/build.lock"), *(image.lock for image in IMAGES)}


def test_a_release_builds_every_one_under_the_name_by_which_it_is_saved() -> None:
    told = _make("-n", "release", f"VERSION={VERSION}", f"REGISTRY={REGISTRY}")
    assert told.returncode == 0, told.stderr
    builds = re.findall(r'--tag "(\S+)".*?--build-arg CONTENTS=(\S+)', told.stdout, re.DOTALL)
    assert builds == [(image.reference(REGISTRY, VERSION), image.contents) for image in IMAGES]
    assert f'--registry "{REGISTRY}"' in told.stdout


@pytest.mark.parametrize("words", [[], ["WITHOUT_IMAGES=1"]], ids=["all", "without images"])
def test_what_stands_in_the_way_is_told_before_anything_is_built(words: list[str]) -> None:
    told = _make("-n", "release", f"VERSION={VERSION}", *words)
    assert told.returncode == 0, told.stderr
    first = next(line for line in told.stdout.splitlines() if "/python -m " in line)
    assert f'tools.release "{VERSION}" --check' in first
    assert ("--without-images" in first) == bool(words)


def test_a_release_without_images_builds_none() -> None:
    told = _make("-n", "release", f"VERSION={VERSION}", "WITHOUT_IMAGES=1")
    assert told.returncode == 0, told.stderr
    assert "--tag" not in told.stdout
    assert "--without-images" in told.stdout


def test_one_name_for_all_of_them_is_refused() -> None:
    done = _make("release", f"VERSION={VERSION}", "IMAGE=x:1")
    assert done.returncode != 0
    assert "REGISTRY=host/path, in place of IMAGE" in done.stderr


def test_the_locks_are_renewed_by_one_command() -> None:
    (loop,) = re.findall(r"for name in (build .*?); do", _make("-n", "lock").stdout)
    done = subprocess.run(
        ["bash", "-c", f"echo {loop}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == {"build", *(image.lock.stem for image in IMAGES)}


@EACH
def test_its_name_stands_in_it_and_is_its_own_without_a_registry(image: Image) -> None:
    told = _make("-n", "image", f"CONTENTS={image.contents}").stdout
    assert f'--tag "{image.reference("", VERSION)}"' in told
    assert f"--build-arg NAME={image.name}" in told


def test_what_is_in_no_image_is_not_built(tmp_path: Path) -> None:
    assert "no such image in image/images.txt" in _make("-n", "image", "CONTENTS=other").stderr
    done = subprocess.run(
        ["sh", "image/build.sh", str(tmp_path / "opt"), str(tmp_path / "scratch"), "other"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no other in image/images.txt" in done.stderr
    assert list(tmp_path.iterdir()) == []


# An engine that saves a name as what is in it, and shows it as what it was asked.
_ENGINE = """#!/bin/sh
case $1 in
  save) echo "$4" > "$3" ;;
  run) shift; echo "$*" ;;
esac
"""


def test_every_one_is_saved_with_its_bill_of_materials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tmp_path / "bin" / "docker"
    engine.parent.mkdir()
    engine.write_text(_ENGINE, encoding="utf-8")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{engine.parent}:/usr/bin:/bin")
    into = tmp_path / "dist"
    into.mkdir()
    for image in IMAGES:
        program.save(image, REGISTRY, "1.2.3", into)
    files = {path.name: path.read_text(encoding="utf-8").strip() for path in into.iterdir()}
    bill = "/opt/hub-responsibility/share/sbom.cdx.json"
    references = {image.name: f"{REGISTRY}/{image.name}:1.2.3" for image in IMAGES}
    assert files == {
        **{f"{name}-1.2.3-image.tar": reference for name, reference in references.items()},
        **{
            f"{name}-1.2.3.sbom.cdx.json": f"--rm {reference} cat {bill}"
            for name, reference in references.items()
        },
    }


@EACH
def test_whoever_got_it_is_told_how_to_verify_it(image: Image) -> None:
    page = (ROOT / "docs" / "release.md").read_text(encoding="utf-8")
    assert f" ghcr.io/2i2c-org/{image.name}:1.2.3\n" in page
    assert f"`{image.name}`" in page
