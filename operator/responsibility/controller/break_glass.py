"""Tell of every use of the break-glass: an Event on the record, and a count.

The API server sends what break-glass subjects do (see ``enforcement/break_glass.py``) to any of the
replicas. The one that leads knows what a use concerns; another one, which knows nothing of the
cluster, looks that up, once it has answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.cluster import errors
from responsibility.cluster.client import Api
from responsibility.cluster.own import Own
from responsibility.cluster.store import Store
from responsibility.controller.events import Announcer
from responsibility.controller.metrics import Metrics
from responsibility.enforcement import keys
from responsibility.enforcement.break_glass import Use, concerns, is_listed, read_use
from responsibility.enforcement.guards import Guards, ItemGuards
from responsibility.enforcement.repeats import Repeats
from responsibility.enforcement.stages import NamespaceKeys
from responsibility.hub.discovery import HubKey
from responsibility.ownership.questions import Names

logger = logging.getLogger(__name__)

# Uses that wait for being looked up; beyond that they are dropped, which is logged.
_MOST = 1_000
_NAMESPACES = "/api/v1/namespaces"

_Review = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Concerned:
    """A hub that a use may be about, and its record."""

    own: Own[Any]
    key: HubKey
    names: Names
    model: ResponsibilityModel


class Uses:
    """Takes note of uses. ``leading`` has what the replica knows that leads, else None."""

    def __init__(self, api: Api, metrics: Metrics, announcer: Announcer, *, own: Store) -> None:
        self.leading: Store | None = None
        self._api = api
        self._metrics = metrics
        self._announcer = announcer
        # Nothing but our own kinds are listed into it.
        self._own = own
        self._repeats = Repeats()
        self._waiting: asyncio.Queue[tuple[Use, _Review]] = asyncio.Queue(_MOST)
        self._guards: tuple[object, dict[str, ItemGuards]] = (None, {})

    def take(self, item: str, review: _Review) -> None:
        """Take note of what the API server tells, if it is a use of the break-glass."""
        self._metrics.admission_reviews.inc()
        use = read_use(item, review)
        if use is None:
            return
        if self.leading is not None and self._metrics.state.assessment is not None:
            space = self.leading.namespaces.items.get(use.namespace)
            if space is not None:
                self._judge(use, review, space.keys, self._assessed(self.leading, use.namespace))
            return
        try:
            self._waiting.put_nowait((use, review))
        except asyncio.QueueFull:
            logger.warning("a use of the break-glass is not told of: too many at once")

    async def run(self) -> None:
        """Look up what waits, until cancelled."""
        while True:
            use, review = await self._waiting.get()
            try:
                space = await self._space(use.namespace)
                if space is not None:
                    await self._own.list_own()
                    self._judge(use, review, space, self._recorded(space, use.namespace))
            except errors.ApiError as error:
                logger.warning("a use of the break-glass is not told of: %s", error)

    async def _space(self, name: str) -> NamespaceKeys | None:
        found = await self._api.get(_NAMESPACES, {"fieldSelector": f"metadata.name={name}"})
        return next((NamespaceKeys.of(each["metadata"]) for each in found["items"]), None)

    def _judge(
        self, use: Use, review: _Review, space: NamespaceKeys, hubs: Iterable[_Concerned]
    ) -> None:
        if use.item not in space.stages():
            return
        listed = space.annotations
        lines = listed.get(keys.BREAK_GLASS, "").split("\n")
        glass = is_listed([*lines, "group:system:masters"], use.user, use.groups)
        owners = listed.get(keys.OWNERS + use.item, "").split("\n")
        if not glass or is_listed(owners, use.user, use.groups):
            return
        for hub in hubs:
            guards = self._of(hub.model, use.item)
            if guards is None or not concerns(use, guards, hub.names):
                continue
            if not self._repeats.seen(f"{hub.own.name}/{use.item}", review, datetime.now(UTC)):
                self._tell(use, hub, guards.item.title)

    def _tell(self, use: Use, hub: _Concerned, title: str) -> None:
        self._metrics.glass_used(hub.key.namespace, hub.key.release, use.item)
        self._announcer.switched(
            hub.own.reference,
            "BreakGlassUsed",
            f"{use.user} broke the glass: {use.what} in namespace {use.namespace} is "
            f"{title} ({use.item}), which belongs to others, and was let through",
            warning=True,
        )

    def _assessed(self, store: Store, namespace: str) -> Iterator[_Concerned]:
        """Yield the hubs of a namespace as they were assessed last."""
        assessment = self._metrics.state.assessment
        for name, hub in assessment.hubs.items() if assessment is not None else ():
            agreement, own = hub.agreement, store.records.items.get(name)
            model = store.models.items.get(agreement.terms.name)
            here = agreement.hub.namespace == namespace
            if here and own is not None and model is not None and model.value is not None:
                yield _Concerned(own, agreement.hub, agreement.names, model.value)

    def _recorded(self, space: NamespaceKeys, namespace: str) -> Iterator[_Concerned]:
        """Yield the hubs of a namespace by their records, and what the Namespace says of them."""
        release = space.annotations.get(keys.RELEASE, "")
        names = Names(namespace, release, space.annotations.get(keys.PREFIX, ""))
        for own in self._own.records.items.values():
            if own.value is None or own.value.spec.hub.namespace != namespace:
                continue
            model = self._own.models.items.get(own.value.spec.model)
            if model is not None and model.value is not None:
                key = HubKey(namespace, own.value.spec.hub.release or release)
                yield _Concerned(own, key, names, model.value)

    def _of(self, model: ResponsibilityModel, item: str) -> ItemGuards | None:
        if self._guards[0] is not model:
            self._guards = (model, {g.item.name: g for g in Guards.of(model).items()})
        return self._guards[1].get(item)
