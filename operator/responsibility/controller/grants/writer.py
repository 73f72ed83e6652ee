"""The writer of grants: does what a difference asks for, and remembers what came of it.

What was written counts at once, though the watch has not brought it yet. What failed is left alone
for a while, and stops nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from responsibility import api_groups
from responsibility.api.record import Responsibility
from responsibility.cluster.store import Store
from responsibility.controller.process.logs import about
from responsibility.controller.reporting.grant_status import Failure, failure
from responsibility.controller.reporting.writer import PASSING, Writer
from responsibility.grants.binding import DesiredBinding, LiveBinding, parse
from responsibility.grants.diff import Ending, GrantChange, GrantDiff
from responsibility.kube import errors
from responsibility.kube.client import Json
from responsibility.rbac.objects import BindingKey

logger = logging.getLogger(__name__)

_WHAT = "grants"
_RBAC = f"/apis/{api_groups.RBAC}/v1"
# Seconds after which a failed write is tried again: where only a person can change the answer, and
# where time may.
_PATIENCE = 30.0
_SOON = 3.0
# Seconds for which what we wrote counts, should the watch not bring it; on a busy server it takes
# long, and a second attempt in vain does no harm.
_UNSEEN = 1.0


@dataclass(frozen=True, slots=True)
class _Written:
    """What a key had when we wrote to it, and what it has since; ``until`` is loop time."""

    before: LiveBinding | None
    after: LiveBinding | None
    until: float


class GrantWriter:
    """Sends the writes; knows what is there by now, and what not to try."""

    def __init__(
        self, store: Store, writer: Writer, still: Callable[[DesiredBinding], bool]
    ) -> None:
        self.failed: dict[BindingKey, Failure] = {}
        # How many writes have been done, so that headway can be seen.
        self.done = 0
        self._store = store
        self._writer = writer
        # Whether what a grant follows from still is as it was.
        self._still = still
        self._written: dict[BindingKey, _Written] = {}

    def live(self) -> Mapping[BindingKey, LiveBinding]:
        """Return our bindings as they are, with what the watch has not brought yet."""
        if not self._written:
            return self._store.grants
        now = asyncio.get_running_loop().time()
        live = dict(self._store.grants)
        for key, written in list(self._written.items()):
            if live.get(key) is not written.before or now >= written.until:
                del self._written[key]
            elif written.after is None:
                live.pop(key, None)
            else:
                live[key] = written.after
        return live

    def forget(self, found: GrantDiff) -> None:
        """Forget the failures of what is not to be done any more."""
        keys = {
            key
            for change in found.changes
            for key in (
                *(wanted.key for wanted in change.create),
                *(present.key for _, present in change.repair),
                *(ending.present.key for ending in change.end),
            )
        }
        self.failed = {key: known for key, known in self.failed.items() if key in keys}

    def retry_refused(self) -> None:
        """Let what was refused be tried again at once."""
        self.failed.clear()

    def awaits_watch(self) -> bool:
        """Return whether the watch has still to bring something that we wrote."""
        self.live()
        return bool(self._written)

    def is_due(self, change: GrantChange) -> bool:
        """Return whether there is anything in it that is not known to fail."""
        keys = (*(w.key for w in change.create), *(p.key for _, p in change.repair))
        if any(self._may(key) for key in keys):
            return True
        blocked = change.blocked or bool(keys)
        return any(
            self._may(ending.present.key) and not ending.settled(blocked=blocked)
            for ending in change.end
        )

    def _may(self, key: BindingKey) -> bool:
        """Return whether a write is not known to fail."""
        failed = self.failed.get(key)
        return failed is None or asyncio.get_running_loop().time() >= failed.until

    def pause(self) -> float | None:
        """Return the seconds until something is to be looked at again; None if nothing is."""
        now = asyncio.get_running_loop().time()
        moments = [failed.until for failed in self.failed.values()]
        moments += [written.until for written in self._written.values()]
        return min((moment - now for moment in moments if moment > now), default=None)

    async def carry_out(self, changes: Iterable[GrantChange]) -> None:
        """Do all of them, a few at a time."""
        self._writer.begin()
        try:
            await asyncio.gather(*(self._settle(change) for change in changes))
        finally:
            self._writer.end()

    async def _settle(self, change: GrantChange) -> None:
        """Make first, and end only then."""
        made = await asyncio.gather(
            *(self._create(wanted) for wanted in change.create),
            *(self._repair(wanted, present) for wanted, present in change.repair),
        )
        blocked = change.blocked or not all(made)
        await asyncio.gather(*(self._end(ending, blocked=blocked) for ending in change.end))

    async def _create(self, wanted: DesiredBinding) -> bool:
        if not self._still(wanted):
            return False
        done = await self._write(
            wanted.key,
            wanted.role,
            lambda: self._writer.create(_WHAT, _collection(wanted.key), wanted.manifest()),
        )
        if done:
            logger.info(
                "granted %s to %s (%d subjects) by %s, for %s %s",
                wanted.item,
                wanted.party,
                len(wanted.subjects),
                wanted.key,
                wanted.owner.kind,
                wanted.owner.name,
                extra=_about(wanted),
            )
        return done

    async def _repair(self, wanted: DesiredBinding, present: LiveBinding) -> bool:
        if not self._still(wanted):
            return False
        body = wanted.manifest(uid=present.uid)
        done = await self._write(
            wanted.key,
            wanted.role,
            lambda: self._writer.apply(_WHAT, _path(wanted.key), body),
        )
        if done:
            logger.info("repaired %s, which somebody has changed", wanted.key, extra=_about(wanted))
        return done

    async def _end(self, ending: Ending, *, blocked: bool) -> None:
        if ending.settled(blocked=blocked):
            return
        key, role, uid = ending.present.key, ending.present.role.name, ending.present.uid
        if blocked and ending.still:
            body = ending.shrunk()
            if await self._write(key, role, lambda: self._writer.apply(_WHAT, _path(key), body)):
                logger.info("removed from %s those who are no longer entitled", key)
        elif await self._write(
            key, role, lambda: self._writer.delete(_WHAT, _path(key), uid=uid), delete=True
        ):
            logger.info("removed %s, which nothing asks for any more", key)

    async def _write(
        self,
        key: BindingKey,
        role: str,
        request: Callable[[], Awaitable[Json | None]],
        *,
        delete: bool = False,
    ) -> bool:
        """Send a write unless it is known to fail; return whether it has been done."""
        if not self._may(key):
            return False
        loop = asyncio.get_running_loop()
        before = self._store.grants.get(key)
        try:
            answer = await request()
        except errors.ApiError as error:
            seconds = _SOON if _passes(error) else _PATIENCE
            self.failed[key] = failure(error, key, role, loop.time() + seconds)
            return False
        until = loop.time() + _UNSEEN
        if answer is None:
            # Somebody else was there first, or it is gone: the watch will tell.
            self.failed[key] = Failure(until)
            return delete
        self.failed.pop(key, None)
        self.done += 1
        after = None if delete else parse(answer)
        self._written[key] = _Written(
            before, after if isinstance(after, LiveBinding) else None, until
        )
        return True


def _passes(error: errors.ApiError) -> bool:
    """Return whether it may be over by itself."""
    return isinstance(error, PASSING) or "being terminated" in error.message


def _collection(key: BindingKey) -> str:
    if not key.namespace:
        return f"{_RBAC}/clusterrolebindings"
    return f"{_RBAC}/namespaces/{key.namespace}/rolebindings"


def _path(key: BindingKey) -> str:
    return f"{_collection(key)}/{key.name}"


def _about(wanted: DesiredBinding) -> dict[str, str]:
    owner = wanted.owner
    record = owner.name if owner.kind == Responsibility.__name__ else None
    return about(record=record, item=wanted.item)
