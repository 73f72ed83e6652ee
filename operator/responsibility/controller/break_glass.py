"""Tell of every use of the break-glass: an Event on the record, and a count.

The API server sends what break-glass subjects do (see ``enforcement/break_glass.py``). Nothing is
decided here, nothing of an object is kept or logged, and whatever goes wrong, the answer is yes.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from responsibility.cluster.own import Own
from responsibility.cluster.store import Store
from responsibility.controller.events import Announcer
from responsibility.controller.metrics import Metrics
from responsibility.controller.web import ListenError
from responsibility.enforcement import keys
from responsibility.enforcement.break_glass import (
    PATH,
    Use,
    concerns,
    is_listed,
    read_use,
)
from responsibility.enforcement.guards import Guards, ItemGuards
from responsibility.enforcement.repeats import Repeats
from responsibility.ownership.assessment import HubAssessment

logger = logging.getLogger(__name__)

# Seconds after which a certificate that was renewed is used.
_RELOAD = 60.0
# Two objects of the largest size that etcd takes, and what is around them.
_LARGEST = 8 * 1024 * 1024


class Uses:
    """Takes note of uses."""

    def __init__(self, store: Store, metrics: Metrics, announcer: Announcer) -> None:
        self._store = store
        self._metrics = metrics
        self._announcer = announcer
        self._repeats = Repeats()
        self._guards: tuple[object, dict[str, ItemGuards]] = (None, {})

    def take(self, item: str, review: Mapping[str, Any]) -> None:
        """Take note of what the API server tells, if it is a use of the break-glass."""
        self._metrics.admission_reviews.inc()
        use = read_use(item, review)
        if use is None:
            return
        space = self._store.namespaces.items.get(use.namespace)
        if space is None or item not in space.keys.stages():
            return
        listed = space.keys.annotations
        lines = listed.get(keys.BREAK_GLASS, "").split("\n")
        glass = is_listed([*lines, "group:system:masters"], use.user, use.groups)
        owners = listed.get(keys.OWNERS + item, "").split("\n")
        if not glass or is_listed(owners, use.user, use.groups):
            return
        for hub, own in self._hubs(use.namespace):
            guards = self._of(hub, item)
            if guards is None or not concerns(use, guards, hub.agreement.names):
                continue
            if not self._repeats.seen(f"{own.name}/{item}", review, datetime.now(UTC)):
                self._tell(use, hub, own)

    def _tell(self, use: Use, hub: HubAssessment, own: Own[Any]) -> None:
        key = hub.agreement.hub
        item = hub.agreement.item(use.item)
        self._metrics.glass_used(key.namespace, key.release, use.item)
        self._announcer.switched(
            own.reference,
            "BreakGlassUsed",
            f"{use.user} broke the glass: {use.what} in namespace {use.namespace} is "
            f"{item.terms.title} ({use.item}), which belongs to others, and was let through",
            warning=True,
        )

    def _hubs(self, namespace: str) -> Iterator[tuple[HubAssessment, Own[Any]]]:
        assessment = self._metrics.state.assessment
        for name, hub in assessment.hubs.items() if assessment is not None else ():
            own = self._store.records.items.get(name)
            if hub.agreement.hub.namespace == namespace and own is not None:
                yield hub, own

    def _of(self, hub: HubAssessment, item: str) -> ItemGuards | None:
        own = self._store.models.items.get(hub.agreement.terms.name)
        model = own.value if own is not None else None
        if model is None:
            return None
        if self._guards[0] is not model:
            self._guards = (model, {g.item.name: g for g in Guards.of(model).items()})
        return self._guards[1].get(item)


async def serve(
    host: str,
    port: int,
    certificate: Path,
    key: Path,
    take: Callable[[str, Mapping[str, Any]], None],
    *,
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve the webhook until cancelled. Raises ListenError."""

    async def answer(request: web.Request) -> web.Response:
        uid = ""
        try:
            review = await request.json()
            uid = str(review["request"]["uid"])
            take(request.match_info["item"], review)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is to pass
            # Its words might quote the object.
            logger.warning("a use of the break-glass was not understood: %s", type(error).__name__)
        return web.json_response(
            {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {"uid": uid, "allowed": True},
            }
        )

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key)
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_post(PATH + "{item}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, ssl_context=context).start()
        except OSError as error:
            raise ListenError(
                f"cannot listen on {host}:{port}: {error.strerror or error}; set "
                "RESPONSIBILITY_WEBHOOK_LISTEN to host:port"
            ) from error
        bound(int(runner.addresses[0][1]))
        while True:
            await asyncio.sleep(_RELOAD)
            try:
                _load(context, certificate, key)
            except ListenError as error:
                logger.warning("the old certificate is used on: %s", error)
    finally:
        await runner.cleanup()


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the webhook's certificate cannot be used: {certificate}, {key}: "
            f"{error.strerror or type(error).__name__}; set RESPONSIBILITY_WEBHOOK_CERTIFICATES "
            "to a directory with tls.crt and tls.key"
        ) from error
