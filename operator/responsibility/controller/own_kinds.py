"""Records and models as any replica knows them, leading or not.

The one that leads is told of every change. Another one lists them when it is asked something.
"""

from __future__ import annotations

import asyncio

from responsibility.cluster.store import Store


class OwnKinds:
    """Knows, or lists. ``leading`` is what the replica knows that leads, else None.

    Nothing but our own kinds are listed into ``listed``.
    """

    def __init__(self, listed: Store) -> None:
        self.leading: Store | None = None
        self.listed = listed
        self._listing = asyncio.Lock()
        self._listed_at: float | None = None
        self._lists: set[asyncio.Task[None]] = set()

    async def known(self) -> Store:
        """Return a store with records and models as they are now. Raises ApiError.

        One that is told of changes is as old as its knowledge says.
        """
        if self.leading is not None and self.leading.listed_at is not None:
            return self.leading
        await self.relist()
        return self.listed

    async def relist(self, age: float = 0.0) -> None:
        """List them, unless that was done since ``age`` seconds ago. Raises ApiError."""
        since = asyncio.get_running_loop().time() - age
        task = asyncio.create_task(self._list_since(since))
        self._lists.add(task)
        task.add_done_callback(self._done)
        # Whoever can't wait for it leaves it to the next one, who may not have to wait then.
        await asyncio.shield(task)

    async def _list_since(self, since: float) -> None:
        async with self._listing:
            # Whoever was waiting meanwhile takes what another one has just listed.
            if self._listed_at is None or self._listed_at < since:
                began = asyncio.get_running_loop().time()
                await self.listed.list_own()
                self._listed_at = began

    def _done(self, task: asyncio.Task[None]) -> None:
        self._lists.discard(task)
        if not task.cancelled():
            # Told to whoever waits; if nobody does any more, it is no news.
            task.exception()
