"""What the chart renders, by both Helms: roles of each mode, switches, and what is refused."""

import itertools
from pathlib import Path

import pytest
import yaml

from responsibility.api.names import CLUSTER_DENY_POLICY, CLUSTER_WARN_POLICY
from responsibility.cluster.modes import MODES, Mode, wanted
from responsibility.cluster.rights import Right
from responsibility.controller.process.settings import read
from tests.e2e import helms
from tests.e2e.chart_by_helm import (
    CHART,
    NAMESPACE,
    RELEASE,
    ROOT,
    flat,
    only,
    rendered,
    run_helm,
    template,
)
from tests.e2e.lab import programs


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    """Helm 4 and Helm 3: built where the control plane is built, else those on PATH."""
    name: str = request.param
    return programs.helm(name)


def test_lint_finds_nothing(helm: Path) -> None:
    run_helm(helm, "lint", "--strict", str(CHART))


def test_a_misspelt_value_is_refused(helm: Path) -> None:
    refused = template(helm, "--set", "annotatoins.enabled=false", check=False)
    assert refused.returncode != 0
    assert "annotatoins" in refused.stderr


def test_a_wrong_value_is_refused(helm: Path) -> None:
    refused = template(helm, "--set", "replicas=many", check=False)
    assert refused.returncode != 0
    assert "replicas" in refused.stderr


SWITCHED = [
    *((f"mode={mode.name}", mode.rights) for mode in MODES),
    ("mode=deny,grants.enabled=true", wanted(enforcement=True, grants=True)),
    (
        "mode=revoke,grants.cluster=true,enforcement.enabled=true",
        wanted(enforcement=True, grants=True, grants_cluster=True, revocation=True),
    ),
    ("mode=grant,grants.enabled=false", wanted()),
    ("mode=grant,revocation.enabled=true", wanted(grants=True, revocation=True)),
    ("mode=warn,enforcement.enabled=false", wanted()),
    ("mode=deny,enforcement.cluster=false", wanted(enforcement=True, enforcement_cluster=False)),
]


@pytest.mark.parametrize(("values", "rights"), SWITCHED, ids=[values for values, _ in SWITCHED])
def test_in_every_mode_the_roles_hold_what_the_operator_asks_for_and_no_more(
    helm: Path, values: str, rights: tuple[Right, ...]
) -> None:
    needed = {
        (NAMESPACE if right.namespaced else right.namespace, right.group, right.resource, *one)
        for right in rights
        for one in itertools.product(right.names or ("",), right.verbs)
    }
    objects = rendered(helm, "--set", values)
    account = {"kind": "ServiceAccount", "name": RELEASE, "namespace": NAMESPACE}
    bound = {
        (o["metadata"].get("namespace", ""), o["roleRef"]["name"])
        for o in objects
        if o["kind"].endswith("RoleBinding") and o["subjects"] == [account]
    }
    roles = {
        (o["metadata"].get("namespace", ""), o["metadata"]["name"]): o["rules"]
        for o in objects
        if o["kind"] in ("Role", "ClusterRole")
    }
    held = {(place, *right) for place, name in bound for right in flat(roles[place, name])}
    # Which roles it may bind people to, test_grants_chart.py is about.
    assert {h for h in held if not h[3].startswith("responsibility-item-")} == needed


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_mode_sets_the_operators_switches(helm: Path, mode: Mode) -> None:
    objects = rendered(helm, "--set", f"mode={mode.name}")
    (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    settings = read({e["name"]: e["value"] for e in container["env"] if "value" in e})
    assert (settings.enforcement, settings.grants) == (mode.enforcement, mode.grants)
    assert settings.revocation == mode.revocation
    assert settings.enforcement_limit == mode.limit
    policies = {o["metadata"]["name"] for o in objects if "AdmissionPolicy" in o["kind"]}
    assert ("responsibility-operator-confined" in policies) is mode.policies


def test_what_the_cluster_has_only_one_of_can_be_left_out(helm: Path) -> None:
    both = {CLUSTER_WARN_POLICY, CLUSTER_DENY_POLICY}
    for on in (True, False):
        objects = rendered(helm, "--set", f"mode=deny,enforcement.cluster={str(on).lower()}")
        (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        settings = read({e["name"]: e["value"] for e in container["env"] if "value" in e})
        assert (settings.enforcement, settings.enforcement_cluster) == (True, on)
        bound = {
            o["spec"].get("policyName", o["metadata"]["name"])
            for o in objects
            if "AdmissionPolicy" in o["kind"]
        }
        assert bound & both == (both if on else set())
        assert "responsibility-operator-confined" in bound


def test_several_replicas_are_spread_and_drained_one_by_one(helm: Path) -> None:
    alone = rendered(helm)
    assert "PodDisruptionBudget" not in {o["kind"] for o in alone}
    assert "topologySpreadConstraints" not in only(alone, "Deployment")["spec"]["template"]["spec"]
    objects = rendered(helm, "--set", "replicas=2")
    deployment = only(objects, "Deployment")["spec"]
    assert only(objects, "PodDisruptionBudget")["spec"]["selector"] == deployment["selector"]
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == deployment["selector"]


def test_the_network_is_closed_but_for_what_is_needed(helm: Path) -> None:
    assert "NetworkPolicy" not in {o["kind"] for o in rendered(helm)}
    webhook = "breakGlassWebhook.enabled=true,breakGlassWebhook.secretName=x"
    objects = rendered(helm, "--set", f"networkPolicy.enabled=true,{webhook}")
    spec = only(objects, "NetworkPolicy")["spec"]
    deployment = only(objects, "Deployment")["spec"]
    assert spec["podSelector"] == deployment["selector"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    (container,) = deployment["template"]["spec"]["containers"]
    ports = {port["port"] for rule in spec["ingress"] for port in rule["ports"]}
    assert ports == {port["name"] for port in container["ports"]}
    out = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
    assert out == {443, 6443, 53}
    given = "networkPolicy.apiServer[0].ipBlock.cidr=192.0.2.10/32"
    narrowed = rendered(helm, "--set", f"networkPolicy.enabled=true,{given}")
    first, _ = only(narrowed, "NetworkPolicy")["spec"]["egress"]
    assert first["to"] == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]


def test_labels_of_the_organisation_are_on_everything(helm: Path) -> None:
    options = "commonLabels.team=platform,replicas=2,mode=revoke,networkPolicy.enabled=true"
    objects = [o for o in rendered(helm, "--set", options) if o["kind"] != "ResponsibilityModel"]
    bare = [o["metadata"]["name"] for o in objects if "team" not in o["metadata"]["labels"]]
    assert objects
    assert not bare


def test_without_annotations_no_deployment_can_be_patched(helm: Path) -> None:
    rules = only(rendered(helm, "--set", "annotations.enabled=false"), "ClusterRole", RELEASE)[
        "rules"
    ]
    assert not [rule for rule in flat(rules) if rule[1] == "deployments" and rule[3] == "patch"]


def test_deployments_of_a_prefixed_release_can_be_named(helm: Path) -> None:
    option = "annotations.deploymentNames={leap-jupyterhub-hub,leap-jupyterhub-proxy}"
    rules = only(rendered(helm, "--set", option), "ClusterRole", RELEASE)["rules"]
    names = {name for _, _, name, verb in flat(rules) if verb == "patch" and name}
    assert names == {"leap-jupyterhub-hub", "leap-jupyterhub-proxy"}


def test_without_leader_election_there_is_no_role(helm: Path) -> None:
    objects = rendered(helm, "--set", "leaderElection.enabled=false")
    roles = [o for o in objects if o["kind"] in ("Role", "RoleBinding")]
    assert {o["metadata"]["namespace"] for o in roles} == {"default"}, "for Events"
    assert only(objects, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_two_replicas_need_an_election(helm: Path) -> None:
    refused = template(
        helm, "--set", "replicas=2", "--set", "leaderElection.enabled=false", check=False
    )
    assert refused.returncode != 0
    assert "leaderElection.enabled=true" in refused.stderr


@pytest.mark.parametrize(("keep", "annotation"), [("true", "keep"), ("false", None)])
def test_definitions_are_kept_if_asked(helm: Path, keep: str, annotation: str | None) -> None:
    definitions = [
        o
        for o in rendered(helm, "--set", f"crds.keep={keep}")
        if o["kind"] == "CustomResourceDefinition"
    ]
    assert len(definitions) == 2
    for definition in definitions:
        annotations = definition["metadata"].get("annotations", {})
        assert annotations.get("helm.sh/resource-policy") == annotation


def test_definitions_come_through_the_template_unchanged(helm: Path) -> None:
    found = {
        o["metadata"]["name"]: o["spec"]
        for o in rendered(helm)
        if o["kind"] == "CustomResourceDefinition"
    }
    generated = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    assert found == {crd["metadata"]["name"]: crd["spec"] for crd in generated}


def test_definitions_and_model_can_be_left_to_others(helm: Path) -> None:
    objects = rendered(helm, "--set", "crds.install=false", "--set", "model.install=false")
    kinds = {o["kind"] for o in objects}
    assert not kinds & {"CustomResourceDefinition", "ResponsibilityModel"}


def test_a_digest_wins_over_the_tag(helm: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    deployment = only(
        rendered(helm, "--set", f"image.tag=1.2.3,image.digest={digest}"), "Deployment"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"hub-responsibility@{digest}"
