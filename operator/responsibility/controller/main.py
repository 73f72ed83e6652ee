"""Start the operator: wait for the cluster, become the leader, run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from typing import Any

import kopf

from responsibility.api.base import GROUP
from responsibility.cluster import config, server
from responsibility.cluster.client import Api
from responsibility.cluster.leader import Leader, LeadershipLostError
from responsibility.controller import web
from responsibility.controller.events import Announcer
from responsibility.controller.handlers import FrameworkPost, register
from responsibility.controller.login import connection
from responsibility.controller.metrics import Metrics
from responsibility.controller.runtime import Runtime, own_identity
from responsibility.controller.settings import Settings, SettingsError, read

logger = logging.getLogger(__name__)

_KINDS = (f"responsibilities.{GROUP}", f"responsibilitymodels.{GROUP}")
_NAME = "responsibility-operator"


def main() -> None:
    """Run the operator until it is told to stop; exit with 1 on an error it cannot mend."""
    try:
        settings = read()
    except SettingsError as error:
        sys.exit(f"{_NAME}: {error}")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    # It says of every event that its handler succeeded.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    try:
        asyncio.run(operate(settings))
    except config.ConfigurationError as error:
        sys.exit(f"{_NAME}: {error}")
    except LeadershipLostError as error:
        sys.exit(f"{_NAME}: {error}; starting again")


async def operate(settings: Settings, *, metrics: Metrics | None = None) -> None:
    """Run the operator until cancelled or told to stop by SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    metrics = metrics or Metrics()
    async with Api.connect(settings.kubeconfig, settings.context) as api:
        work = asyncio.create_task(_work(settings, api, metrics, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not work.done():
            # The framework ends by itself when `stop` is set; what waits for a server does not.
            await asyncio.wait((work,), timeout=5.0)
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


class _Parts:
    """What the web server asks about, before and after the operator proper exists."""

    runtime: Runtime | None = None

    def alive(self) -> str:
        return self.runtime.alive() if self.runtime else ""

    def ready(self) -> str:
        return self.runtime.ready() if self.runtime else "waiting for the API server or the lead"


async def _work(settings: Settings, api: Api, metrics: Metrics, stop: asyncio.Event) -> None:
    parts = _Parts()
    metrics.state.leading = lambda: parts.runtime is not None

    async def lead(leader: Leader | None) -> None:
        await _lead(settings, api, metrics, parts=parts, leader=leader, stop=stop)

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(
            web.serve(
                settings.listen_host,
                settings.listen_port,
                metrics,
                alive=parts.alive,
                ready=parts.ready,
                bound=lambda port: logger.info("listening on port %s", port),
            )
        )
        await server.wait_for_server(api)
        await server.wait_for_crds(api, _KINDS)
        if settings.leader_election:
            leader = Leader(api, settings.namespace, _NAME, settings.identity)
            await leader.run(lambda: lead(leader))
        else:
            await lead(None)
        serving.cancel()


async def _lead(
    settings: Settings,
    api: Api,
    metrics: Metrics,
    *,
    parts: _Parts,
    leader: Leader | None,
    stop: asyncio.Event,
) -> None:
    """Run the framework with our runtime beside it; the end of either ends both."""
    registry = kopf.OperatorRegistry()
    post = FrameworkPost()
    runtime = Runtime(
        settings, api, metrics, Announcer(post), own=await own_identity(api), leader=leader
    )
    parts.runtime = runtime
    register(registry, runtime, post)
    tasks: list[asyncio.Task[None]] = []

    @kopf.on.startup(registry=registry)
    async def start(**_: Any) -> None:
        task = asyncio.create_task(runtime.run())
        task.add_done_callback(lambda _: stop.set())
        tasks.append(task)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo | None:
        return await connection(settings)

    try:
        await kopf.operator(
            registry=registry,
            settings=_framework(),
            standalone=True,
            clusterwide=True,
            stop_flag=stop,
        )
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        parts.runtime = None
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


def _framework() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # Our own Events only, not the framework's log lines.
    settings.posting.loggers = False
    settings.posting.reporting_component = _NAME
    # Kinds are waited for before it starts; it needs no right to watch all CRDs.
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    return settings


if __name__ == "__main__":
    main()
