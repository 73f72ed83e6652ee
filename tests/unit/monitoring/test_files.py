"""The chart's copies are those of the tables, and outdated ones are told."""

from pathlib import Path

import pytest

from responsibility.monitoring.__main__ import DEFAULT, RULES, files, main

ROOT = Path(__file__).parents[3]


def test_the_chart_ships_what_the_tables_say() -> None:
    assert main([str(ROOT / DEFAULT), "--check"]) == 0


def test_what_is_written_is_what_is_checked(tmp_path: Path) -> None:
    assert main([str(tmp_path), "--check"]) == 1
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    assert {p.relative_to(tmp_path) for p in tmp_path.rglob("*.*")} == set(files())


def test_changed_and_stray_files_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path)])
    (tmp_path / RULES).write_text("groups: []\n", encoding="utf-8")
    stray = tmp_path / "dashboards" / "old.json"
    stray.write_text("{}", encoding="utf-8")
    assert main([str(tmp_path), "--check"]) == 1
    told = capsys.readouterr().err
    assert str(RULES) in told
    assert "old.json" in told
    assert main([str(tmp_path)]) == 0
    assert not stray.exists()


def test_rules_are_printed_for_other_means(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--rules", "--runbook-url", "https://docs.example/r.md"]) == 0
    assert "runbook_url: https://docs.example/r.md#" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
