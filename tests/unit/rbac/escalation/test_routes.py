"""How somebody comes by a right. Each row is a statement about Kubernetes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.rbac.escalation.graph import EscalationGraph, routes_to
from responsibility.rbac.escalation.shortest_paths import MAX_STEPS
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)
from tests.unit.rbac import worlds

ANN = Subject(USER, "ann")
HOLDER = Subject(SERVICE_ACCOUNT, "holder", "prod")
TARGET = Attributes("delete", "", "configmaps", name="precious", namespace="prod")
DELETE = Rule(("delete",), ("",), ("configmaps",))
RBAC = "rbac.authorization.k8s.io"


def rule(text: str) -> Rule:
    """Return the rule of ``verb,verb resource.group/subresource name,name``."""
    verbs, resource, *names = text.split(" ")
    full, _, subresource = resource.partition("/")
    plain, _, group = full.partition(".")
    combined = f"{plain}/{subresource}" if subresource else plain
    return Rule(tuple(verbs.split(",")), (group,), (combined,), tuple(names))


def graph(
    *rights: str, holder: Subject = HOLDER, more: tuple[Role | Binding, ...] = ()
) -> AccessGraph:
    """Return a world where ``holder`` may delete, and ann has rights in ``prod`` or ``*``."""
    roles = [Role(RoleKey("prod", "precious"), (DELETE,))]
    bindings = [Binding(BindingKey("prod", "precious"), RoleKey("prod", "precious"), (holder,))]
    for number, right in enumerate(rights):
        namespace, _, text = right.partition(": ")
        place = "" if namespace == "*" else namespace
        key = RoleKey(place, f"r{number}")
        roles.append(Role(key, (rule(text),)))
        bindings.append(Binding(BindingKey(place, f"b{number}"), key, (ANN,)))
    roles += [each for each in more if isinstance(each, Role)]
    bindings += [each for each in more if isinstance(each, Binding)]
    return AccessGraph.build(roles, bindings)


def labels(g: AccessGraph, subject: Subject = ANN) -> tuple[str, ...] | None:
    route = routes_to(EscalationGraph(g), TARGET).get(subject)
    return None if route is None else tuple(step.route for step in route)


CSR = "certificatesigningrequests.certificates.k8s.io"


@pytest.mark.parametrize(
    ("route", "rights"),
    [
        ("impersonate", ["prod: impersonate serviceaccounts holder"]),
        ("token", ["prod: create serviceaccounts/token"]),
        ("token", ["prod: create secrets", "prod: patch secrets"]),
        ("workload", ["prod: create pods"]),
        ("workload", ["prod: create jobs.batch mine", "prod: patch jobs.batch mine"]),
        ("workload", ["prod: patch deployments.apps somebodys"]),
        ("exec", ["prod: create pods/exec"]),
        ("node", ["*: get nodes/proxy"]),
        ("bind", [f"prod: create rolebindings.{RBAC}", f"prod: bind roles.{RBAC} precious"]),
        ("bind", [f"*: patch rolebindings.{RBAC}", f"prod: bind roles.{RBAC}"]),
        ("escalate", [f"prod: patch roles.{RBAC} r0", f"prod: escalate roles.{RBAC} r0"]),
        (
            "node",
            [
                f"*: create {CSR}",
                f"*: update {CSR}/approval",
                "*: approve signers.certificates.k8s.io kubernetes.io/*",
            ],
        ),
    ],
)
def test_a_way_takes_all_that_it_takes(route: str, rights: list[str]) -> None:
    assert labels(graph(*rights)) == (route,)
    for lacking in rights:
        assert labels(graph(*(right for right in rights if right != lacking))) is None


@pytest.mark.parametrize(
    "rights",
    [
        ["prod: impersonate serviceaccounts other"],
        ["staging: create serviceaccounts/token"],
        ["prod: create serviceaccounts"],
        ["prod: create pods mine"],
        ["prod: get pods/exec"],
        ["prod: create secrets", "prod: update secrets"],
        ["prod: patch jobs.batch"],
        [f"prod: create rolebindings.{RBAC}", f"prod: bind roles.{RBAC} other"],
        [f"prod: escalate roles.{RBAC}"],
        [f"prod: patch roles.{RBAC} r0", f"prod: escalate roles.{RBAC} r1"],
        ["prod: impersonate:serviceaccount serviceaccounts.authentication.k8s.io"],
    ],
)
def test_what_is_no_way(rights: list[str]) -> None:
    assert labels(graph(*rights)) is None


def test_who_impersonates_cannot_impersonate_again() -> None:
    middle = Subject(USER, "bob")
    role = Role(RoleKey("", "as-holder"), (rule("impersonate serviceaccounts holder"),))
    binding = Binding(BindingKey("prod", "as-holder"), role.key, (middle,))
    first = "*: impersonate users bob"
    assert labels(graph(first, more=(role, binding))) is None
    token = Role(RoleKey("", "as-holder"), (rule("create serviceaccounts/token holder"),))
    assert labels(graph(first, more=(token, binding))) == ("impersonate", "token")


def test_nobody_gets_a_certificate_of_the_masters_or_impersonates_them_constrained() -> None:
    rights = [f"*: create {CSR}", f"*: update {CSR}/approval"]
    rights += ["*: approve signers.certificates.k8s.io"]
    rights += ["*: impersonate:user-info users.authentication.k8s.io"]
    rights += ["*: impersonate:user-info groups.authentication.k8s.io"]
    rights += ["prod: impersonate-on:user-info:delete configmaps"]
    assert labels(graph(*rights, holder=MASTERS_SUBJECT)) is None
    legacy = ["*: impersonate users", "*: impersonate groups"]
    assert labels(graph(*legacy, holder=MASTERS_SUBJECT)) == ("impersonate",)


def test_the_masters_are_holders_and_take_no_detour() -> None:
    assert routes_to(EscalationGraph(graph()), TARGET)[MASTERS_SUBJECT] == ()


def test_a_group_of_accounts_is_entered_through_any_of_them() -> None:
    group = Subject(GROUP, "system:serviceaccounts:prod")
    assert labels(graph("prod: create pods", holder=group)) == ("workload",)
    assert labels(graph("staging: create pods", holder=group)) is None


def test_an_account_that_is_missing_can_be_created() -> None:
    rights = ["prod: create serviceaccounts", "prod: create serviceaccounts/token"]
    for some, found in ((rights, True), (rights[:1], False), (rights[1:], False)):
        routes = routes_to(EscalationGraph(graph(*some), accounts=frozenset()), TARGET)
        assert (ANN in routes) is found


def test_aws_auth_makes_anybody_a_master_where_there_is_one() -> None:
    right = "kube-system: patch configmaps aws-auth"
    assert labels(graph(right)) is None
    assert ANN in routes_to(EscalationGraph(graph(right), aws_auth=True), TARGET)


@settings(max_examples=40, deadline=None)
@given(worlds.worlds(), worlds.new_bindings(), worlds.questions(), st.randoms())
def test_laws(
    world: worlds.World, binding: Binding, asked: Attributes, shuffle: random.Random
) -> None:
    before = AccessGraph.build(*world.objects)
    routes = routes_to(EscalationGraph(before), asked)
    assert set(before.holders(asked)) == {s for s, route in routes.items() if not route}
    assert all(len(route) <= MAX_STEPS for route in routes.values())
    for subject, route in routes.items():
        assert not route or route[0].actor == subject
        assert all(s.binding in before.bindings for step in route for s in step.sources)
    roles, bindings = list(world.roles), list(world.bindings)
    shuffle.shuffle(roles)
    shuffle.shuffle(bindings)
    other = routes_to(EscalationGraph(AccessGraph.build(roles, bindings)), asked)
    assert {s: len(r) for s, r in other.items()} == {s: len(r) for s, r in routes.items()}
    if binding.key not in before.bindings:
        graph_after, _ = before.replace(put_bindings=[binding])
        known = EscalationGraph(before)
        routes_to(known, asked)
        after = routes_to(EscalationGraph(graph_after, former=known), asked)
        assert after == routes_to(EscalationGraph(graph_after), asked), (
            "what is reused is what is found"
        )
        assert all(len(after[subject]) <= len(route) for subject, route in routes.items())


@pytest.mark.parametrize("others", [False, True], ids=["all alike", "through those who can"])
def test_thousands_who_may_impersonate_each_other_are_no_way_to_each_other(others: bool) -> None:
    """A binding of everything for authentication: each could go through each, and needs nobody."""
    many = 1500
    able = tuple(Subject(USER, f"able-{number}") for number in range(many))
    asking = tuple(Subject(USER, f"asking-{number}") for number in range(many if others else 0))
    pods = Role(RoleKey("", "pods"), (Rule(("create",), ("",), ("pods",)),))
    constrained = Role(
        RoleKey("", "constrained"),
        (
            Rule(("impersonate:user-info",), ("authentication.k8s.io",), ("users",)),
            Rule(("impersonate-on:user-info:create",), ("",), ("pods",)),
        ),
    )
    found = EscalationGraph(
        AccessGraph.build(
            (pods, constrained),
            (
                Binding(BindingKey("", "pods"), pods.key, able),
                Binding(BindingKey("", "constrained"), constrained.key, asking or able),
            ),
        ),
        accounts=frozenset({("prod", "holder")}),
    )
    edges = [edge for group in found.into(HOLDER) for edge in group.edges]
    assert found.known.constrained
    # One of each: with pairs, it would be millions.
    assert sorted(edge.actor.name for edge in edges) == sorted(s.name for s in (*able, *asking))
