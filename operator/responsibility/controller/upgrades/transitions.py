"""Upgrades, told when they are seen: which version came to be, and whom to ask about it.

Who upgraded a cluster is no request that Kubernetes sees: mostly the cloud's API did, for whoever
asked it. What can be told is when, and whose it is. An operator that starts learns from the
model's status what its predecessor had seen, so an upgrade in between is told as well.
"""

from __future__ import annotations

from collections.abc import Collection

from responsibility.cluster.custom_resources import CustomResource
from responsibility.controller.reporting.events import Announcer
from responsibility.ownership.cluster_versions import upgrade_text
from responsibility.ownership.results.assessment import ClusterAssessment
from responsibility.upgrades.versions import Version

_UPGRADED = "KubernetesVersionChanged"


class UpgradeTransitions:
    """Tells of each model whose cluster runs another version than before, by the model's UID."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._known: dict[str, Version] = {}

    def tell(self, model: CustomResource[object], cluster: ClusterAssessment) -> None:
        """Tell of the API server's version, where it is another than was told last."""
        server = cluster.versions.server if cluster.versions is not None else None
        if server is None:
            return
        before = self._known.get(model.uid) or _published(model)
        self._known[model.uid] = server
        if before is not None and before != server:
            text = upgrade_text(cluster, before, server)
            self._announcer.switched(model.reference, _UPGRADED, text)

    def keep(self, models: Collection[str]) -> None:
        """Forget all other models."""
        for uid in self._known.keys() - set(models):
            del self._known[uid]


def _published(model: CustomResource[object]) -> Version | None:
    status = model.status.get("kubernetes")
    return Version.parse(status.get("apiServer")) if isinstance(status, dict) else None
