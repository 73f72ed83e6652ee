"""The framework (kopf), which watches our own two kinds: in a thread and a loop of its own.

It ends at answers that a middlebox or a busy etcd may give at any time: an ERROR event of code
500, a page of HTML, a cut line (kopf 1.45, ``watching.continuous_watch``). So it is begun again
whenever it ends; meanwhile our own lists of the same kinds bring what has changed, a little later.

Nor does it always end when it is told to: a watch that is cancelled while it leaves its stream
forgets that (``watching.streaming_block``), and whoever waits for it waits for ever. So its loop is
not shared with what must go on, and all that is left in that loop is cancelled until it is gone.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import kopf

from responsibility.cluster.knowledge import Heard, OperatorPart
from responsibility.controller.process.login import FrameworkLogin
from responsibility.controller.process.settings import Settings
from responsibility.kube.backoff import Backoff

logger = logging.getLogger(__name__)

# Seconds after which its end has nothing to do with the one before.
_APART = 60.0
# Rounds in which what is left of it is cancelled.
_ROUNDS = 6

Json = Mapping[str, Any]
# What is called, in the loop of whoever runs it, with an event's type and object.
Take = Callable[[str | None, Json], None]


@dataclass(frozen=True, slots=True)
class EndingTimes:
    """Seconds that an end may take.

    After ``grace`` the framework is left to itself, and nobody listens any more; what is left of
    it is cancelled again after each ``round``.
    """

    grace: float = 4.0
    round: float = 0.5


class Framework:
    """Runs until cancelled, whatever it meets.

    ``kinds`` are called with what happens to the objects of each, by ``(group, version, plural)``;
    ``check`` is awaited after each end, and may raise what is to end all.
    """

    def __init__(
        self,
        settings: Settings,
        kinds: Mapping[tuple[str, str, str], Take],
        *,
        check: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        ending: EndingTimes | None = None,
    ) -> None:
        # How often it has ended, though nobody wanted it to.
        self.failures = 0
        self._login = Heard(silent=None)
        # By path, of each kind.
        self._watches = {f"/apis/{g}/{v}/{plural}": Heard() for g, v, plural in kinds}
        self._settings = settings
        self._kinds = kinds
        self._check = check
        self._sleep = sleep
        self._ending = ending or EndingTimes()

    @property
    def ages(self) -> Mapping[str, Callable[[], tuple[float, float, str]]]:
        """How long ago each part of the framework has heard anything, as callables."""
        return {
            OperatorPart.FRAMEWORK: lambda: max(heard.age() for heard in self._watches.values()),
            OperatorPart.FRAMEWORK_LOGIN: self._login.age,
        }

    async def run(self) -> None:
        """Run the framework until cancelled; begin it again whenever it ends by itself."""
        backoff = Backoff(base=0.2, cap=10.0)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            thread = _Thread(self._settings, self._kinds, self._login, self._watches, self._ending)
            why = await thread.run()
            self.failures += 1
            for heard in self._watches.values():
                heard.failed(why.partition(":")[0])
            await self._check()
            if loop.time() - began > _APART:
                backoff.reset()
            logger.warning("the framework's watches have ended and are begun again: %s", why)
            await self._sleep(backoff.next())


class _Thread:
    """One run of the framework."""

    def __init__(
        self,
        settings: Settings,
        kinds: Mapping[tuple[str, str, str], Take],
        login: Heard,
        watches: Mapping[str, Heard],
        ending: EndingTimes,
    ) -> None:
        self._settings = settings
        self._ending = ending
        self._kinds = kinds
        self._login, self._watches = login, watches
        self._outer = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._outer.create_future()
        self._inner: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stopping = threading.Event()

    async def run(self) -> str:
        """Run the framework once and return why it has ended; end it when cancelled."""
        threading.Thread(target=self._main, name="framework", daemon=True).start()
        try:
            return await asyncio.shield(self._ended)
        finally:
            self._stopping.set()
            if self._inner is not None and self._stop is not None:
                with suppress(RuntimeError):
                    # It may have ended by itself this moment.
                    self._inner.call_soon_threadsafe(self._stop.set)
            await asyncio.wait((self._ended,), timeout=self._ending.grace)
            if not self._ended.done():
                logger.warning("the framework does not end, and is left to itself")

    def _main(self) -> None:
        try:
            asyncio.run(self._operator())
            why = "without a word"
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
            first = _first(error)
            # Its own errors are not part of its interface, and their text may be a whole object.
            why = f"{type(first).__name__}: {first}"[:300]
        self._tell(lambda: None if self._ended.done() else self._ended.set_result(why))

    async def _operator(self) -> None:
        self._stop = asyncio.Event()
        self._inner = asyncio.get_running_loop()
        # What it leaves in tasks that nobody looks at, it has said already.
        self._inner.set_exception_handler(lambda _loop, _context: None)
        if self._stopping.is_set():
            return
        registry = kopf.OperatorRegistry()
        for kind, take in self._kinds.items():
            self._register(registry, kind, take)
        login = FrameworkLogin(self._settings)

        @kopf.on.login(registry=registry)
        async def log_in(**_: Any) -> kopf.AiohttpSession:
            try:
                found = await login()
            except kopf.TemporaryError as error:
                self._login.failed(str(error))
                raise
            self._login.good()
            return _listened_to(found, self._watches)

        stopped = asyncio.create_task(self._stop.wait())
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=_settings(),
            # Else it is made from the user's name, which a container's user need not have.
            identity=self._settings.identity,  # type: ignore[arg-type]  # a str by a private name
            standalone=True,
            clusterwide=True,
        )
        done, _ = await asyncio.wait((stopped, *tasks), return_when=asyncio.FIRST_COMPLETED)
        await _end_all(self._ending.round)
        for task in done - {stopped}:
            await task

    def _register(
        self, registry: kopf.OperatorRegistry, kind: tuple[str, str, str], take: Take
    ) -> None:
        # Only ``on.event`` is used: the other decorators would put finalizers or annotations on
        # objects.
        @kopf.on.event(*kind, registry=registry)
        async def on_event(type: str | None, body: kopf.Body, **_: Any) -> None:
            found = dict(body)
            self._tell(lambda: take(type, found))

    def _tell(self, callback: Callable[[], None]) -> None:
        with suppress(RuntimeError):
            # Whoever listened may be gone.
            self._outer.call_soon_threadsafe(callback)


def _listened_to(found: kopf.ConnectionInfo, watches: Mapping[str, Heard]) -> kopf.AiohttpSession:
    """Return a session like the framework's own that notes when answers come."""
    trace = aiohttp.TraceConfig()

    def about(path: str) -> Heard | None:
        # The server's own URL may have a path before it.
        return next((heard for kind, heard in watches.items() if path.endswith(kind)), None)

    async def on_end(
        _session: aiohttp.ClientSession, _context: object, end: aiohttp.TraceRequestEndParams
    ) -> None:
        heard = about(end.url.path)
        if heard is None:
            return
        if end.response.status < HTTPStatus.BAD_REQUEST:
            heard.good()
        else:
            heard.failed(f"{end.response.status} {end.response.reason or ''}".strip())

    async def on_exception(
        _session: aiohttp.ClientSession, _context: object, end: aiohttp.TraceRequestExceptionParams
    ) -> None:
        heard = about(end.url.path)
        if heard is not None:
            heard.failed(type(end.exception).__name__)

    trace.on_request_end.append(on_end)
    trace.on_request_exception.append(on_exception)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=found.as_ssl_context()),
        headers=found.as_http_headers(),
        proxy=found.proxy_url,
        trace_configs=[trace],
    )
    return kopf.AiohttpSession(
        server=found.server, expiration=found.expiration, aiohttp_session=session
    )


async def _end_all(seconds: float) -> None:
    """Cancel all other tasks of this loop until they are gone, or until that is of no use.

    They have as many ``seconds`` each time.
    """
    for _ in range(_ROUNDS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=seconds)


def _first(error: BaseException) -> BaseException:
    """Return the first error in what task groups wrap errors into."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Backoffs:
    """Pauses between the framework's attempts, without end, anew for each request."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.1, 0.2, 0.4, 0.8), itertools.repeat(1.5))


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # Its log lines are no Events; ours are posted by `event_poster`.
    settings.posting.enabled = False
    # Kinds are waited for before it starts; it needs no right to watch all CRDs.
    settings.scanning.disabled = True
    # Its watches of our kinds come back as soon as our own do, however long the server is away.
    settings.networking.error_backoffs = _Backoffs()
    # A watch that is accepted is all that is heard of it while nothing happens: so it is opened
    # anew each minute, and one whose other side has vanished is known for what it is soon.
    settings.watching.server_timeout = 60
    settings.watching.client_timeout = 75
    # It would kill the process, which is not its own.
    settings.process.ultimate_exiting_timeout = None
    return settings
