"""The simulated cluster at each step of a handover, with what the operator binds by then.

What the operator grants follows from the record and the date alone, so at each step the bindings
that it has made are taken out and those that it will have made are put in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from responsibility.api.names import RECORD_LABEL, label_value
from responsibility.api.record import Responsibility
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.change import PlannedChange
from responsibility.plans.protect import is_granted
from responsibility.plans.simulate import simulate
from responsibility.rbac.objects import Binding

_TICK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ForecastGrants:
    """The bindings that a record brings in its hub's namespace, by item and party.

    ``blocked`` says by item why it can't, or why not all of those who are to have it.
    """

    bindings: Mapping[tuple[str, str], Binding] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)


# Says it of a hub in a cluster. None where the operator grants nothing, and leaves what is there.
ForecastOf = Callable[[HubAssessment, Snapshot], ForecastGrants | None]


def grants_nothing(_hub: HubAssessment, _snapshot: Snapshot) -> ForecastGrants | None:
    """Return what an operator foresees that grants nothing."""
    return None


@dataclass(frozen=True, slots=True)
class SimulatedState:
    """The cluster at one step: what it is, what is said of it, and what the operator binds."""

    snapshot: Snapshot
    assessment: Assessment
    granted: ForecastGrants = ForecastGrants()


@dataclass(slots=True)
class HandoverSimulation:
    """Shows the cluster at one step after the other."""

    snapshot: Snapshot
    record: str
    foresee: ForecastOf
    assessor: Assessor = field(default_factory=Assessor)

    def at(
        self, version: Responsibility, when: datetime, made: Iterable[PlannedChange] = ()
    ) -> SimulatedState:
        """Return the cluster with this version of the record, after somebody made changes."""
        now = max(when, self.snapshot.now) + _TICK
        records = {**self.snapshot.records, self.record: version}
        then = replace(self.snapshot, now=now, records=records)
        granted = self.foresee(self.assessor.assess(then).hubs[self.record], then)
        if granted is not None:
            mine = label_value(self.record)
            graph, _ = then.graph.replace(
                drop_bindings=[
                    key
                    for key, binding in then.graph.bindings.items()
                    if is_granted(binding) and binding.labels.get(RECORD_LABEL) == mine
                ],
                put_bindings=granted.bindings.values(),
            )
            then = replace(then, graph=graph)
        then = replace(then, graph=simulate(then.graph, made))
        return SimulatedState(then, self.assessor.assess(then), granted or ForecastGrants())
