"""The annotations of the hubs' Deployments, kept as an assessment wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from responsibility.controller.reporting import annotations as notes
from responsibility.controller.reporting.writer import PASSING, Writer, unseen_for
from responsibility.hub.discovery import Deployment
from responsibility.kube import errors
from responsibility.ownership.results.assessment import Assessment, HubAssessment

# A refused write is tried again after so many seconds: only a person can change the answer.
PATIENCE = 600.0

_NAME_MISSING = (
    "the operator may not patch a Deployment of this name; add it to the chart's value "
    "annotations.deploymentNames"
)
_SWITCHED_OFF = "annotations are switched off in the operator's settings"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Written:
    """What was applied to a Deployment, as we knew it then, and what came of it.

    ``until`` is when (loop time) it should have been seen, after ``patience`` seconds.
    """

    deployment: Deployment
    wanted: dict[str, str]
    after: dict[str, str]
    patience: float
    until: float


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a Deployment could not be annotated, and when (loop time) to try again."""

    uid: str
    why: str
    reason: str
    until: float


class Annotator:
    """Writes annotations where they differ."""

    def __init__(self, writer: Writer, *, enabled: bool, cluster: str = "") -> None:
        self._writer = writer
        self._enabled = enabled
        self._cluster = cluster
        self._written: dict[Key, _Written] = {}
        self._refused: dict[Key, _Refused] = {}

    async def annotate(self, assessment: Assessment, present: Mapping[Key, Deployment]) -> bool:
        """Write what differs; return False if something failed that is worth trying again."""
        if not self._enabled:
            return True
        desired = notes.desired(assessment, cluster=self._cluster)
        outdated = {
            key: deployment
            for key, deployment in present.items()
            if notes.outdated(deployment, desired.get(key, {}))
        }
        self._written = {k: v for k, v in self._written.items() if k in outdated}
        self._refused = {
            key: refused
            for key, refused in self._refused.items()
            if key in outdated and outdated[key].uid == refused.uid
        }
        now = asyncio.get_running_loop().time()
        results = await asyncio.gather(
            *(
                self._write(deployment, desired.get(key, {}))
                for key, deployment in outdated.items()
                if self._due(key, deployment, desired.get(key, {}), now)
            )
        )
        return all(results)

    def retry_refused(self) -> None:
        """Let what was refused be tried again at once."""
        self._refused = {key: replace(r, until=0.0) for key, r in self._refused.items()}

    def refused(self) -> frozenset[Key]:
        """Return the Deployments that could not be written."""
        return frozenset(self._refused)

    def trouble(self, hub: HubAssessment) -> str | None:
        """Return why a hub's Deployments are not all annotated; None if they are."""
        if hub.hub is None:
            return None
        if not self._enabled:
            return _SWITCHED_OFF
        refused = [
            f"{deployment.name}: {self._refused[key].why}"
            for deployment in hub.hub.deployments
            if (key := (deployment.namespace, deployment.name)) in self._refused
        ]
        return "; ".join(refused) or None

    def _due(self, key: Key, deployment: Deployment, wanted: dict[str, str], now: float) -> bool:
        refused, written = self._refused.get(key), self._written.get(key)
        if refused is not None:
            return now >= refused.until
        if written is None or written.wanted != wanted:
            return True
        # The watch has not brought it back yet; or somebody else owns one of our keys too, and
        # what is there is all that can be had.
        seen = deployment is not written.deployment or now >= written.until
        return seen and deployment.annotations != written.after

    async def _write(self, deployment: Deployment, wanted: dict[str, str]) -> bool:
        key = (deployment.namespace, deployment.name)
        path = f"/apis/apps/v1/namespaces/{deployment.namespace}/deployments/{deployment.name}"
        refused = self._refused.get(key)
        try:
            answer = await self._writer.apply(
                "annotations",
                path,
                notes.patch(deployment, wanted),
                known_failure=refused.reason if refused is not None else "",
            )
        except PASSING:
            return False
        except errors.ApiError as error:
            until = asyncio.get_running_loop().time() + PATIENCE
            self._refused[key] = _Refused(deployment.uid, _why(error), str(error), until)
            return True
        self._refused.pop(key, None)
        if answer is not None:
            before = self._written.get(key)
            again = before is not None and before.deployment is deployment
            patience = unseen_for(before.patience if before and again else None)
            until = asyncio.get_running_loop().time() + patience
            self._written[key] = _Written(deployment, wanted, notes.ours(answer), patience, until)
        return True


def _why(error: errors.ApiError) -> str:
    # A policy or webhook says Forbidden, too, but not like this.
    if isinstance(error, errors.ForbiddenError) and "cannot patch resource" in error.message:
        return _NAME_MISSING
    return error.message or str(error)
