"""The repository keeps its shape."""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "operator"
TOP = {
    *(".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
    *("bench", "crds", "demo", "docs", "helm", "operator", "tests"),
    # What others check their pull requests with.
    *("action.yml", ".pre-commit-hooks.yaml"),
    # The image: its recipe, and what it is built from, pinned.
    *("Containerfile", ".dockerignore", "image"),
    # What generates pages about things that are not part of the operator.
    "tools",
}
LARGEST = 900 * 1024


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_the_source_root_is_no_package() -> None:
    # With an __init__.py it would be importable as `operator`, and hide the standard library's.
    assert not (SOURCES / "__init__.py").exists()
    assert {path.name for path in SOURCES.glob("*/__init__.py")} == {"__init__.py"}


def test_nothing_unexpected_lies_at_the_top() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in _tracked()}
    assert found <= TOP, f"describe it here, or move it: {sorted(found - TOP)}"


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((SOURCES / "responsibility").rglob("*.py"))
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_every_package_is_one() -> None:
    folders = {path.parent for path in (SOURCES / "responsibility").rglob("*.py")}
    assert not [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()]


def test_no_file_is_too_big_to_review() -> None:
    big = [str(path) for path in _tracked() if path.is_file() and path.stat().st_size > LARGEST]
    assert not big


def test_the_continuous_integration_can_be_started() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").splitlines()[0] == "#!/usr/bin/env bash"
