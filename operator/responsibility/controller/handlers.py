"""The framework's handlers, for our own two kinds. Each is one line of delegation.

Only ``on.event`` is used. The other decorators would put finalizers or annotations on objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from responsibility.api.names import API_GROUP, MODELS, RECORDS, VERSION
from responsibility.cluster.custom_resources import CustomResourceStore
from responsibility.controller.runtime import Runtime


def register(registry: kopf.OperatorRegistry, runtime: Runtime) -> None:
    """Put the handlers of our kinds into ``registry``."""

    @kopf.on.event(API_GROUP, VERSION, RECORDS, registry=registry)
    async def on_record(type: str | None, body: kopf.Body, **_: Any) -> None:
        _take(runtime.store.records, type, body, runtime)

    @kopf.on.event(API_GROUP, VERSION, MODELS, registry=registry)
    async def on_model(type: str | None, body: kopf.Body, **_: Any) -> None:
        _take(runtime.store.models, type, body, runtime)


def _take(
    kind: CustomResourceStore[Any], event: str | None, body: Mapping[str, Any], runtime: Runtime
) -> None:
    if event == "DELETED":
        kind.drop(body)
        return
    kind.put(body)
    if event is None:
        # It came from a list: what was deleted while the watch was down has not been told.
        runtime.relist_own()
