"""Plans of bindings with thousands of subjects: the time follows their number, not its square."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.planner import make_plan
from responsibility.rbac.objects import SERVICE_ACCOUNT, USER, BindingKey, Subject
from tests.unit.ownership.building import KEEPERS, Grant, grant, record, snapshot

FEW, MANY = 400, 3_200
# Eight times as many take about eight times as long; if each were held against each, 64 times.
MOST = 24.0

Shape = Callable[[int], Iterable[Grant]]


def users(count: int) -> tuple[Subject, ...]:
    return tuple(Subject(USER, f"user-{number:05}") for number in range(count))


def accounts(count: int) -> tuple[Subject, ...]:
    return tuple(Subject(SERVICE_ACCOUNT, f"job-{number:05}", "prod") for number in range(count))


def bound(who: tuple[Subject, ...], name: str, what: str = "configmaps") -> Grant:
    role, binding = grant("User ann", "delete", what)
    return role, replace(binding, key=BindingKey("prod", name), subjects=who)


SHAPES: dict[str, Shape] = {
    "users in one binding": lambda n: [bound(users(n), "all")],
    "the same users in three bindings": lambda n: [bound(users(n), f"all-{k}") for k in range(3)],
    "ServiceAccounts in one binding": lambda n: [bound(accounts(n), "all")],
    "a binding for each": lambda n: [bound((who,), who.name) for who in users(n)],
    "one user in all": lambda n: [bound(users(1), f"all-{k}") for k in range(n)],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_plan_takes_as_long_as_there_are_subjects_and_bindings(shape: Shape) -> None:
    few, many = (world(shape, count) for count in (FEW, MANY))
    ratio = min(seconds(many), seconds(many)) / max(seconds(few), seconds(few))
    assert ratio < MOST, f"{MANY // FEW} times as many take {ratio:.0f} times as long"


def world(shape: Shape, count: int) -> Snapshot:
    records = [record("prod"), record("other")]
    return snapshot(*KEEPERS, *shape(count), records=records, routes=True)


def seconds(found: Snapshot) -> float:
    """Return the seconds of the processor that a plan takes where the cluster is known."""
    assessor = Assessor()
    assessor.assess(found)
    start = time.process_time()
    plan = make_plan(found, Aim(record="prod"), assessor=assessor)
    took = time.process_time() - start
    assert plan.changes
    assert not plan.obstacles
    return took
