"""Switches of an operator that is installed, by the environment of its Deployment.

The chart writes them there (``templates/deployment.yaml``), and they outlive the pods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responsibility.api.names import SETTING_PREFIX
from responsibility.api.stages import AdmissionStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What an operator, as it is installed, brings or keeps; without one, nothing."""

    installed: bool = True
    policies: bool = False
    webhooks: bool = False
    enforcement: bool = False
    enforcement_cluster: bool = False
    limit: AdmissionStage = AdmissionStage.DENY
    grants: bool = False
    grants_cluster: bool = False
    annotate: bool = False


NO_OPERATOR = Switches(installed=False)


def read(deployment: Mapping[str, Any]) -> Switches:
    """Return what an operator is to do; ``deployment`` is the object as the API server has it."""
    template = (deployment.get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    values = {
        str(each.get("name")).removeprefix(SETTING_PREFIX): str(each.get("value") or "").lower()
        for container in containers
        for each in container.get("env") or ()
        if str(each.get("name")).startswith(SETTING_PREFIX)
    }

    def on(name: str, *, default: bool = False) -> bool:
        text = values.get(name, "")
        return text == "true" if text else default

    limit = AdmissionStage.of(values.get("ENFORCEMENT_LIMIT", ""))
    return Switches(
        # Before it was told of them, it said nothing about them either.
        policies=on("POLICIES", default=True),
        webhooks="WEBHOOK_CERTIFICATES" in values,
        enforcement=on("ENFORCEMENT"),
        enforcement_cluster=on("ENFORCEMENT") and on("ENFORCEMENT_CLUSTER", default=True),
        limit=limit or AdmissionStage.DENY,
        grants=on("GRANTS"),
        grants_cluster=on("GRANTS_CLUSTER"),
        annotate=on("ANNOTATE", default=True),
    )


def together(operators: Sequence[Switches]) -> Switches:
    """Return what several do between them; nothing without any."""
    if not operators:
        return NO_OPERATOR
    return Switches(
        policies=any(each.policies for each in operators),
        webhooks=any(each.webhooks for each in operators),
        enforcement=any(each.enforcement for each in operators),
        enforcement_cluster=any(each.enforcement_cluster for each in operators),
        limit=max(each.limit for each in operators),
        grants=any(each.grants for each in operators),
        grants_cluster=any(each.grants_cluster for each in operators),
        annotate=any(each.annotate for each in operators),
    )
