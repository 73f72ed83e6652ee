"""A thief with the operator's token, in each mode: it gets through with what the docs say, no more.

The chart is installed as each mode has it, nothing of another mode is left, and the requests are
sent as the operator's account. Which right is good for what is the table of docs/security.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    ITEM_ROLE_PREFIX,
    MANAGED_LABEL,
)
from tests.e2e.admission.asking import MERGE, Answer, Asker, Person
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, paths, where
from tests.e2e.operator.thief.thefts import (
    ACTS,
    ALL,
    ENFORCE,
    GRANTING,
    MARKED,
    POLICIES,
    Act,
    post,
)
from tests.e2e.operator.world import World, hub, record, role_binding
from tests.unit.cluster.documented_rights import documented

PATIENCE = 60.0
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{chart.NAMESPACE}")
THIEF = Person(chart.ACCOUNT, (*GROUPS, "system:authenticated"), bound=True)
MASTER = Person("root", ("system:masters",), bound=True)
# What the chart has, and another mode doesn't.
KINDS = {
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
}


@dataclass
class Theft:
    """The chart as one mode has it, and a thief with the token of its operator."""

    mode: str
    asker: Asker
    item_role: str
    world: World = field(repr=False)

    def tries(self, act: Act) -> Answer:
        body = act.body(self.item_role) if callable(act.body) else act.body
        return self.asker.ask(
            THIEF, act.method, act.path, body, type=MERGE if act.method == "PATCH" else ""
        )


# Each right of any mode is one of the other two's; audit has no policies, and fewer rights.
LONG = ("audit", "warn", "grant")


@pytest.fixture(
    scope="module",
    params=[pytest.param(m, marks=pytest.mark.long if m in LONG else ()) for m in ALL],
)
def theft(bare_world: World, request: pytest.FixtureRequest) -> Iterator[Theft]:
    world, mode = bare_world, request.param
    world.install("--set", f"mode={mode}")
    world.admin.apply(*hub("reef"), *hub("wild"), record("reef"))
    world.admin.apply(*(role_binding(name, "eve", "view", "eve") for name in ("reef", "wild")))
    world.admin.merge(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "wild", "labels": {MANAGED_LABEL: None}},
        }
    )
    world.admin.merge(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "reef", **MARKED["metadata"]},
        }
    )
    names = (
        n
        for o in world.objects
        for r in o.get("rules") or ()
        if "bind" in r["verbs"]
        for n in r.get("resourceNames", ())
    )
    item_role = next((n for n in names if n.startswith(ITEM_ROLE_PREFIX)), f"{ITEM_ROLE_PREFIX}x")
    yield Theft(mode, Asker(world.cluster), item_role, world)
    world.admin.delete(*paths([o for o in world.objects if o["kind"] in KINDS]))


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.what.replace(" ", "-"))
def test_a_thief_gets_through_in_these_modes_only(theft: Theft, act: Act) -> None:
    def judged() -> None:
        answer = theft.tries(act)
        assert not answer.broken, answer
        assert (answer.code < 400) is (theft.mode in act.modes), (theft.mode, answer)
        # What isn't there can't be bound either: a role that another mode brings.
        assert answer.code < 400 or answer.code in (403, 404), answer

    eventually(judged, PATIENCE)


def test_the_rights_that_are_good_for_something_are_those_of_the_docs() -> None:
    """Rights to RoleBindings are good for several things, each in modes of its own."""
    modes = {act.right: act.modes for act in ACTS if act.right}
    several = {"rolebindings": (*ENFORCE, *GRANTING)}
    assert {right: set(each) for right, each in {**modes, **several}.items()} == {
        right: set(each) for right, each in documented().items() if right != "responsibilities"
    }


def test_rewritten_policies_of_the_cluster_refuse_masters_until_they_are_deleted(
    theft: Theft,
) -> None:
    """What the table says of the only right by which the whole cluster can be hindered."""
    spec = {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["*"],
                    "apiVersions": ["*"],
                    "operations": ["*"],
                    "resources": ["*"],
                }
            ]
        },
        "matchConditions": None,
        "variables": None,
        "auditAnnotations": None,
        "validations": [{"expression": "false", "message": "not today", "reason": "Forbidden"}],
    }
    path, ask = f"{POLICIES}/{CLUSTER_DENY_POLICY}", theft.asker.ask
    answer = ask(THIEF, "PATCH", path, {"spec": spec}, type=MERGE, dry=False)
    assert (answer.code < 400) is (theft.mode in ENFORCE), answer
    role = post("ClusterRole", "x", RBAC, rules=[])

    def refused() -> bool:
        return ask(MASTER, "POST", where(RBAC, "ClusterRole"), role).code == 403

    if theft.mode not in ENFORCE:
        assert not refused()
        return
    theft.world.until(refused, "the thief's refusal", PATIENCE)
    # The bindings are out of its hands, and are about the cluster's own objects alone.
    quiet = post("ConfigMap", "x")
    assert ask(MASTER, "POST", "/api/v1/namespaces/reef/configmaps", quiet).code < 400
    assert ask(MASTER, "DELETE", path, dry=False).code < 400, "no policy is asked about policies"
    theft.world.until(lambda: not refused(), "the end of it", PATIENCE)


def test_where_the_clusters_items_are_left_out_it_can_write_no_policy(theft: Theft) -> None:
    if theft.mode not in ENFORCE:
        # There it never could.
        return
    before = theft.world.objects
    theft.world.install(
        *("--set", f"mode={theft.mode},enforcement.cluster=false"), definitions=False
    )
    theft.world.objects = before

    def refused() -> None:
        # One of them was left behind, so that there is something to write.
        path = f"{POLICIES}/{CLUSTER_WARN_POLICY}"
        answer = theft.asker.ask(THIEF, "PATCH", path, {"spec": {"variables": None}}, type=MERGE)
        assert (answer.code, answer.broken) == (403, False), answer
        assert theft.asker.ask(MASTER, "GET", path).code == 200

    eventually(refused, PATIENCE)
