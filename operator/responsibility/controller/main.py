"""The operator's start: it waits for the cluster, becomes the leader, and runs."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import kopf

from responsibility.admission.webhooks import break_glass, values_configuration
from responsibility.api.names import API_GROUP, MODELS, OPERATOR, RECORDS
from responsibility.cluster.store import Store
from responsibility.controller.handlers import register
from responsibility.controller.process import health, logs, webhook_server
from responsibility.controller.process.login import FrameworkLogin
from responsibility.controller.process.ports import ListenError, Ports
from responsibility.controller.process.settings import PREFIX, Settings, SettingsError, read
from responsibility.controller.process.webhook_server import Route
from responsibility.controller.reporting.event_poster import EventPoster
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.runtime import Runtime, own_identity
from responsibility.controller.webhooks.break_glass import Uses
from responsibility.controller.webhooks.hub_lookup import HubLookup
from responsibility.controller.webhooks.values import UNREAD, ValuesReviews
from responsibility.kube import credentials, readiness
from responsibility.kube.client import Api
from responsibility.kube.leader_election import Leader, LeadershipLostError

logger = logging.getLogger(__name__)

_KINDS = (f"{RECORDS}.{API_GROUP}", f"{MODELS}.{API_GROUP}")
_PACKAGE = "hub-responsibility"
_NOT_FOUND = 404
# Seconds that the framework may take to end, half of it for requests to our own ports.
_GRACE = 10.0
# An unclaimed lease is taken within seconds; whoever waits longer is a standby.
_UNCLAIMED = 3.0


def main() -> None:
    """Run the operator until it is told to stop; exit with 1 on an error it cannot mend."""
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
    try:
        asyncio.run(operate(settings))
    except Exception as error:
        cause = _first(error)
        if isinstance(cause, (credentials.ConfigurationError, ListenError)):
            sys.exit(f"{OPERATOR}: {cause}")
        if isinstance(cause, (LeadershipLostError, KindsGoneError)):
            sys.exit(f"{OPERATOR}: {cause}; it has to be started again")
        logger.critical("ended by an unexpected error", exc_info=cause)
        sys.exit(1)


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


async def operate(settings: Settings, *, metrics: Metrics | None = None) -> None:
    """Run the operator until cancelled or told to stop by SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
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
                # The framework ends by itself when `stop` is set; what waits for a server, or
                # for leadership, does not.
                await asyncio.wait((work,), timeout=_GRACE)
        finally:
            stopping.cancel()
            work.cancel()
            results = await asyncio.gather(work, return_exceptions=True)
    for error in (*results, parts.failure):
        if isinstance(error, Exception):
            raise error


@dataclass(slots=True)
class _Parts:
    """What the web server asks about, before and after the operator proper exists."""

    runtime: Runtime | None = None
    failure: BaseException | None = None
    waiting: str = "waiting for the API server"
    # When (loop time) it began to wait for leadership.
    candidate_since: float | None = None
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
        since = self.candidate_since
        if since is not None and asyncio.get_running_loop().time() - since > _UNCLAIMED:
            return ""
        return self.waiting


async def _work(
    settings: Settings, api: Api, metrics: Metrics, *, parts: _Parts, stop: asyncio.Event
) -> None:
    metrics.state.leading = lambda: parts.runtime is not None

    post = EventPoster(api, settings.identity)
    announcer = Announcer(post)
    around = HubLookup(api, metrics, own=Store(api, relist=settings.relist_seconds))
    uses = Uses(around, metrics, announcer)
    values = ValuesReviews(around, metrics, announcer) if settings.values_webhook else None

    async def lead(leader: Leader | None) -> None:
        # All that it writes; beside it, Events of this replica's webhooks are posted, leading or
        # not, and the Lease is written.
        fenced = api if leader is None else api.fenced(leader.may_write)
        runtime = Runtime(settings, fenced, metrics, own=await own_identity(api), leader=leader)
        around.leading = runtime.store
        await _lead(settings, runtime, parts=parts, stop=stop)

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
        if settings.leader_election:
            parts.waiting = "waiting for leadership"
            parts.candidate_since = asyncio.get_running_loop().time()
            leader = Leader(
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
            certificate=directory / "tls.crt",
            key=directory / "tls.key",
            bound=lambda port: logger.info("webhooks listen on port %s", port),
        )
    finally:
        if values is not None:
            values.close()


async def _lead(
    settings: Settings, runtime: Runtime, *, parts: _Parts, stop: asyncio.Event
) -> None:
    """Run the framework with our runtime beside it; the end of either ends both."""
    registry = kopf.OperatorRegistry()
    parts.runtime = runtime
    register(registry, runtime)
    tasks: list[asyncio.Task[None]] = []

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # Said at once: the framework may take a while to end.
            logger.error("the operator ends, because of an unexpected error: %r", _first(error))
            parts.failure = error
        stop.set()

    @kopf.on.startup(registry=registry)
    async def start(**_: Any) -> None:
        task = asyncio.create_task(runtime.run())
        task.add_done_callback(ended)
        tasks.append(task)

    @kopf.on.cleanup(registry=registry)
    async def clean_up(**_: Any) -> None:
        # Whatever still runs in the end, the framework waits for, and then calls it hung.
        await _cancel(tasks)
        parts.ports.end_idle_connections()

    log_in = FrameworkLogin(settings)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await log_in()

    try:
        await kopf.operator(
            registry=registry,
            settings=_framework(),
            # Else it is made from the user's name, which a container's user need not have.
            identity=settings.identity,  # type: ignore[arg-type]  # a str by a private name
            standalone=True,
            clusterwide=True,
            stop_flag=stop,
        )
    except Exception as error:
        # The framework's own errors are not part of its interface; their status is.
        if getattr(_first(error), "status", None) == _NOT_FOUND:
            # Its other watches fail of the same, each in a task that nobody looks at any more;
            # what they would print, whenever they are collected, would bury the reason.
            asyncio.get_running_loop().set_exception_handler(_known)
            raise KindsGoneError("its custom resources are not served any more") from error
        raise
    finally:
        await _cancel(tasks)
        parts.runtime = None


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _known(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what is left in tasks: nothing to say of kinds that are not served."""
    error = context.get("exception")
    if getattr(error, "status", None) != _NOT_FOUND:
        loop.default_exception_handler(context)


class _Backoffs:
    """Pauses between the framework's attempts, without end, anew for each request."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.1, 0.2, 0.4, 0.8), itertools.repeat(1.5))


def _framework() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # Its log lines are no Events; ours are posted by `posting`.
    settings.posting.enabled = False
    # Kinds are waited for before it starts; it needs no right to watch all CRDs.
    settings.scanning.disabled = True
    # Its watches of our kinds come back as soon as our own do, however long the server is away.
    settings.networking.error_backoffs = _Backoffs()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    return settings


if __name__ == "__main__":
    main()
