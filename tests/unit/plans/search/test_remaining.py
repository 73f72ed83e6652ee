"""Laws of what plans are judged by: less is looked at than the whole, and nothing else is said."""

from dataclasses import replace

from hypothesis import strategies as st

from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import EXCESS, Aim
from responsibility.plans.change import PlannedChange
from responsibility.plans.context import PlanContext
from responsibility.plans.planner import make_plan
from responsibility.plans.search.remaining import RemainingFindings
from responsibility.plans.simulate import Simulation, simulate
from responsibility.rbac.graph import AccessGraph
from tests.unit.deciding import law
from tests.unit.plans.drawn import aimed, drawn

seeds = st.integers(0, 10**6)
# Which changes of a plan are made in one trial after the other, as bits.
trials = st.lists(st.integers(0, 2**12 - 1), min_size=1, max_size=3)


def _some(changes: tuple[PlannedChange, ...], number: int) -> list[PlannedChange]:
    return [change for bit, change in enumerate(changes) if number >> bit % 12 & 1]


def _aims(snapshot: Snapshot, aim: Aim) -> list[Aim]:
    return [aim, *(Aim(record=record) for record in sorted(snapshot.records))]


def _told(found: list[Finding]) -> set[tuple[str, bool]]:
    return {(finding.id, bool(finding.route)) for finding in found}


def _unfounded(part: list[Finding], whole: Assessment) -> list[Finding]:
    """Return what a part says of somebody of whom the whole says nothing like it.

    Of the part it may be told of one hub, under another item of who can do everything, or by a
    way to a hub where the whole has but one finding, of hubs on which the right is direct.
    """
    known = [f for f in whole.findings() if f.kind == EXCESS]
    return [
        finding
        for finding in part
        if not any(f.subject == finding.subject and f.speaks_for(finding.item) for f in known)
    ]


# What was wrong once, by what it was about.
KNOWN = (
    # Somebody is entitled to something on one hub by the record of another.
    (72, [0], False),
    # What is told of the whole cluster is told of one hub, where not everybody is looked at.
    (2160, [0], True),
    # In the whole there is a way to everything, which is one finding for all the items.
    (3154, [0], True),
    (697477, [1678], True),
    # A right that is direct on other hubs is come by on this one.
    (907081, [503], True),
    (160223, [3717], True),
    (318806, [1550], True),
    (524287, [16], True),
)


@law(seeds, trials, st.booleans(), least=0.4, examples=KNOWN)
def test_all_that_a_full_assessment_finds_is_left_and_nothing_unfounded(
    seed: int, numbers: list[int], routes: bool
) -> bool:
    snapshot, drawn_aim = aimed(seed, routes=routes)
    assessor = Assessor()
    context = PlanContext(snapshot, assessor.assess(snapshot))
    changes = make_plan(snapshot, drawn_aim).changes
    decided = False
    for aim in _aims(snapshot, drawn_aim):
        remaining = RemainingFindings(context, aim, assessor)
        known = aim.findings(context.assessment)
        for number in numbers:
            some = _some(changes, number)
            after = replace(snapshot, graph=simulate(snapshot.graph, some))
            whole = Assessor().assess(after)
            left = remaining.in_cluster(some, known)
            decided = decided or bool(some and left)
            assert _told(left) >= _told(aim.further(whole, known)), aim
            assert not _unfounded(left, whole), aim
            assert not _unfounded(remaining.in_subcluster(some, known), whole), aim
            for subject in {f.subject for f in known if f.subject is not None}:
                found = remaining.in_subcluster(some, known, [subject])
                assert not _unfounded(found, whole), (aim, subject)
    return decided


@law(seeds, trials, least=0.4)
def test_a_trial_knows_nothing_of_the_one_before(seed: int, numbers: list[int]) -> bool:
    snapshot, aim = aimed(seed)
    changes = make_plan(snapshot, aim).changes
    simulation = Simulation(snapshot.graph)
    for number in (*numbers, 0):
        some = _some(changes, number)
        assert _content(simulation.after(some)) == _content(simulate(snapshot.graph, some))
    assert _content(simulation.after([])) == _content(snapshot.graph)
    return any(_some(changes, number) for number in numbers)


def _content(graph: AccessGraph) -> tuple[object, ...]:
    held = {
        (namespace, subject, grant.binding.key, grant.rules.rules)
        for namespace in {"", *graph.bindings.parts}
        for subject, grants in graph.scope(namespace).by_subject.items()
        for grant in grants
    }
    return dict(graph.roles), dict(graph.bindings), held


def test_what_a_lent_assessor_knows_is_left_to_it() -> None:
    snapshot, _ = drawn(1000, routes=True)
    assessor = Assessor()
    before = assessor.assess(snapshot)
    make_plan(snapshot, Aim(), assessor=assessor)
    after = assessor.assess(snapshot)
    assert all(after.hubs[name] is before.hubs[name] for name in before.hubs)


def test_a_part_finds_most_of_what_is_left() -> None:
    found = left = 0
    for seed in range(1000, 1012):
        snapshot, aim = drawn(seed, routes=True)
        assessor = Assessor()
        context = PlanContext(snapshot, assessor.assess(snapshot))
        remaining = RemainingFindings(context, aim, assessor)
        known = aim.findings(context.assessment)
        left += len(_told(remaining.in_cluster([], known)))
        found += len(_told(remaining.in_subcluster([], known)))
    assert left >= found > left / 2 > 10
