"""Small worlds: a garden that its keeper lends to guests.

The model has other words, items and parties than the one that is shipped, so nothing that is
tested with it can know an item or a party by name. It reserves no wildcard either.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import parse_model, parse_record
from responsibility.api.record import Responsibility
from responsibility.hub.discovery import Deployment, Hub, HubKey
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import (
    SERVICE_ACCOUNT,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)
from responsibility.subject_kinds import subject_kind

NOW = datetime(2030, 6, 15, 12, 0, tzinfo=UTC)

GARDEN = """
apiVersion: responsibility.2i2c.org/v1alpha1
kind: ResponsibilityModel
metadata: {name: garden, generation: 1}
spec:
  parties:
  - name: keeper
    displayName: Keeper
    contact: {email: keeper@garden.example}
    subjects: [{kind: Group, name: keepers}]
  - name: guests
    displayName: Guests
    contact: {url: "https://guests.example"}
  items:
  - name: beds
    number: 1
    title: Beds
    kinds: [kubernetes]
    owner: guests
    required:
    - {verbs: [update], apiGroups: [""], resources: [configmaps]}
    reserved:
    - {verbs: [create, update, delete], apiGroups: [""], resources: [configmaps]}
    - {verbs: [update], apiGroups: [""], resources: [secrets], resourceNames: [$(prefix)hub]}
  - name: fence
    number: 2
    title: Fence
    kinds: [kubernetes]
    owner: keeper
    required:
    - {verbs: [patch], apiGroups: [apps], resources: [deployments], resourceNames: [$(prefix)hub]}
    reserved:
    - {verbs: [patch], apiGroups: [apps], resources: [deployments], resourceNames: [$(prefix)hub]}
    - {verbs: [update], apiGroups: [""], resources: [secrets], resourceNames: [$(prefix)hub]}
    - {verbs: [update], apiGroups: [""], resources: [namespaces], resourceNames: [$(namespace)]}
  - name: gate
    number: 3
    title: Gate
    kinds: [kubernetes]
    owner: keeper
    required:
    - {verbs: [patch], apiGroups: [""], resources: [nodes], scope: Cluster}
    reserved:
    - {verbs: [patch, delete], apiGroups: [""], resources: [nodes], scope: Cluster}
  - name: shed
    number: 4
    title: Shed
    kinds: [kubernetes]
    owner: keeper
    reserved:
    - {verbs: [update], apiGroups: [""], resources: [configmaps], resourceNames: [tools], namespace: shed}
  - name: tea
    number: 5
    title: Tea
    kinds: [attested]
    owner: guests
  breakGlass:
  - subject: {kind: User, name: caretaker}
    reason: Has the key in the sealed envelope.
  record:
    owner: keeper
    required:
    - {verbs: [update], apiGroups: [responsibility.2i2c.org], resources: [responsibilities], scope: Cluster}
    reserved:
    - {verbs: [update], apiGroups: [responsibility.2i2c.org], resources: [responsibilities], scope: Cluster}
"""  # noqa: E501 - YAML

Manifest = dict[str, Any]
Grant = tuple[Role, Binding]


def garden(**spec: Any) -> ResponsibilityModel:
    """Return the model, with these fields of its spec in place of its own."""
    manifest = yaml.safe_load(GARDEN)
    manifest["spec"].update(copy.deepcopy(spec))
    return parse_model(manifest, strict=True)


def garden_with(*items: Manifest, **spec: Any) -> ResponsibilityModel:
    """Return the model with these items instead of its own of the same name, and beside them."""
    own = {item["name"]: item for item in yaml.safe_load(GARDEN)["spec"]["items"]}
    return garden(items=[*{**own, **{item["name"]: item for item in items}}.values()], **spec)


def record(
    name: str = "prod",
    namespace: str = "",
    release: str | None = None,
    *,
    model: str = "garden",
    created: str = "2029-01-01T00:00:00Z",
    items: Mapping[str, Manifest] | None = None,
    parties: Mapping[str, Manifest] | None = None,
    **spec: Any,
) -> Responsibility:
    """Return a record; ``items`` and ``parties`` by name."""
    hub = {"namespace": namespace or name}
    if release is not None:
        hub["release"] = release
    return parse_record(
        {
            "apiVersion": "responsibility.2i2c.org/v1alpha1",
            "kind": "Responsibility",
            "metadata": {"name": name, "creationTimestamp": created, "generation": 1},
            "spec": {
                "hub": hub,
                "model": model,
                "items": [{"name": n, **line} for n, line in (items or {}).items()],
                "parties": [{"name": n, **line} for n, line in (parties or {}).items()],
                **copy.deepcopy(spec),
            },
        }
    )


def people(*subjects: str, **more: Any) -> Manifest:
    """Return what a record says of a party: its subjects."""
    return {"subjects": [_manifest(s) for s in subjects], **more}


def exempt(who: str, *items: str, reason: str = "it has to", **more: Any) -> Manifest:
    """Return an exemption; ``who`` may be a pattern, ``more`` says for which rights it is."""
    return {"subject": _manifest(who), "items": list(items), "reason": reason, **more}


def subject(text: str) -> Subject:
    """Return ``User ann``, ``Group keepers`` or ``ServiceAccount prod/hub``."""
    word, _, name = text.partition(" ")
    kind = subject_kind(word)
    if kind == SERVICE_ACCOUNT:
        namespace, _, name = name.partition("/")
        return Subject(kind, name, namespace)
    return Subject(kind, name)


def _manifest(text: str) -> Manifest:
    who = subject(text)
    return {"kind": who.kind, "name": who.name} | (
        {"namespace": who.namespace} if who.namespace else {}
    )


def grant(
    who: str,
    verbs: str,
    resources: str,
    *,
    ns: str = "prod",
    names: str = "",
    group: str = "",
) -> Grant:
    """Return a role and its binding in a namespace; with an empty one, for the whole cluster."""
    name = "-".join(filter(None, ("to", who, verbs, resources, names))).replace(" ", "-")
    rule = Rule(tuple(verbs.split()), (group,), tuple(resources.split()), tuple(names.split()))
    return (
        Role(RoleKey(ns, name), (rule,)),
        Binding(BindingKey(ns, name), RoleKey(ns, name), (subject(who),)),
    )


def everything(who: str, *, ns: str = "") -> Grant:
    """Return a cluster-admin, or somebody who may do everything in one namespace."""
    return (
        Role(RoleKey("", "cluster-admin"), (Rule(("*",), ("*",), ("*",)),)),
        Binding(
            BindingKey(ns, f"all-to-{who}".replace(" ", "-")),
            RoleKey("", "cluster-admin"),
            (subject(who),),
        ),
    )


KEEPERS = (
    grant("Group keepers", "patch", "deployments", group="apps", names="hub"),
    grant("Group keepers", "patch", "nodes", ns=""),
    grant("Group keepers", "update", "responsibilities", ns="", group="responsibility.2i2c.org"),
)
"""What the keeper has to be able to do, and no more."""


def graph(grants: Iterable[Grant]) -> AccessGraph:
    """Return the access graph of these grants."""
    grants = list(grants)
    return AccessGraph.build(
        {role.key: role for role, _ in grants}.values(), [binding for _, binding in grants]
    )


def hub(namespace: str = "prod", release: str = "", prefix: str = "") -> Hub:
    """Return a hub as it would be discovered."""
    key = HubKey(namespace, release or namespace)
    main = Deployment(namespace, f"{prefix}hub", f"{key}", "hub", key.release, "4.3.1", {})
    return Hub(key, prefix, "4.3.1", (main,))


def snapshot(
    *grants: Grant,
    records: Iterable[Responsibility] = (),
    models: Iterable[ResponsibilityModel] = (),
    hubs: Iterable[Hub] | None = None,
    namespaces: Mapping[str, bool] | None = None,
    now: datetime = NOW,
    **more: Any,
) -> Snapshot:
    """Return a snapshot; each record has its hub unless ``hubs`` says which there are."""
    records, models = list(records), list(models) or [garden()]
    if hubs is None:
        hubs = [hub(r.spec.hub.namespace, r.spec.hub.release or "") for r in records]
    hubs = list(hubs)
    if namespaces is None:
        namespaces = {h.key.namespace: False for h in hubs}
    return Snapshot(
        graph=graph(grants),
        now=now,
        hubs={h.key: h for h in hubs},
        models={m.name: m for m in models},
        records={r.name: r for r in records},
        namespaces=namespaces,
        **more,
    )


def assess(*grants: Grant, **more: Any) -> Assessment:
    """Return the assessment of `snapshot` with these arguments."""
    return Assessor().assess(snapshot(*grants, **more))


def on_hub(assessment: Assessment, name: str = "prod") -> HubAssessment:
    """Return the assessment of the hub that a record is about."""
    return assessment.hubs[name]


def of_kind(assessment: Assessment, *kinds: str) -> list[Finding]:
    """Return all findings of these kinds."""
    return [f for f in assessment.findings() if f.kind in kinds]


def brief(findings: Iterable[Finding]) -> set[tuple[str, str, str]]:
    """Return who exceeds what and where: subject or party, item, hub or ``cluster``."""
    return {(str(f.subject or f.party), f.item, str(f.hub or "cluster")) for f in findings}


def excess(assessment: Assessment) -> set[tuple[str, str, str]]:
    """Return the excess findings in brief."""
    return brief(of_kind(assessment, "excess-access"))


def touching(assessment: Assessment, name: str = "prod") -> dict[str, int]:
    """Return how many findings of the whole cluster touch each item of a hub."""
    return {r.item.name: r.cluster_findings for r in on_hub(assessment, name).items}


def states(assessment: Assessment, name: str = "prod") -> dict[str, str]:
    """Return the state of every item of a hub."""
    return {r.item.name: r.state.value for r in on_hub(assessment, name).items}
