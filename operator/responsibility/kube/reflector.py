"""A local copy of one kind of object, kept by list and watch.

A watch is never trusted for good: what is deleted while it is down is never reported. So every
list, whether forced by 410 Gone, by trouble or by a timer, replaces the whole key set in one
assignment, and the difference to what was there is what listeners hear of.

Objects go from JSON straight into the small values that ``transform`` makes of them, page by
page, so neither the whole list nor any model of it is ever in memory.

The official client has a reflector too, ``kubernetes.informer.SharedInformer``: a thread a kind,
one unpaged list, full models, no barrier for the first load and no time limit on silence. With
thousands of RoleBindings this one was synced in about half the time and held a seventh of the
memory, with tens of thousands less than a tenth; ``bench/reflector.py`` runs both on a live
cluster.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Generic, TypeVar

from responsibility.kube import client, errors
from responsibility.kube.backoff import Backoff
from responsibility.kube.cache import Budget, CacheChange, ObjectCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

__all__ = ["CacheChange", "Reflector"]

logger = logging.getLogger(__name__)

# Seconds between two lists when nothing goes wrong.
RELIST = 600.0
# Only a person ends a missing right or a missing kind; asking twice a second is no use.
SLOW_CAP = 10.0
# A watch that ends sooner than this, without an event, is a failure and not a normal end.
TOO_SHORT = 1.0
_SLOW = (errors.ForbiddenError, errors.UnauthorizedError, errors.NotFoundError)


class Reflector(Generic[K, V]):
    """Keeps ``items`` equal to what the API server holds under ``path``, for as long as it runs.

    ``transform`` takes an object's JSON and returns its key and value, or None where the object
    is of no interest (any more). Different objects must have different keys. It may raise: the
    object is then left out, which is logged once.

    ``on_change`` is called synchronously, after ``items`` has changed, once for all events that
    came together; it must not block. Values are compared with ``==``.
    """

    def __init__(
        self,
        api: client.Api,
        path: str,
        transform: Callable[[client.Json], tuple[K, V] | None],
        on_change: Callable[[CacheChange[K, V]], None] | None = None,
        *,
        metadata_only: bool = False,
        budget: Budget[V] | None = None,
        label_selector: str = "",
        relist: float = RELIST,
        silence: float = client.SILENCE,
        page: int = 500,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.path = path
        self.synced = asyncio.Event()
        self.relists = 0
        self.errors = 0
        self.last_error: errors.ApiError | None = None
        self.last_event = clock()
        self._api = api
        self._cache = ObjectCache(path, transform, budget=budget)
        self._on_change = on_change
        self._metadata_only = metadata_only
        self._params = {"labelSelector": label_selector} if label_selector else {}
        self._relist = relist
        self._silence = silence
        self._page = page
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._version: str | None = None
        self._due = -math.inf
        # Keys whose change was lost because `on_change` raised; the next list tells again.
        self._unreported: frozenset[K] = frozenset()
        self._unheard = True

    @property
    def items(self) -> Mapping[K, V]:
        """The objects as of now, read-only; it changes between two awaits of the reader."""
        return MappingProxyType(self._cache.items)

    @property
    def age(self) -> float:
        """Seconds since the server was last heard of: a list, an event or a bookmark."""
        return self._clock() - self.last_event

    @property
    def left_out(self) -> Mapping[str, str]:
        """By ``namespace/name``, why an object that is there is not among ``items``."""
        return MappingProxyType(self._cache.left_out)

    async def wait_synced(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as asyncio's own have it
        """Return once the first list is complete: until then a missing object means nothing.

        Raises TimeoutError, which names the last error, after ``timeout`` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.synced.wait()
        except TimeoutError:
            why = f"; last error: {self.last_error}" if self.last_error else ""
            raise TimeoutError(f"{self.path} was not listed in {timeout} s{why}") from None

    async def run(self) -> None:
        """List and watch until cancelled; whatever goes wrong is counted and tried again."""
        while True:
            try:
                if self._version is None or self._clock() >= self._due:
                    await self._list()
                if await self._watch():
                    continue
                delay = self._backoff.next()
            except errors.GoneError as error:
                logger.info("%s: listing again: %s", self.path, error)
                self._version = None
                delay = self._backoff.next()
            except errors.ApiError as error:
                delay = self._failed(error)
            except Exception:
                # A fault of ours, or of a listener. The copy must go on being kept all the same.
                logger.exception("%s: unexpected error, listing again", self.path)
                self.errors += 1
                self._version = None
                delay = self._backoff.next(cap=SLOW_CAP)
            await self._sleep(delay)

    def _failed(self, error: errors.ApiError) -> float:
        """Count an error and return the seconds to wait; logged when its kind changes."""
        if self.last_error is None or self.last_error.reason != error.reason:
            logger.warning("%s", error)
        if isinstance(error, _SLOW) and not isinstance(self.last_error, _SLOW):
            # An API server that has just started refuses everything until it knows the roles, so
            # what may be a missing right is not taken for one at first.
            self._backoff.reset()
        self.errors += 1
        self.last_error = error
        if not isinstance(error, errors.UnavailableError):
            # After a lost connection the watch is resumed; after anything else, nothing is sure.
            self._version = None
        cap = SLOW_CAP if isinstance(error, _SLOW) else None
        return self._backoff.next(at_least=error.retry_after, cap=cap)

    async def _list(self) -> None:
        """Read all pages, then replace everything at once."""
        listing = self._cache.listing()
        version: str | None = None
        accept = client.METADATA_LIST if self._metadata_only else client.JSON
        pages = self._api.pages(self.path, limit=self._page, params=self._params, accept=accept)
        async with aclosing(pages):
            async for page in pages:
                # Later pages may, after a restart of the server, show a later moment; what
                # changed in between is then told twice, which does no harm.
                version = version or str(page["metadata"]["resourceVersion"])
                listing.add(page.get("items") or ())
        change = listing.commit()
        self._version = version
        self._due = self._clock() + self._relist * (0.9 + 0.2 * self._jitter())
        self.last_event = self._clock()
        self.relists += self.synced.is_set()
        self.synced.set()
        self._tell(change)

    async def _watch(self) -> bool:
        """Follow the events until the server ends the watch; return False if that was at once.

        The server is asked to end it when the next list is due, so no timer is needed here.
        """
        began = self._clock()
        params: dict[str, str | int | bool] = {
            **self._params,
            "resourceVersion": self._version or "",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": max(1, math.ceil(self._due - began)),
        }
        accept = client.METADATA if self._metadata_only else client.JSON
        batches = self._api.watch_batches(self.path, params, silence=self._silence, accept=accept)
        accepted, news = math.inf, False
        try:
            async with aclosing(batches):
                async for batch in batches:
                    self.last_event = self._clock()
                    accepted = min(accepted, self.last_event)
                    if self.last_error is not None:
                        logger.info("%s: works again", self.path)
                        self.last_error = None
                    if batch:
                        news = True
                        self._take(batch)
                    if self.last_event >= self._due:
                        break
        except errors.SilentError as quiet:
            # Most likely there was no news. Asking again tells, and costs one request.
            logger.debug("%s", quiet)
        finally:
            # However it ended: a watch that worked for a while starts the count of failures anew.
            if worked := news or self._clock() - accepted >= TOO_SHORT:
                self._backoff.reset()
        return worked

    def _take(self, batch: list[client.Json]) -> None:
        """Take in events that came together."""
        change = self._cache.fold(batch)
        version = (batch[-1]["object"].get("metadata") or {}).get("resourceVersion")
        self._version = version or self._version
        self._tell(change)

    def _tell(self, change: CacheChange[K, V]) -> None:
        """Call the listener, if there is news; what it fails to take is owed until it does."""
        if self._unreported:
            items = self._cache.items
            put = {key: items[key] for key in self._unreported if key in items}
            change = CacheChange(
                {**put, **change.put},
                change.dropped | frozenset(self._unreported - items.keys()),
                relisted=change.relisted,
            )
        if self._on_change is None or not (change or self._unheard):
            return
        self._unreported = frozenset(change.put) | change.dropped
        self._on_change(change)
        self._unreported = frozenset()
        self._unheard = False
