"""Audit events, and a small agreement to hold them against."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from responsibility.api.parse import load_shipped_manifest, parse_model, parse_record
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.replay.audit_event import Request, read
from responsibility.replay.evaluate import Effect, Evaluator, PolicyVerdict
from responsibility.replay.stages_at import StagesAt, suppose

Json = dict[str, Any]

LIMITS = "kubernetes-configuration"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
END = datetime(2026, 7, 1, tzinfo=UTC)

_RECORD: Json = {
    "apiVersion": "responsibility.2i2c.org/v1alpha1",
    "kind": "Responsibility",
    "metadata": {"name": "coast"},
    "spec": {
        "hub": {"namespace": "coast", "release": "coast"},
        "model": "2i2c",
        "parties": [
            {"name": "team", "subjects": [{"kind": "User", "name": "ann"}]},
            {"name": "guests", "subjects": [{"kind": "User", "name": "guest"}]},
        ],
        "items": [
            {
                "name": LIMITS,
                "owner": "team",
                "delegates": [{"party": "guests", "until": END.isoformat()}],
            }
        ],
    },
}


@cache
def supposed(stage: str = "deny", admission: str = "observe") -> StagesAt:
    """Return what would be in force: ann owns the limits of hub coast, guest has them until END."""
    model = parse_model(load_shipped_manifest())
    spec = {**_RECORD["spec"], "enforcement": {"admission": admission}}
    record = parse_record({**_RECORD, "spec": spec}, strict=True)
    snapshot = Snapshot(
        graph=AccessGraph.build([], []),
        now=NOON,
        hubs={},
        models={model.name: model},
        records={record.name: record},
        namespaces={"coast": False},
    )
    return suppose(
        Assessor().assess(snapshot),
        {model.name: model},
        stage=AdmissionStage.of(stage),
        operator=("ops", "system:serviceaccount:ops:operator"),
    )


def deployment(replicas: int = 1, revision: int = 1, **meta: Any) -> Json:
    """Return a Deployment as the API server answers with it."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "hub",
            "namespace": "coast",
            "uid": "u1",
            "resourceVersion": str(revision),
            "generation": revision,
            **meta,
        },
        "spec": {"replicas": replicas},
    }


def event(user: str = "eve", verb: str = "patch", /, **more: Any) -> Json:
    """Return an event: by default, somebody has changed the hub's Deployment."""
    reference = {
        "resource": "deployments",
        "namespace": "coast",
        "name": "hub",
        "apiGroup": "apps",
        "apiVersion": "v1",
    }
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "1",
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/coast/deployments/hub",
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "userAgent": "kubectl/v1.37.2 (linux/amd64)",
        "objectRef": reference | more.pop("ref", {}),
        "responseStatus": {"code": more.pop("code", 200)},
        "requestReceivedTimestamp": "2026-06-01T12:00:00.000000Z",
        **more,
    }


def quota(user: str, /, **more: Any) -> Json:
    """Return an event: somebody has made a ResourceQuota, which only item 14 may."""
    ref = {"resource": "resourcequotas", "name": "q", "apiGroup": "", "subresource": ""}
    return event(user, "create", ref=ref, code=201, **more)


def request(raw: Json) -> Request:
    """Return the request of an event that counts."""
    found = read(raw)
    assert isinstance(found, Request), found
    return found


def said(judge: Evaluator, raw: Json) -> list[PolicyVerdict]:
    """Return what is said of an event; the log goes on."""
    one = request(raw)
    found = judge.judge(one)
    judge.learn(one)
    return found


def effects(verdicts: list[PolicyVerdict]) -> dict[str, Effect]:
    """Return what is said by item."""
    return {item: verdict.effect for verdict in verdicts for item in verdict.items}
