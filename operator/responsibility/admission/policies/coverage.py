"""All that the API server offers to change, line by line, and what admission does about each.

A hub can be made, changed, scaled, sized, stopped, replaced, reached into or deleted in more ways
than an item's name suggests, so the way to be complete is to go through all of them. The table
covers every resource that Kubernetes 1.37 offers, in namespaces and at cluster scope, with its
verbs; a test holds it against a live API server's discovery and built-in roles, so that a new kind
is noticed. That something is guarded is not only said here: it is worked out from the policies of
the model and must agree. Reads are left out, since they never reach admission; so are the verbs of
RBAC itself (bind, escalate, impersonate).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from responsibility.admission.policies.cluster_policies import guarded_at_cluster_scope
from responsibility.admission.policies.guards import (
    CONNECT,
    EVERY_SUBRESOURCE,
    UPDATE,
    Guards,
    Target,
    operation_of,
)
from responsibility.api.model import ResponsibilityModel


class Verdict(StrEnum):
    """The answer of admission to a way to change something."""

    # An item's policy refuses it.
    GUARDED = "guarded"
    # Only its metadata is guarded: how long the object stays, labels, annotations.
    LIFETIME = "guarded in its metadata"
    # Nothing of a hub changes by it.
    HARMLESS = "needs no guard"
    # It would need one, and there can be none.
    IMPOSSIBLE = "can't be guarded"


@dataclass(frozen=True, slots=True)
class Line:
    """One resource and verbs, and what is done about it; ``why`` is said of all but the guarded."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    verdict: Verdict
    why: str = ""


_WRITES = ("create", "update", "patch", "delete", "deletecollection")
_NO_COLLECTION = ("create", "update", "patch", "delete")
_EDITS = ("update", "patch")
_CREATE = ("create",)
_PROXY = ("create", "get", "update", "patch", "delete")
_STREAM = ("create", "get")


def _guarded(group: str, *resources: str, verbs: tuple[str, ...] = _WRITES) -> Iterator[Line]:
    for resource in resources:
        yield Line(group, resource, verbs, Verdict.GUARDED)


def _lines(
    verdict: Verdict, why: str, group: str, *resources: str, verbs: tuple[str, ...] = _WRITES
) -> Iterator[Line]:
    for resource in resources:
        yield Line(group, resource, verbs, verdict, why)


_REPORTED = "controllers report in it what they see, and write it anew"
_OUTSIDE = (
    "balancers, ingress controllers and storage drivers write it under names that no model knows: "
    "name them as exemptions, and reserve it, to have it guarded"
)
_TOLD = "it tells about other objects, and nothing acts on it"
_DEVICES = "it gives devices to pods, and those belong to the items that pods belong to"
_QUESTION = "a question, which changes nothing"
_UNASKED = "the API server asks no policy about it: RBAC, item 0, and static manifests instead"
_CLUSTERS = "it is the cluster's and no hub's; what RBAC lets subjects do with it is checked"

NAMESPACED: tuple[Line, ...] = (
    *_guarded(
        "",
        "configmaps",
        "endpoints",
        "limitranges",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "serviceaccounts",
        "services",
    ),
    *_guarded("", "bindings", "pods/binding", "pods/eviction", verbs=_CREATE),
    *_guarded("", "serviceaccounts/token", verbs=_CREATE),
    *_guarded("", "pods/attach", "pods/exec", "pods/portforward", verbs=_STREAM),
    *_guarded("", "pods/proxy", "services/proxy", verbs=_PROXY),
    *_guarded(
        "",
        "pods/ephemeralcontainers",
        "pods/resize",
        "pods/status",
        "replicationcontrollers/scale",
        "replicationcontrollers/status",
        "resourcequotas/status",
        verbs=_EDITS,
    ),
    *_lines(
        Verdict.LIFETIME,
        _OUTSIDE,
        "",
        "persistentvolumeclaims/status",
        "services/status",
        verbs=_EDITS,
    ),
    *_lines(Verdict.HARMLESS, _TOLD, "", "events"),
    *_lines(Verdict.HARMLESS, _TOLD, "events.k8s.io", "events"),
    *_lines(Verdict.HARMLESS, "no controller makes pods of them", "", "podtemplates"),
    *_guarded(
        "apps", "controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"
    ),
    *_guarded("apps", "deployments/scale", "replicasets/scale", "statefulsets/scale", verbs=_EDITS),
    *_guarded(
        "apps",
        "daemonsets/status",
        "deployments/status",
        "replicasets/status",
        "statefulsets/status",
        verbs=_EDITS,
    ),
    *_lines(
        Verdict.HARMLESS,
        _QUESTION,
        "authorization.k8s.io",
        "localsubjectaccessreviews",
        verbs=_CREATE,
    ),
    *_guarded("autoscaling", "horizontalpodautoscalers"),
    *_guarded("autoscaling", "horizontalpodautoscalers/status", verbs=_EDITS),
    *_guarded("batch", "cronjobs", "jobs"),
    *_guarded("batch", "cronjobs/status", "jobs/status", verbs=_EDITS),
    *_guarded("certificates.k8s.io", "podcertificaterequests"),
    *_lines(
        Verdict.LIFETIME,
        "signers write it under names that no model knows; what they sign is asked for in the "
        "request itself",
        "certificates.k8s.io",
        "podcertificaterequests/status",
        verbs=_EDITS,
    ),
    *_guarded("coordination.k8s.io", "leases"),
    *_guarded("discovery.k8s.io", "endpointslices"),
    *_guarded("networking.k8s.io", "ingresses", "networkpolicies"),
    *_lines(Verdict.LIFETIME, _OUTSIDE, "networking.k8s.io", "ingresses/status", verbs=_EDITS),
    *_guarded("policy", "poddisruptionbudgets"),
    *_lines(
        Verdict.LIFETIME,
        "it can only let evictions through, which are guarded themselves",
        "policy",
        "poddisruptionbudgets/status",
        verbs=_EDITS,
    ),
    *_guarded("rbac.authorization.k8s.io", "rolebindings", "roles"),
    *_lines(
        Verdict.HARMLESS, _DEVICES, "resource.k8s.io", "resourceclaims", "resourceclaimtemplates"
    ),
    *_lines(Verdict.HARMLESS, _DEVICES, "resource.k8s.io", "resourceclaims/status", verbs=_EDITS),
    *_lines(
        Verdict.HARMLESS,
        "it counts in the namespace of a storage driver, and says how much room there is",
        "storage.k8s.io",
        "csistoragecapacities",
    ),
)

CLUSTER_SCOPED: tuple[Line, ...] = (
    *_guarded("", "namespaces", verbs=_NO_COLLECTION),
    *_guarded("", "namespaces/finalize", verbs=("update",)),
    *_guarded("", "namespaces/status", verbs=_EDITS),
    *_guarded("", "nodes", verbs=("update", "patch", "delete", "deletecollection")),
    *_guarded("", "nodes/status", verbs=_EDITS),
    *_guarded("", "nodes/proxy", verbs=_PROXY),
    *_lines(Verdict.HARMLESS, "a node that is new has no pods", "", "nodes", verbs=_CREATE),
    *_guarded("", "persistentvolumes"),
    *_lines(Verdict.HARMLESS, _REPORTED, "", "persistentvolumes/status", verbs=_EDITS),
    *_lines(
        Verdict.IMPOSSIBLE,
        _UNASKED,
        "admissionregistration.k8s.io",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    ),
    *_lines(
        Verdict.IMPOSSIBLE,
        _UNASKED,
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies/status",
        verbs=_EDITS,
    ),
    *_guarded("apiextensions.k8s.io", "customresourcedefinitions"),
    *_lines(
        Verdict.HARMLESS,
        _REPORTED,
        "apiextensions.k8s.io",
        "customresourcedefinitions/status",
        verbs=_EDITS,
    ),
    *_guarded("apiregistration.k8s.io", "apiservices"),
    *_lines(
        Verdict.HARMLESS, _REPORTED, "apiregistration.k8s.io", "apiservices/status", verbs=_EDITS
    ),
    *_lines(
        Verdict.HARMLESS,
        _QUESTION,
        "authentication.k8s.io",
        "selfsubjectreviews",
        "tokenreviews",
        verbs=_CREATE,
    ),
    *_lines(
        Verdict.HARMLESS,
        _QUESTION,
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "subjectaccessreviews",
        verbs=_CREATE,
    ),
    *_lines(
        Verdict.HARMLESS,
        "a request is worth nothing until it is approved, and approval is guarded",
        "certificates.k8s.io",
        "certificatesigningrequests",
    ),
    *_guarded("certificates.k8s.io", "certificatesigningrequests/approval", verbs=_EDITS),
    *_lines(
        Verdict.HARMLESS,
        "the API server asks for the right to sign besides",
        "certificates.k8s.io",
        "certificatesigningrequests/status",
        verbs=_EDITS,
    ),
    *_lines(Verdict.HARMLESS, _CLUSTERS, "certificates.k8s.io", "clustertrustbundles"),
    *_lines(
        Verdict.HARMLESS,
        _CLUSTERS,
        "flowcontrol.apiserver.k8s.io",
        "flowschemas",
        "prioritylevelconfigurations",
    ),
    *_lines(
        Verdict.HARMLESS,
        _CLUSTERS,
        "flowcontrol.apiserver.k8s.io",
        "flowschemas/status",
        "prioritylevelconfigurations/status",
        verbs=_EDITS,
    ),
    *_lines(
        Verdict.HARMLESS,
        _CLUSTERS,
        "networking.k8s.io",
        "ingressclasses",
        "ipaddresses",
        "servicecidrs",
    ),
    *_lines(Verdict.HARMLESS, _CLUSTERS, "networking.k8s.io", "servicecidrs/status", verbs=_EDITS),
    *_lines(Verdict.HARMLESS, _CLUSTERS, "node.k8s.io", "runtimeclasses"),
    *_guarded("rbac.authorization.k8s.io", "clusterrolebindings", "clusterroles"),
    *_lines(
        Verdict.HARMLESS,
        _DEVICES,
        "resource.k8s.io",
        "deviceclasses",
        "devicetaintrules",
        "resourceslices",
    ),
    *_lines(Verdict.HARMLESS, _DEVICES, "resource.k8s.io", "devicetaintrules/status", verbs=_EDITS),
    *_guarded("scheduling.k8s.io", "priorityclasses"),
    *_guarded("storage.k8s.io", "csidrivers", "storageclasses"),
    *_lines(
        Verdict.HARMLESS,
        _CLUSTERS,
        "storage.k8s.io",
        "csinodes",
        "volumeattachments",
        "volumeattributesclasses",
    ),
    *_lines(
        Verdict.HARMLESS,
        _REPORTED,
        "storage.k8s.io",
        "csinodes/status",
        "volumeattachments/status",
        verbs=_EDITS,
    ),
    *_lines(Verdict.HARMLESS, _CLUSTERS, "storagemigration.k8s.io", "storageversionmigrations"),
    *_lines(
        Verdict.HARMLESS,
        _CLUSTERS,
        "storagemigration.k8s.io",
        "storageversionmigrations/status",
        verbs=_EDITS,
    ),
)

# What is no way to change an object, or of no one kind: what it is, why, and what is done about it.
BEYOND: tuple[tuple[str, str, str], ...] = (
    ("reading: get, list, watch", "never reaches admission", "drift shows who can"),
    (
        "impersonate, bind, escalate",
        "rights over rights, asked of the authorizer only",
        (
            "drift and routes; who acts as another user passes *as that user*; acting as a "
            "ServiceAccount of the hub's namespace counts for nothing"
        ),
    ),
    ("`system:masters`", "passes, as break-glass", "warned and written down"),
    (
        "what stands inside the Secret `hub`",
        "CEL can't read YAML",
        (
            "[a narrow webhook](#inside-the-hubs-secret), which lets through while the operator is "
            "down; pull requests"
        ),
    ),
    (
        "what Python in `hub.extraConfig` sets, or a Secret that `hub.existingSecret` names",
        "the hub runs the one and merges the other in, over any setting",
        "both are item 15's: whoever owns it can change all",
    ),
    (
        "removing an object and creating it anew",
        "whoever has the whole object may do both",
        "the audit log has both; who may move a value only inside a range may do neither",
    ),
    (
        "the policies themselves",
        "the API server does not ask policies about policies",
        "RBAC; drift of item 0; the operator notices an edit; static manifests",
    ),
    ("webhook configurations", "never asked about by policies", "RBAC, item 0"),
    ("a kubelet's node", "whoever is on a node has its pods", "item 18"),
    (
        "finalizers on what no item guards (Events, PodTemplates, ResourceClaims)",
        "whoever may write one keeps its namespace from going, and everybody writes Events",
        "take the finalizer away; the Namespace says which object it waits for",
    ),
    (
        "an apply that changes nothing but who manages a field",
        "every write changes that, also those that are for all",
        "Helm 4 and others apply with `--force-conflicts`; the object names its managers",
    ),
    (
        "custom resources whose controllers make, scale or change workloads",
        "the controller does it, and which do is known to each project only",
        "the shipped model has those of the vertical pod autoscaler and KEDA; reserve others",
    ),
)


class Coverage:
    """The table held against the policies of a model."""

    def __init__(self, model: ResponsibilityModel) -> None:
        guards = list(Guards.of(model).items())
        self._in_namespaces: dict[Target, set[int]] = {}
        for each in guards:
            for target in each.targets:
                self._in_namespaces.setdefault(target, set()).add(each.item.number)
        self._at_cluster_scope = guarded_at_cluster_scope(model)

    def items(self, line: Line, verb: str) -> tuple[int, ...]:
        """Return the numbers of the items whose policies guard a verb of a line."""
        target = Target(line.group, line.resource, operation_of(line.resource, verb))
        found = set(self._in_namespaces.get(target, ())) | set(
            self._at_cluster_scope.get(target, ()) if line in CLUSTER_SCOPED else ()
        )
        return tuple(sorted(found))

    def lifetime(self, line: Line) -> tuple[int, ...]:
        """Return the numbers of the items that guard the metadata in a subresource."""
        every = line.resource.partition("/")[0] + EVERY_SUBRESOURCE
        return tuple(sorted(self._in_namespaces.get(Target(line.group, every, UPDATE), ())))


def verdicts() -> Mapping[tuple[str, str, str], Line]:
    """Return the lines by group, resource and verb."""
    return {
        (line.group, line.resource, verb): line
        for line in (*NAMESPACED, *CLUSTER_SCOPED)
        for verb in line.verbs
    }


def is_read(resource: str, verb: str) -> bool:
    """Return whether a verb never reaches admission: reads do not, connections do."""
    return verb in ("get", "list", "watch") and operation_of(resource, verb) != CONNECT
