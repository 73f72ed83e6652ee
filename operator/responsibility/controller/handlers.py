"""What the framework serves: our own two kinds. Each handler is one line of delegation.

Only ``on.event`` is used. The other decorators would put finalizers or annotations on objects.
"""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from typing import Any, cast

import kopf

from responsibility.api.base import GROUP, VERSION
from responsibility.cluster.own import OwnKind
from responsibility.controller.runtime import Runtime


class FrameworkPost:
    """Posts Events through the framework, which keeps the way to its queue in its context.

    That context exists inside handlers only. What is to be told before the first handler has
    run waits for it; there is nothing to tell about objects that the framework does not see.
    """

    def __init__(self) -> None:
        self._context: contextvars.Context | None = None
        self._waiting: list[tuple[Mapping[str, Any], dict[str, str]]] = []

    def learn(self) -> None:
        """Take the framework's context; called in handlers."""
        if self._context is None:
            self._context = contextvars.copy_context()
            waiting, self._waiting = self._waiting, []
            for obj, words in waiting:
                self(obj, **words)

    def __call__(self, obj: Mapping[str, Any], *, type: str, reason: str, message: str) -> None:
        """Queue one Event about ``obj``."""
        if self._context is None:
            words = {"type": type, "reason": reason, "message": message}
            self._waiting.append((obj, words))
            return
        body = kopf.Body(cast("kopf.RawBody", obj))
        self._context.run(kopf.event, body, type=type, reason=reason, message=message)


def register(registry: kopf.OperatorRegistry, runtime: Runtime, post: FrameworkPost) -> None:
    """Put the handlers of our kinds into ``registry``."""

    @kopf.on.event(GROUP, VERSION, "responsibilities", registry=registry)
    async def on_record(type: str | None, body: kopf.Body, **_: Any) -> None:
        post.learn()
        _take(runtime.store.records, type, body, runtime)

    @kopf.on.event(GROUP, VERSION, "responsibilitymodels", registry=registry)
    async def on_model(type: str | None, body: kopf.Body, **_: Any) -> None:
        post.learn()
        _take(runtime.store.models, type, body, runtime)


def _take(kind: OwnKind[Any], event: str | None, body: Mapping[str, Any], runtime: Runtime) -> None:
    if event == "DELETED":
        kind.drop(body)
        return
    kind.put(body)
    if event is None:
        # It came from a list: what was deleted while the watch was down has not been told.
        runtime.relist_own()
