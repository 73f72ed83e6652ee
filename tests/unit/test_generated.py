"""What is generated is up to date, and none of what generates it is part of what is installed."""

import ast
import tomllib
from pathlib import Path

import pytest

from tools.generate import alert_rules
from tools.generate.__main__ import main
from tools.generate.table import FILES, FOLDERS, ROOT, RULES
from tools.generate.write_or_check import write_or_check

SOURCES = ROOT / "operator" / "responsibility"
# Programs that people start; all others with a command line would be tools.
PROGRAMS = {"controller/main.py", "controller/process/settings.py"}


def test_all_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_what_is_written_is_what_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert {p.relative_to(tmp_path) for p in tmp_path.rglob("*.*")} == set(FILES)
    (tmp_path / RULES).write_text("groups: []\n", encoding="utf-8")
    stray = tmp_path / FOLDERS[-1] / "old.yaml"
    stray.write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert main(["--check"], tmp_path) == 1
    told = capsys.readouterr().err
    assert str(RULES) in told
    assert "old.yaml" in told
    assert "make generate" in told
    assert main([], tmp_path) == 0
    assert not stray.exists()
    assert main(["--check"], tmp_path) == 0


def test_nothing_is_written_where_nothing_differs(tmp_path: Path) -> None:
    path = Path("a/b.txt")
    assert write_or_check({path: lambda: "x"}, root=tmp_path, check=False) == [path]
    before = (tmp_path / path).stat().st_mtime_ns
    assert write_or_check({path: lambda: "x"}, root=tmp_path, check=False) == []
    assert (tmp_path / path).stat().st_mtime_ns == before


def test_rules_are_printed_for_other_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert alert_rules.main(["https://docs.example/r.md"]) == 0
    assert "runbook_url: https://docs.example/r.md#" in capsys.readouterr().out


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_what_is_installed_holds_no_generator() -> None:
    for path in sorted(SOURCES.rglob("*.py")):
        name = str(path.relative_to(SOURCES))
        found = _imports(path)
        assert "tools" not in found, f"{name} is shipped without tools"
        assert "argparse" not in found or name in PROGRAMS, f"move {name} to tools/generate"


def test_nothing_but_the_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["packages"]["find"]["where"] == ["operator"]
    folders = {path.parent.name for path in (ROOT / "operator").glob("*/*.py")}
    assert folders == {"responsibility"}
