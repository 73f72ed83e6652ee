"""What plans say about small worlds that a person can oversee."""

from dataclasses import replace

import pytest

from responsibility.ownership.results.wording import EVERYTHING_TEXT, in_words
from responsibility.plans.aim import Aim
from responsibility.plans.change import Action, PlannedChange, summary
from responsibility.plans.planner import make_plan
from responsibility.plans.search.narrow import narrowed
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import (
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
)
from tests.unit.ownership.building import (
    everything,
    garden_with,
    grant,
    people,
    record,
    subject,
)
from tests.unit.plans.planned import ANN, BOB, FENCE, SHED, of, plan_of, shared, told


def test_nothing_is_to_do_where_nobody_has_too_much() -> None:
    assert not plan_of().changes


def test_a_binding_of_one_is_deleted() -> None:
    (change,) = plan_of(FENCE)
    assert change.action is Action.DELETE_BINDING
    assert change.key == FENCE[1].key


def test_of_a_shared_binding_the_others_keep_theirs() -> None:
    (change,) = plan_of(shared(FENCE, subject("Group keepers"), ANN))
    assert change.action is Action.EDIT_BINDING
    assert (change.removes, change.after) == ((ANN,), (subject("Group keepers"),))


def test_all_sources_of_a_right_are_cut() -> None:
    again = grant("User ann", "patch update", "deployments", group="apps")
    wide = grant("User ann", "patch", "deployments", group="apps", ns="")
    plan = plan_of(FENCE, again, wide)
    assert {change.key for change in plan} == {FENCE[1].key, again[1].key, wide[1].key}


def test_who_loses_what_is_said() -> None:
    (change,) = plan_of(grant("Group helpers", "patch get", "deployments", group="apps"))
    (loss,) = change.losses
    assert loss.subject == subject("Group helpers")
    assert loss.permissions == ("patch deployments.apps/hub",)
    assert "all else" in loss.rest
    assert "every member of Group helpers loses this" in change.questions[0]
    assert "identity provider" in change.questions[0]


def test_who_owns_a_part_is_given_just_that_first() -> None:
    both = everything("Group guests", ns="prod")
    plan = plan_of(both, records=[record(parties={"guests": people("Group guests")})])
    assert [c.action for c in plan] == [
        Action.CREATE_ROLE,
        Action.CREATE_BINDING,
        Action.DELETE_BINDING,
    ]
    assert plan.changes[0].rules_after == (
        Rule(("create", "delete", "update"), ("",), ("configmaps",)),
        Rule(("update",), ("",), ("secrets",), ("hub",)),
    )
    assert plan.changes[1].after == (subject("Group guests"),)


def test_who_owns_it_on_one_hub_of_two_keeps_it_there() -> None:
    wide = grant("Group guests", "update", "configmaps", ns="")
    ours = record("one", parties={"guests": people("Group guests")})
    theirs = record("two", parties={"guests": people("Group others")})
    holds = grant("Group others", "update", "configmaps", ns="two")
    plan = plan_of(wide, holds, SHED, records=[ours, theirs])
    assert {c.key.namespace for c in plan if c.action is Action.CREATE_BINDING} == {"one"}
    assert plan.changes[-1].key == wide[1].key


def test_a_role_that_gives_everybody_too_much_is_narrowed() -> None:
    role, first = grant("User ann", "patch get", "deployments", group="apps")
    second = replace(first, key=BindingKey("prod", "second"), subjects=(BOB,))
    plan = plan_of((role, first), (role, second))
    (change,) = plan
    assert change.action is Action.NARROW_ROLE
    assert change.rules_after == (Rule(("get",), ("apps",), ("deployments",)),)
    assert {str(loss.subject) for loss in change.losses} == {"User ann", "User bob"}


def test_a_role_is_not_narrowed_if_anybody_else_holds_it() -> None:
    role, first = grant("User ann", "patch get", "deployments", group="apps")
    second = replace(first, key=BindingKey("prod", "second"), subjects=(BOB,))
    keepers = replace(
        first, key=BindingKey("prod", "keepers"), subjects=(subject("Group keepers"),)
    )
    plan = plan_of((role, first), (role, second), (role, keepers))
    assert {c.action for c in plan} == {Action.DELETE_BINDING}
    assert {c.key.name for c in plan} == {first.key.name, "second"}


@pytest.mark.parametrize("label", ["rbac.authorization.k8s.io/aggregate-to-edit", "ours/part"])
def test_a_role_that_others_are_made_of_is_not_narrowed(label: str) -> None:
    role, first = grant("User ann", "patch get", "deployments", group="apps")
    part = replace(role, key=RoleKey("", "part"), labels={label: "true"})
    whole = Role(RoleKey("", "whole"), role.rules, aggregation=({"matchLabels": {label: "true"}},))
    bindings = [
        replace(first, key=BindingKey("prod", name), role=part.key, subjects=(who,))
        for name, who in (("first", ANN), ("second", BOB))
    ]
    keepers = replace(
        first, key=BindingKey("prod", "whole"), role=whole.key, subjects=(subject("Group keepers"),)
    )
    plan = plan_of((whole, keepers), *((part, binding) for binding in bindings))
    assert {(c.action, c.key.name) for c in plan} == {
        (Action.DELETE_BINDING, "first"),
        (Action.DELETE_BINDING, "second"),
    }


@pytest.mark.parametrize(
    ("rule", "drop", "left"),
    [
        (
            Rule(("get", "patch"), ("apps",), ("deployments", "daemonsets")),
            ("patch", "apps", "deployments", "hub"),
            (
                Rule(("get",), ("apps",), ("deployments",)),
                Rule(("get", "patch"), ("apps",), ("daemonsets",)),
            ),
        ),
        (
            Rule(("get",), ("",), ("secrets",), ("hub", "other")),
            ("get", "", "secrets", "hub"),
            (Rule(("get",), ("",), ("secrets",), ("other",)),),
        ),
        (Rule(("*",), ("",), ("secrets",)), ("get", "", "secrets", "hub"), None),
        (Rule(("get",), ("",), ("*",)), ("get", "", "secrets", "hub"), None),
        (Rule(("get",), ("",), ("pods",)), ("get", "", "secrets", ""), "same"),
    ],
)
def test_rules_are_narrowed_where_they_name_what_is_too_much(
    rule: Rule, drop: tuple[str, str, str, str], left: object
) -> None:
    assert narrowed([rule], [drop]) == ((rule,) if left == "same" else left)


def test_routes_are_cut_at_the_first_step() -> None:
    holder = grant("ServiceAccount prod/gardener", "patch", "deployments", group="apps")
    potter = grant("User ann", "create", "pods")
    keeper = people(
        "ServiceAccount prod/gardener", "Group keepers", contact={"email": "k@example.org"}
    )
    records = [record(parties={"keeper": keeper})]
    (text,) = told(plan_of(holder, potter, records=records, routes=True))
    assert text.startswith("delete RoleBinding prod/to-User-ann-create-pods (to Role prod/")
    assert text.endswith("which binds nobody but User ann")


def test_who_could_give_it_back_to_itself_loses_that_too() -> None:
    admin = grant(
        "User ann", "create bind", "rolebindings clusterroles", group="rbac.authorization.k8s.io"
    )
    role = everything("Group keepers")
    plan = plan_of(FENCE, admin, role, routes=True)
    assert {c.key for c in plan if User_ann(c)} == {FENCE[1].key, admin[1].key}


def User_ann(change: PlannedChange) -> bool:  # noqa: N802 - her name
    return ANN in change.removes


def test_a_step_that_is_owed_is_told_with_what_to_do() -> None:
    holder = grant("ServiceAccount prod/gardener", "patch", "deployments", group="apps")
    potter = grant("Group guests", "create update delete", "configmaps pods")
    keeper = people(
        "ServiceAccount prod/gardener", "Group keepers", contact={"email": "k@example.org"}
    )
    owns_pods = {
        "name": "pots",
        "number": 9,
        "title": "Pots",
        "kinds": ["kubernetes"],
        "owner": "guests",
        "required": [{"verbs": ["create"], "apiGroups": [""], "resources": ["pods"]}],
    }
    plan = plan_of(
        holder,
        potter,
        models=[garden_with(owns_pods)],
        records=[record(parties={"keeper": keeper, "guests": people("Group guests")})],
        routes=True,
    )
    assert not plan.changes
    assert {o.reason for o in plan.obstacles} == {"owed"}


def test_who_can_do_everything_loses_everything() -> None:
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "scope": "Cluster"}
    estate = {
        "name": "estate",
        "number": 9,
        "title": "Estate",
        "kinds": ["kubernetes"],
        "owner": "keeper",
        "reserved": [rule],
    }
    both = (everything("User ann"), everything("Group keepers"))
    plan = plan_of(*both, models=[garden_with(estate)])
    losses = {loss.permissions for change in plan for loss in change.losses}
    assert losses == {(EVERYTHING_TEXT,)}
    assert in_words(EVERYTHING_TEXT) == "everything"
    assert in_words("get pods") == "get pods"


def test_the_digest_is_that_of_what_a_person_saw() -> None:
    plan = plan_of(shared(FENCE, ANN, BOB))
    assert len(plan.digest) == 32
    same = plan_of(shared((FENCE[0], replace(FENCE[1], uid="other")), BOB, ANN))
    assert same.digest == plan.digest
    joined = plan_of(shared(FENCE, ANN, BOB, subject("Group keepers")))
    assert joined.digest != plan.digest
    assert summary(plan).changes == 1


def test_one_hub_or_one_subject_may_be_chosen() -> None:
    there = grant("User bob", "patch", "deployments", group="apps", names="hub", ns="two")
    world = of(
        FENCE,
        there,
        grant("Group keepers", "patch", "deployments", group="apps", ns="two"),
        records=[record(), record("two")],
    )
    assert [c.key.namespace for c in make_plan(world, Aim(record="two"))] == ["two"]
    assert [c.removes for c in make_plan(world, Aim(subjects=(BOB,)))] == [(BOB,)]
    assert len(make_plan(world, Aim()).changes) == 2
    (finding,) = make_plan(world, Aim(record="two")).ended
    assert [c.key.namespace for c in make_plan(world, Aim(ids=(finding.id,)))] == ["two"]


def test_the_simulation_is_what_the_changes_say() -> None:
    graph = AccessGraph.build(
        [Role(FENCE[0].key, FENCE[0].rules)], [Binding(FENCE[1].key, FENCE[0].key, (ANN, BOB))]
    )
    change = PlannedChange(
        Action.EDIT_BINDING, FENCE[1].key, role=FENCE[0].key, before=(ANN, BOB), after=(BOB,)
    )
    assert simulate(graph, [change]).bindings[FENCE[1].key].subjects == (BOB,)
