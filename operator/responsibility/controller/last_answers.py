"""Last answers about hubs that are asked beside the loop, and the wait for the first of each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from responsibility.hub.discovery import HubKey

Answer = TypeVar("Answer")


class LastAnswers(Generic[Answer]):
    """What was last answered about each hub; ``unheard`` stands for what was not answered yet."""

    def __init__(self, unheard: Answer) -> None:
        self._unheard = unheard
        self._hubs: frozenset[HubKey] = frozenset()
        self._known: dict[HubKey, Answer] = {}
        self._news = asyncio.Event()
        self._given_up: frozenset[HubKey] = frozenset()

    def expect(self, hubs: Iterable[HubKey]) -> None:
        """Take note of the hubs that there are."""
        self._hubs = frozenset(hubs)

    def of(self, hub: HubKey) -> Answer | None:
        """Return the last answer about a hub; None where there was none."""
        return self._known.get(hub)

    def take(self, hub: HubKey, answer: Answer) -> bool:
        """Take an answer in; return whether it is another than the last, of a hub that there is."""
        if hub not in self._hubs or answer == self._known.get(hub):
            return False
        self._known[hub] = answer
        self._news.set()
        return True

    def forget(self, hub: HubKey) -> None:
        """Know nothing of a hub any more."""
        self._known.pop(hub, None)

    async def first(self, until: float) -> None:
        """Wait for the first answer about each hub, but once only for those that give none.

        ``until`` is of the event loop's clock.
        """
        if self._open <= self._given_up:
            return
        try:
            async with asyncio.timeout_at(until):
                while self._open:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            self._given_up = self._open

    def beside(self, kept: Mapping[HubKey, Answer]) -> Mapping[HubKey, Answer]:
        """Return the answers; those of ``kept`` that are equal, and ``kept`` itself if all are."""
        present = {hub: self._known.get(hub, self._unheard) for hub in sorted(self._hubs)}
        if present == kept:
            return kept
        return {hub: kept[hub] if kept.get(hub) == a else a for hub, a in present.items()}

    @property
    def _open(self) -> frozenset[HubKey]:
        return self._hubs - self._known.keys()
