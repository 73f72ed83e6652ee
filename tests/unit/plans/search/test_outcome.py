"""What two sets of changes come to, one after the other."""

from dataclasses import replace

import pytest

from responsibility.ownership.results.findings import Finding
from responsibility.plans.change import Action, Obstacle, PlannedChange
from responsibility.plans.search.new_grants import beside
from responsibility.plans.search.outcome import SearchOutcome
from responsibility.plans.simulate import simulate
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import USER, Binding, BindingKey, Role, RoleKey, Rule, Subject

ANN, BOB, EVE = (Subject(USER, name) for name in ("ann", "bob", "eve"))
ROLE = RoleKey("prod", "gardener")
MADE = RoleKey("prod", "made")
READ, BOTH = (Rule(verbs, ("",), ("pods",)) for verbs in (("get",), ("get", "list")))
FIRST, SECOND = BindingKey("prod", "first"), BindingKey("prod", "second")
GRAPH = AccessGraph.build([Role(ROLE, (BOTH,))], [Binding(FIRST, ROLE, (ANN, BOB, EVE))])


def outcome(
    *changes: PlannedChange, ended: tuple[Finding, ...] = (), stays: object = ()
) -> SearchOutcome:
    return SearchOutcome(changes, ended, tuple(stays))  # type: ignore[arg-type]  # fewer than findings


def bound(
    action: Action, key: BindingKey, before: str, after: str, *, ends: str = ""
) -> PlannedChange:
    names = {"a": ANN, "b": BOB, "e": EVE}
    role = ROLE if key == FIRST else MADE
    return PlannedChange(
        action,
        key,
        role=role,
        before=tuple(names[each] for each in before),
        after=tuple(names[each] for each in after),
        ends=tuple(ends.split()),
    )


EDIT = bound(Action.EDIT_BINDING, FIRST, "abe", "be", ends="2")
MAKE = (
    PlannedChange(Action.CREATE_ROLE, MADE, rules_after=(READ,)),
    bound(Action.CREATE_BINDING, SECOND, "", "ab"),
)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(
            [EDIT],
            [bound(Action.EDIT_BINDING, FIRST, "be", "e", ends="1")],
            [bound(Action.EDIT_BINDING, FIRST, "abe", "e", ends="1 2")],
            id="two subjects leave",
        ),
        pytest.param(
            [EDIT],
            [bound(Action.DELETE_BINDING, FIRST, "be", "", ends="1")],
            [bound(Action.DELETE_BINDING, FIRST, "abe", "", ends="1 2")],
            id="the last ones leave",
        ),
        pytest.param(
            [*MAKE, EDIT],
            [bound(Action.EDIT_BINDING, SECOND, "ab", "b", ends="1")],
            [MAKE[0], bound(Action.CREATE_BINDING, SECOND, "", "b"), EDIT],
            id="what is made is made for fewer",
        ),
        pytest.param(
            [*MAKE, EDIT],
            [bound(Action.DELETE_BINDING, SECOND, "ab", "", ends="1")],
            [EDIT],
            id="what is made for nobody is not made",
        ),
        pytest.param(
            [MAKE[0], MAKE[1]],
            [PlannedChange(Action.NARROW_ROLE, MADE, rules_before=(READ,), rules_after=())],
            [PlannedChange(Action.CREATE_ROLE, MADE, rules_after=()), MAKE[1]],
            id="what is made is made narrower",
        ),
        pytest.param(
            [bound(Action.DELETE_BINDING, FIRST, "abe", "")],
            [bound(Action.CREATE_BINDING, FIRST, "", "a")],
            [
                replace(bound(Action.CREATE_BINDING, FIRST, "", "a"), key=beside(FIRST, "")),
                bound(Action.DELETE_BINDING, FIRST, "abe", ""),
            ],
            id="what is deleted and made anew gets another name",
        ),
    ],
)
def test_changes_are_put_together(
    first: list[PlannedChange], second: list[PlannedChange], expected: list[PlannedChange]
) -> None:
    both = outcome(*first).then(outcome(*second))
    assert list(both.changes) == expected
    one_by_one = simulate(simulate(GRAPH, first), second)
    at_once = simulate(GRAPH, both.changes)
    assert rights(at_once) == rights(one_by_one)


def rights(graph: AccessGraph) -> set[object]:
    """Return who may do what by which role."""
    return {
        (who, graph.roles[binding.role].rules)
        for binding in graph.bindings.values()
        for who in binding.subjects
        if binding.role in graph.roles and graph.roles[binding.role].rules
    }


def finding(item: str, *, route: tuple[Step, ...] = (), title: str = "") -> Finding:
    return Finding("excess-access", item, 1, None, title, subject=ANN, route=route)


def stays(found: Finding, reason: str) -> Obstacle:
    return Obstacle(reason, found, "", "")


def test_what_stood_in_the_way_has_ended_as_it_was_known_at_first() -> None:
    first = outcome(EDIT, stays=[stays(finding("beds", title="at first"), "last-holder")])
    both = first.then(outcome(ended=(finding("beds", title="then"),)))
    assert [each.title for each in both.ended] == ["at first"]
    assert not both.obstacles


def test_what_still_stands_in_the_way_is_told_as_at_first() -> None:
    old = stays(finding("beds", title="at first"), "owed")
    first = outcome(EDIT, stays=[old, stays(finding("fence"), "owed")])
    new = stays(finding("gate"), "owed")
    both = first.then(outcome(stays=[stays(finding("beds", title="then"), "owed"), new]))
    assert both.obstacles == (old, new)


@pytest.mark.parametrize(
    ("reason", "route", "final"),
    [
        ("system-object", (), True),
        ("let-through", (), True),
        ("last-holder", (), False),
        ("owed", (), False),
        ("blind", (), False),
        ("system-object", (Step("bind", ANN, "bind itself", ()),), False),
    ],
)
def test_a_reason_may_pass_once_others_have_ended(
    reason: str, route: tuple[Step, ...], final: bool
) -> None:
    left = finding("beds", route=route)
    assert outcome(EDIT, stays=[stays(left, reason)]).is_final([left]) is final


def test_what_was_never_worked_on_is_worked_on() -> None:
    assert outcome(EDIT).is_final([])
    assert not outcome(EDIT).is_final([finding("beds")])
