"""The framework's handlers, for our own two kinds. Each is one line of delegation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from responsibility.api.names import API_GROUP, VERSION
from responsibility.cluster.custom_resources import CustomResourceStore
from responsibility.controller.process.framework import Take
from responsibility.controller.runtime import Runtime


def handlers(runtime: Runtime) -> dict[tuple[str, str, str], Take]:
    """Return by kind what takes in its events."""
    return {
        (API_GROUP, VERSION, kind.path.rpartition("/")[2]): partial(_take, kind, runtime)
        for kind in runtime.store.custom_resources
    }


def _take(
    kind: CustomResourceStore[Any], runtime: Runtime, event: str | None, body: Mapping[str, Any]
) -> None:
    if event == "DELETED":
        kind.drop(body)
        return
    kind.put(body)
    if event is None:
        # It came from a list: what was deleted while the watch was down has not been told.
        runtime.relist_own()
