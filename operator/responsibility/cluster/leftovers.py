"""Leftovers: what is ours in a cluster and nobody expects, whether it is still in force or not.

What is in force is what policies, bindings and Namespaces say, whatever the operator was told to
do. An upgrade or a rollback that was interrupted, an operator that has lost a right or is gone, a
record that was deleted meanwhile: each leaves something that goes on refusing or granting. Helm
deletes what a new revision leaves out as the last of an upgrade's steps (``pkg/kube/client.go`` of
Helm), so an interrupted one leaves all of that.

Not looked at is what ends by itself (the markers of delegations' ends), what people made by plans
(their undo files are the way back), and policies that were not installed by the chart: whoever
applied them can tell whether they are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from responsibility import api_groups
from responsibility.admission.policies.cluster_policies import ENFORCED_ANYWHERE
from responsibility.admission.policies.manifests import BINDING, POLICY
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    ITEM_LABEL,
    MODEL_LABEL,
    NAME_PREFIX,
    RECORD_LABEL,
    STAGE_LABEL,
    binding_name,
    is_our_key,
    label_value,
)
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.cluster.switches import Switches
from responsibility.grants import binding as grants
from responsibility.ownership.claims import HUB_CLAIMED
from responsibility.ownership.results.assessment import Assessment
from responsibility.phrases import counted
from responsibility.rbac.objects import chart_of

WEBHOOK = "ValidatingWebhookConfiguration"
# The name of our chart: whatever else is renamed, that stays.
_CHART = "hub-responsibility"
_TABLED = (CLUSTER_WARN_POLICY, CLUSTER_DENY_POLICY)
_EMPTY_TABLE = frozenset({"", "[]", "dyn([])"})
_ADMISSION = f"/apis/{api_groups.ADMISSION_REGISTRATION}/v1"
_RBAC = f"/apis/{api_groups.RBAC}/v1"

Json = dict[str, Any]


class LeftoverKind(StrEnum):
    """A kind of leftover; in the order in which they are ended."""

    BINDING = "policy-binding"
    POLICY = "policy"
    WEBHOOK = "webhook"
    TABLE = "table"
    STAGE = "stage"
    KEYS = "keys"
    GRANT = "grant"
    ANNOTATION = "annotation"


_ORDER = {kind: number for number, kind in enumerate(LeftoverKind)}


@dataclass(frozen=True, slots=True)
class Leftover:
    """One object, or what is left on one, that nobody expects.

    ``path`` is where the API server has the object. ``what`` says what is left of ours: ``keys``
    of its labels and annotations, or where there are none all of it. ``stages`` are those that it
    has in force, by item. ``in_force`` is whether it refuses, warns or grants at present.
    """

    kind: LeftoverKind
    path: str
    name: str
    namespace: str
    what: str
    why: str
    in_force: bool
    keys: tuple[str, ...] = ()
    stages: Mapping[str, AdmissionStage] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the object and what is left on it, for a message."""
        return f"{self.object}: {self.what}"

    @property
    def object(self) -> str:
        """The object as kubectl has it: ``namespaces/coast``."""
        plural = self.path.split("/")[-2]
        where = f" -n {self.namespace}" if self.namespace else ""
        return f"{plural}/{self.name}{where}"

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """The key by which leftovers are ended and shown in order."""
        return _ORDER[self.kind], self.namespace, self.name


@dataclass(frozen=True, slots=True)
class PolicyTrace:
    """An admission policy, a binding of one or a webhook configuration that a chart installed.

    ``policy`` is the policy that a binding binds; ``enforces`` are the items that the tables of
    one of the cluster's policies have in force.
    """

    kind: str
    name: str
    policy: str = ""
    enforces: bool = False

    @property
    def path(self) -> str:
        """Where the API server has it."""
        plural = {
            POLICY: "validatingadmissionpolicies",
            BINDING: "validatingadmissionpolicybindings",
            WEBHOOK: "validatingwebhookconfigurations",
        }[self.kind]
        return f"{_ADMISSION}/{plural}/{self.name}"


@dataclass(slots=True)
class Traces:
    """Everything of ours that is in a cluster, as it was looked up.

    ``bound`` are the names of all bindings of policies that are named like ours, whoever installed
    them; ``annotated`` are keys of ours on hubs' Deployments, by namespace and name.
    """

    namespaces: dict[str, NamespaceKeys] = field(default_factory=dict)
    policies: list[PolicyTrace] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    grants: list[grants.LiveBinding] = field(default_factory=list)
    annotated: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def add(self, raw: Mapping[str, Any]) -> None:
        """Take in what is ours of an object as the API server has it. Raises ValueError."""
        kind, meta = str(raw.get("kind")), raw.get("metadata") or {}
        if meta.get("deletionTimestamp"):
            return
        name = str(meta.get("name"))
        if kind == "Namespace":
            if keys := NamespaceKeys.of(meta):
                self.namespaces[name] = keys
        elif kind in (POLICY, BINDING, WEBHOOK):
            self.add_policy(raw)
        elif kind in ("RoleBinding", "ClusterRoleBinding"):
            found = grants.parse(raw)
            if isinstance(found, grants.LiveBinding) and found.ours and found.to_item:
                self.grants.append(found)
        elif kind == "Deployment":
            ours = tuple(sorted(filter(is_our_key, meta.get("annotations") or {})))
            if ours:
                self.annotated[str(meta.get("namespace")), name] = ours

    def add_policy(self, raw: Mapping[str, Any]) -> None:
        """Take in a policy, a binding or a webhook configuration."""
        kind, name, spec = str(raw["kind"]), str(raw["metadata"]["name"]), raw.get("spec") or {}
        if not name.startswith(NAME_PREFIX):
            return
        if kind == BINDING:
            self.bound.add(name)
        if is_charted(raw["metadata"]):
            variables = spec.get("variables") or ()
            tables = {v["name"]: v["expression"] for v in variables if "name" in v}
            full = name in _TABLED and tables.get(ENFORCED_ANYWHERE, "") not in _EMPTY_TABLE
            self.policies.append(PolicyTrace(kind, name, str(spec.get("policyName") or ""), full))


def is_charted(metadata: Mapping[str, Any]) -> bool:
    """Return whether our chart made an object."""
    return chart_of(metadata.get("labels") or {}) == _CHART


def leftovers(
    traces: Traces, switches: Switches, assessment: Assessment, *, kept: Collection[str] = ()
) -> tuple[Leftover, ...]:
    """Return what is in a cluster though neither its operator nor a record asks for it.

    ``kept`` are the namespaces of records that can't be read or followed at the moment: what an
    operator that enforces has put in force there stays.
    """
    expected = _Expected(switches, assessment, kept)
    found = [
        *_policies(traces, switches),
        *_namespaces(traces, expected),
        *_grants(traces, expected),
        *_annotations(traces, expected),
    ]
    return tuple(sorted(found, key=lambda leftover: leftover.sort_key))


def by_item(found: Iterable[Leftover], namespace: str) -> dict[str, AdmissionStage]:
    """Return the stages in force in a namespace that nobody expects, by item."""
    return {
        item: stage
        for leftover in found
        if leftover.in_force and leftover.namespace == namespace
        for item, stage in leftover.stages.items()
    }


class _Expected:
    """What records ask for, as far as the operator that is there does it."""

    def __init__(self, switches: Switches, assessment: Assessment, kept: Collection[str]) -> None:
        self.switches = switches
        self._stages: dict[str, dict[str, AdmissionStage]] = {}
        self._grants: set[tuple[str, str]] = set()
        for hub in assessment.hubs.values():
            agreement = hub.agreement
            items = self._stages.setdefault(agreement.hub.namespace, {})
            for item in agreement.items:
                items[item.name] = max(item.admission, items.get(item.name, item.admission))
                if item.rbac is not RbacMode.AUDIT:
                    self._grants.add((label_value(agreement.record), item.name))
        self._kept_records = {
            label_value(name)
            for name, refused in assessment.refused_records.items()
            if refused.reason != HUB_CLAIMED
        }
        self._kept_spaces = frozenset(kept)

    def stage(self, namespace: str, item: str) -> AdmissionStage:
        """Return how far an item may be in force in a namespace."""
        if not self.switches.enforcement:
            return AdmissionStage.OBSERVE
        if namespace in self._kept_spaces:
            return self.switches.limit
        asked = self._stages.get(namespace, {}).get(item, AdmissionStage.OBSERVE)
        return min(asked, self.switches.limit)

    def speaks(self, namespace: str) -> bool:
        """Return whether a record may have anything written on a Namespace."""
        items = self._stages.get(namespace, {})
        return self.switches.enforcement and (
            namespace in self._kept_spaces
            or any(stage is not AdmissionStage.OBSERVE for stage in items.values())
        )

    def grants(self, binding: grants.LiveBinding) -> bool:
        """Return whether a record or model may have a grant made."""
        if not self.switches.grants:
            return False
        if not binding.key.namespace and not self.switches.grants_cluster:
            return False
        if binding.labelled(MODEL_LABEL):
            return self.switches.grants_cluster
        record = binding.labelled(RECORD_LABEL)
        return (
            record in self._kept_records or (record, binding.labelled(ITEM_LABEL)) in self._grants
        )

    def has_hub(self, namespace: str) -> bool:
        """Return whether a record is about a namespace."""
        return namespace in self._stages or namespace in self._kept_spaces

    def why(self, namespace: str, *, asked: str) -> str:
        """Return why nothing is expected in a namespace."""
        if not self.switches.installed:
            return "no operator is there"
        if not self.has_hub(namespace):
            return "no record is about this namespace"
        return asked


def _policies(traces: Traces, switches: Switches) -> Iterator[Leftover]:
    why = "no operator is there" if not switches.installed else "its chart does not install it"
    labelled = {
        binding_name(item, stage)
        for keys in traces.namespaces.values()
        for item, stage in keys.stages().items()
    }
    bindings = [trace for trace in traces.policies if trace.kind == BINDING]
    tables = {trace.name for trace in traces.policies if trace.enforces}
    acting = {
        trace.name
        for trace in bindings
        if trace.policy in tables
        or trace.name in labelled
        # Of an item's policies, those that no Namespace names a stage of are asked about nothing.
        or not (trace.policy in _TABLED or _STAGED.search(trace.name))
    }
    at_work = {trace.policy for trace in bindings if trace.name in acting}
    for trace in traces.policies:
        if trace.kind == WEBHOOK:
            if not switches.webhooks:
                what = "asks a Service for each request that it is about"
                yield _policy_leftover(LeftoverKind.WEBHOOK, trace, what, why, in_force=True)
        elif not (switches.policies or switches.enforcement):
            kind = LeftoverKind.POLICY if trace.kind == POLICY else LeftoverKind.BINDING
            in_force = trace.name in (at_work if trace.kind == POLICY else acting)
            what = "the policy" if trace.kind == POLICY else f"binds {trace.policy}"
            yield _policy_leftover(kind, trace, what, why, in_force=in_force)
        elif trace.enforces and not switches.enforcement_cluster:
            what = "its tables hold items of the whole cluster at warn or deny"
            why_ = "its operator enforces nothing"
            in_force = trace.name in {b.policy for b in bindings}
            yield _policy_leftover(LeftoverKind.TABLE, trace, what, why_, in_force=in_force)


_STAGED = re.compile(r"-(warn|deny)$|\.break-glass$")


def _policy_leftover(
    kind: LeftoverKind, trace: PolicyTrace, what: str, why: str, *, in_force: bool
) -> Leftover:
    return Leftover(kind, trace.path, trace.name, "", what, why, in_force)


def _namespaces(traces: Traces, expected: _Expected) -> Iterator[Leftover]:
    for name, keys in traces.namespaces.items():
        stages = keys.stages()
        beyond = {
            item: stage for item, stage in stages.items() if stage > expected.stage(name, item)
        }
        asked = (
            "its operator enforces nothing"
            if not expected.switches.enforcement
            else "no record asks for it"
        )
        why = expected.why(name, asked=asked)
        if expected.speaks(name):
            # The operator keeps the rest of what is said there.
            if beyond:
                labels = tuple(STAGE_LABEL + item for item in sorted(beyond))
                yield _stage_leftover(name, labels, beyond, why=why, bound=traces.bound)
            continue
        every = (*sorted(keys.labels), *sorted(keys.annotations))
        if stages:
            yield _stage_leftover(name, every, stages, why=why, bound=traces.bound)
        else:
            what, path = counted(len(every), "key"), f"/api/v1/namespaces/{name}"
            yield Leftover(LeftoverKind.KEYS, path, name, name, what, why, False, every)


def _stage_leftover(
    name: str,
    keys: tuple[str, ...],
    stages: Mapping[str, AdmissionStage],
    *,
    why: str,
    bound: Collection[str],
) -> Leftover:
    what = ", ".join(f"{item}={stage}" for item, stage in sorted(stages.items()))
    in_force = {i: s for i, s in stages.items() if binding_name(i, s) in bound}
    return Leftover(
        LeftoverKind.STAGE,
        f"/api/v1/namespaces/{name}",
        name,
        name,
        what,
        why,
        bool(in_force),
        keys,
        stages=in_force,
    )


def _grants(traces: Traces, expected: _Expected) -> Iterator[Leftover]:
    for binding in traces.grants:
        if expected.grants(binding):
            continue
        namespace, name = binding.key.namespace, binding.key.name
        path = f"{_RBAC}/clusterrolebindings/{name}"
        if namespace:
            path = f"{_RBAC}/namespaces/{namespace}/rolebindings/{name}"
        asked = (
            "its operator grants nothing"
            if not expected.switches.grants
            else "no record asks for it"
        )
        what = f"{counted(len(binding.subjects), 'subject')} bound to {binding.role.name}"
        why = expected.why(namespace, asked=asked) if namespace else asked
        yield Leftover(LeftoverKind.GRANT, path, name, namespace, what, why, bool(binding.subjects))


def _annotations(traces: Traces, expected: _Expected) -> Iterator[Leftover]:
    for (namespace, name), keys in traces.annotated.items():
        if expected.switches.annotate and expected.has_hub(namespace):
            continue
        why = expected.why(namespace, asked="its operator writes no annotations")
        path = f"/apis/{api_groups.APPS}/v1/namespaces/{namespace}/deployments/{name}"
        what = counted(len(keys), "annotation")
        yield Leftover(LeftoverKind.ANNOTATION, path, name, namespace, what, why, False, keys)
