"""What runs together, and in which order."""

import json
from pathlib import Path

import pytest

from tests.e2e import schedule
from tests.e2e.lab.directories import REPOSITORY


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/e2e/test_lab.py::test_up", "test_lab.py"),
        (
            "tests/e2e/operator/enforcement/test_gaps.py::test_it[a::b]",
            "operator/enforcement/test_gaps.py",
        ),
        ("tests/e2e/admission/test_tools.py::test_it", "admission"),
    ],
)
def test_a_test_runs_with_its_module_or_its_folder(nodeid: str, group: str) -> None:
    assert schedule.group(nodeid) == group


def test_nothing_is_listed_that_is_gone() -> None:
    root = REPOSITORY / "tests" / "e2e"
    listed = schedule.SECONDS.keys() | schedule.TOGETHER
    assert not [name for name in sorted(listed) if not (root / name).exists()]


def test_a_run_notes_its_times_by_group_and_the_longest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    noted = schedule.note(
        {
            "tests/e2e/test_lab.py": 30.4,
            "tests/e2e/test_pool.py": 1.0,
            "tests/e2e/cli/test_live.py": 20.0,
            "tests/e2e/cli/test_sarif.py": 21.0,
        }
    )
    assert list(json.loads(noted.read_text(encoding="utf-8")).items()) == [
        ("cli", 41),
        ("test_lab.py", 30),
    ]
