"""The process that plans is told what differs, and then plans as if it had begun with that."""

from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import pytest

from responsibility.controller.plans.process import Planner, PlanningError
from responsibility.controller.plans.snapshot_delta import SnapshotDelta
from responsibility.controller.plans.worker import PlanningWorld, StatePlanner
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from tests.unit.ownership.building import KEEPERS, grant, record, snapshot
from tests.unit.plans.drawn import drawn

FENCE = grant("User ann", "patch", "deployments", group="apps", names="hub")
OTHER = grant("User bob", "delete", "configmaps")
HARMLESS = grant("User joe", "delete", "secrets")
MORE = grant("User eve", "delete", "configmaps")


def begun(found: Snapshot) -> StatePlanner:
    graph = found.graph
    world = PlanningWorld(
        replace(found, graph=AccessGraph.build()), revoking=True, required_permissions=(), memory=0
    )
    return StatePlanner(world, [*graph.roles.values()], [*graph.bindings.values()])


@pytest.mark.parametrize("seed", range(1000, 1005))
def test_whoever_follows_plans_as_whoever_begins(seed: int) -> None:
    states = [drawn(each, routes=True)[0] for each in (seed, seed + 1, seed)]
    following = begun(states[0])
    for before, after in pairwise(states):
        following.follow(SnapshotDelta.between(before.graph, after))
        fresh = begun(after)
        for name in after.records:
            assert following.propose(name) == fresh.propose(name)


def test_what_is_the_same_is_not_sent_and_stays_the_very_same() -> None:
    one = snapshot(*KEEPERS, FENCE, records=[record()])
    graph, _ = one.graph.replace(put_roles=[OTHER[0]], put_bindings=[OTHER[1]])
    graph, _ = graph.replace(drop_bindings=[FENCE[1].key])
    again = snapshot(records=[record(), record("second")])
    two = replace(again, graph=graph)
    news = SnapshotDelta.between(one.graph, two)
    assert news.put_roles == (OTHER[0],)
    assert news.put_bindings == (OTHER[1],)
    assert (news.drop_roles, news.drop_bindings) == ((), (FENCE[1].key,))
    applied = news.applied(one)
    assert dict(applied.graph.bindings) == dict(two.graph.bindings)
    assert dict(applied.graph.roles) == dict(two.graph.roles)
    assert applied.records["prod"] is one.records["prod"]
    assert applied.models["garden"] is one.models["garden"]
    assert set(applied.records) == {"prod", "second"}


async def test_the_same_process_goes_on_with_it() -> None:
    one = snapshot(*KEEPERS, FENCE, records=[record()])
    two = snapshot(*KEEPERS, FENCE, OTHER, records=[record()])
    async with aclosing(Planner(one, revoking=True, frame_objects=2)) as found:
        first = await found.propose("prod")
        process = found._process
        await found.follow(two)
        second = await found.propose("prod")
        assert found._process is process
        assert first is not None
        assert second is not None
        assert (len(first.whole.changes), len(second.whole.changes)) == (1, 2)

        # A lot is told from the beginning.
        await found.follow(snapshot(*KEEPERS, OTHER, MORE, HARMLESS, records=[record()]))
        assert found._process is None
        third = await found.propose("prod")
        assert third is not None
        assert {change.key.name for change in third.whole} == {OTHER[1].key.name, MORE[1].key.name}


async def test_who_was_told_of_a_failure_begins_anew() -> None:
    one = snapshot(*KEEPERS, FENCE, records=[record()])
    async with aclosing(Planner(one, revoking=True)) as found:
        before = await found.propose("prod")
        with pytest.raises(PlanningError):
            await found._ask("no such question", None)
        assert found._process is None
        assert await found.propose("prod") == before
