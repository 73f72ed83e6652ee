"""What runs in the background has one base and stands in one list."""

from __future__ import annotations

import ast
from pathlib import Path

import responsibility.controller
from responsibility.cluster.store import Store
from responsibility.controller.capabilities import Capabilities
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Worker
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.server import ApiServer

# What runs, and is no worker: what drives them, what is a part of one, and the framework.
_OTHERS = {"Loop", "Runtime", "Prober", "Framework", "_Thread"}


def _that_run() -> dict[str, list[str]]:
    """Return the classes of the controller that can be run, with their bases, by name."""
    [root] = responsibility.controller.__path__
    return {
        node.name: [ast.unparse(base) for base in node.bases]
        for path in Path(root).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(part, ast.AsyncFunctionDef) and part.name == "run" for part in node.body)
    }


def test_whatever_runs_in_the_background_is_a_worker() -> None:
    found = _that_run()
    strangers = {name for name, bases in found.items() if "Worker" not in bases}
    assert strangers - {"Worker"} == _OTHERS
    assert len(found) > len(_OTHERS) + 1


def test_the_list_has_every_worker_that_is_put_together() -> None:
    api, metrics = InProcessApi(ApiServer()), Metrics()
    built = Capabilities.build(Settings(), api, Store(api, relist=300), metrics)
    fields = [getattr(built, name) for name in Capabilities.__dataclass_fields__]
    workers = [part for part in fields if isinstance(part, Worker)]
    assert list(built.workers) == workers
    # Nothing of a pass is waited for by what runs while there is none.
    assert [type(w).__name__ for w in workers if w.from_start] == ["EventPoster", "OwnRights"]
