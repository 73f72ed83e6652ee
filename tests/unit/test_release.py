"""A release is refused, with the remedy, while its files don't agree on it."""

import shutil
from pathlib import Path

import pytest

from tools import release

ROOT = Path(__file__).parents[2]
VERSION = "7.8.9"
CHANGES = f"""# Changes

## Unreleased

* soon

## {VERSION} (2126-01-01)

* now

## 7.8.8

* then
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return the files that name a version, all of which agree on one."""
    for name in ("pyproject.toml", "helm/hub-responsibility/Chart.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        lines = [_with_version(line) for line in text.splitlines()]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES, encoding="utf-8")
    return tmp_path


def _with_version(line: str) -> str:
    for key, written in (("version = ", f'"{VERSION}"'), ("version: ", VERSION)):
        if line.startswith((key, f"app{key.capitalize()}")):
            return line[: line.index(key[1:]) + len(key) - 1] + written
    return line


def test_notes_are_the_section_of_the_version_and_no_other() -> None:
    assert release.notes(CHANGES, VERSION) == "* now"
    assert release.notes(CHANGES, "7.8.8") == "* then"
    # A dot is a dot.
    assert not release.notes(CHANGES.replace("7.8.9", "7x8x9"), VERSION)


def test_files_that_agree_can_be_released(checkout: Path) -> None:
    assert list(release.problems(checkout, VERSION)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "pyproject.toml",
            f'version = "{VERSION}"',
            'version = "7.8.0"',
            "pyproject.toml: version",
        ),
        (
            "helm/hub-responsibility/Chart.yaml",
            f"appVersion: {VERSION}",
            "appVersion: 7.8.0",
            "appVersion is 7.8.0: write 7.8.9 there",
        ),
        ("CHANGELOG.md", f"## {VERSION}", "## 7.8.90", "no section '## 7.8.9'"),
    ],
)
def test_what_disagrees_is_named_with_the_remedy(
    checkout: Path, file: str, old: str, new: str, told: str
) -> None:
    path = checkout / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    (problem,) = release.problems(checkout, VERSION)
    assert told in problem


@pytest.mark.parametrize("version", ["v7.8.9", "7.8", "7.8.9+build", "", "latest"])
def test_what_is_no_version_is_refused(checkout: Path, version: str) -> None:
    assert "is no version" in next(release.problems(checkout, version))


def test_nothing_is_built_while_something_stands_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(["99.0.0", "--image=x", f"--into={tmp_path / 'dist'}"]) == 1
    told = capsys.readouterr().err
    assert "pyproject.toml: version is" in told
    assert "write 99.0.0 there" in told
    assert not (tmp_path / "dist").exists()
