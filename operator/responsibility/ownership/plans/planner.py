"""Find a plan: try changes on the access graph, assess what comes of them, and try again.

The assessment itself is the judge of whether a right has ended, so a plan counts every source and
every route that findings count. What has to go is mostly forced: a right ends only when the last
of its sources does, and a route of one step only at that step. There is a choice where a role
gives too much to everybody it is bound to (``build``), and where a step of a route needs several
rights at once (``spare``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from responsibility.ownership.assess import Assessor
from responsibility.ownership.findings import Finding
from responsibility.ownership.plans.aim import Aim
from responsibility.ownership.plans.basis import Basis
from responsibility.ownership.plans.build import Builder
from responsibility.ownership.plans.change import Action, Change, Plan
from responsibility.ownership.plans.guard import guard
from responsibility.ownership.plans.judge import Judge
from responsibility.ownership.plans.losses import Teller
from responsibility.ownership.plans.simulate import simulate
from responsibility.ownership.plans.spare import Sparing, Told
from responsibility.ownership.plans.targets import Targets
from responsibility.ownership.snapshot import Snapshot
from responsibility.rbac.objects import Attributes

# How much is done once nothing is left, and once nothing is superfluous; the rest is to tell it.
_SETTLED = 0.6
_SPARED = 0.9


def make_plan(
    snapshot: Snapshot,
    aim: Aim,
    *,
    assessor: Assessor | None = None,
    sees: Iterable[Attributes] = (),
    told: Told = lambda _done: None,
) -> Plan:
    """Return the plan that ends all excess rights that are meant, as far as RBAC can.

    ``assessor`` saves work where it knows the snapshot; ``sees`` are the rights without which
    the operator would be blind; ``told`` hears how much is done, from 0 to 1.
    """
    assessor = assessor or Assessor()
    basis = Basis(snapshot, assessor.assess(snapshot))
    return plan_from(basis, aim, assessor=assessor, sees=sees, told=told)


def plan_from(
    basis: Basis,
    aim: Aim,
    *,
    assessor: Assessor,
    sees: Iterable[Attributes] = (),
    told: Told = lambda _done: None,
) -> Plan:
    """Return the plan as `make_plan` does, of a cluster that many plans are made from.

    The assessor is the one that has made the assessment.
    """
    basis = basis.for_plan()
    return _Planner(basis, aim, Judge(basis, aim, assessor), tuple(sees), told).plan()


@dataclass(slots=True)
class _Planner:
    basis: Basis
    aim: Aim
    judge: Judge
    sees: tuple[Attributes, ...]
    told: Told
    _done: float = field(init=False, default=0.0)
    targets: Targets = field(init=False)
    builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.targets, self.builder = Targets(self.basis), Builder(self.basis)

    def plan(self) -> Plan:
        targets = self.targets
        for finding in self.aim.findings(self.basis.assessment):
            targets.want(targets.key(finding), finding)
        changes = self._settle()
        while targets.hold(guard(self.basis, changes, self.sees)):
            changes = self._settle()
        sparing = Sparing(
            targets,
            self.builder,
            self.judge,
            lambda done: self.told(_SETTLED + (_SPARED - _SETTLED) * done),
        )
        changes = sparing.spare(changes)
        return self._told(changes, [wanted.finding for wanted in targets.active()])

    def _settle(self) -> list[Change]:
        """Return changes after which only what is given up is left."""
        while True:
            # How many rounds there will be, nobody knows: each is half of what is left of its part.
            self._done += (_SETTLED - self._done) / 2
            self.told(self._done)
            changes = self.builder.changes(self.targets.active())
            known = self.targets.known()
            # What is found quickly is worked on first.
            if not self._progress(changes, self.judge.surely_left(changes, known)) and not (
                self._progress(changes, self.judge.left(changes, known))
            ):
                return changes

    def _progress(self, changes: Sequence[Change], found: Iterable[Finding]) -> bool:
        """Look at what the changes leave, and return whether there is more to do."""
        targets = self.targets
        left = {targets.key(finding): finding for finding in found}
        stuck = {key: finding for key, finding in left.items() if key not in targets.obstacles}
        if any([targets.want(key, finding, changes) for key, finding in stuck.items()]):  # noqa: C419 - all
            return True
        if not stuck:
            return False
        # All that it takes has been cut, and still the right is there: by what is left of a role,
        # or by what is kept.
        narrow = {c.key for c in changes if c.action is Action.NARROW_ROLE} - self.builder.broad
        for finding in stuck.values():
            roles = {self.basis.graph.bindings[key].role for key, _ in targets.pairs(finding)}
            if roles & narrow:
                self.builder.broad |= {key for key in roles if key in narrow}
                return True
        for key, finding in stuck.items():
            targets.give_up(key, finding, "owed")
        return True

    def _told(self, changes: Sequence[Change], ended: Sequence[Finding]) -> Plan:
        after = simulate(self.basis.graph, changes)
        teller = Teller(self.basis.snapshot, after, self.basis.places, self.basis.ledger)
        obstacles = self.targets.obstacles
        return Plan(
            aim=str(self.aim),
            routes=self.basis.snapshot.routes,
            changes=tuple(self._told_each(teller, changes)),
            ended=tuple(ended),
            obstacles=tuple(obstacles[key] for key in sorted(obstacles)),
        )

    def _told_each(self, teller: Teller, changes: Sequence[Change]) -> Iterator[Change]:
        for number, change in enumerate(changes, 1):
            yield teller.tell(change)
            self.told(_SPARED + (1 - _SPARED) * number / len(changes))
