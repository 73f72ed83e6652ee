"""Statuses of records and models, written only where they differ from what is there.

A status is made from an assessment and a few details. As long as those and what is there are the
same as when it was last settled, it is not even made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.record import ResponsibilityStatus
from responsibility.cluster.custom_resources import CustomResource, CustomResourceStore
from responsibility.controller.admission.enforcement_status import ENFORCED
from responsibility.controller.reporting.conditions import LEFTOVERS
from responsibility.controller.reporting.writer import PASSING, Writer
from responsibility.kube import errors

# Statuses that wait to be written, at most. Until then each takes memory.
_AT_A_TIME = 8
# A status that was refused for what it is, or for a missing right, is tried again after so many
# seconds.
_PATIENCE = 30.0

Status = ResponsibilityStatus | ResponsibilityModelStatus
Json = Mapping[str, Any]
_Shape = TypeVar("_Shape", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a status was last made from, and what was there when all had been done about it.

    ``about`` is known by its identity. ``until`` (loop time) ends a server's refusal.
    """

    about: object
    details: tuple[object, ...]
    there: Json
    until: float | None = None


class StatusWriter:
    """Keeps the statuses of objects equal to what is to be said of them."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._some = asyncio.Semaphore(_AT_A_TIME)
        self._one = asyncio.Lock()
        self._settled: dict[str, _Settled] = {}

    def keep(self, present: Container[str]) -> None:
        """Forget all objects but those with these UIDs."""
        self._settled = {uid: done for uid, done in self._settled.items() if uid in present}

    def retry_refused(self) -> None:
        """Let what was refused be tried again at once."""
        self._settled = {
            uid: done if done.until is None else replace(done, until=0.0)
            for uid, done in self._settled.items()
        }

    async def settle(
        self,
        kind: CustomResourceStore[Any],
        resource: CustomResource[Any],
        about: object,
        details: tuple[object, ...],
        make: Callable[[], Status],
    ) -> bool:
        """Write one object's status if it differs from what is there.

        ``about`` and ``details`` are what it is made from: an assessment, known by its identity,
        and what else counts.
        """
        now = asyncio.get_running_loop().time()
        done = self._settled.get(resource.uid)
        if (
            done is not None
            and done.about is about
            and (done.details, done.there) == (details, resource.status)
            and (done.until is None or now < done.until)
        ):
            return True
        async with self._some:
            async with self._one:
                # Each takes milliseconds to make, and a fleet's all at once held up everything
                # else for seconds; so whatever is due has a turn between two of them.
                await asyncio.sleep(0)
                wanted = make()
                body = wanted.dump()
                differs = _parse(resource.status, type(wanted)) != _parse(body, type(wanted))
            done = _Settled(about, details, resource.status)
            if not differs:
                self._settled[resource.uid] = done
                return True
            return await self._write(kind, resource, done, body)

    async def _write(
        self,
        kind: CustomResourceStore[Any],
        resource: CustomResource[Any],
        done: _Settled,
        body: Json,
    ) -> bool:
        try:
            answer = await self._writer.apply(
                "status",
                f"{kind.path}/{resource.name}",
                {
                    "apiVersion": resource.reference["apiVersion"],
                    "kind": kind.kind,
                    "metadata": {"name": resource.name, "uid": resource.uid},
                    "status": body,
                },
                subresource="status",
            )
        except PASSING:
            return False
        except errors.ApiError:
            until = asyncio.get_running_loop().time() + _PATIENCE
            self._settled[resource.uid] = replace(done, until=until)
            return True
        if answer is not None:
            kind.note(answer)
            # Where others have put something of theirs beside ours, that is all we can do.
            self._settled[resource.uid] = replace(done, there=answer.get("status") or {})
        return True


# What is said of a record that no plan rests on: a proof that is due again after a new start,
# what could not be read for a moment, annotations.
_BESIDE_PLANS = frozenset({"Ready", "Annotated", ENFORCED, LEFTOVERS, "Revoked"})


def keep_plan(wanted: ResponsibilityStatus, raw: Json) -> ResponsibilityStatus:
    """Return a status with the plan that stands there, where all that it rests on is as it was.

    For hubs whose plans are made in a moment: a new start, or a change that hardly touches them.
    Where anything of what a plan rests on differs, its digest is of another moment, and goes.
    """
    there = _parse(raw, ResponsibilityStatus)
    if there is None:
        return wanted
    kept = wanted.model_copy(update={"plan": there.plan})
    # Through the edge and back, since what is there came that way.
    again = _parse(kept.dump(), ResponsibilityStatus)
    return kept if again is not None and _plan_basis(again) == _plan_basis(there) else wanted


def _plan_basis(told: ResponsibilityStatus) -> ResponsibilityStatus:
    """Return of a status what its plan rests on."""
    return told.model_copy(
        update={
            "conditions": tuple(c for c in told.conditions if c.type not in _BESIDE_PLANS),
            "items": tuple(
                item.model_copy(update={"admission": "", "admission_note": ""})
                for item in told.items
            ),
            "enforcement": "",
        }
    )


def _parse(raw: Json, shape: type[_Shape]) -> _Shape | None:
    try:
        return shape.model_validate(raw)
    except ValidationError:
        # Written by another version, or by hand: it is replaced as a whole.
        return None


def conditions_of(raw: Json, shape: type[Status]) -> tuple[Any, ...]:
    """Return the conditions that stand in a status; none if it cannot be read."""
    parsed = _parse(raw, shape)
    return parsed.conditions if parsed is not None else ()
