"""Turns of those who have something looked at: namespace after namespace, in each user after user.

So nobody waits for all that somebody else has asked for: one that is being looked at has to end,
and of each other namespace there is one before.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar


class TooManyError(Exception):
    """So much is asked for by one user, or from one namespace, that it has to wait."""


class BusyError(Exception):
    """So much is asked for from everywhere that more could not be answered in time."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """The queue of one namespace: by user, in the order of their turns."""

    by_user: dict[str, deque[asyncio.Future[None]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.by_user.values()))

    def add(self, user: str) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        self.by_user.setdefault(user, deque()).append(future)
        return future

    def first(self) -> asyncio.Future[None]:
        """Take the first of the user whose turn it is; others come before the next of that user."""
        user = next(iter(self.by_user))
        queue = self.by_user.pop(user)
        future = queue.popleft()
        if queue:
            self.by_user[user] = queue
        return future

    def last(self) -> asyncio.Future[None]:
        """Take the last of the user with the most, and of several of who came last."""
        user = max(reversed(self.by_user), key=lambda each: len(self.by_user[each]))
        return self._take(user, self.by_user[user][-1])

    def drop(self, user: str, future: asyncio.Future[None]) -> None:
        if future in self.by_user.get(user, ()):
            self._take(user, future)

    def _take(self, user: str, future: asyncio.Future[None]) -> asyncio.Future[None]:
        self.by_user[user].remove(future)
        if not self.by_user[user]:
            del self.by_user[user]
        return future


class Turns:
    """Lets ``together`` do something at once, and ``most`` wait; of one user no more than some."""

    def __init__(self, *, together: int, most: int, of_one_user: int) -> None:
        self._free, self._most, self._of_one_user = together, most, of_one_user
        self._waiting: dict[str, _Waiting] = {}
        self._by_user: Counter[tuple[str, str]] = Counter()
        self._by_namespace: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, namespace: str, user: str) -> AsyncIterator[None]:
        """Wait for the turn, and give it back at the end. Raises TooManyError and BusyError.

        What is given up is TooManyError as well, if it had to wait for others of the namespace:
        whoever asks often enough must not come past by that.
        """
        if self._by_user[namespace, user] >= self._of_one_user:
            raise TooManyError
        self._by_user[namespace, user] += 1
        self._by_namespace[namespace] += 1
        try:
            crowded = await self._wait(namespace, user)
            try:
                yield
            except asyncio.CancelledError:
                if crowded:
                    raise TooManyError from None
                raise
            finally:
                self._let_next()
        finally:
            _less(self._by_user, (namespace, user))
            _less(self._by_namespace, namespace)

    async def _wait(self, namespace: str, user: str) -> bool:
        """Wait, and return whether that was for others of the namespace."""
        if self._free:
            self._free -= 1
            return False
        crowded = self._by_namespace[namespace] > 1
        if sum(map(len, self._waiting.values())) >= self._most:
            self._make_room(namespace)
        queue = self._waiting.setdefault(namespace, _Waiting())
        future = queue.add(user)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                # The turn had come in the same moment.
                self._let_next()
            self._drop(namespace, user, future)
            if crowded:
                raise TooManyError from None
            raise
        return crowded

    def _make_room(self, namespace: str) -> None:
        if namespace in self._waiting:
            raise TooManyError
        crowded, queue = max(self._waiting.items(), key=lambda each: len(each[1]))
        if len(queue) < 2:  # noqa: PLR2004 - each of them has but one
            raise BusyError
        queue.last().set_exception(TooManyError())
        self._forget(crowded)

    def _let_next(self) -> None:
        for namespace in list(self._waiting):
            queue = self._waiting.pop(namespace)
            future = queue.first()
            if queue.by_user:
                # Behind all others.
                self._waiting[namespace] = queue
            if not future.done():
                future.set_result(None)
                return
        self._free += 1

    def _drop(self, namespace: str, user: str, future: asyncio.Future[None]) -> None:
        if namespace in self._waiting:
            self._waiting[namespace].drop(user, future)
            self._forget(namespace)

    def _forget(self, namespace: str) -> None:
        if not self._waiting[namespace].by_user:
            del self._waiting[namespace]


_K = TypeVar("_K")


def _less(counts: Counter[_K], key: _K) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
