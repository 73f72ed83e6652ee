"""Reasons why an owner would be locked out: none lets a stage go up unless the record insists."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.api.names import (
    STAGE_LABEL,
)
from responsibility.ownership.results.assessment import Assessment
from tests.unit.admission.stages.stage_worlds import (
    GUESTS,
    STAGES,
    decide,
    labels,
    one,
    stage,
    world,
)
from tests.unit.ownership.building import assess, record


def lacking(**more: Any) -> Assessment:
    """Return a world in which the owner of the fence cannot do what it should."""
    return world(keepers=False, records=[one(**more)])


def vacant(**more: Any) -> Assessment:
    """Return a world in which nobody is left to act for the owner of the fence."""
    fence = {"owner": "nobody"}
    parties = {"guests": GUESTS, "nobody": {}}
    enforcement = {"admission": more.pop("stage", "deny"), **more}
    lines = {"fence": fence}
    return world(records=[record(parties=parties, items=lines, enforcement=enforcement)])


def unenforced_rbac(**more: Any) -> Assessment:
    return world(records=[one(**more)], rbac_enforced=False)


LOCK_OUTS = {
    "OwnerLacksAccess": lacking,
    "NobodyLeft": vacant,
    "RBACNotEnforced": unenforced_rbac,
}


@pytest.mark.parametrize("reason", LOCK_OUTS)
def test_no_way_up_into_a_lock_out(reason: str) -> None:
    decided = decide(LOCK_OUTS[reason]())
    found = stage(decided)
    assert (found.asked, found.stage, found.reason) == ("deny", "observe", reason)
    assert found.message
    assert STAGE_LABEL + "fence" not in labels(decided)


@pytest.mark.parametrize("reason", LOCK_OUTS)
def test_a_warning_locks_nobody_out(reason: str) -> None:
    assert stage(decide(LOCK_OUTS[reason](stage="warn"))).stage == "warn"


@pytest.mark.parametrize("reason", LOCK_OUTS)
def test_from_warn_it_stays_at_warn(reason: str) -> None:
    assert stage(decide(LOCK_OUTS[reason](), "warn")).stage == "warn"


@pytest.mark.parametrize("reason", LOCK_OUTS)
def test_what_is_in_force_stays(reason: str) -> None:
    """Or whoever can delete a RoleBinding could lift what binds them."""
    found = stage(decide(LOCK_OUTS[reason](), "deny"))
    assert (found.stage, found.reason) == ("deny", "")


@pytest.mark.parametrize("before", STAGES)
@pytest.mark.parametrize("reason", LOCK_OUTS)
def test_who_insists_gets_it(reason: str, before: str) -> None:
    make = LOCK_OUTS[reason]
    more = {"force": True} if make is vacant else {"enforcement": {"force": True}}
    assert stage(decide(make(**more), before)).stage == "deny"


def test_an_item_can_insist_for_itself_only() -> None:
    asked = one(items={"fence": {"enforcement": {"force": True}}})
    decided = decide(assess(records=[asked]))
    assert stage(decided, "fence").stage == "deny"
    assert stage(decided, "beds").stage == "observe"
