"""Plans for grants in the garden."""

from dataclasses import replace

from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import Plan
from responsibility.plans.planner import make_plan
from responsibility.rbac.objects import (
    Subject,
)
from tests.unit.ownership.building import (
    KEEPERS,
    Grant,
    grant,
    record,
    snapshot,
    subject,
)

ANN = subject("User ann")
BOB = subject("User bob")
SHED = grant("Group keepers", "update", "configmaps", ns="shed", names="tools")
FENCE = grant("User ann", "patch", "deployments", group="apps", names="hub")


def plan_of(*grants: Grant, aim: Aim | None = None, **more: object) -> Plan:
    return make_plan(of(*grants, **more), aim or Aim())


def of(*grants: Grant, **more: object) -> Snapshot:
    more.setdefault("records", [record()])
    return snapshot(*KEEPERS, *grants, **more)  # type: ignore[arg-type]  # any field


def told(plan: Plan) -> list[str]:
    return [str(change) for change in plan]


def shared(given: Grant, *subjects: Subject) -> Grant:
    """Return a grant to several."""
    role, binding = given
    return role, replace(binding, subjects=subjects)
