"""The chart installs with both Helms, and gives the operator its rights and not one more."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from demo import organisation
from responsibility.api.names import OPERATOR as LEASE
from tests.e2e import helms
from tests.e2e.chart_by_helm import ACCOUNT, CHART, GROUP, NAMESPACE, RELEASE, run_helm
from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator.api import Admin, where


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
    run_helm(helm, "uninstall", RELEASE, *_on(cluster))
    cluster.kubectl("delete", "namespace", NAMESPACE)
    # `crds.keep` has kept them, as it should.
    cluster.kubectl("delete", "crd", f"responsibilities.{GROUP}", f"responsibilitymodels.{GROUP}")


def _install(helm: Path, cluster: Cluster) -> None:
    """Install as the quick start says, also where the definitions are there and not served yet."""
    command = ("upgrade", "--install", RELEASE, str(CHART), "--create-namespace", *_on(cluster))
    helms.installed(lambda: run_helm(helm, *command, check=False))


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
    run_helm(helm, "upgrade", RELEASE, str(CHART), *_on(installed))
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
