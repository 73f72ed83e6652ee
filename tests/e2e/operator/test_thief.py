"""A thief with the operator's token, in each mode: it gets through with what the docs say, no more.

The chart is installed as each mode has it, nothing of another mode is left, and the requests are
sent as the operator's account. Which right is good for what is the table of docs/security.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    DELEGATION_ROLE,
    GRANT_PREFIX,
    ITEM_ROLE_PREFIX,
    MANAGED_BY_LABEL,
    MANAGED_LABEL,
    OPERATOR,
    STAGE_LABEL,
    UNDO_PREFIX,
)
from responsibility.cluster.modes import MODES
from tests.e2e.admission.asking import MERGE, Answer, Asker, Person
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest, paths, where
from tests.e2e.operator.world import World, hub, record, role_binding
from tests.unit.cluster.documented_rights import documented

PATIENCE = 60.0
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{chart.NAMESPACE}")
THIEF = Person(chart.ACCOUNT, (*GROUPS, "system:authenticated"), bound=True)
MASTER = Person("root", ("system:masters",), bound=True)
ALL = tuple(mode.name for mode in MODES)
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
HERE = chart.NAMESPACE
DATE = "until-20991231t000000z"
# What the chart has, and another mode doesn't.
KINDS = {
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
}


def post(kind: str, name: str, api_version: str = "v1", **more: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def binding(name: str, role: Mapping[str, str], *subjects: Mapping[str, str]) -> Manifest:
    reference = {"apiGroup": "rbac.authorization.k8s.io", **role}
    return post("RoleBinding", name, RBAC, roleRef=reference, subjects=[*subjects])


def grant(*subjects: Mapping[str, str], role: str = "") -> Callable[[str], Manifest]:
    """Return what makes a grant of an item's role, as the operator makes it."""

    def made(item_role: str) -> Manifest:
        who = subjects or ({"kind": "User", "name": "ann"},)
        body = binding(f"{GRANT_PREFIX}x", {"kind": "ClusterRole", "name": role or item_role}, *who)
        owner = {"apiVersion": OURS, "kind": "Responsibility", "name": "reef", "uid": "1"}
        body["metadata"] |= {
            "labels": {MANAGED_BY_LABEL: OPERATOR},
            "ownerReferences": [owner],
        }
        return body

    return made


def bindings(namespace: str) -> str:
    return where(RBAC, "RoleBinding", namespace=namespace)


@dataclass(frozen=True)
class Act:
    """A request of the thief's; it passes in these modes, by this right of the docs' table."""

    what: str
    method: str
    path: str
    body: Any = None
    modes: tuple[str, ...] = ()
    right: str = ""


ENFORCE, GRANTING = ("warn", "deny"), ("grant", "revoke")
ITSELF = {"kind": "ServiceAccount", "name": chart.RELEASE, "namespace": HERE}
ROLE = {"kind": "Role", "name": DELEGATION_ROLE}
LOCKED = {"metadata": {"labels": {f"{STAGE_LABEL}kubernetes-configuration": "deny"}}}
MARKED = {"metadata": {"labels": {MANAGED_LABEL: "true"}}}
NOTED = {"metadata": {"annotations": {"responsibility.2i2c.org/owner": "me"}}}
SPEC = {"spec": {"replicas": 7}}
IDLE = {
    "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}
}
EVENT = post("Event", "x", involvedObject={})
JOBS = f"/apis/batch/v1/namespaces/{HERE}/jobs"
HUB = "/apis/apps/v1/namespaces/reef/deployments/hub"
RECORD = where(OURS, "Responsibility", "reef")
MODEL = where(OURS, "ResponsibilityModel", "2i2c")
STATUS = {"status": {"summary": "all is well"}}

ACTS = (
    Act(
        "say anything of a record",
        "PATCH",
        f"{RECORD}/status",
        STATUS,
        ALL,
        "responsibilities/status",
    ),
    Act(
        "say anything of a model",
        "PATCH",
        f"{MODEL}/status",
        STATUS,
        ALL,
        "responsibilitymodels/status",
    ),
    Act("change a record", "PATCH", RECORD, {"spec": {"hub": {"displayName": "Mine"}}}),
    Act("change a model", "PATCH", MODEL, {"spec": {"breakGlass": []}}),
    Act("tell falsehoods", "POST", "/api/v1/namespaces/default/events", EVENT, ALL, "events"),
    Act(
        "tell them in a hub's namespace",
        "POST",
        "/api/v1/namespaces/reef/events",
        EVENT | {"involvedObject": {"namespace": "reef"}},
        ENFORCE,
    ),
    Act(
        "ask what anybody may do",
        "POST",
        where("authorization.k8s.io/v1", "SubjectAccessReview"),
        post(
            "SubjectAccessReview",
            "",
            "authorization.k8s.io/v1",
            spec={"user": "ann", "nonResourceAttributes": {"path": "/", "verb": "get"}},
        ),
        ALL,
        "subjectaccessreviews",
    ),
    Act(
        "hold a Lease",
        "POST",
        where("coordination.k8s.io/v1", "Lease", namespace=HERE),
        post("Lease", "x", "coordination.k8s.io/v1"),
        ALL,
        "leases",
    ),
    Act(
        "hold Kubernetes' Leases",
        "POST",
        where("coordination.k8s.io/v1", "Lease", namespace="kube-system"),
        post("Lease", "x", "coordination.k8s.io/v1"),
    ),
    Act(
        "change another Lease",
        "PUT",
        where("coordination.k8s.io/v1", "Lease", "x", HERE),
        post("Lease", "x", "coordination.k8s.io/v1"),
    ),
    Act("show a false owner", "PATCH", HUB, NOTED, ALL, "deployments"),
    # Without policies nothing keeps it from that, as the docs say above the table.
    Act("change a hub's Deployment", "PATCH", HUB, SPEC, ("audit",)),
    Act(
        "lock out of a marked Namespace",
        "PATCH",
        "/api/v1/namespaces/reef",
        LOCKED,
        ENFORCE,
        "namespaces",
    ),
    Act("lock out of another", "PATCH", "/api/v1/namespaces/wild", LOCKED),
    Act("lock out of Kubernetes' own", "PATCH", "/api/v1/namespaces/kube-system", LOCKED),
    Act("mark a Namespace", "PATCH", "/api/v1/namespaces/wild", MARKED),
    Act(
        "label a Namespace otherwise",
        "PATCH",
        "/api/v1/namespaces/reef",
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
    ),
    Act(
        "rewrite a policy of the cluster",
        "PATCH",
        f"{POLICIES}/{CLUSTER_DENY_POLICY}",
        {"spec": {"failurePolicy": "Ignore"}},
        ENFORCE,
        "validatingadmissionpolicies",
    ),
    Act(
        "rewrite what confines it",
        "PATCH",
        f"{POLICIES}/responsibility-operator-confined",
        {"spec": {"failurePolicy": "Ignore"}},
    ),
    Act("delete a policy", "DELETE", f"{POLICIES}/{CLUSTER_DENY_POLICY}"),
    Act(
        "rebind a policy",
        "PATCH",
        f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/{CLUSTER_DENY_POLICY}",
        {"spec": {"matchResources": {"namespaceSelector": {}}}},
    ),
    Act(
        "have a delegation go on",
        "POST",
        JOBS,
        post("Job", DATE, "batch/v1", spec={"parallelism": 0, **IDLE}),
        ENFORCE,
        "jobs",
    ),
    Act(
        "run something",
        "POST",
        JOBS,
        post("Job", DATE, "batch/v1", spec={"parallelism": 1, **IDLE}),
    ),
    Act(
        "mark a date",
        "POST",
        bindings(HERE),
        binding(DATE, ROLE, {"kind": "ServiceAccount", "name": DATE, "namespace": HERE}),
        ENFORCE,
        "roles",
    ),
    Act("mark it for itself", "POST", bindings(HERE), binding(DATE, ROLE, ITSELF)),
    Act("grant in a marked Namespace", "POST", bindings("reef"), grant(), GRANTING),
    Act("grant in another", "POST", bindings("wild"), grant()),
    Act("grant in Kubernetes' own", "POST", bindings("kube-system"), grant()),
    Act("grant in its own", "POST", bindings(HERE), grant()),
    Act("grant itself", "POST", bindings("reef"), grant(ITSELF)),
    Act(
        "grant everybody",
        "POST",
        bindings("reef"),
        grant({"kind": "Group", "name": "system:authenticated"}),
    ),
    Act("grant another role", "POST", bindings("reef"), grant(role="cluster-admin")),
    Act(
        "take rights away in a marked Namespace",
        "DELETE",
        f"{bindings('reef')}/eve",
        None,
        ("revoke",),
    ),
    Act("take rights away in another", "DELETE", f"{bindings('wild')}/eve"),
    Act("use what lets it revoke", "PATCH", RECORD, {"metadata": {"labels": {"x": "y"}}}),
    Act(
        "plant an undo document",
        "POST",
        f"/api/v1/namespaces/{HERE}/configmaps",
        post("ConfigMap", f"{UNDO_PREFIX}x"),
        ("revoke",),
        "configmaps",
    ),
    Act(
        "write another ConfigMap",
        "POST",
        f"/api/v1/namespaces/{HERE}/configmaps",
        post("ConfigMap", "x"),
    ),
    Act(
        "write one elsewhere",
        "POST",
        "/api/v1/namespaces/reef/configmaps",
        post("ConfigMap", f"{UNDO_PREFIX}x"),
    ),
    Act("read Secrets", "GET", "/api/v1/namespaces/reef/secrets"),
    Act("read its own Secrets", "GET", f"/api/v1/namespaces/{HERE}/secrets"),
    Act(
        "make a pod",
        "POST",
        f"/api/v1/namespaces/{HERE}/pods",
        post("Pod", "x", spec={"containers": [{"name": "a", "image": "a"}]}),
    ),
    Act(
        "mint a token",
        "POST",
        f"/api/v1/namespaces/{HERE}/serviceaccounts/{chart.RELEASE}/token",
        post("TokenRequest", "", "authentication.k8s.io/v1", spec={}),
    ),
    Act(
        "make a role", "POST", where(RBAC, "ClusterRole"), post("ClusterRole", "x", RBAC, rules=[])
    ),
)


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
