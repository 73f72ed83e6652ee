"""The operator's start: it waits for the cluster, becomes the leader, and runs."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version

from responsibility.admission.webhooks import break_glass, values_configuration
from responsibility.api.names import API_GROUP, MODELS, OPERATOR, RECORDS
from responsibility.cluster.store import Store
from responsibility.controller.handlers import handlers
from responsibility.controller.own_kinds import OwnKinds
from responsibility.controller.page import server as page_server
from responsibility.controller.page.callers import Callers
from responsibility.controller.page.editions import Editions
from responsibility.controller.page.server import PAGE_LIMITS
from responsibility.controller.process import health, logs, webhook_server
from responsibility.controller.process.framework import Framework
from responsibility.controller.process.ports import ListenError, Ports
from responsibility.controller.process.settings import (
    PREFIX,
    PageSettings,
    Settings,
    SettingsError,
    read,
)
from responsibility.controller.process.webhook_server import Route
from responsibility.controller.reporting.event_poster import EventPoster
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.runtime import Runtime
from responsibility.controller.webhooks.break_glass import Uses
from responsibility.controller.webhooks.hub_lookup import HubLookup
from responsibility.controller.webhooks.values import UNREAD, ValuesReviews
from responsibility.kube import errors, readiness
from responsibility.kube.client import Api
from responsibility.kube.leadership.leader_election import Leader, LeadershipLostError
from responsibility.kube.login import credentials

logger = logging.getLogger(__name__)

_KINDS = (f"{RECORDS}.{API_GROUP}", f"{MODELS}.{API_GROUP}")
_PACKAGE = "hub-responsibility"
# Seconds that everything may take to end by itself, and after which it is ended: sooner than the 30
# that Kubernetes gives a pod by default.
_GRACE = 10.0
_LAST = 25.0


def main(*, grace: float = _GRACE, last: float = _LAST) -> None:
    """Run the operator until it is told to stop; exit with 1 on an error it cannot mend.

    Told to stop, it is given ``grace`` seconds to end by itself before its work is cancelled, and
    is ended after ``last``, with 1 and where it hung.
    """
    _arguments().parse_args()
    try:
        settings = read()
    except SettingsError as error:
        sys.exit(f"{OPERATOR}: {error}")
    logs.configure(settings.log_level, settings.log_format)
    # It says of every event that its handler succeeded.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    # Of each attempt, it says that it failed; our own lists of the same kinds say why, once.
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)
    # Why it has ended is said in one line by whoever begins it again.
    logging.getLogger("kopf._core.reactor").setLevel(logging.CRITICAL)
    try:
        asyncio.run(operate(settings, grace=grace, on_end=partial(_bound_the_end, last)))
    except Exception as error:
        cause = _first(error)
        if isinstance(cause, (credentials.ConfigurationError, ListenError)):
            sys.exit(f"{OPERATOR}: {cause}")
        if isinstance(cause, (LeadershipLostError, KindsGoneError)):
            sys.exit(f"{OPERATOR}: {cause}; it has to be started again")
        logger.critical("ended by an unexpected error", exc_info=cause)
        sys.exit(1)


def _bound_the_end(seconds: float) -> None:
    """End the process at the latest when its pod would be killed, and say where it hung.

    What waits for a thread, for a name to be resolved or for a peer may wait longer. The clock is
    a thread that needs nothing of the interpreter.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=OPERATOR,
        description="Holds who owns what on JupyterHubs against what RBAC lets everyone do.",
        epilog=f"Everything is set by environment variables {PREFIX}…; the chart does it.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(_PACKAGE)}")
    return parser


class KindsGoneError(Exception):
    """Our definitions were deleted while we ran; the framework does not survive that."""


def _first(error: BaseException) -> BaseException:
    """Return the first error in what task groups wrap errors into."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def operate(
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    grace: float = _GRACE,
    on_end: Callable[[], None] = lambda: None,
) -> None:
    """Run the operator until cancelled or told to stop by SIGINT or SIGTERM.

    ``on_end`` is called when the end begins; what still works ``grace`` seconds later is cancelled.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        on_end()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    parts = _Parts()
    async with Api.connect(settings.kubeconfig, settings.context) as api:
        if api.acting_as:
            # The framework would not, and two halves with different rights help nobody.
            raise credentials.ConfigurationError(
                f"this kubeconfig acts as {api.acting_as}, which the operator can't do: give it "
                "credentials of its own"
            )
        work = asyncio.create_task(
            _work(settings, api, metrics or Metrics(), parts=parts, stop=stop)
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
            if parts.runtime is not None:
                # What runs ends by itself when `stop` is set; what waits for a server, or for
                # leadership, does not.
                await asyncio.wait((work,), timeout=grace)
        finally:
            on_end()
            stopping.cancel()
            work.cancel()
            results = await asyncio.gather(work, return_exceptions=True)
    for error in results:
        if isinstance(error, Exception):
            raise error


@dataclass(slots=True)
class _Parts:
    """What the web server asks about, before and after the operator proper exists."""

    runtime: Runtime | None = None
    waiting: str = "waiting for the API server"
    # The candidate, since it began to wait for leadership.
    candidate: Leader | None = None
    ports: Ports = field(default_factory=Ports)

    def alive(self) -> str:
        return self.runtime.alive() if self.runtime else ""

    def ready(self) -> str:
        """Return why not. A standby is ready: it does all it has to.

        Otherwise a rollout would never end: the new pod waits for leadership, and the old one,
        which has it, is ended once the new one is ready.
        """
        if self.runtime is not None:
            return self.runtime.ready()
        if self.candidate is not None and self.candidate.follows:
            return ""
        return self.waiting


async def _work(
    settings: Settings, api: Api, metrics: Metrics, *, parts: _Parts, stop: asyncio.Event
) -> None:
    metrics.state.leading = lambda: parts.runtime is not None

    post = EventPoster(api, settings.identity)
    announcer = Announcer(post)
    own = OwnKinds(Store(api, relist=settings.relist_seconds))
    around = HubLookup(api, metrics, own_kinds=own)
    uses = Uses(around, metrics, announcer)
    values = ValuesReviews(around, metrics, announcer) if settings.values_webhook else None

    async def lead(leader: Leader | None) -> None:
        # All that it writes; beside it, Events of this replica's webhooks are posted, leading or
        # not, and the Lease is written.
        fenced = api if leader is None else api.fenced(leader.may_write)
        runtime = Runtime(settings, fenced, metrics, leader=leader)
        own.leading = runtime.store
        await _lead(settings, fenced, runtime, parts=parts, stop=stop)

    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(
                health.serve(
                    parts.ports,
                    settings.listen_host,
                    settings.listen_port,
                    metrics,
                    alive=parts.alive,
                    ready=parts.ready,
                    bound=lambda port: logger.info("listening on port %s", port),
                )
            ),
            group.create_task(post.run()),
        ]
        await readiness.wait_for_server(api)
        parts.waiting = "waiting for the custom resources"
        await readiness.wait_for_crds(api, _KINDS)
        if settings.webhook_certificates is not None:
            beside.append(group.create_task(_serve_webhooks(settings, parts.ports, uses, values)))
            beside.append(group.create_task(uses.run()))
        if settings.page is not None:
            beside.append(
                group.create_task(_serve_page(settings.page, api, own, _counting(metrics)))
            )
        if settings.leader_election:
            parts.waiting = "waiting for leadership"
            leader = parts.candidate = Leader(
                lambda: Api.connect(settings.kubeconfig, settings.context),
                settings.namespace,
                OPERATOR,
                settings.identity,
            )
            await leader.run(lambda: lead(leader))
        else:
            await lead(None)
        for task in beside:
            task.cancel()


async def _serve_webhooks(
    settings: Settings, ports: Ports, uses: Uses, values: ValuesReviews | None
) -> None:
    """Answer the API server, leading or not: it asks any of the replicas, and only one."""
    directory = settings.webhook_certificates
    assert directory is not None  # noqa: S101 - else it is not started
    routes = [Route(break_glass.PATH + "{item}", uses.answer)]
    if values is not None:
        routes.append(Route(values_configuration.PATH, values.answer, UNREAD))
    try:
        await webhook_server.serve(
            ports,
            settings.webhook_host,
            settings.webhook_port,
            routes,
            certificates=directory,
            bound=lambda port: logger.info("webhooks listen on port %s", port),
        )
    finally:
        if values is not None:
            await values.aclose()


def _counting(metrics: Metrics) -> Callable[[str], None]:
    """Return what counts requests to the page, each outcome from 0 on."""
    for outcome in page_server.OUTCOMES:
        metrics.page_requests.labels(outcome)
    return lambda outcome: metrics.page_requests.labels(outcome).inc()


async def _serve_page(
    settings: PageSettings, api: Api, own: OwnKinds, count: Callable[[str], None]
) -> None:
    """Answer people, leading or not: their Service sends them to any of the replicas."""
    await page_server.serve(
        Ports(PAGE_LIMITS),
        settings,
        Editions(own),
        Callers(api, settings.proxy),
        count=count,
        bound=lambda port: logger.info("the page is served on port %s", port),
    )


async def _lead(
    settings: Settings, api: Api, runtime: Runtime, *, parts: _Parts, stop: asyncio.Event
) -> None:
    """Run our runtime and the framework beside it until told to stop, or until either fails."""

    async def check() -> None:
        try:
            missing = await readiness.missing_crds(api, _KINDS)
        except errors.ApiError:
            # Not known, and no reason to end.
            return
        if missing:
            raise KindsGoneError("its custom resources are not served any more")

    framework = Framework(settings, handlers(runtime), check=check)
    runtime.store.parts.update(framework.ages)
    runtime.watch_failures = lambda: framework.failures
    parts.runtime = runtime
    tasks = [asyncio.create_task(work) for work in (_until(stop), runtime.run(), framework.run())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        parts.runtime = None


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


if __name__ == "__main__":
    main()
