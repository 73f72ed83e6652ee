"""Leftovers: of everything of ours that is in force, what neither a record nor an operator asks."""

from dataclasses import replace
from typing import Any

import pytest

from responsibility.admission.policies.cluster_policies import empty_tables
from responsibility.admission.policies.rendered import rendered
from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    ITEM_LABEL,
    OWNERS_ANNOTATION,
    RECORD_LABEL,
    STAGE_LABEL,
)
from responsibility.api.stages import AdmissionStage
from responsibility.cluster.end_leftovers import LeftoverEnd, manifests
from responsibility.cluster.leftovers import (
    WEBHOOK,
    Leftover,
    LeftoverKind,
    Traces,
    by_item,
    leftovers,
)
from responsibility.cluster.switches import NO_OPERATOR, Switches
from responsibility.ownership.results.assessment import Assessment
from tests.unit.ownership import building

DENY = Switches(policies=True, enforcement=True, enforcement_cluster=True, annotate=True)
AUDIT = Switches(annotate=True)
GRANT = Switches(policies=True, grants=True, annotate=True)
CHARTED = {"helm.sh/chart": "hub-responsibility-0.1.0"}


def charted(raw: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "metadata": {**raw["metadata"], "labels": CHARTED}}


POLICIES = [charted(m) for m in rendered(building.garden(), namespace="ops", account="ops:x")]


def namespace(name: str = "prod", **stages: str) -> dict[str, Any]:
    labels = {STAGE_LABEL + item: stage for item, stage in stages.items()}
    annotations = {OWNERS_ANNOTATION + item: "user:ann" for item in stages}
    return {
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {**labels, "team": "blue"},
            "annotations": {**annotations, "note": "x"},
        },
    }


def granted(record: str = "prod", item: str = "beds", **labels: str) -> dict[str, Any]:
    return {
        "kind": "RoleBinding",
        "metadata": {
            "name": f"responsibility-grant-{item}-1234",
            "namespace": "prod",
            "labels": {
                "app.kubernetes.io/managed-by": "responsibility-operator",
                RECORD_LABEL: record,
                ITEM_LABEL: item,
                **labels,
            },
        },
        "roleRef": {"kind": "ClusterRole", "name": f"responsibility-item-{item}"},
        "subjects": [{"kind": "User", "name": "ann"}],
    }


def asking(**enforcement: str) -> Assessment:
    return building.assess(records=[building.record(enforcement=enforcement)])


def traces(*objects: dict[str, Any]) -> Traces:
    found = Traces()
    for each in objects:
        found.add(each)
    return found


def look(
    *objects: dict[str, Any], switches: Switches, asked: Assessment | None = None, **more: Any
) -> list[tuple[LeftoverKind, str, bool]]:
    found = leftovers(traces(*objects), switches, asked or building.assess(), **more)
    return [(each.kind, each.name, each.in_force) for each in found]


STAGE = (LeftoverKind.STAGE, "prod", True)


def test_what_a_record_asks_for_and_an_operator_does_is_expected() -> None:
    world = [*POLICIES, namespace(beds="deny")]
    assert look(*world, switches=DENY, asked=asking(admission="deny")) == []
    grant = granted()
    assert look(*POLICIES, grant, switches=GRANT, asked=asking(rbac="grant")) == []


@pytest.mark.parametrize(
    ("switches", "asked", "why"),
    [
        (DENY, building.assess(), "no record is about this namespace"),
        (DENY, asking(), "no record asks for it"),
        (DENY, asking(admission="warn"), "no record asks for it"),
        (
            replace(DENY, limit=AdmissionStage.WARN),
            asking(admission="deny"),
            "no record asks for it",
        ),
        (GRANT, asking(admission="deny"), "its operator enforces nothing"),
        (NO_OPERATOR, asking(admission="deny"), "no operator is there"),
    ],
)
def test_a_stage_is_left_where_nobody_asks_for_it(
    switches: Switches, asked: Assessment, why: str
) -> None:
    every = leftovers(traces(*POLICIES, namespace(beds="deny")), switches, asked)
    (found,) = (each for each in every if each.kind is LeftoverKind.STAGE)
    assert found.in_force
    assert found.why == why
    assert found.what == "beds=deny"
    assert set(found.keys) <= {STAGE_LABEL + "beds", OWNERS_ANNOTATION + "beds"}
    assert STAGE_LABEL + "beds" in found.keys
    assert by_item(every, "prod") == {"beds": AdmissionStage.DENY}


def test_without_its_policy_a_stage_is_there_and_not_in_force() -> None:
    assert look(namespace(beds="deny"), switches=AUDIT) == [(LeftoverKind.STAGE, "prod", False)]
    bare = namespace(beds="deny")
    del bare["metadata"]["labels"]
    assert look(*POLICIES, bare, switches=GRANT) == [(LeftoverKind.KEYS, "prod", False)]


def test_what_cannot_be_followed_stays_where_an_operator_enforces() -> None:
    world = [*POLICIES, namespace(beds="deny")]
    assert look(*world, switches=DENY, kept=["prod"]) == []
    assert STAGE in look(*world, switches=GRANT, kept=["prod"])


def test_an_interrupted_rollback_leaves_every_policy_and_the_labels() -> None:
    """The operator of the old revision, in mode audit, among all that the new one had brought."""
    found = look(*POLICIES, namespace(beds="deny"), switches=AUDIT, asked=asking(admission="deny"))
    kinds = [kind for kind, _, _ in found]
    assert STAGE in found
    assert len(found) == len(POLICIES) + 1
    # Bindings first: a policy may guard what is ended after it.
    assert kinds == sorted(kinds, key=list(LeftoverKind).index)
    acting = {name for _, name, in_force in found if in_force}
    # What holds everywhere, and what a Namespace names.
    assert acting >= {"responsibility-namespace-keys", "responsibility-beds-deny"}
    assert not acting & {"responsibility-beds-warn", "responsibility-fence-deny"}
    assert CLUSTER_DENY_POLICY not in acting, "its tables are empty"


def test_policies_of_others_are_theirs() -> None:
    others = [{**m, "metadata": {"name": m["metadata"]["name"]}} for m in POLICIES]
    assert look(*others, switches=AUDIT) == []
    # They enforce what a Namespace says all the same.
    assert look(*others, namespace(beds="deny"), switches=AUDIT) == [STAGE]
    assert look(charted({**POLICIES[0], "metadata": {"name": "theirs"}}), switches=AUDIT) == []


def tabled(enforced: str) -> list[dict[str, Any]]:
    """Return the policies, with an item of the cluster in force by the tables of one."""
    found = []
    for manifest in POLICIES:
        if (
            manifest["metadata"]["name"] == CLUSTER_DENY_POLICY
            and "policyName" not in manifest["spec"]
        ):
            variables = [
                {**v, "expression": enforced} if v["name"] == "enforcedAnywhere" else v
                for v in manifest["spec"]["variables"]
            ]
            manifest = {**manifest, "spec": {**manifest["spec"], "variables": variables}}  # noqa: PLW2901 - changed
        found.append(manifest)
    return found


def test_tables_of_the_cluster_are_left_where_nothing_is_enforced_any_more() -> None:
    full, empty = tabled("dyn(['gate'])"), tabled(empty_tables()["enforcedAnywhere"])
    for without in (GRANT, replace(DENY, enforcement_cluster=False)):
        assert look(*full, switches=without) == [(LeftoverKind.TABLE, CLUSTER_DENY_POLICY, True)]
    assert look(*full, switches=DENY) == look(*empty, switches=GRANT) == []
    assert (LeftoverKind.POLICY, CLUSTER_DENY_POLICY, True) in look(*full, switches=AUDIT)


@pytest.mark.parametrize(
    ("switches", "asked", "left"),
    [
        (GRANT, asking(rbac="grant"), False),
        (GRANT, asking(), True),
        (GRANT, building.assess(), True),
        (DENY, asking(rbac="grant"), True),
        (NO_OPERATOR, asking(rbac="grant"), True),
    ],
)
def test_a_grant_is_left_where_nobody_asks_for_it(
    switches: Switches, asked: Assessment, left: bool
) -> None:
    expected = [(LeftoverKind.GRANT, "responsibility-grant-beds-1234", True)] if left else []
    assert look(granted(), switches=switches, asked=asked) == expected


def test_a_binding_that_is_only_named_like_a_grant_is_somebody_elses() -> None:
    theirs = granted()
    del theirs["metadata"]["labels"]
    assert look(theirs, switches=AUDIT) == []
    other = {**granted(), "roleRef": {"kind": "ClusterRole", "name": "admin"}}
    assert look(other, switches=AUDIT) == []


def test_annotations_and_webhooks() -> None:
    key = "responsibility.2i2c.org/record"
    metadata = {"name": "hub", "namespace": "prod", "annotations": {key: "x", "note": "y"}}
    deployment = {"kind": "Deployment", "metadata": metadata}
    webhook = charted({"kind": WEBHOOK, "metadata": {"name": "responsibility-values"}})
    assert look(deployment, webhook, switches=replace(DENY, webhooks=True), asked=asking()) == []
    assert look(deployment, webhook, switches=NO_OPERATOR, asked=asking()) == [
        (LeftoverKind.WEBHOOK, "responsibility-values", True),
        (LeftoverKind.ANNOTATION, "hub", False),
    ]


def test_what_is_being_deleted_is_not_left() -> None:
    objects: list[dict[str, Any]] = [namespace(beds="deny"), granted(), POLICIES[0]]
    going = [
        {**each, "metadata": {**each["metadata"], "deletionTimestamp": "2030-01-01T00:00:00Z"}}
        for each in objects
    ]
    assert look(*going, switches=NO_OPERATOR) == []


def test_what_is_put_back_is_ours_and_nothing_of_others() -> None:
    space = {"apiVersion": "v1", "spec": {"finalizers": ["kubernetes"]}, **namespace(beds="deny")}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", **granted()}
    binding["metadata"] |= {"uid": "u", "resourceVersion": "5", "managedFields": [{}]}
    found: tuple[Leftover, ...] = leftovers(traces(space, binding), NO_OPERATOR, building.assess())
    lives = {"STAGE": space, "GRANT": binding}
    put_back = manifests(LeftoverEnd(each, lives[each.kind.name]) for each in found)["items"]
    assert put_back == [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "roleRef": granted()["roleRef"],
            "subjects": granted()["subjects"],
            "metadata": granted()["metadata"],
        },
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": "prod",
                "labels": {STAGE_LABEL + "beds": "deny"},
                "annotations": {OWNERS_ANNOTATION + "beds": "user:ann"},
            },
        },
    ]
