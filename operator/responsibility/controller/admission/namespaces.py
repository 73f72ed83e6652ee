"""Labels and annotations of hubs' Namespaces, by which admission policies know who owns what.

Both go in one request, so there is no moment at which a stage is in force and its owners are not
known. Nothing else of a Namespace is ever written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from responsibility.admission.stages.namespace_keys import NOTHING, NamespaceKeys
from responsibility.admission.stages.namespace_stages import StagePlan
from responsibility.cluster.moment import Namespace
from responsibility.controller.reporting.writer import PASSING, Writer, unseen_for
from responsibility.kube import errors

# A refused write is tried again after so many seconds: only a person can change the answer.
PATIENCE = 60.0

_WHAT = "namespaces"


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written to a Namespace, as we knew it then, and what came of it.

    ``until`` is when (loop time) it should have been seen, after ``patience`` seconds.
    """

    space: Namespace
    wanted: NamespaceKeys
    after: NamespaceKeys
    patience: float
    until: float


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a Namespace could not be written, and when (loop time) to try again."""

    uid: str
    wanted: NamespaceKeys
    why: str
    until: float


class Namespaces:
    """Writes where Namespaces say something else than a plan."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._written: dict[str, _Written] = {}
        self._refused: dict[str, _Refused] = {}

    async def write(self, plan: StagePlan, present: Mapping[str, Namespace]) -> bool:
        """Write what differs; return False if something failed that is worth trying again."""
        due = {
            name: (space, wanted)
            for name, space in present.items()
            if not space.deleting and name not in plan.untouched
            for wanted in (plan.namespaces.get(name, NOTHING),)
            if space.keys != wanted
        }
        self._written = {n: w for n, w in self._written.items() if n in due}
        self._refused = {
            n: r
            for n, r in self._refused.items()
            if n in due and (r.uid, r.wanted) == (due[n][0].uid, due[n][1])
        }
        now = asyncio.get_running_loop().time()
        results = await asyncio.gather(
            *(
                self._write(space, wanted)
                for space, wanted in due.values()
                if self._is_due(space, wanted, now)
            )
        )
        return all(results)

    def retry_refused(self) -> None:
        """Let what was refused be tried again at once."""
        self._refused = {name: replace(r, until=0.0) for name, r in self._refused.items()}

    def trouble(self, name: str) -> str:
        """Return why a Namespace does not say what it should; empty if nothing is known."""
        refused = self._refused.get(name)
        return "" if refused is None else refused.why

    def stubborn(self) -> Iterable[str]:
        """Return the Namespaces that could not be written."""
        return tuple(self._refused)

    def _is_due(self, space: Namespace, wanted: NamespaceKeys, now: float) -> bool:
        refused, written = self._refused.get(space.name), self._written.get(space.name)
        if refused is not None:
            return now >= refused.until
        if written is None or written.wanted != wanted:
            return True
        # The watch has not brought it back yet.
        return (space is not written.space or now >= written.until) and space.keys != written.after

    async def _write(self, space: Namespace, wanted: NamespaceKeys) -> bool:
        path = f"/api/v1/namespaces/{space.name}"
        try:
            answer = await self._writer.apply(_WHAT, path, _body(space, wanted))
            if answer is not None and (foreign := _beyond(_keys(answer), wanted)):
                # Somebody else has put them there, so that leaving them out does not remove them.
                answer = await self._writer.merge(_WHAT, path, _removal(space, foreign))
        except PASSING:
            return False
        except errors.ApiError as error:
            until = asyncio.get_running_loop().time() + PATIENCE
            why = error.message or str(error)
            self._refused[space.name] = _Refused(space.uid, wanted, why, until)
            return True
        self._refused.pop(space.name, None)
        if answer is not None:
            before = self._written.get(space.name)
            again = before is not None and before.space is space
            patience = unseen_for(before.patience if before and again else None)
            until = asyncio.get_running_loop().time() + patience
            self._written[space.name] = _Written(space, wanted, _keys(answer), patience, until)
        return True


def _body(space: Namespace, wanted: NamespaceKeys) -> dict[str, Any]:
    """Return the body to apply; keys of ours that it leaves out are removed.

    The UID makes it fail, not create something, where the Namespace is another one by now.
    """
    metadata: dict[str, Any] = {"name": space.name, "uid": space.uid}
    if wanted.labels:
        metadata["labels"] = dict(wanted.labels)
    if wanted.annotations:
        metadata["annotations"] = dict(wanted.annotations)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _keys(answer: Mapping[str, Any]) -> NamespaceKeys:
    return NamespaceKeys.of(answer["metadata"])


def _beyond(found: NamespaceKeys, wanted: NamespaceKeys) -> NamespaceKeys:
    return NamespaceKeys(
        {key: text for key, text in found.labels.items() if key not in wanted.labels},
        {key: text for key, text in found.annotations.items() if key not in wanted.annotations},
    )


def _removal(space: Namespace, foreign: NamespaceKeys) -> dict[str, Any]:
    return {
        "metadata": {
            "uid": space.uid,
            "labels": dict.fromkeys(foreign.labels),
            "annotations": dict.fromkeys(foreign.annotations),
        }
    }
