"""Which tests run one after the other, and which of those come first.

Modules of a folder that share an installation stay together; else a module is by itself. The
longest come first: what begins last is short, so that no worker waits long for another at the end.
How long they take is in `seconds.json`; out of date, it costs time and nothing else. Each whole run
notes what it took, and ``python -m tests.e2e.schedule`` takes that over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest

from tests.e2e.lab.directories import cache_root

_ROOT: Final = "tests/e2e/"
_TABLE: Final = Path(__file__).with_name("seconds.json")
# Shorter groups are not worth a line.
_SHORT = 20

# Folders whose modules share what is installed on a cluster for all of them.
TOGETHER: Final = frozenset({"admission", "cli", "image", "plans"})

# Seconds by group, of a whole run: only their order counts. What is missing is short.
SECONDS: Final[dict[str, int]] = json.loads(_TABLE.read_text(encoding="utf-8"))


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
    from xdist.scheduler import (  # type: ignore[import-untyped]  # noqa: PLC0415 - not all have it
        LoadScopeScheduling,
    )

    class Groups(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    # By the number of tests, which says little of how long they take.
    config.option.loadscopereorder = False
    return Groups(config, log)


def note(modules: Mapping[str, float]) -> Path:
    """Note what a whole run took, by module; return where."""
    sums: dict[str, float] = {}
    for module, seconds in modules.items():
        sums[group(module)] = sums.get(group(module), 0.0) + seconds
    longest = sorted(sums.items(), key=lambda each: (-each[1], each[0]))
    noted = _noted()
    noted.parent.mkdir(parents=True, exist_ok=True)
    table = {name: round(seconds) for name, seconds in longest if seconds >= _SHORT}
    noted.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return noted


def _noted() -> Path:
    return cache_root() / _TABLE.name


if __name__ == "__main__":
    # By hand, since a machine may have been busy with other things: it is a change to commit.
    _TABLE.write_text(_noted().read_text(encoding="utf-8"), encoding="utf-8")
