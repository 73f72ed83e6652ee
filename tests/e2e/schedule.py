"""Which tests run one after the other, and which of those come first.

Modules of a folder that share an installation stay together; else a module is by itself. The
longest come first: what begins last is short, so that no worker waits long for another at the end.
A table that is out of date costs time and nothing else.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

import pytest

_ROOT: Final = "tests/e2e/"

# Folders whose modules share what is installed on a cluster for all of them.
TOGETHER: Final = frozenset({"admission", "cli", "image", "plans"})

# Seconds, as runs on a shared machine tell them at their end: only the order counts. What is
# missing here is short.
SECONDS: Final[dict[str, int]] = {
    "admission": 260,
    "plans": 180,
    "operator/test_values.py": 140,
    "cli": 130,
    "image": 130,
    "operator/test_enforcement_helm.py": 130,
    "operator/test_modes.py": 130,
    "operator/test_enforcement_static.py": 125,
    "operator/test_enforcement_model.py": 120,
    "operator/test_enforcement.py": 120,
    "operator/test_revocation_halted.py": 110,
    "operator/test_revocation.py": 100,
    "operator/test_enforcement_alone.py": 100,
    "operator/test_handover.py": 95,
    "operator/test_gaps.py": 95,
    "test_chart_life.py": 90,
    "test_chart.py": 90,
    "test_gitops.py": 90,
    "test_pool.py": 80,
    "operator/test_grants_repaired.py": 80,
    "operator/test_bad_input.py": 75,
    "test_demo.py": 75,
    "operator/test_changes.py": 70,
    "operator/test_grants_dates.py": 70,
    "test_routes.py": 65,
    "replay/test_replay.py": 65,
    "operator/test_rights.py": 60,
    "operator/test_rest.py": 60,
    "operator/test_grants_hindered.py": 60,
    "monitoring/test_alerts.py": 60,
    "test_docs.py": 60,
    "test_lab.py": 55,
    "operator/test_grants.py": 55,
    "operator/test_grants_scale.py": 50,
    "operator/test_break_glass.py": 45,
    "test_rbac_differential.py": 40,
    "test_routes_differential.py": 40,
}


def group(nodeid: str) -> str:
    """Return what a test runs together with: a folder or a module, relative to this one."""
    module = PurePosixPath(nodeid.partition("::")[0].removeprefix(_ROOT))
    top = module.parts[0]
    return top if top in TOGETHER else str(module)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest groups first, and leave each one's own order alone."""
    items.sort(key=lambda item: -SECONDS.get(group(item.nodeid), 0))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole groups to workers, in that order."""
    if config.getvalue("dist") != "loadfile":
        return None
    # Only now: without xdist there is none.
    from xdist.scheduler import (  # type: ignore[import-untyped]  # noqa: PLC0415
        LoadScopeScheduling,
    )

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    # By the number of tests, which says little of how long they take.
    config.option.loadscopereorder = False
    return Groups(config, log)
