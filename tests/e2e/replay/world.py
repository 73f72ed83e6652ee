"""A cluster that writes everything down, with two hubs on which every item has its own owner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from responsibility.admission import annotation_entries
from responsibility.api.names import DELEGATION_ROLE, MANAGED_LABEL, STAGE_LABEL
from responsibility.api.stages import AdmissionStage
from responsibility.cli.answers.report import Report
from responsibility.cli.sources import offline
from responsibility.cli.sources.cluster_view import Need
from responsibility.ownership.terms.managed_namespaces import MANAGED
from responsibility.replay.stages_at import StagesAt, suppose
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import RBAC, text, wait_until_in_force
from tests.e2e.lab.cluster import Cluster

Manifest = dict[str, Any]

HUBS = ("coast", "reef")
PREFIXES = {"coast": "", "reef": "reef-"}

# Everything with its bodies: what a replay can make the most of.
AUDIT_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
"""

# A record has room for 16 parties; the others stay the provider's, who has no subject here.
OWNED = (4, 6, 7, 10, 14, 15, 16, 18, 19, 20)

LATER, LONG_AGO = "2099-12-31T00:00:00Z", "2020-01-01T00:00:00Z"
DATED, LATE, BOUNDED = Person("dated@example.org"), Person("late"), Person("bounded")
GUEST, STRANGER = Person("guest", ("guests: α/β",)), Person("stranger")


def _party(name: str, *subjects: Manifest) -> Manifest:
    return {"name": name, "displayName": name, "subjects": list(subjects)}


def _user(name: str) -> Manifest:
    return {"kind": "User", "name": name}


def record(namespace: str) -> Manifest:
    """Return a hub's record: one party an item, and delegates of every sort on item 14."""
    parties = [_party(f"party-{n}", _user(f"owner-{n}")) for n in OWNED]
    parties += [
        _party("dated", _user(DATED.user)),
        _party("late", _user(LATE.user)),
        _party("bounded", _user(BOUNDED.user)),
        _party("guests", {"kind": "Group", "name": GUEST.groups[0]}),
    ]
    items: list[Manifest] = [
        {"name": hubs.ALL_ITEMS[number], "owner": f"party-{number}"} for number in OWNED
    ]
    of_limits = next(item for item in items if item["name"] == hubs.ALL_ITEMS[14])
    of_limits["delegates"] = [
        {"party": "dated", "until": LATER},
        {"party": "late", "until": LONG_AGO},
        {
            "party": "bounded",
            "bounds": [
                {"path": "Deployment/spec.replicas", "min": "1", "max": "3"},
                {
                    "path": "Deployment/spec.template.spec.containers[*].resources.limits.memory",
                    "min": "512Mi",
                    "max": "4Gi",
                },
            ],
        },
    ]
    of_hub = next(item for item in items if item["name"] == hubs.ALL_ITEMS[15])
    of_hub["delegates"] = [{"party": "guests"}]
    return {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": namespace},
        "spec": {
            "hub": {"namespace": namespace, "release": namespace, "displayName": namespace.title()},
            "model": "2i2c",
            "parties": parties,
            "items": items,
        },
    }


def model_addition() -> Manifest:
    """Return what the organisation says of itself: who may break the glass."""
    return {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "ResponsibilityModel",
        "metadata": {"name": "2i2c"},
        "spec": {"breakGlass": [{"subject": _user(hubs.EVE.user), "reason": "on call"}]},
    }


def deployment(namespace: str) -> Manifest:
    """Return the hub's Deployment as far as a hub is recognised by it."""
    found = hubs.workload("Deployment", f"{PREFIXES[namespace]}hub")
    labels = {"app": "jupyterhub", "component": "hub", "release": namespace}
    found["metadata"] |= {"namespace": namespace, "labels": labels}
    return found


def manifests(folder: Path) -> Path:
    """Write records and hubs to a file, as they might lie in a repository."""
    path = folder / "agreed.yaml"
    documents = [model_addition()]
    for name in HUBS:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        documents += [namespace, deployment(name), record(name)]
    path.write_text(yaml.safe_dump_all(documents, allow_unicode=True), encoding="utf-8")
    return path


def supposed(path: Path, stage: str) -> StagesAt:
    """Return what would be in force."""
    world = offline.load([str(path)], Need.OWNERSHIP)
    report = Report.of(world, datetime.now(UTC))
    operator = (hubs.OPERATOR_NAMESPACE, hubs.ACCOUNT)
    return suppose(
        report.assessment, world.models, stage=AdmissionStage.of(stage), operator=operator
    )


def install(cluster: Cluster, asker: Asker, found: StagesAt) -> None:
    """Put in force what is supposed, as the operator would."""
    cluster.kubectl("apply", "-f", "-", input=RBAC)
    cluster.kubectl("apply", "--server-side", "-f", "-", input=text(list(found.policies["2i2c"])))
    cluster.kubectl("create", "-f", "-", input=text(list(_marker())))
    for name, hub in found.hubs.items():
        cluster.kubectl("create", "namespace", name)
        cluster.kubectl("label", "namespace", name, f"{MANAGED_LABEL}={MANAGED}")
        own = deployment(name)
        objects = hubs.objects(name, PREFIXES[name])
        objects = [own if _same(each, own) else each for each in objects]
        cluster.kubectl("create", "-n", name, "-f", "-", input=text(objects))
        body = {
            "metadata": {"labels": dict(hub.keys.labels), "annotations": dict(hub.keys.annotations)}
        }
        done = asker.ask(
            hubs.OPERATOR,
            "PATCH",
            f"/api/v1/namespaces/{name}",
            body,
            dry=False,
            type="application/merge-patch+json",
        )
        assert done.code == 200, done.message
        items = {key.removeprefix(STAGE_LABEL) for key in hub.keys.labels}
        wait_until_in_force(asker, name, items)


def _same(one: Manifest, other: Manifest) -> bool:
    return (one["kind"], one["metadata"]["name"]) == (other["kind"], other["metadata"]["name"])


def _marker() -> Iterator[Manifest]:
    """Yield what lets delegates of LATER act: the binding, without the Job that ends it."""
    name = annotation_entries.marker(datetime.fromisoformat(LATER))
    subject = {"kind": "ServiceAccount", "name": name, "namespace": hubs.OPERATOR_NAMESPACE}
    role = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": DELEGATION_ROLE,
    }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": hubs.OPERATOR_NAMESPACE},
        "roleRef": role,
        "subjects": [subject],
    }
