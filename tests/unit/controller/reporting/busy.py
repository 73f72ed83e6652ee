"""A world with something to say for each metric."""

from responsibility.api.stages import RbacMode
from responsibility.controller.process.container_memory import ContainerMemory
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.controller.reporting.grant_status import GrantReport, ItemGrant, OwnerReport
from responsibility.upgrades.versions import ClusterVersions, Version, grouped
from tests.unit.controller.world import World, garden_world
from tests.unit.ownership.building import everything, grant

FENCE = {
    "name": "fence",
    "delegates": [
        {"party": "guests", "until": "2030-02-01T00:00:00Z"},
        {"party": "keeper"},
    ],
}
TEA = {"name": "tea", "reviewAfter": "2030-03-01"}


async def busy() -> World:
    """Return a world with something to say for each metric."""
    world = garden_world("prod", "staging")
    world.put_hub("nobodys")
    world.put_record("other", model="another")
    world.put_record("staging", generation=2, enforcement={"admission": "warn"}, items=[FENCE, TEA])
    world.allow(grant("User eve", "update", "configmaps"), everything("User root"))
    world.metrics.state.relists = lambda: {"roles": 1}
    world.metrics.state.errors = lambda: {"roles": 2}
    world.metrics.state.ages = lambda: {"roles": 3.5}
    world.metrics.state.lags = lambda: {"responsibilities": 0.0}
    world.metrics.state.left_out = lambda: {"roles": 1}
    world.metrics.state.memory = lambda: ContainerMemory(limit=512 << 20, used=80 << 20)
    granted = ItemGrant("fence", RbacMode.GRANT, "", bindings=2, conflicts=1)
    claim = ConditionDraft("Granted", True, "Granted", "2 bindings in force")
    world.metrics.state.grants = GrantReport(
        enabled=True, owners={("Responsibility", "staging"): OwnerReport(claim, {"fence": granted})}
    )
    world.metrics.glass_used("prod", "prod", "fence")
    world.metrics.values_reviewed("prod", "prod", "refused")
    world.metrics.hub_questions.labels("answered").inc()
    world.metrics.hub_values_looks.labels("read").inc()
    world.metrics.session_looks.labels("read").inc()
    world.metrics.hub_release_looks.labels("compared").inc()
    world.metrics.version_looks.labels("read").inc()
    world.metrics.page_requests.labels("found").inc()
    world.store.versions = ClusterVersions(Version(1, 33), grouped({"node-a": "v1.31.2"}))
    await world.publish()
    world.metrics.state.plans = {("prod", "prod"): 2}
    world.metrics.state.leftovers = {("stage", "true"): 1}
    return world
