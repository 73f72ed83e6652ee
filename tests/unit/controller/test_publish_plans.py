"""A plan that stands in a status stays there as long as all that it rests on is as it was."""

from responsibility.api.names import OPERATOR
from tests.unit.controller.published import STRANGER
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import RECORDS, World, garden_world
from tests.unit.ownership.building import grant

OTHER_STRANGER = grant("User mallory", "update", "configmaps")
PLAN = {"digest": "sha256:0", "changes": 1, "ends": 1, "summary": "1 change would end 1 finding"}


async def told_with_a_plan() -> World:
    """Have a hub with excess rights, whose status holds the plan of a predecessor."""
    world = garden_world()
    world.allow(STRANGER)
    await world.publish()
    told = {"status": {**world.status(), "plan": dict(PLAN)}}
    world.server.apply(f"{RECORDS}/prod/status", told, OPERATOR)
    world.watch_own()
    world.restart()
    return world


async def plans_after_a_pass(world: World) -> tuple[int, object]:
    """Return how often statuses are written while the plan is awaited, and what is told of it."""
    world.publisher._of.planning.follow(world.look())
    writes = await world.writes()
    return len(writes), world.status().get("plan")


@virtual
async def test_a_plan_stays_while_it_is_worked_out_again_for_what_is_still_so() -> None:
    world = await told_with_a_plan()
    assert await plans_after_a_pass(world) == (0, PLAN)


@virtual
async def test_a_plan_stays_though_something_that_it_does_not_rest_on_is_told_anew() -> None:
    world = await told_with_a_plan()
    world.store.parts["framework"] = lambda: (100.0, 30.0, "Trouble")
    assert await plans_after_a_pass(world) == (2, PLAN), "the record, and the model, say so"
    assert world.condition("Ready")["status"] == "Unknown"


@virtual
async def test_the_digest_of_another_moment_goes_before_the_next_is_known() -> None:
    world = await told_with_a_plan()
    world.allow(OTHER_STRANGER)
    written, plan = await plans_after_a_pass(world)
    assert written
    assert plan is None


@virtual
async def test_a_plan_goes_when_nothing_is_left_to_plan() -> None:
    world = await told_with_a_plan()
    world.forbid(STRANGER)
    written, plan = await plans_after_a_pass(world)
    assert written
    assert plan is None
