"""The process that makes plans, which ``process`` starts.

A plan takes many assessments. In a thread they would hold the interpreter's lock, and its garbage
collector would stop everything for seconds in a large cluster; here they stop nobody. The parent
writes frames to standard input (a length, then pickled data) and reads one frame for each question
from standard output. Both ends are the same program, so nothing else is ever unpickled.

First comes a ``PlanningWorld``, then lists of roles and bindings up to an empty one, then
questions.
"""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import IO, Any

from responsibility.controller.plans.snapshot_delta import SnapshotDelta
from responsibility.controller.process import frames
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans import deletions
from responsibility.plans.change import Plan
from responsibility.plans.context import PlanContext
from responsibility.plans.deletions import Proposal
from responsibility.plans.planner import plan_from
from responsibility.plans.proof import Expectation, expectations
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Attributes, Binding, Role

# Everybody else comes first.
_NICE = 10


@dataclass(frozen=True, slots=True)
class PlanningWorld:
    """All but roles and bindings; ``snapshot`` has an empty graph. ``memory`` is a bound, in bytes.

    ``revoking`` is whether the operator carries out plans; ``sees`` are the rights without which it
    would be blind.
    """

    snapshot: Snapshot
    revoking: bool
    required_permissions: tuple[Attributes, ...]
    memory: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer to a question that could not be answered: why."""

    why: str


class StatePlanner:
    """Makes plans from one state of a cluster, which is looked up once for all of them."""

    def __init__(self, world: PlanningWorld, roles: list[Role], bindings: list[Binding]) -> None:
        self._world = world
        self._assessor = Assessor()
        self._look(replace(world.snapshot, graph=AccessGraph.build(roles, bindings)))

    def _look(self, snapshot: Snapshot) -> None:
        self._context = PlanContext(snapshot, self._assessor.assess(snapshot))

    def follow(self, news: SnapshotDelta) -> None:
        """Plan from another state from now on."""
        self._look(news.applied(self._context.snapshot))

    def propose(self, record: str) -> Proposal | None:
        """Return the plan for a record's hub; None where the hub is not found."""
        hub = deletions.hub_of(self._context.assessment, record)
        if hub is None:
            return None
        return deletions.propose(
            hub,
            lambda ids: plan_from(
                self._context,
                deletions.aim(record, ids),
                assessor=self._assessor,
                required_permissions=self._world.required_permissions,
            ),
            revoking=self._world.revoking,
        )

    def expectations(self, plan: Plan) -> list[Expectation]:
        """Return what the API server is to say after a plan."""
        return expectations(self._context.snapshot, self._context.assessment, plan)


def frame(value: object) -> bytes:
    """Return a value as it is sent."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL)
    # What is read-only in our objects, which pickle doesn't know.
    pickler.dispatch_table = {**copyreg.dispatch_table, MappingProxyType: _read_only}
    pickler.dump(value)
    return frames.frame(buffer.getvalue())


def _read_only(value: Mapping[Any, Any]) -> tuple[Any, ...]:
    return _proxy, (dict(value),)


def _proxy(value: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(value)


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer questions until there are no more; who is told of a failure is to begin anew."""
    # From our parent, and nobody else.
    sent = map(pickle.loads, frames.frames(source))
    world: PlanningWorld = next(sent)
    resource.setrlimit(resource.RLIMIT_DATA, (world.memory, world.memory))
    roles: list[Role] = []
    bindings: list[Binding] = []
    for part in sent:
        if not part:
            break
        for each in part:
            (roles if isinstance(each, Role) else bindings).append(each)
    maker: StatePlanner | None = None
    for name, argument in sent:
        try:
            if maker is None:
                maker = StatePlanner(world, roles, bindings)
                roles, bindings = [], []
            questions: Mapping[str, Callable[[Any], object]] = {
                "follow": maker.follow,
                "propose": maker.propose,
                "expectations": maker.expectations,
            }
            answer = questions[name](argument)
        except MemoryError:
            answer = Failed(
                f"it takes more than the {world.memory >> 20} MiB of memory that are left for it: "
                "raise the chart's resources.limits.memory"
            )
        except Exception as error:  # noqa: BLE001 - it is told where it is asked
            answer = Failed(f"{type(error).__name__}: {error}")
        sink.write(frame(answer))
        sink.flush()


def main() -> None:
    """Serve whoever has started us."""
    os.nice(_NICE)
    serve(sys.stdin.buffer, sys.stdout.buffer)
