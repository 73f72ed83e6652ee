"""Editions of the page: all that was published at one moment, each page written once.

Every replica makes them of the statuses, also the one that leads, so that all say the same. A page
is written when somebody asks for it first, and kept, compressed, until there is something newer to
say: who asks often gets the same bytes, and costs nothing. There are two of each page: one for
those who may read what was found, and one with what is agreed and nothing else; of a hub's, both
once more for the hub's own service.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.parse import parse_status
from responsibility.api.record import ResponsibilityStatus
from responsibility.cluster.custom_resources import CustomResource, readable, unreadable
from responsibility.cluster.knowledge import Says
from responsibility.cluster.store import Store
from responsibility.controller.own_kinds import OwnKinds
from responsibility.controller.reporting.conditions import not_heard_of
from responsibility.kube import errors
from responsibility.ownership.assess import Assessor
from responsibility.ownership.claims import holding, waiting
from responsibility.ownership.results import published
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.phrases import some
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Subject
from responsibility.web.addresses import HUB_LINKS
from responsibility.web.agreements import Todo, agreements_page, index_page
from responsibility.web.published import published_counts, published_todo
from responsibility.web.words import moment

logger = logging.getLogger(__name__)

# Seconds between two looks at whether there is something newer, and after which there always is.
_LOOK: Final = 5.0
_LASTS: Final = 60.0
# Of the time, how much may go into making editions: of thousands of hubs, one takes a second.
_SHARE: Final = 0.1
# Seconds to wait for the newest, where there is one that can be shown.
_PATIENCE: Final = 3.0
# Pages that are kept, compressed.
_KEPT: Final = 256
# Records and models that can't be read, by name.
_MOST_UNREADABLE: Final = 5

_NOTE: Final = (
    "This is what is agreed. Whether it is so is shown to those who may read that in the cluster."
)
_NOTE_ALL: Final = f"{_NOTE} Of one hub it is on the hub's own page."
_NOTE_IN_HUB: Final = "This is what is agreed. Whether it is so is shown to the hub's admins."
_NOTE_OWN: Final = (
    "Of your hubs, this is what is agreed and whether it is so; of all others, what is agreed."
)
# Of so many hubs, whoever asks is taken to have to do with any.
_FEW_HUBS: Final = 10


class NothingYetError(Exception):
    """There is no edition, and none can be made now."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One page: HTML as gzip has it, and its policy."""

    compressed: bytes
    policy: str


@dataclass(frozen=True, slots=True)
class Edition:
    """All that was published, as of one moment; ``stale`` is what of it may be old."""

    assessment: Assessment
    records: Mapping[str, ResponsibilityStatus | None]
    models: Mapping[str, ResponsibilityModelStatus | None]
    stale: tuple[str, ...] = ()

    def concerning(self, subjects: Collection[Subject]) -> list[str]:
        """Return the records that name any of these subjects; all, where they are few."""
        hubs = self.assessment.hubs
        if len(hubs) <= _FEW_HUBS:
            return list(hubs)
        known = set(subjects)
        return [n for n, hub in hubs.items() if not known.isdisjoint(hub.agreement.members)]

    def write(
        self,
        record: str,
        *,
        found: bool,
        in_hub: bool = False,
        own: frozenset[str] = frozenset(),
    ) -> Printed | None:
        """Write the page of a record, or of all where it is empty; None if there is no such hub.

        It tells what was ``found`` where that is asked for; else, on the page of all, of those
        records alone that are somebody's ``own``. ``in_hub`` is for the hub's own service: it leads
        to the hub, and to no other.
        """
        now = self.assessment.now
        hubs = list(self.assessment.hubs.values())
        if record:
            hubs = [hub for hub in hubs if hub.agreement.record == record]
            if not hubs:
                return None
        todo, counts = None, None
        if own and not found:
            counts = published_counts({name: self.records.get(name) for name in own})
        if found:
            # Of all hubs, nothing is told beside how many things there are.
            records = self.records if record else {}
            todo = published_todo([h.agreement for h in hubs], records, self.models)
            counts = published_counts(self.records)
        if record:
            alone = Todo(todo.hubs) if todo is not None else None
            page = agreements_page(
                hubs,
                now,
                alone,
                home="" if in_hub else "./",
                stale=self.stale,
                counts=counts,
                standing=found,
                note="" if found else _NOTE_IN_HUB if in_hub else _NOTE,
                links=HUB_LINKS if in_hub else (),
            )
        else:
            page = index_page(
                hubs,
                now,
                todo,
                stale=self.stale,
                counts=counts,
                standing=found,
                own=[hub for hub in hubs if hub.agreement.record in own and not found],
                note="" if found else _NOTE_OWN if own else _NOTE_ALL,
            )
        return Printed(gzip.compress(page.html.encode(), 6, mtime=0), page.policy)


# A record, whether it is told what was found, whether in the hub, and of which records only.
_Key: TypeAlias = tuple[str, bool, bool, frozenset[str]]


@dataclass(slots=True)
class _Shelf:
    """The present edition, what it was made of, and the pages of it that were asked for."""

    edition: Edition
    made_of: object
    made_at: float
    looked_at: float
    pause: float
    pages: OrderedDict[_Key, Printed | None] = field(default_factory=OrderedDict)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Editions:
    """Makes editions when somebody asks; ``clock`` is in seconds, and only goes on."""

    def __init__(
        self,
        own: OwnKinds,
        *,
        clock: Callable[[], float] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._own = own
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._now = now
        self._shelf: _Shelf | None = None
        self._looking: asyncio.Task[None] | None = None
        # When it was last looked in vain while there was no edition.
        self._tried_at: float | None = None
        # Since when nothing could be asked.
        self._failing: datetime | None = None

    async def has(self, record: str) -> bool:
        """Return whether there is such a hub. Raises NothingYetError."""
        return record in (await self._present()).edition.assessment.hubs

    async def concerning(self, subjects: Collection[Subject]) -> list[str]:
        """Return the records that name any of these subjects. Raises NothingYetError."""
        return (await self._present()).edition.concerning(subjects)

    async def page(
        self,
        record: str,
        *,
        found: bool,
        in_hub: bool = False,
        own: frozenset[str] = frozenset(),
    ) -> Printed | None:
        """Return the page of a record, or of all; None if there is no such hub.

        See `Edition.write`. Raises NothingYetError.
        """
        shelf = await self._present()
        key = (record, found, in_hub, own)
        # One at a time: what takes the processor is kept from nobody for long.
        async with shelf.writing:
            if key in shelf.pages:
                shelf.pages.move_to_end(key)
                return shelf.pages[key]
            write = shelf.edition.write
            page = await asyncio.to_thread(write, record, found=found, in_hub=in_hub, own=own)
            if page is not None:
                shelf.pages[key] = page
            while len(shelf.pages) > _KEPT:
                shelf.pages.popitem(last=False)
        return page

    async def _present(self) -> _Shelf:
        shelf = self._shelf
        if self._is_due():
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
                self._looking.add_done_callback(self._looked)
            # Whoever goes away leaves it to the others; a page that is there waits for nobody long.
            await asyncio.wait((self._looking,), timeout=None if shelf is None else _PATIENCE)
        if self._shelf is None:
            raise NothingYetError
        return self._shelf

    def _is_due(self) -> bool:
        if self._shelf is not None:
            return self._clock() - self._shelf.looked_at >= self._shelf.pause
        return self._tried_at is None or self._clock() - self._tried_at >= _LOOK

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()

    async def _look(self) -> None:
        """See whether there is something newer; after whatever goes wrong, there is a pause."""
        try:
            await self._renew()
        except Exception as error:  # noqa: BLE001 - the last edition is better than none
            self._failed(error)
        else:
            self._failing = None

    def _failed(self, error: Exception) -> None:
        listed = isinstance(error, errors.ApiError | TimeoutError)
        if self._failing is None:
            self._failing = self._now()
            if listed:
                logger.warning("records and models for the page could not be listed: %s", error)
            else:
                logger.error("the page could not be made", exc_info=error)
        if self._shelf is None:
            self._tried_at = self._clock()
            return
        what = "ask the API server" if listed else "make the page"
        since = f"not been able to {what} since {moment(self._failing)}"
        self._keep(replace(self._shelf.edition, stale=(since,)))

    async def _renew(self) -> None:
        store = await self._own.known()
        records, models = dict(store.records.items), dict(store.models.items)
        old = _old(store, self._now()) if store is self._own.leading else ()
        made_of = (_versions(records), _versions(models), old)
        now, shelf = self._clock(), self._shelf
        if shelf is not None and shelf.made_of == made_of and now - shelf.made_at < _LASTS:
            shelf.looked_at = now
            return
        edition = await asyncio.to_thread(edition_of, records, models, self._now(), old)
        took = self._clock() - now
        self._shelf = _Shelf(edition, made_of, now, self._clock(), pause=max(_LOOK, took / _SHARE))

    def _keep(self, edition: Edition) -> None:
        """Go on with an edition of which there is nothing newer."""
        shelf = self._shelf
        if shelf is not None and shelf.edition.stale != edition.stale:
            at = shelf.made_at
            self._shelf = _Shelf(edition, None, at, self._clock(), pause=shelf.pause)
        elif shelf is not None:
            shelf.looked_at = self._clock()


def edition_of(
    records: Mapping[str, CustomResource[Any]],
    models: Mapping[str, CustomResource[Any]],
    now: datetime,
    stale: tuple[str, ...] = (),
) -> Edition:
    """Return the edition of these records and models, and of what their statuses say."""
    statuses = [(name, each.status) for name, each in records.items()]
    snapshot = Snapshot(
        graph=AccessGraph.build(),
        now=now,
        hubs_known=False,
        models=readable(models),
        records=readable(records),
        broken_models=unreadable(models),
        broken_records=unreadable(records),
        namespaces={},
        waiting=waiting(statuses),
        holding=holding(statuses),
    )
    of_records = {n: parse_status(e.status, ResponsibilityStatus) for n, e in records.items()}
    of_models = {n: parse_status(e.status, ResponsibilityModelStatus) for n, e in models.items()}
    told = published.stale([*of_records.values(), *of_models.values()])
    return Edition(
        published.published(Assessor().assess(snapshot), of_records),
        of_records,
        of_models,
        tuple(dict.fromkeys((*told, *stale, *_not_read(records), *_not_read(models)))),
    )


def _not_read(items: Mapping[str, CustomResource[Any]]) -> list[str]:
    names = sorted(unreadable(items))
    return [f"not been able to read {some(names, _MOST_UNREADABLE)}"] if names else []


def _versions(items: Mapping[str, CustomResource[Any]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((name, each.uid, each.version) for name, each in sorted(items.items()))


def _old(store: Store, now: datetime) -> tuple[str, ...]:
    """Return what a replica that leads has not heard of for too long."""
    stale = store.knowledge(now).doubts(Says.READY)
    return (not_heard_of(stale),) if stale else ()
