"""Custom kinds that the model reserves, tried with definitions of them, every item at deny.

Kubernetes doesn't know them, so no discovery tells them: each is read from the model.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from responsibility.admission.policies.coverage import verdicts
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import MERGE, Answer, Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub, set_keys, text
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

NAME = "custom-kinds"
RIGHTS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: star, namespace: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: star}}]
"""

STAR = Person("star", ("system:authenticated",), bound=True)
OFFERED = {group for group, _, _ in verdicts()}
# Whatever the model guards of groups that are not Kubernetes' own, by item: group, resource, verb.
RESERVED = {
    (guard.target.group, guard.target.resource, guard.target.operation): guards.item.number
    for guards in hubs.GUARDS.items()
    for guard in guards.objects
    if guard.target.group not in OFFERED
    and "/" not in guard.target.resource
    # Of these, only metadata.
    and not guard.by_metadata
}
KINDS = sorted({(group, resource) for group, resource, _ in RESERVED})


def _definition(group: str, resource: str) -> dict[str, Any]:
    singular = resource.removesuffix("s")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{resource}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": resource, "singular": singular, "kind": singular.capitalize()},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }


@pytest.fixture(scope="module", autouse=True)
def _here(guarded: Cluster, asker: Asker, make_hub: MakeHub) -> Iterator[None]:
    """Define all of them, make an object of each in a hub's namespace, put all items at deny."""
    definitions = text([_definition(*each) for each in KINDS])
    guarded.kubectl("create", "-f", "-", input=definitions)
    make_hub(NAME, {}, hubs.notes(NAME))
    guarded.kubectl("apply", "-f", "-", input=RIGHTS)
    for group, resource in KINDS:

        def there(group: str = group, resource: str = resource) -> bool:
            body = _body(group, resource, "there")
            return asker.ask(None, "POST", _path(group, resource), body, dry=False).code == 201

        wait_until(there, PATIENCE, f"{resource}.{group} to be served")
    set_keys(asker, NAME, hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes(NAME))
    yield
    # Others of this cluster's tests hold its discovery against a table.
    guarded.kubectl("delete", "--wait", "-f", "-", input=definitions)
    wait_until(
        lambda: all(
            asker.ask(None, "GET", f"/apis/{group}", dry=False).code == 404 for group, _ in KINDS
        ),
        PATIENCE,
        "discovery to forget them",
    )


def _path(group: str, resource: str) -> str:
    return f"/apis/{group}/v1/namespaces/{NAME}/{resource}"


def _body(group: str, resource: str, name: str) -> dict[str, Any]:
    kind = resource.removesuffix("s").capitalize()
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}}


def _ask(
    asker: Asker, person: Person, group: str, resource: str, operation: str, *, dry: bool
) -> Answer:
    path = _path(group, resource)
    match operation:
        case "CREATE":
            return asker.ask(person, "POST", path, _body(group, resource, "new"), dry=dry)
        case "UPDATE":
            body = {"spec": {"maxReplicas": 50}}
            return asker.ask(person, "PATCH", f"{path}/there", body, type=MERGE, dry=dry)
        case _:
            return asker.ask(person, "DELETE", f"{path}/there", dry=dry)


def test_the_model_reserves_what_scales_and_sizes_workloads() -> None:
    assert {
        ("autoscaling.k8s.io", "verticalpodautoscalers", "UPDATE"): 14,
        ("keda.sh", "scaledobjects", "CREATE"): 14,
        ("keda.sh", "scaledjobs", "CREATE"): 15,
    }.items() <= RESERVED.items()


@pytest.mark.parametrize("each", sorted(RESERVED), ids=".".join)
def test_all_rights_in_the_namespace_are_no_way_to_it(
    asker: Asker, each: tuple[str, str, str]
) -> None:
    answer = _ask(asker, STAR, *each, dry=False)
    assert answer.refused, (answer.code, answer.message)
    assert not answer.broken, answer.message


@pytest.mark.parametrize("each", sorted(RESERVED), ids=".".join)
def test_its_owner_may(asker: Asker, each: tuple[str, str, str]) -> None:
    answer = _ask(asker, hubs.owner(RESERVED[each]), *each, dry=True)
    assert answer.code < 400, answer.message
