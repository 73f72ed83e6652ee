"""The modes in which the operator is soaked: what is installed, and what records ask for there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from responsibility.admission.webhooks.break_glass import webhook_configuration
from responsibility.api.names import VALUES_WEBHOOK
from tests.e2e.operator import chart
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.hubs.webhooks import Listening
from tests.e2e.operator.world import World

# What is done once a minute or less often, it does every few seconds.
HURRIED = {"RELIST_SECONDS": "10", "OWN_RELIST_SECONDS": "5", "SAMPLE_SECONDS": "5"}
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Installation:
    """One mode of the chart; ``webhooks`` has the first replica serve both of them."""

    name: str
    values: str
    asked: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    webhooks: bool = False

    def install(self, world: World) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Install it; return the settings of the first replica, and of all others."""
        world.install("--set", self.values)
        settings = {**chart.environment("--set", self.values), **HURRIED}
        if not self.webhooks:
            return settings, settings
        listening = Listening(world.cluster, world.directory)
        options = "valuesWebhook.enabled=true,valuesWebhook.secretName=x"
        options += f",valuesWebhook.caBundle={listening.bundle}"
        world.admin.apply(
            listening.configuration(VALUES_WEBHOOK, "--set", options),
            webhook_configuration(enforcing.model(world), listening.client_config),
        )
        return {**settings, **listening.settings, "VALUES_WEBHOOK": "true"}, settings


INSTALLATIONS: tuple[Installation, ...] = (
    Installation("audit", "mode=audit"),
    Installation("deny", "mode=deny", {"admission": "deny"}),
    Installation("grant", "mode=grant", {"rbac": "grant"}),
    Installation("revoke", "mode=revoke", {"rbac": "revoke"}),
    Installation(
        "all of it",
        "mode=deny,grants.enabled=true,grants.cluster=true",
        {"admission": "deny", "rbac": "grant"},
        webhooks=True,
    ),
)
REPLICAS = (1, 3)
