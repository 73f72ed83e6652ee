"""A process beside this one that is asked for plans: see ``worker``."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from responsibility.cluster.rights import RIGHTS
from responsibility.controller.plans import worker
from responsibility.controller.plans.snapshot_delta import SnapshotDelta
from responsibility.controller.plans.worker import Failed, PlanningWorld, frame
from responsibility.controller.process import child, container_memory
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.change import Plan
from responsibility.plans.deletions import Proposal
from responsibility.plans.proof import Expectation
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Attributes, Binding, Role

logger = logging.getLogger(__name__)

# Objects in a frame: so many are pickled in a few milliseconds.
_PART = 500
# Bytes that the other process may take where the container has no limit, and that it leaves of
# what the container may have: beyond its limit, all processes of a container are killed, the
# operator with them. What doesn't fit is said, and not planned.
_MEMORY = 1 << 30
_MARGIN = 64 << 20
_LEAST = 48 << 20
_SECONDS = 600.0


class PlanningError(Exception):
    """No plan could be made; the message says why."""


def _available(cgroup: Path) -> int:
    """Return how many bytes the other process may take."""
    memory = container_memory.read(cgroup)
    return _MEMORY if memory is None else memory.left - _MARGIN


def _required_permissions() -> tuple[Attributes, ...]:
    """Return the permissions without which the operator can't work at all, as RBAC questions."""
    return tuple(
        asked
        for right in RIGHTS
        if not right.optional and not right.namespaced
        for asked in right.questions()
    )


class PlanningTimeoutError(PlanningError):
    """No plan was made in the time that it was given."""


class Planner:
    """Makes plans from one state of the cluster, until it is closed (`contextlib.aclosing`).

    Objects are sent in frames of ``frame_objects``. ``cgroup`` is where the container's limit of
    memory stands; with less than ``least_memory`` bytes left, no process is begun.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        revoking: bool,
        rbac: tuple[Iterable[Role], Iterable[Binding]] | None = None,
        frame_objects: int = _PART,
        cgroup: Path = container_memory.CGROUP,
        least_memory: int = _LEAST,
    ) -> None:
        self._frame_objects, self._cgroup, self._least_memory = frame_objects, cgroup, least_memory
        self._world = PlanningWorld(
            replace(snapshot, graph=AccessGraph.build()), revoking, _required_permissions(), 0
        )
        self._graph = snapshot.graph
        self._rbac = rbac or (snapshot.graph.roles.values(), snapshot.graph.bindings.values())
        self._process: asyncio.subprocess.Process | None = None

    async def aclose(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        await child.end(process)

    async def propose(self, record: str, *, seconds: float = _SECONDS) -> Proposal | None:
        """Return the plan for a record's hub; None where it isn't found.

        Raises PlanningError, or PlanningTimeoutError after so many ``seconds``.
        """
        found: Proposal | None = await self._ask("propose", record, seconds)
        return found

    async def follow(self, snapshot: Snapshot) -> None:
        """Plan from another state from now on; the process is only told what differs."""
        before, self._graph = self._graph, snapshot.graph
        self._world = replace(self._world, snapshot=replace(snapshot, graph=AccessGraph.build()))
        self._rbac = (snapshot.graph.roles.values(), snapshot.graph.bindings.values())
        if self._process is None:
            return
        news = SnapshotDelta.between(before, snapshot)
        if len(news) > self._frame_objects:
            # As quickly told from the beginning, in parts.
            await self.aclose()
            return
        try:
            await self._ask("follow", news)
        except PlanningError as error:
            logger.info("planning begins anew: %s", error)

    async def expectations(self, plan: Plan) -> list[Expectation]:
        """Return what the API server is to say after a plan. Raises PlanningError."""
        found: list[Expectation] = await self._ask("expectations", plan)
        return found

    async def _ask(self, name: str, argument: object, seconds: float = _SECONDS) -> Any:  # noqa: ANN401 - either of these
        try:
            async with asyncio.timeout(seconds):
                answer = await self._exchange(name, argument)
        except TimeoutError:
            await self.aclose()
            raise PlanningTimeoutError(f"it takes more than {seconds:g} s") from None
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            await self.aclose()
            raise PlanningError(f"the process that plans has ended: {error!r}") from None
        except BaseException:
            await self.aclose()
            raise
        if isinstance(answer, Failed):
            # It may have run out of memory anywhere: the next question has a new one.
            await self.aclose()
            raise PlanningError(answer.why)
        return answer

    async def _exchange(self, name: str, argument: object) -> object:
        process = self._process = self._process or await self._start()
        answer: object = pickle.loads(  # noqa: S301 - from our child
            await child.ask(process, frame((name, argument)))
        )
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        memory = _available(self._cgroup)
        if memory < self._least_memory:
            raise PlanningError(
                f"only {max(0, memory) >> 20} MiB of memory are left for it: raise the chart's "
                "resources.limits.memory"
            )
        process = await child.start(worker)
        self._process = process
        if process.stdin is None:
            raise EOFError
        process.stdin.write(frame(replace(self._world, memory=memory)))
        everything = list(chain(*self._rbac))
        for start in range(0, len(everything), self._frame_objects):
            process.stdin.write(frame(everything[start : start + self._frame_objects]))
            await process.stdin.drain()
            await asyncio.sleep(0)
        process.stdin.write(frame([]))
        return process
