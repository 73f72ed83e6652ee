"""What runs together, and in which order."""

import pytest

from tests.e2e import schedule
from tests.e2e.lab.directories import REPOSITORY


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/e2e/test_lab.py::test_up", "test_lab.py"),
        ("tests/e2e/operator/test_gaps.py::test_it[a::b]", "operator/test_gaps.py"),
        ("tests/e2e/admission/test_tools.py::test_it", "admission"),
    ],
)
def test_a_test_runs_with_its_module_or_its_folder(nodeid: str, group: str) -> None:
    assert schedule.group(nodeid) == group


def test_nothing_is_listed_that_is_gone() -> None:
    root = REPOSITORY / "tests" / "e2e"
    listed = schedule.SECONDS.keys() | schedule.TOGETHER
    assert not [name for name in sorted(listed) if not (root / name).exists()]
