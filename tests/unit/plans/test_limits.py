"""What plans leave: Kubernetes' own objects, the last who can act, what is let through."""

from dataclasses import replace
from typing import Any

import pytest

from responsibility.plans.aim import Aim
from responsibility.plans.change import Action
from responsibility.plans.planner import make_plan
from responsibility.rbac.objects import (
    Attributes,
    BindingKey,
    Rule,
    Subject,
)
from tests.unit.ownership.building import (
    Grant,
    everything,
    grant,
    people,
    record,
    subject,
)
from tests.unit.plans.planned import FENCE, SHED, of, plan_of, told

LABELLED = {"kubernetes.io/bootstrapping": "rbac-defaults"}


def _as(given: Grant, **more: object) -> Grant:
    role, binding = given
    return role, replace(binding, **more)  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    "binding",
    [
        _as(FENCE, labels=LABELLED),
        _as(FENCE, autoupdate="false"),
        _as(FENCE, key=BindingKey("prod", "system:something")),
    ],
)
def test_kubernetes_own_objects_are_left_alone(binding: Grant) -> None:
    plan = plan_of(binding)
    (obstacle,) = plan.obstacles
    assert not plan.changes
    assert obstacle.reason == "system-object"
    assert "kubectl edit rolebinding" in obstacle.instead


def test_what_the_operator_has_granted_it_takes_back_itself() -> None:
    granted = _as(
        FENCE,
        key=BindingKey("prod", "responsibility-grant-1"),
        labels={"app.kubernetes.io/managed-by": "responsibility-operator"},
    )
    plan = plan_of(granted)
    assert not plan.changes
    assert [o.reason for o in plan.obstacles] == ["granted"]


def test_nothing_is_done_by_halves() -> None:
    again = _as(grant("User ann", "patch", "deployments", group="apps"), labels=LABELLED)
    plan = plan_of(FENCE, again)
    assert not plan.changes
    assert len(plan.obstacles) == 1


def test_the_last_who_can_act_is_kept() -> None:
    rescue = grant("User ann", "update", "configmaps")
    plan = plan_of(rescue)
    assert not plan.changes
    assert [o.reason for o in plan.obstacles] == ["last-holder"]
    assert "first give the owner of beds what it lacks" in plan.obstacles[0].instead
    helped = grant("Group guests", "update", "configmaps")
    parties = {"guests": people("Group guests")}
    assert told(plan_of(rescue, helped, records=[record(parties=parties)]))


def test_this_operator_takes_nothing_from_itself() -> None:
    own = subject("ServiceAccount ops/operator")
    plan = plan_of(everything("ServiceAccount ops/operator"), operator=own)
    assert not plan.changes
    group = grant("Group system:serviceaccounts:ops", "list delete", "nodes", ns="")
    asked = Attributes("list", "", "nodes")
    kept = make_plan(of(group, operator=own), Aim(), required_permissions=[asked])
    assert [o.reason for o in kept.obstacles] == ["blind"]
    assert told(make_plan(of(group, operator=own), Aim()))


def test_who_is_let_through_keeps_it() -> None:
    wide = grant("ServiceAccount prod/robot", "update", "configmaps", ns="")
    exempt = {
        "subject": {"kind": "ServiceAccount", "name": "robot", "namespace": "prod"},
        "items": ["beds"],
        "reason": "it has to",
    }
    guests = {"guests": people("Group guests")}
    plan = plan_of(
        wide,
        SHED,
        grant("Group guests", "update", "configmaps", ns="prod"),
        grant("Group guests", "update", "configmaps", ns="other"),
        records=[record(exemptions=[exempt], parties=guests), record("other", parties=guests)],
    )
    kept = [c for c in plan if c.action is Action.CREATE_BINDING]
    assert [(c.key.namespace, c.after) for c in kept] == [
        ("prod", (subject("ServiceAccount prod/robot"),))
    ]


def test_who_is_let_through_keeps_what_it_has_by_a_group_alone() -> None:
    exempt = {
        "subject": {"kind": "ServiceAccount", "name": "robot", "namespace": "prod"},
        "items": ["beds"],
        "reason": "it has to",
    }
    here = grant("Group system:serviceaccounts", "update", "configmaps")
    guests = grant("Group guests", "update", "configmaps")
    records = [record(exemptions=[exempt], parties={"guests": people("Group guests")})]
    robot = subject("ServiceAccount prod/robot")

    def kept(**more: Any) -> list[Subject]:
        plan = plan_of(here, guests, records=records, **more)
        assert plan.changes[-1].key == here[1].key
        return [s for c in plan if c.action is Action.CREATE_BINDING for s in c.after]

    assert kept() == [robot]
    assert kept(accounts=[("prod", "robot"), ("prod", "default")]) == [robot]
    assert kept(accounts=[("prod", "default")]) == []


def test_what_was_held_for_no_name_alone_is_given_back_as_that() -> None:
    role, binding = grant("Group guests", "*", "deployments", group="apps", names="hub")
    nameless = Rule(("*",), ("*",), ("*",), ("",))
    plan = plan_of(
        (replace(role, rules=(*role.rules, nameless)), binding),
        records=[record(parties={"guests": people("Group guests")})],
    )
    given = [rule for c in plan if c.action is Action.CREATE_ROLE for rule in c.rules_after]
    assert given
    assert {rule.resource_names for rule in given} == {("",)}
