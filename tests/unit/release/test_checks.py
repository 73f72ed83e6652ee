"""A release is refused, with the remedy, while its files don't agree on it."""

from pathlib import Path

import pytest

from tools.generate import versions
from tools.release import __main__ as program
from tools.release import checks

ROOT = Path(__file__).parents[3]
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
    """Return the files that a release looks at, which agree on its version."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = versions.replaced(text, '^version = "', VERSION)
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES, encoding="utf-8")
    return tmp_path


def test_notes_are_the_section_of_the_version_and_no_other() -> None:
    assert checks.notes(CHANGES, VERSION) == "* now"
    assert checks.notes(CHANGES, "7.8.8") == "* then"
    # A dot is a dot.
    assert not checks.notes(CHANGES.replace("7.8.9", "7x8x9"), VERSION)


def test_files_that_agree_can_be_released(checkout: Path) -> None:
    assert list(checks.problems(checkout, VERSION)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "pyproject.toml",
            f'version = "{VERSION}"',
            'version = "7.8.0"',
            "version is 7.8.0: write 7.8.9 there, then make generate",
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
    (problem,) = checks.problems(checkout, VERSION)
    assert told in problem


@pytest.mark.parametrize("version", ["v7.8.9", "7.8", "7.8.9+build", "", "latest"])
def test_what_is_no_version_is_refused(checkout: Path, version: str) -> None:
    assert "is no version" in next(checks.problems(checkout, version))


def test_nothing_is_built_while_something_stands_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["99.0.0", "--registry=x", f"--into={tmp_path / 'dist'}"]) == 1
    told = capsys.readouterr().err
    assert "pyproject.toml: version is" in told
    assert "write 99.0.0 there" in told
    assert not (tmp_path / "dist").exists()
