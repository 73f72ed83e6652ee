"""The search: changes are tried on the access graph, what remains is assessed, and again.

The assessment itself is the judge of whether a right has ended, so every source and every route
counts that findings count. What has to go is mostly forced: a right ends only when the last of its
sources does, and a route of one step only at that step. There is a choice where a role gives too
much to everybody it is bound to (``build``), and where a step of a route needs several rights at
once (``minimised``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field

from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.findings import Finding
from responsibility.plans.aim import Aim
from responsibility.plans.change import Action, PlannedChange
from responsibility.plans.context import PlanContext
from responsibility.plans.search.build import ChangeBuilder
from responsibility.plans.search.guard import guard
from responsibility.plans.search.minimise import FindNeeded, Minimiser, Progress
from responsibility.plans.search.outcome import SearchOutcome
from responsibility.plans.search.remaining import RemainingFindings
from responsibility.plans.search.targets import Targets
from responsibility.rbac.objects import Attributes

# How much is done once nothing is left; the rest is to leave out what is superfluous.
_SETTLED = 0.67


@dataclass(slots=True)
class PlanSearch:
    """A search from one state of a cluster.

    The assessor is the one that has made the context's assessment; ``required_permissions`` are
    those that the operator itself needs; ``progress`` is told how much is done, from 0 to 1.
    ``earlier`` are the findings that were ended to get to this state; ``find_needed`` says what a
    plan can't do without, so that leaving it out is not tried.
    """

    context: PlanContext
    aim: Aim
    assessor: InitVar[Assessor]
    required_permissions: tuple[Attributes, ...] = ()
    progress: Progress = lambda _done: None
    find_needed: FindNeeded = Minimiser.needed
    earlier: InitVar[tuple[Finding, ...]] = ()
    _done: float = field(init=False, default=0.0)
    _targets: Targets = field(init=False)
    _builder: ChangeBuilder = field(init=False)
    _remaining: RemainingFindings = field(init=False)

    def __post_init__(self, assessor: Assessor, earlier: tuple[Finding, ...]) -> None:
        """Begin with nothing."""
        self._targets, self._builder = Targets(self.context, earlier), ChangeBuilder(self.context)
        self._remaining = RemainingFindings(self.context, self.aim, assessor)

    def outcome(self) -> SearchOutcome:
        """Return changes, what they end, and what can't be ended from here."""
        changes = self._settle()
        while self._targets.hold(guard(self.context, changes, self.required_permissions)):
            # What was found on the way to where it may not go does not count.
            self._targets = self._targets.anew()
            self._builder.broad.clear()
            changes = self._settle()
        targets = self._targets
        minimiser = Minimiser(
            targets,
            self._builder,
            self._remaining,
            lambda done: self.progress(_SETTLED + (1 - _SETTLED) * done),
            self.find_needed,
        )
        return SearchOutcome(
            tuple(minimiser.minimised(changes)),
            tuple(wanted.finding for wanted in targets.active()),
            tuple(targets.obstacles[key] for key in sorted(targets.obstacles)),
        )

    def _settle(self) -> list[PlannedChange]:
        """Return changes after which only what is given up is left."""
        targets = self._targets
        for finding in self.aim.further(self.context.assessment, targets.known()):
            targets.want(targets.key(finding), finding)
        while True:
            # How many rounds there will be, nobody knows: each is half of what is left of its part.
            self._done += (_SETTLED - self._done) / 2
            self.progress(self._done)
            changes = self._builder.changes(targets.active())
            known = targets.known()
            # What is found quickly is worked on first.
            if not self._progress(changes, self._remaining.in_subcluster(changes, known)) and not (
                self._progress(changes, self._remaining.in_cluster(changes, known))
            ):
                return changes

    def _progress(self, changes: Sequence[PlannedChange], found: Iterable[Finding]) -> bool:
        """Look at what the changes leave, and return whether there is more to do."""
        targets = self._targets
        left = {targets.key(finding): finding for finding in found}
        stuck = {key: finding for key, finding in left.items() if key not in targets.obstacles}
        if any([targets.want(key, finding, changes) for key, finding in stuck.items()]):  # noqa: C419 - all
            return True
        if not stuck:
            return False
        # All that it takes has been cut, and still the right is there: by what is left of a role,
        # or by what is kept.
        narrow = {c.key for c in changes if c.action is Action.NARROW_ROLE} - self._builder.broad
        for finding in stuck.values():
            roles = {self.context.graph.bindings[key].role for key, _ in targets.pairs(finding)}
            if roles & narrow:
                self._builder.broad |= {key for key in roles if key in narrow}
                return True
        for key, finding in stuck.items():
            targets.give_up(key, finding, "owed")
        return True
