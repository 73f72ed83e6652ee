"""Markers of the dates at which delegations end: see ``admission.annotation_entries``.

A marker is a Job without pods, which is a clock that Kubernetes itself looks at, and a RoleBinding
that goes with it. Both are in the operator's own namespace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from responsibility import api_groups
from responsibility.admission.annotation_entries import marker_date
from responsibility.api.names import DELEGATION_ROLE, MARKER_LABEL
from responsibility.cluster.store import Store
from responsibility.controller.reporting.writer import PASSING, Writer
from responsibility.kube import errors
from responsibility.kube.client import Api
from responsibility.kube.reflector import Reflector
from responsibility.rbac.objects import (
    SERVICE_ACCOUNT,
    Binding,
    BindingKey,
    RoleKey,
    Subject,
)

_WHAT = "markers"

# A Job counts in nanoseconds of 64 bits; the operator is there to renew it long before.
_LONGEST = timedelta(days=365 * 100)
# A Job that ends this far from its date is not the clock that it should be.
_TOLERANCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Clock:
    """Of a marker's Job, what we read of it; ``wrong`` if it does not end when its name says."""

    name: str
    uid: str
    deleting: bool
    wrong: bool


class Markers:
    """Creates the markers that are needed and deletes those that are not."""

    def __init__(
        self, api: Api, store: Store, writer: Writer, *, namespace: str, relist: float
    ) -> None:
        self._store = store
        self._writer = writer
        self._namespace = namespace
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._bindings = f"/apis/{api_groups.RBAC}/v1/namespaces/{namespace}/rolebindings"
        self.reflector: Reflector[str, Clock] = Reflector(
            api,
            self._jobs,
            read_clock,
            lambda _: store.touch(),
            label_selector=MARKER_LABEL,
            relist=relist,
        )
        # UIDs of Jobs just created, until the watch brings them.
        self._made: dict[str, str] = {}
        self.trouble = ""

    async def keep(self, needed: Iterable[str], now: datetime) -> bool:
        """Create and delete markers until there are just those ``needed``.

        Return False if something failed that is worth trying again soon.
        """
        dates = {name: until for name in needed if (until := marker_date(name)) is not None}
        clocks = self.reflector.items
        self._made = {n: u for n, u in self._made.items() if n in dates and n not in clocks}
        if not self.reflector.synced.is_set():
            return not dates
        self.trouble = ""
        results = await asyncio.gather(
            *(
                self._end(clock)
                for clock in clocks.values()
                if not clock.deleting and (clock.name not in dates or clock.wrong)
            ),
            *(
                self._begin(name, until, now)
                for name, until in dates.items()
                if until > now + timedelta(seconds=1)
            ),
        )
        return all(results)

    async def _end(self, clock: Clock) -> bool:
        return await self._try(
            lambda: self._writer.delete(_WHAT, f"{self._jobs}/{clock.name}", uid=clock.uid)
        )

    async def _begin(self, name: str, until: datetime, now: datetime) -> bool:
        clock = self.reflector.items.get(name)
        if clock is not None and (clock.deleting or clock.wrong):
            return False
        if clock is None and name not in self._made:
            made: list[str] = []

            async def create() -> None:
                answer = await self._writer.create(_WHAT, self._jobs, self._job(name, until, now))
                if answer is not None:
                    made.append(answer["metadata"]["uid"])

            if not await self._try(create) or not made:
                return not made and bool(self.trouble)
            self._made[name] = made[0]
        uid = clock.uid if clock is not None else self._made[name]
        there = self._store.bindings.items.get(BindingKey(self._namespace, name))
        if there is not None:
            # An earlier Job's goes with that, and one of somebody else has to be looked at.
            return self._is_ours(there)
        path = self._bindings
        return await self._try(lambda: self._writer.create(_WHAT, path, self._binding(name, uid)))

    def _is_ours(self, binding: Binding) -> bool:
        right = (RoleKey(self._namespace, DELEGATION_ROLE), (self._subject(binding.key.name),))
        if (binding.role, binding.subjects) == right:
            return True
        self.trouble = (
            f"{binding.key} is not the marker that it is named like: delete it, so that the "
            "operator can make its own"
        )
        return True

    async def _try(self, request: Callable[[], Any]) -> bool:
        try:
            await request()
        except PASSING:
            return False
        except errors.ApiError as error:
            self.trouble = error.message or str(error)
        return True

    def _subject(self, name: str) -> Subject:
        return Subject(SERVICE_ACCOUNT, name, self._namespace)

    def _job(self, name: str, until: datetime, now: datetime) -> dict[str, Any]:
        # Rounded down, so that it never ends late by that.
        seconds = int(min(until - now, _LONGEST).total_seconds())
        return {
            "apiVersion": f"{api_groups.BATCH}/v1",
            "kind": "Job",
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": {MARKER_LABEL: "true"},
            },
            "spec": {
                # No pod is ever made: this Job is there to fail at its deadline.
                "parallelism": 0,
                "completions": 1,
                "activeDeadlineSeconds": max(1, seconds),
                "ttlSecondsAfterFinished": 0,
                "template": _NO_POD,
            },
        }

    def _binding(self, name: str, uid: str) -> dict[str, Any]:
        return {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": {MARKER_LABEL: "true"},
                "ownerReferences": [
                    {
                        "apiVersion": f"{api_groups.BATCH}/v1",
                        "kind": "Job",
                        "name": name,
                        "uid": uid,
                    }
                ],
            },
            "roleRef": {"apiGroup": api_groups.RBAC, "kind": "Role", "name": DELEGATION_ROLE},
            "subjects": [{"kind": SERVICE_ACCOUNT, "name": name, "namespace": self._namespace}],
        }


# What a Job must have; as harmless as the strictest Pod Security Standard asks.
_NO_POD = {
    "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "never-run",
                "image": "never-run",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
}


def read_clock(raw: dict[str, Any]) -> tuple[str, Clock]:
    """Return what is read of a marker's Job."""
    meta = raw["metadata"]
    return meta["name"], Clock(
        name=meta["name"],
        uid=meta["uid"],
        deleting=bool(meta.get("deletionTimestamp")),
        wrong=_is_wrong(meta["name"], raw.get("spec") or {}, raw.get("status") or {}),
    )


def _is_wrong(name: str, spec: dict[str, Any], status: dict[str, Any]) -> bool:
    """Return whether somebody has stopped the clock, or set it."""
    until, seconds = marker_date(name), spec.get("activeDeadlineSeconds")
    if until is None or seconds is None or spec.get("suspend"):
        return True
    started = status.get("startTime")
    if started is None:
        # It has only just been made.
        return False
    ends = datetime.fromisoformat(started) + timedelta(seconds=seconds)
    return abs(min(until, datetime.fromisoformat(started) + _LONGEST) - ends) > _TOLERANCE
