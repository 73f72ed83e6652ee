"""The model that is shipped, on hubs as they really are."""

from dataclasses import replace

import pytest

from responsibility.api.names import API_GROUP
from responsibility.api.parse import load_shipped_model
from responsibility.ownership.results import wording
from responsibility.ownership.terms.resolve import resolve_model
from responsibility.rbac.control_planes import CONTROL_PLANES, is_control_plane_subject
from responsibility.rbac.escalation.technique import NODE
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Rule
from tests.unit.ownership.building import (
    Grant,
    assess,
    everything,
    excess,
    grant,
    hub,
    of_kind,
    on_hub,
    people,
    states,
    subject,
    touching,
)
from tests.unit.ownership.charts import CHARTS
from tests.unit.ownership.control_planes import BOUND, Bound
from tests.unit.ownership.shipped import COMMUNITY, CONTACT, ENGINEERS, model, ours


def edit(who: str, ns: str = "prod") -> Grant:
    """Return most of what the built-in role `edit` gives in a namespace."""
    write = ("create", "delete", "deletecollection", "patch", "update", "get", "list")
    rules = (
        Rule(write, ("",), ("pods", "pods/exec", "secrets", "configmaps", "services")),
        Rule(write, ("",), ("persistentvolumeclaims", "serviceaccounts")),
        Rule(write, ("apps",), ("deployments", "deployments/scale", "statefulsets", "daemonsets")),
        Rule(("get", "list"), ("",), ("resourcequotas", "limitranges", "namespaces")),
    )
    return (
        Role(RoleKey("", "edit"), rules),
        Binding(BindingKey(ns, f"edit-{who}"), RoleKey("", "edit"), (subject(who),)),
    )


def test_a_provider_that_runs_everything_and_a_community_without_identities_is_all_well() -> None:
    found = assess(ENGINEERS, models=[model()], records=[ours("a"), ours("b")])
    assert not found.findings()
    assert {str(b.subject) for b in found.clusters["2i2c"].break_glass} == {
        "Group engineers",
        "Group system:masters",
        "Group kubeadm:cluster-admins",
    }
    of = states(found, "a")
    assert {name for name, state in of.items() if state == "ok"} == {
        *("record", "data", "complex-environment", "kubernetes-configuration"),
        *("deploy-configure-hub", "monitor-incidents", "kubernetes-upgrades"),
        *("incident-response", "operate-cluster"),
    }
    assert set(of.values()) == {"ok", "recorded"}
    assert on_hub(found, "a").owner_split == (("provider", 12), ("community", 8))


def test_the_built_in_role_edit_exceeds_most_items() -> None:
    found = assess(ENGINEERS, edit("Group leap-admins"), models=[model()], records=[ours()])
    assert {item for _, item, _ in excess(found)} == {
        *("user-access", "basic-environment", "data", "complex-environment"),
        *("kubernetes-configuration", "deploy-configure-hub", "incident-response"),
    }
    declared = {"community": people("Group leap-admins", **CONTACT)}
    found = assess(
        ENGINEERS, edit("Group leap-admins"), models=[model()], records=[ours(parties=declared)]
    )
    # Its own items and what is delegated to it are its due; the hub's Secret it may write then.
    assert {item for _, item, _ in excess(found)} == {
        *("kubernetes-configuration", "deploy-configure-hub", "incident-response"),
        "complex-environment",
    }


def test_quotas_are_what_the_built_in_roles_cannot_touch() -> None:
    found = assess(ENGINEERS, edit("User ann"), models=[model()], records=[ours()])
    texts = [
        text
        for f in of_kind(found, "excess-access")
        for text in wording.permission_texts(f.permissions)
    ]
    assert "patch deployments.apps/hub" in texts
    assert not [text for text in texts if "resourcequotas" in text or "limitranges" in text]


def test_a_provider_that_nobody_named_is_not_missing_but_its_admins_are_strangers() -> None:
    found = assess(
        ENGINEERS,
        models=[load_shipped_model()],
        records=[ours(parties={"provider": CONTACT, **COMMUNITY})],
    )
    assert excess(found) == {("Group engineers", "operate-cluster", "cluster")}
    assert not of_kind(found, "missing-access")


def test_a_hubs_own_parts_are_let_through_and_listed() -> None:
    found = assess(
        ENGINEERS,
        grant("ServiceAccount prod/x-hub", "create delete list", "pods secrets"),
        models=[model()],
        records=[ours()],
        hubs=[hub("prod", "prod", "x-")],
    )
    assert not found.findings()
    assert {str(e.subject) for e in on_hub(found).exempt} == {"ServiceAccount prod/x-hub"}


def test_a_gateway_that_reads_all_secrets_is_a_stranger_to_the_other_hubs() -> None:
    gateway = "ServiceAccount a/traefik-a-dask-gateway"
    found = assess(
        ENGINEERS,
        grant(gateway, "list", "secrets", ns=""),
        models=[model()],
        records=[ours("a"), ours("b"), ours("c")],
    )
    assert excess(found) == {(gateway, "deploy-configure-hub", "cluster")}
    assert of_kind(found, "excess-access")[0].hubs == 2
    assert states(found, "a")["deploy-configure-hub"] == "ok"
    assert [touching(found, name)["deploy-configure-hub"] for name in "abc"] == [0, 1, 1]


@pytest.mark.parametrize("prefix", ["", "a-jupyterhub-"])
def test_the_charts_scheduler_is_let_through_on_every_hub_and_listed(prefix: str) -> None:
    scheduler = f"ServiceAccount a/{prefix}user-scheduler"
    found = assess(
        ENGINEERS,
        grant(scheduler, "delete", "pods", ns=""),
        models=[model()],
        records=[ours("a"), ours("b")],
        hubs=[replace(hub("a"), prefix=prefix), hub("b")],
    )
    assert not excess(found)
    assert scheduler in {str(entry.subject) for entry in found.clusters["2i2c"].exempt}


PARTS = [
    "ServiceAccount prod/hub",
    "ServiceAccount prod/user-scheduler",
    "ServiceAccount prod/autohttps",
    "ServiceAccount prod/hook-image-awaiter",
    "ServiceAccount prod/continuous-image-puller",
    "ServiceAccount prod/binderhub",
    "ServiceAccount prod/api-prod-dask-gateway",
    "ServiceAccount anywhere/user-scheduler",
]


@pytest.mark.parametrize("who", PARTS)
@pytest.mark.parametrize("ns", ["", "prod"])
def test_no_part_of_a_hub_is_let_through_with_everything(who: str, ns: str) -> None:
    found = assess(ENGINEERS, everything(who, ns=ns), models=[model()], records=[ours()])
    told = {item for subject, item, _ in excess(found) if subject == who}
    if not ns:
        assert told == {"operate-cluster"}
    else:
        assert {"deploy-configure-hub", "kubernetes-configuration"} <= told


@pytest.mark.parametrize("chart", CHARTS)
def test_what_the_charts_give_their_own_parts_is_let_through_and_listed(chart: str) -> None:
    found = assess(ENGINEERS, *CHARTS[chart], models=[model()], records=[ours()])
    assert not excess(found)
    listed = {str(e.subject) for e in (*on_hub(found).exempt, *found.clusters["2i2c"].exempt)}
    assert listed


@pytest.mark.parametrize("chart", CHARTS)
def test_one_right_more_than_the_chart_gives_is_told(chart: str) -> None:
    for role, binding in CHARTS[chart]:
        who = str(binding.subjects[0])
        for verbs, resources in (("update", "secrets"), ("create", "pods/exec")):
            more = grant(who, verbs, resources)
            found = assess(
                ENGINEERS, *CHARTS[chart], more, models=[model()], records=[ours()], routes=True
            )
            told = [f for f in of_kind(found, "excess-access") if str(f.subject) == who]
            covered = who.endswith("autohttps") and resources == "secrets"
            direct = {s.binding for f in told if not f.route for s in f.sources}
            assert direct == (set() if covered else {more[1].key}), (role.key, verbs, resources)


# A pod of this one may do everything, and whoever is its node may do that as well.
RUNS_EVERYTHING = next(b for b in BOUND["k3s"] if b.role == "cluster-admin").grant()


@pytest.mark.parametrize("made_by", BOUND)
def test_what_control_planes_bind_for_themselves_is_let_through(made_by: str) -> None:
    grants = [bound.grant() for bound in BOUND[made_by]]
    found = assess(
        ENGINEERS, *grants, RUNS_EVERYTHING, models=[model()], records=[ours()], routes=True
    )
    assert not excess(found)


NODES_JOIN = {
    made_by: tuple(bound for bound in bounds if "bootstrappers" in bound.who)
    for made_by, bounds in BOUND.items()
}


@pytest.mark.parametrize(
    "joins", [pair for pair in NODES_JOIN.values() if len(pair) == 2], ids=lambda pair: pair[0].name
)
@pytest.mark.parametrize("other", [0, 1])
def test_joining_as_a_node_by_any_binding_of_ones_own_is_told(
    joins: tuple[Bound, Bound], other: int
) -> None:
    """Who joins becomes the node of a pod that may do everything; only the maker may allow it."""
    by_others = [b.grant("by-the-way") if i == other else b.grant() for i, b in enumerate(joins)]
    found = assess(
        ENGINEERS, *by_others, RUNS_EVERYTHING, models=[model()], records=[ours()], routes=True
    )
    told = [f for f in of_kind(found, "excess-access") if str(f.subject) == joins[0].who]
    assert {step.route for f in told for step in f.route} == {NODE}


@pytest.mark.parametrize(
    "bound", [b for each in BOUND.values() for b in each], ids=lambda bound: bound.name
)
def test_a_control_planes_identity_with_everything_besides_is_told(bound: Bound) -> None:
    found = assess(
        ENGINEERS,
        bound.grant(),
        bound._replace(role="cluster-admin", rules=(("*", "*", "*"),)).grant("by-the-way"),
        models=[model()],
        records=[ours()],
    )
    assert (bound.who, "operate-cluster", "cluster") in excess(found)
    sources = {s.binding for f in of_kind(found, "excess-access") for s in f.sources}
    assert sources == {BindingKey("", "by-the-way")}


def test_every_identity_of_a_control_plane_is_one_of_the_table() -> None:
    for each in (bound for made in BOUND.values() for bound in made):
        assert is_control_plane_subject(subject(each.who)), each.who
    makers = {identity.made_by for identity in CONTROL_PLANES}
    assert makers == {*BOUND}
    assert makers == {
        "any",
        "kubeadm",
        "k0s",
        "Talos",
        "TLS bootstrapping",
        "kind",
        "k3s",
        "RKE2",
        "kops",
        "EKS",
        "GKE",
        "AKS",
        "OpenShift",
    }


def test_to_run_the_cluster_is_to_be_entitled_to_everything() -> None:
    terms = resolve_model(load_shipped_model())
    whole = next(item for item in terms.items if item.name == "operate-cluster")
    assert whole.covered == terms.permissions.all


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"ns": "prod"}, {("User ann", "record", "prod/prod")}),
        ({"ns": "other"}, set()),
        ({"ns": ""}, {("User ann", "record", "cluster")}),
    ],
)
def test_who_may_assign_on_a_hub_by_its_namespace_is_seen(
    where: dict[str, str], told: set[tuple[str, str, str]]
) -> None:
    right = grant("User ann", "assign", "responsibilities", group=API_GROUP, **where)
    found = assess(ENGINEERS, right, models=[model()], records=[ours()])
    assert excess(found) == told
