"""A hub whose items are to be enforced, and the stages decided for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responsibility.admission.stages.namespace_keys import NOTHING
from responsibility.admission.stages.namespace_stages import ItemStage, StagePlan, plan
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.results.assessment import Assessment
from tests.unit.ownership.building import KEEPERS, Grant, assess, grant, people, record

GUESTS = people("Group visitors")
CAN = grant("Group visitors", "update", "configmaps")
ITEMS = {"beds": "", "fence": ""}
# Whoever owns the fence may act on something of the beds.
READS = {"beds": {"fence"}, "fence": frozenset[str]()}
STAGES = tuple(AdmissionStage)


def world(*more: Grant, keepers: bool = True, **given: Any) -> Assessment:
    return assess(*(KEEPERS if keepers else ()), CAN, *more, **given)


def one(stage: str = "deny", **more: Any) -> Any:
    """Return a record that asks for a stage."""
    enforcement = {"admission": stage, **more.pop("enforcement", {})}
    return record(parties={"guests": GUESTS}, enforcement=enforcement, **more)


def decide(assessment: Assessment, before: str = "observe", **more: Any) -> StagePlan:
    given: dict[str, Any] = {
        "policies": {"garden": ITEMS},
        "reads": {"garden": READS},
        "granted": {name: dict.fromkeys(ITEMS, AdmissionStage(before)) for name in assessment.hubs},
        "present": {},
        **more,
    }
    return plan(assessment, **given)


def stage(decided: StagePlan, item: str = "fence", name: str = "prod") -> ItemStage:
    return next(s for s in decided.stages[name] if s.item == item)


def labels(decided: StagePlan, namespace: str = "prod") -> Mapping[str, str]:
    return decided.namespaces.get(namespace, NOTHING).labels
