"""Search for changes: try some on the access graph, assess what comes of them, and try again.

The assessment itself is the judge of whether a right has ended, so every source and every route
counts that findings count. What has to go is mostly forced: a right ends only when the last of its
sources does, and a route of one step only at that step. There is a choice where a role gives too
much to everybody it is bound to (``build``), and where a step of a route needs several rights at
once (``spare``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field

from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.findings import Finding
from responsibility.plans.aim import Aim
from responsibility.plans.change import Action, Change
from responsibility.plans.context import Basis
from responsibility.plans.search.build import Builder
from responsibility.plans.search.guard import guard
from responsibility.plans.search.minimise import Sparing, Told
from responsibility.plans.search.outcome import Outcome
from responsibility.plans.search.remaining import Judge
from responsibility.plans.search.targets import Targets
from responsibility.rbac.objects import Attributes

# How much is done once nothing is left; the rest is to leave out what is superfluous.
_SETTLED = 0.67


@dataclass(slots=True)
class Search:
    """A search from one state of a cluster.

    The assessor is the one that has made the basis's assessment; ``sees`` are the rights without
    which the operator would be blind; ``told`` hears how much is done, from 0 to 1. ``earlier``
    are the findings that were ended to get to this state.
    """

    basis: Basis
    aim: Aim
    assessor: InitVar[Assessor]
    sees: tuple[Attributes, ...] = ()
    told: Told = lambda _done: None
    earlier: InitVar[tuple[Finding, ...]] = ()
    _done: float = field(init=False, default=0.0)
    _targets: Targets = field(init=False)
    _builder: Builder = field(init=False)
    _judge: Judge = field(init=False)

    def __post_init__(self, assessor: Assessor, earlier: tuple[Finding, ...]) -> None:
        """Begin with nothing."""
        self._targets, self._builder = Targets(self.basis, earlier), Builder(self.basis)
        self._judge = Judge(self.basis, self.aim, assessor)

    def outcome(self) -> Outcome:
        """Return changes, what they end, and what can't be ended from here."""
        changes = self._settle()
        while self._targets.hold(guard(self.basis, changes, self.sees)):
            # What was found on the way to where it may not go does not count.
            self._targets = self._targets.anew()
            self._builder.broad.clear()
            changes = self._settle()
        targets = self._targets
        sparing = Sparing(
            targets,
            self._builder,
            self._judge,
            lambda done: self.told(_SETTLED + (1 - _SETTLED) * done),
        )
        return Outcome(
            tuple(sparing.spare(changes)),
            tuple(wanted.finding for wanted in targets.active()),
            tuple(targets.obstacles[key] for key in sorted(targets.obstacles)),
        )

    def _settle(self) -> list[Change]:
        """Return changes after which only what is given up is left."""
        targets = self._targets
        for finding in self.aim.further(self.basis.assessment, targets.known()):
            targets.want(targets.key(finding), finding)
        while True:
            # How many rounds there will be, nobody knows: each is half of what is left of its part.
            self._done += (_SETTLED - self._done) / 2
            self.told(self._done)
            changes = self._builder.changes(targets.active())
            known = targets.known()
            # What is found quickly is worked on first.
            if not self._progress(changes, self._judge.surely_left(changes, known)) and not (
                self._progress(changes, self._judge.left(changes, known))
            ):
                return changes

    def _progress(self, changes: Sequence[Change], found: Iterable[Finding]) -> bool:
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
            roles = {self.basis.graph.bindings[key].role for key, _ in targets.pairs(finding)}
            if roles & narrow:
                self._builder.broad |= {key for key in roles if key in narrow}
                return True
        for key, finding in stuck.items():
            targets.give_up(key, finding, "owed")
        return True
