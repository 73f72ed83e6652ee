"""Each item's owner may do what belongs to the item, and everybody else is refused."""

import re
from dataclasses import dataclass
from typing import Any

import pytest

from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import ALLOWED, MERGE, Answer, Asker, Person

APPS = "/apis/apps/v1/namespaces/prod"
CORE = "/api/v1/namespaces/prod"
NET = "/apis/networking.k8s.io/v1/namespaces/prod"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/prod"
BATCH = "/apis/batch/v1/namespaces/prod"
POLICY = "/apis/policy/v1/namespaces/prod"
HUB = f"{APPS}/deployments/hub"


def in_pods(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def main(**container: Any) -> dict[str, Any]:
    return in_pods(containers=[{"name": "main", **container}])


def annotate(**annotations: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": annotations}}


LABEL = {"metadata": {"labels": {"e2e": "changed"}}}
RESTART = {"kubectl.kubernetes.io/restartedAt": "2030-01-01T00:00:00Z"}
MORE_MEMORY = {"limits": {"memory": "2Gi"}}
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "e2e"},
    "spec": {
        "template": {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}
        }
    },
}


def new(kind: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "e2e"}, **more}


@dataclass(frozen=True)
class Request:
    """One change, and the items whose owners may make it."""

    what: str
    method: str
    path: str
    body: Any
    owners: frozenset[int]
    type: str = ""


def patch(what: str, path: str, body: Any, *owners: int, type: str = "") -> Request:
    return Request(what, "PATCH", path, body, frozenset(owners), type)


def post(what: str, path: str, body: Any, *owners: int) -> Request:
    return Request(what, "POST", path, body, frozenset(owners))


def delete(what: str, path: str, *owners: int) -> Request:
    return Request(what, "DELETE", path, None, frozenset(owners))


SECRET_HUB = (4, 6, 10, 14, 15)
# Who else creates or removes what belongs to item 15 is named beside it.
REQUESTS = [
    # Fields of a Deployment.
    patch("resources", HUB, main(resources=MORE_MEMORY), 14),
    patch(
        "resources of an init container",
        HUB,
        in_pods(initContainers=[{"name": "first", "resources": MORE_MEMORY}]),
        14,
    ),
    patch("resources of the whole pod", HUB, in_pods(resources={"limits": {"memory": "9Gi"}}), 14),
    patch("resources elsewhere", f"{APPS}/deployments/other", main(resources=MORE_MEMORY), 14),
    patch("replicas", HUB, {"spec": {"replicas": 2}}, 14, 19),
    patch("scale", f"{HUB}/scale", {"spec": {"replicas": 2}}, 14, 19, type=MERGE),
    patch("replicas elsewhere", f"{APPS}/deployments/other", {"spec": {"replicas": 2}}, 14),
    patch(
        "scale elsewhere",
        f"{APPS}/deployments/other/scale",
        {"spec": {"replicas": 2}},
        14,
        type=MERGE,
    ),
    patch("image", HUB, main(image="hub:2"), 15),
    patch("image elsewhere", f"{APPS}/deployments/other", main(image="hub:2"), 15),
    patch("command", HUB, main(command=["sh"]), 15),
    patch("env", HUB, main(env=[{"name": "A", "value": "2"}]), 15),
    patch("volumes", HUB, in_pods(volumes=[{"name": "more", "emptyDir": {}}]), 15),
    patch("service account", HUB, in_pods(serviceAccountName="other"), 15),
    patch("another container", HUB, in_pods(containers=[{"name": "new", "image": "x"}]), 15),
    patch(
        "another container with limits",
        HUB,
        in_pods(containers=[{"name": "new", "image": "x", "resources": MORE_MEMORY}]),
    ),
    patch("restart", HUB, {"spec": {"template": annotate(**RESTART)}}, 19),
    patch(
        "a pod annotation", HUB, {"spec": {"template": annotate(**{"checksum/config": "2"})}}, 15
    ),
    patch("label", HUB, LABEL, 15),
    patch("image and resources", HUB, main(image="hub:2", resources=MORE_MEMORY)),
    delete("a Deployment", HUB, 15),
    post("a Deployment", f"{APPS}/deployments", hubs.workload("Deployment", "e2e"), 15),
    patch("placeholders", f"{APPS}/statefulsets/user-placeholder", {"spec": {"replicas": 2}}, 14),
    patch(
        "placeholders' scale",
        f"{APPS}/statefulsets/user-placeholder/scale",
        {"spec": {"replicas": 2}},
        14,
        type=MERGE,
    ),
    patch(
        "pulled images",
        f"{APPS}/daemonsets/continuous-image-puller",
        in_pods(initContainers=[{"name": "first", "image": "user:2"}]),
        6,
    ),
    patch("another image", f"{APPS}/daemonsets/continuous-image-puller", main(image="x:2"), 15),
    # Quotas, volumes, identities.
    patch("quota", f"{CORE}/resourcequotas/quota", {"spec": {"hard": {"pods": "9"}}}, 14),
    delete("quota", f"{CORE}/resourcequotas/quota", 14),
    patch(
        "limits",
        f"{CORE}/limitranges/limits",
        {"spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}},
        14,
    ),
    patch(
        "size of a volume",
        f"{CORE}/persistentvolumeclaims/hub-db-dir",
        {"spec": {"resources": {"requests": {"storage": "2Gi"}}}},
        7,
    ),
    patch("label of a volume", f"{CORE}/persistentvolumeclaims/hub-db-dir", LABEL, 7, 15, 4),
    delete("the hub's database", f"{CORE}/persistentvolumeclaims/hub-db-dir", 7, 15, 4),
    patch(
        "cloud identity",
        f"{CORE}/serviceaccounts/user-sa",
        annotate(**{"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/admin"}),
        7,
    ),
    patch("label of user-sa", f"{CORE}/serviceaccounts/user-sa", LABEL, 7, 15),
    patch("label of another account", f"{CORE}/serviceaccounts/hub", LABEL, 15),
    # The hub's Secret belongs to many, all others to one.
    patch("Secret hub", f"{CORE}/secrets/hub", {"stringData": {"values.yaml": "{}"}}, *SECRET_HUB),
    patch("another Secret", f"{CORE}/secrets/other", {"stringData": {"a": "b"}}, 15),
    delete("Secret hub", f"{CORE}/secrets/hub", 4, 15),
    delete("a release of Helm", f"{CORE}/secrets/sh.helm.release.v1.prod.v1", 15),
    post("a release of Helm", f"{CORE}/secrets", new("Secret"), 15),
    # What only the one who configures the hub touches.
    post("ConfigMap", f"{CORE}/configmaps", new("ConfigMap"), 15),
    patch("ConfigMap", f"{CORE}/configmaps/config", {"data": {"a": "b"}}, 15),
    delete("ConfigMaps", f"{CORE}/configmaps?labelSelector=no%3Dthing"),
    patch("Service", f"{CORE}/services/hub", LABEL, 15),
    patch("Ingress", f"{NET}/ingresses/front", LABEL, 15),
    delete("NetworkPolicy", f"{NET}/networkpolicies/open", 15),
    patch("Role", f"{RBAC}/roles/role", LABEL, 15),
    delete("RoleBinding", f"{RBAC}/rolebindings/binding", 15),
    post("Job", f"{BATCH}/jobs", JOB, 15),
    post(
        "token",
        f"{CORE}/serviceaccounts/hub/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        15,
    ),
    delete("disruption budget", f"{POLICY}/poddisruptionbudgets/budget", 14),
    # Pods.
    post("Pod", f"{CORE}/pods", hubs.pod("e2e"), 15),
    delete("Pod", f"{CORE}/pods/jupyter-ann", 19),
    post(
        "eviction",
        f"{CORE}/pods/jupyter-ann/eviction",
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "jupyter-ann"}},
        19,
        18,
    ),
    patch(
        "ephemeral container",
        f"{CORE}/pods/jupyter-ann/ephemeralcontainers",
        {"spec": {"ephemeralContainers": [{"name": "debug", "image": "sh"}]}},
        19,
    ),
    # The Namespace itself.
    patch("label of the Namespace", "/api/v1/namespaces/prod", LABEL, 20),
    delete("the Namespace", "/api/v1/namespaces/prod", 20),
]
# A collection of nothing touches nothing.
NOTHING = {"ConfigMaps"}

pytestmark = pytest.mark.usefixtures("prod")

PEOPLE = {number: hubs.owner(number) for number in hubs.ALL_ITEMS}
STRANGERS = [Person("stranger"), Person("owner-1 4"), Person("owner"), Person("OWNER-15")]


def _ask(asker: Asker, person: Person, request: Request) -> Answer:
    return asker.ask(person, request.method, request.path, request.body, type=request.type)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r.method} {r.what}")
def test_only_the_owners_may(asker: Asker, request_: Request) -> None:
    wrong = []
    for number, person in PEOPLE.items():
        answer = _ask(asker, person, request_)
        expected = number not in request_.owners and request_.what not in NOTHING
        if answer.refused is not expected or answer.broken or (not expected and answer.code >= 400):
            wrong.append((number, answer.code, answer.message))
    assert wrong == []
    for stranger in STRANGERS:
        answer = _ask(asker, stranger, request_)
        assert answer.refused or request_.what in NOTHING, (stranger, answer.message)
        assert not answer.broken


CONNECTIONS = ["exec?command=ls", "attach", "portforward"]


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_only_the_owner_of_incidents_gets_into_pods(
    asker: Asker, connection: str, method: str
) -> None:
    path = f"{CORE}/pods/jupyter-ann/{connection}"
    for number, person in PEOPLE.items():
        answer = asker.ask(person, method, path, dry=False)
        assert answer.refused is (number != 19), (number, answer.message)
        assert not answer.broken


def test_deleting_a_collection_asks_about_each_object(asker: Asker) -> None:
    answer = asker.ask(PEOPLE[14], "DELETE", f"{CORE}/configmaps")
    assert answer.refused
    assert asker.ask(PEOPLE[15], "DELETE", f"{CORE}/configmaps").code == 200


@pytest.fixture(scope="module")
def collected(make_hub: Any) -> str:
    """Make a hub on which only what item 4 names is enforced."""
    make_hub("collected", hubs.stages([4], AdmissionStage.DENY), hubs.notes("collected"))
    return "/api/v1/namespaces/collected"


NAMED = "?fieldSelector=metadata.name%3D"


def test_a_collection_with_a_guarded_name_in_it_is_refused(asker: Asker, collected: str) -> None:
    # Admission gets no name for any object of a collection.
    claims, secrets = f"{collected}/persistentvolumeclaims", f"{collected}/secrets"
    for everything in (claims, secrets, f"{claims}{NAMED}hub-db-dir", f"{secrets}{NAMED}hub"):
        for person in (STRANGERS[0], PEOPLE[14]):
            answer = asker.ask(person, "DELETE", everything)
            assert answer.refused, (everything, answer.code)
            assert not answer.broken
        assert asker.ask(PEOPLE[4], "DELETE", everything).code == 200
    # What nobody guards there can be deleted together as well.
    answer = asker.ask(STRANGERS[0], "DELETE", f"{secrets}{NAMED}other")
    assert (answer.code, len(answer.body["items"])) == (200, 1)
    refusal = asker.ask(STRANGERS[0], "DELETE", claims).message
    assert "delete persistentvolumeclaims hub-db-dir is item 4" in refusal


def test_whoever_may_delete_one_by_name_may_delete_a_collection_of_it(asker: Asker) -> None:
    answer = asker.ask(PEOPLE[4], "DELETE", f"{CORE}/persistentvolumeclaims{NAMED}hub-db-dir")
    assert answer.code == 200, answer.message
    assert len(answer.body["items"]) == 1
    # The same, of a name that is somebody else's.
    assert asker.ask(PEOPLE[4], "DELETE", f"{CORE}/secrets{NAMED}other").refused


def test_a_generated_name_is_known_before_anybody_is_asked(asker: Asker) -> None:
    body = new("ConfigMap") | {"metadata": {"generateName": "e2e-generated-"}}
    answer = asker.ask(STRANGERS[0], "POST", f"{CORE}/configmaps", body)
    assert answer.refused
    assert re.search(r"create configmaps e2e-generated-\w{5} is item 15", answer.message)
    assert asker.ask(PEOPLE[15], "POST", f"{CORE}/configmaps", body).code == 201


def test_reading_is_nobodys_business(asker: Asker) -> None:
    assert asker.ask(STRANGERS[0], "GET", f"{CORE}/secrets/hub", dry=False).code == 200


def test_nothing_is_refused_where_nothing_is_enforced(asker: Asker) -> None:
    body = hubs.workload("Deployment", "e2e")
    answer = asker.ask(STRANGERS[0], "POST", "/apis/apps/v1/namespaces/default/deployments", body)
    assert answer.code == 201, answer.message
    assert not answer.warnings


def test_two_owners_of_one_object_change_it_in_turn(asker: Asker, make_hub: Any) -> None:
    make_hub("turns", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("turns"))
    path = "/apis/apps/v1/namespaces/turns/deployments/hub"
    for number, body in (
        (14, main(resources=MORE_MEMORY)),
        (15, main(image="hub:2")),
        (14, {"spec": {"replicas": 0}}),
        (19, {"spec": {"template": annotate(**RESTART)}}),
        (15, LABEL),
    ):
        done = asker.ask(PEOPLE[number], "PATCH", path, body, dry=False)
        assert done.code == 200, (number, done.message)


def test_the_order_of_containers_is_nobodys(asker: Asker) -> None:
    there = asker.ask(None, "GET", HUB, dry=False).body
    there["spec"]["template"]["spec"]["containers"].reverse()
    answer = asker.ask(PEOPLE[14], "PUT", HUB, there)
    assert answer.code == 200, answer.message


def test_an_owner_by_group_may_as_well(asker: Asker, make_hub: Any) -> None:
    more = {14: ["group:limits"]}
    make_hub(
        "groups",
        hubs.stages([14], AdmissionStage.DENY),
        hubs.notes("groups", more),
        populated=False,
    )
    path = "/api/v1/namespaces/groups/resourcequotas"
    body = new("ResourceQuota", spec={"hard": {"pods": "1"}})
    assert asker.ask(Person("x", ("limits",)), "POST", path, body).code == 201
    # A user who is named like the group is somebody else, and a group like a user too.
    assert asker.ask(Person("limits"), "POST", path, body).refused
    assert asker.ask(Person("x", ("owner-14", ALLOWED)), "POST", path, body).refused


def test_names_begin_with_the_releases_prefix(asker: Asker, make_hub: Any) -> None:
    annotations = hubs.notes("prefixed") | {"responsibility.2i2c.org/prefix": "leap-jupyterhub-"}
    make_hub(
        "prefixed",
        hubs.stages(hubs.ITEMS, AdmissionStage.DENY),
        annotations,
        prefix="leap-jupyterhub-",
    )
    secrets = "/api/v1/namespaces/prefixed/secrets"
    body = {"stringData": {"values.yaml": "{}"}}
    assert asker.ask(PEOPLE[4], "PATCH", f"{secrets}/leap-jupyterhub-hub", body).code == 200
    assert asker.ask(PEOPLE[4], "PATCH", f"{secrets}/other", body).refused
