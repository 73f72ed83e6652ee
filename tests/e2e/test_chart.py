"""The chart installs with both Helms, and gives the operator its rights and not one more."""

import itertools
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import organisation
from responsibility.api.names import OPERATOR as LEASE
from responsibility.cluster.modes import MODES, Mode, wanted
from responsibility.cluster.rights import Right
from responsibility.controller.process.settings import read
from tests.e2e import helms
from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator.api import Admin, where

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "hub-responsibility"
NAMESPACE = "chart-test"
RELEASE = "hub-responsibility"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
GROUP = "responsibility.2i2c.org"
# A Helm that nobody has stamped takes itself for one of Kubernetes 1.20.
KUBERNETES = "1.37.0"
# The policies are ten thousand lines; the one in C reads them in a seventh of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Completed = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    """Helm 4 and Helm 3: built where the control plane is built, else those on PATH."""
    name: str = request.param
    return programs.helm(name)


@pytest.fixture(scope="module")
def installed(helm: Path, cluster: Cluster) -> Iterator[Cluster]:
    """Install the chart; nothing of it is left afterwards."""
    _install(helm, cluster)
    yield cluster
    _run(helm, "uninstall", RELEASE, *_on(cluster))
    cluster.kubectl("delete", "namespace", NAMESPACE)
    # `crds.keep` has kept them, as it should.
    cluster.kubectl("delete", "crd", f"responsibilities.{GROUP}", f"responsibilitymodels.{GROUP}")


def _install(helm: Path, cluster: Cluster) -> None:
    """Install as the quick start says, also where the definitions are there and not served yet."""
    command = ("upgrade", "--install", RELEASE, str(CHART), "--create-namespace", *_on(cluster))
    helms.installed(lambda: _run(helm, *command, check=False))


def test_lint_finds_nothing(helm: Path) -> None:
    _run(helm, "lint", "--strict", str(CHART))


def test_a_misspelt_value_is_refused(helm: Path) -> None:
    refused = _template(helm, "--set", "annotatoins.enabled=false", check=False)
    assert refused.returncode != 0
    assert "annotatoins" in refused.stderr


def test_a_wrong_value_is_refused(helm: Path) -> None:
    refused = _template(helm, "--set", "replicas=many", check=False)
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
    objects = _objects(helm, "--set", values)
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
    held = {(place, *right) for place, name in bound for right in _flat(roles[place, name])}
    # Which roles it may bind people to, test_grants_chart.py is about.
    assert {h for h in held if not h[3].startswith("responsibility-item-")} == needed


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_mode_sets_the_operators_switches(helm: Path, mode: Mode) -> None:
    objects = _objects(helm, "--set", f"mode={mode.name}")
    (container,) = _one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    settings = read({e["name"]: e["value"] for e in container["env"] if "value" in e})
    assert (settings.enforcement, settings.grants) == (mode.enforcement, mode.grants)
    assert settings.revocation == mode.revocation
    assert settings.enforcement_limit == mode.limit
    policies = {o["metadata"]["name"] for o in objects if "AdmissionPolicy" in o["kind"]}
    assert ("responsibility-operator-confined" in policies) is mode.policies


def test_several_replicas_are_spread_and_drained_one_by_one(helm: Path) -> None:
    alone = _objects(helm)
    assert "PodDisruptionBudget" not in {o["kind"] for o in alone}
    assert "topologySpreadConstraints" not in _one(alone, "Deployment")["spec"]["template"]["spec"]
    objects = _objects(helm, "--set", "replicas=2")
    deployment = _one(objects, "Deployment")["spec"]
    assert _one(objects, "PodDisruptionBudget")["spec"]["selector"] == deployment["selector"]
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == deployment["selector"]


def test_the_network_is_closed_but_for_what_is_needed(helm: Path) -> None:
    assert "NetworkPolicy" not in {o["kind"] for o in _objects(helm)}
    webhook = "breakGlassWebhook.enabled=true,breakGlassWebhook.secretName=x"
    objects = _objects(helm, "--set", f"networkPolicy.enabled=true,{webhook}")
    spec = _one(objects, "NetworkPolicy")["spec"]
    deployment = _one(objects, "Deployment")["spec"]
    assert spec["podSelector"] == deployment["selector"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    (container,) = deployment["template"]["spec"]["containers"]
    ports = {port["port"] for rule in spec["ingress"] for port in rule["ports"]}
    assert ports == {port["name"] for port in container["ports"]}
    out = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
    assert out == {443, 6443, 53}
    given = "networkPolicy.apiServer[0].ipBlock.cidr=192.0.2.10/32"
    narrowed = _objects(helm, "--set", f"networkPolicy.enabled=true,{given}")
    first, _ = _one(narrowed, "NetworkPolicy")["spec"]["egress"]
    assert first["to"] == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]


def test_labels_of_the_organisation_are_on_everything(helm: Path) -> None:
    options = "commonLabels.team=platform,replicas=2,mode=revoke,networkPolicy.enabled=true"
    objects = [o for o in _objects(helm, "--set", options) if o["kind"] != "ResponsibilityModel"]
    bare = [o["metadata"]["name"] for o in objects if "team" not in o["metadata"]["labels"]]
    assert objects
    assert not bare


def test_without_annotations_no_deployment_can_be_patched(helm: Path) -> None:
    rules = _one(_objects(helm, "--set", "annotations.enabled=false"), "ClusterRole", RELEASE)[
        "rules"
    ]
    assert not [rule for rule in _flat(rules) if rule[1] == "deployments" and rule[3] == "patch"]


def test_deployments_of_a_prefixed_release_can_be_named(helm: Path) -> None:
    option = "annotations.deploymentNames={leap-jupyterhub-hub,leap-jupyterhub-proxy}"
    rules = _one(_objects(helm, "--set", option), "ClusterRole", RELEASE)["rules"]
    names = {name for _, _, name, verb in _flat(rules) if verb == "patch" and name}
    assert names == {"leap-jupyterhub-hub", "leap-jupyterhub-proxy"}


def test_without_leader_election_there_is_no_role(helm: Path) -> None:
    objects = _objects(helm, "--set", "leaderElection.enabled=false")
    roles = [o for o in objects if o["kind"] in ("Role", "RoleBinding")]
    assert {o["metadata"]["namespace"] for o in roles} == {"default"}, "for Events"
    assert _one(objects, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_two_replicas_need_an_election(helm: Path) -> None:
    refused = _template(
        helm, "--set", "replicas=2", "--set", "leaderElection.enabled=false", check=False
    )
    assert refused.returncode != 0
    assert "leaderElection.enabled=true" in refused.stderr


@pytest.mark.parametrize(("keep", "annotation"), [("true", "keep"), ("false", None)])
def test_definitions_are_kept_if_asked(helm: Path, keep: str, annotation: str | None) -> None:
    definitions = [
        o
        for o in _objects(helm, "--set", f"crds.keep={keep}")
        if o["kind"] == "CustomResourceDefinition"
    ]
    assert len(definitions) == 2
    for definition in definitions:
        annotations = definition["metadata"].get("annotations", {})
        assert annotations.get("helm.sh/resource-policy") == annotation


def test_definitions_come_through_the_template_unchanged(helm: Path) -> None:
    rendered = {
        o["metadata"]["name"]: o["spec"]
        for o in _objects(helm)
        if o["kind"] == "CustomResourceDefinition"
    }
    generated = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    assert rendered == {crd["metadata"]["name"]: crd["spec"] for crd in generated}


def test_definitions_and_model_can_be_left_to_others(helm: Path) -> None:
    objects = _objects(helm, "--set", "crds.install=false", "--set", "model.install=false")
    kinds = {o["kind"] for o in objects}
    assert not kinds & {"CustomResourceDefinition", "ResponsibilityModel"}


def test_a_digest_wins_over_the_tag(helm: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    deployment = _one(
        _objects(helm, "--set", f"image.tag=1.2.3,image.digest={digest}"), "Deployment"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"hub-responsibility@{digest}"


def test_the_pod_passes_the_restricted_standard(installed: Cluster) -> None:
    """The API server itself judges, in a namespace where it lets nothing less in."""
    installed.kubectl(
        *("label", "namespace", NAMESPACE, "--overwrite"),
        "pod-security.kubernetes.io/enforce=restricted",
    )
    shown = installed.kubectl("get", "deployment", RELEASE, f"-n={NAMESPACE}", "-o=yaml")
    template = yaml.safe_load(shown.stdout)["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "judged", "namespace": NAMESPACE},
        "spec": template["spec"],
    }
    installed.kubectl("create", "--dry-run=server", "-f=-", input=yaml.safe_dump(pod))
    (container,) = template["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_model_is_there_after_the_first_installation(installed: Cluster) -> None:
    assert installed.kubectl("get", "responsibilitymodel", "2i2c", "-o=name").stdout.strip()


def test_an_upgrade_leaves_the_model_as_the_organisation_has_it(
    helm: Path, installed: Cluster
) -> None:
    label = ("label", "responsibilitymodel", "2i2c", "example.org/ours=yes")
    installed.kubectl(*label)
    uid = ("get", "responsibilitymodel", "2i2c", "-o=jsonpath={.metadata.uid}")
    before = installed.kubectl(*uid).stdout
    _run(helm, "upgrade", RELEASE, str(CHART), *_on(installed))
    assert installed.kubectl(*uid).stdout == before
    ours = installed.kubectl("get", "responsibilitymodels", "-l=example.org/ours=yes", "-o=name")
    assert ours.stdout.strip()


def test_the_demo_s_agreements_are_accepted(installed: Cluster) -> None:
    """The definitions and the model that the chart brings carry what the demo writes."""
    objects = [
        *organisation.manifests(),
        *organisation.third_hub(),
        organisation.provider_subjects(),
        # As they will stand in eight days: one has a delegation that still runs until tomorrow.
        *organisation.records(datetime.now(UTC) + timedelta(days=8)),
        organisation.third_record(),
    ]
    stream = yaml.safe_dump_all(objects)
    installed.kubectl("apply", "--server-side", "--field-manager=demo", "-f=-", input=stream)
    model = yaml.safe_load(
        installed.kubectl("get", "responsibilitymodel", "2i2c", "-o=yaml").stdout
    )
    provider, *_ = model["spec"]["parties"]
    assert [subject["name"] for subject in provider["subjects"]] == [
        "platform-engineers",
        "support-engineers",
        "deployer",
    ]
    assert len(model["spec"]["items"]) == 20


def test_a_new_record_with_an_ended_delegation_is_refused(installed: Cluster) -> None:
    leap, _ = organisation.records(datetime.now(UTC))
    leap["metadata"]["name"] = "leap-again"
    refused = installed.kubectl("create", "-f=-", input=yaml.safe_dump(leap), check=False)
    assert refused.returncode != 0
    assert "the delegation to community ended on" in refused.stderr
    assert "write a later until, or leave the delegate out" in refused.stderr


ALLOWED = (
    f"list responsibilities.{GROUP}",
    f"watch responsibilitymodels.{GROUP}",
    f"patch responsibilities.{GROUP} --subresource=status",
    f"patch responsibilitymodels.{GROUP} --subresource=status",
    "list roles -A",
    "watch rolebindings -A",
    "list clusterroles",
    "watch clusterrolebindings",
    "list deployments -A",
    "list namespaces",
    "watch serviceaccounts -A",
    "create subjectaccessreviews",
    "create events -n default",
    "patch deployments/hub -n leap-prod",
    "patch deployments/user-scheduler -n coast",
    f"get leases/{LEASE} -n {NAMESPACE}",
    f"create leases -n {NAMESPACE}",
    f"update leases/{LEASE} -n {NAMESPACE}",
)
DENIED = (
    # What it can find out without: discovery says whether its kinds are served.
    "watch customresourcedefinitions",
    f"get responsibilities.{GROUP}",
    # Reading what is secret, and becoming somebody who can.
    "get secrets -n leap-prod",
    "list secrets -A",
    "get secrets/hub -n leap-prod",
    "get configmaps -n leap-prod",
    "create pods --subresource=exec -n leap-prod",
    "create pods -n leap-prod",
    "get pods --subresource=log -n leap-prod",
    "create serviceaccounts --subresource=token -n leap-prod",
    f"create serviceaccounts --subresource=token -n {NAMESPACE}",
    "impersonate users",
    "impersonate groups",
    "impersonate serviceaccounts -n leap-prod",
    # Handing out rights.
    "create rolebindings -n leap-prod",
    "patch clusterroles",
    "create clusterrolebindings",
    "escalate clusterroles",
    "escalate roles -n leap-prod",
    "bind clusterroles/cluster-admin",
    "delete rolebindings -n leap-prod",
    # Changing hubs beyond the annotations of the Deployments named.
    "patch deployments/other -n leap-prod",
    "patch deployments -n leap-prod",
    "update deployments/hub -n leap-prod",
    "patch deployments/hub --subresource=scale -n leap-prod",
    "delete deployments/hub -n leap-prod",
    "create deployments -n leap-prod",
    "patch statefulsets/hub -n leap-prod",
    "patch namespaces/leap-prod",
    "delete namespaces/leap-prod",
    # Writing its own records, or switching admission off.
    f"create responsibilities.{GROUP}",
    f"patch responsibilities.{GROUP}",
    f"update responsibilities.{GROUP} --subresource=status",
    f"delete responsibilities.{GROUP}",
    f"patch responsibilitymodels.{GROUP}",
    "patch validatingadmissionpolicies",
    "patch validatingwebhookconfigurations",
    "patch customresourcedefinitions",
    "create customresourcedefinitions",
    "patch nodes",
    # Telling in places where nobody looks for it, hiding what it has told, and Leases of others.
    "create events -n leap-prod",
    "delete events -n leap-prod",
    "patch events -n leap-prod",
    "update leases -n kube-system",
    f"update leases/other -n {NAMESPACE}",
    f"get leases -n {NAMESPACE}",
    "get leases -n leap-prod",
)


@pytest.fixture(scope="module")
def can(cluster: Cluster) -> Callable[[str], bool]:
    """Ask as ``kubectl auth can-i`` does, but without a process for each question."""
    names = cluster.kubectl("api-resources", "--no-headers", "-o=name").stdout.split()
    # Those to impersonate are not of the API, and asked in the core group. It is listed first, and
    # has what other groups have as well, such as events.
    groups = {"users": "", "groups": ""}
    for plural, _, group in (name.partition(".") for name in names):
        groups.setdefault(plural, group)
    admin = Admin(cluster)
    all_accounts = "system:serviceaccounts"
    who = {
        "user": ACCOUNT,
        "groups": [all_accounts, f"{all_accounts}:{NAMESPACE}", "system:authenticated"],
    }

    def asked(question: str) -> bool:
        verb, what, *options = question.split()
        resource, _, name = what.partition("/")
        resource, _, group = resource.partition(".")
        subresource = next((o.partition("=")[2] for o in options if o.startswith("--sub")), "")
        attributes = {
            "verb": verb,
            "group": group or groups[resource],
            "resource": resource,
            "subresource": subresource,
            "name": name,
            "namespace": options[options.index("-n") + 1] if "-n" in options else "",
        }
        api, kind = "authorization.k8s.io/v1", "SubjectAccessReview"
        review = {
            "apiVersion": api,
            "kind": kind,
            "spec": {**who, "resourceAttributes": attributes},
        }
        return bool(admin.create(where(api, kind), review)["status"]["allowed"])

    return asked


@pytest.mark.parametrize("question", ALLOWED)
@pytest.mark.usefixtures("installed")
def test_the_operator_may(can: Callable[[str], bool], question: str) -> None:
    assert can(question)


@pytest.mark.parametrize("question", DENIED)
@pytest.mark.usefixtures("installed")
def test_the_operator_may_not(can: Callable[[str], bool], question: str) -> None:
    assert not can(question)


def _on(cluster: Cluster) -> list[str]:
    return [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}"]


def _run(helm: Path, *arguments: str, check: bool = True) -> Completed:
    done = subprocess.run([helm, *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr[:4000]
    return done


def _template(helm: Path, *arguments: str, check: bool = True) -> Completed:
    versions = ("--kube-version", KUBERNETES, "--namespace", NAMESPACE)
    return _run(helm, "template", RELEASE, str(CHART), *versions, *arguments, check=check)


def _objects(helm: Path, *arguments: str) -> list[dict[str, Any]]:
    return [o for o in yaml.load_all(_template(helm, *arguments).stdout, _LOADER) if o]


def _one(objects: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    (found,) = [o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return found


def _flat(rules: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    """Return (API group, resource, name or "", verb) of all that the rules say."""
    return {
        (group, resource, name, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }
