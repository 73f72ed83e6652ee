"""Reasons why a stage cannot be raised, as one table: each a question about one item of a hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from responsibility.admission.stages.namespace_annotations import ItemKeys
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import HubAssessment, HubState
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Item
from responsibility.ownership.terms.managed_namespaces import unmarked

NOT_ENABLED = (
    "the operator was installed without the right to enforce: set the chart's value "
    "enforcement.enabled to true"
)
NOT_ENABLED_CLUSTER = (
    "the operator was installed without the right to write who may act on what the cluster has "
    "only one of: set the chart's value enforcement.cluster to true"
)
NOT_ALLOWED = (
    "the operator was installed to put no more than warn in force: set the chart's value mode to "
    "deny, or enforcement.limit"
)
_BOTH = frozenset({AdmissionStage.WARN, AdmissionStage.DENY})
_DENY = frozenset({AdmissionStage.DENY})


@dataclass(frozen=True, slots=True)
class StageInputs:
    """One item of one hub, and all that counts for its stage.

    ``policy`` says why the item's policy cannot be relied on, empty if it can; ``neighbours``
    what is wrong with the releases beside this one, ``unrecorded`` which of them have no record.
    ``limit`` is the furthest stage that the operator was installed for. ``protected`` and
    ``managed`` are of the hub's namespace: whether nothing may be written there at all, and whether
    people let the operator write there.
    """

    hub: HubAssessment
    item: Item
    keys: ItemKeys
    policy: str
    neighbours: str
    unrecorded: tuple[str, ...]
    enabled: bool
    rbac_enforced: bool | None
    limit: AdmissionStage = AdmissionStage.DENY
    protected: bool = False
    managed: bool = True


@dataclass(frozen=True, slots=True)
class Blocker:
    """A reason why an item may not go up to some ``stages``.

    ``ends`` also brings down what is in force: only for what those decide who write records. What
    others can bring about must not lift what binds them; ``most`` is how far down it goes then.
    ``forcible`` gives way to ``force``.
    """

    reason: str
    ask: Callable[[StageInputs], str]
    stages: frozenset[AdmissionStage] = _BOTH
    ends: bool = False
    most: AdmissionStage = AdmissionStage.OBSERVE
    forcible: bool = False


def _not_enabled(case: StageInputs) -> str:
    if case.enabled:
        return ""
    return NOT_ENABLED


def _not_allowed(case: StageInputs) -> str:
    return NOT_ALLOWED if case.limit < AdmissionStage.DENY else ""


def _no_namespace(case: StageInputs) -> str:
    missing = case.hub.hub_state is HubState.NO_NAMESPACE
    return f"there is no namespace {case.hub.agreement.hub.namespace}" if missing else ""


def _terminating(case: StageInputs) -> str:
    going = case.hub.hub_state is HubState.DELETING
    return f"namespace {case.hub.agreement.hub.namespace} is being deleted" if going else ""


def _protected(case: StageInputs) -> str:
    if not case.protected:
        return ""
    return (
        f"nothing is enforced in namespace {case.hub.agreement.hub.namespace}, from where the "
        "whole cluster, or the operator, could be taken over"
    )


def _unmanaged(case: StageInputs) -> str:
    return "" if case.managed else unmarked(case.hub.agreement.hub.namespace)


def _releases_differ(case: StageInputs) -> str:
    return case.neighbours


def _unlistable(case: StageInputs) -> str:
    return case.keys.trouble


def _no_hub(case: StageInputs) -> str:
    if case.hub.hub_state not in (HubState.MISSING, HubState.AMBIGUOUS):
        return ""
    agreement = case.hub.agreement
    return (
        f"which release in namespace {agreement.hub.namespace} the record is about is not known"
        if case.hub.hub_state is HubState.AMBIGUOUS
        else f"hub {agreement.hub} was not found"
    )


def _unrecorded(case: StageInputs) -> str:
    if not case.unrecorded:
        return ""
    return (
        f"namespace {case.hub.agreement.hub.namespace} also holds {', '.join(case.unrecorded)}, "
        "for which there is no record, and admission knows one set of owners for a namespace: "
        "write a record with the same owners, or move one of the two"
    )


def _unresolved(case: StageInputs) -> str:
    if case.item.name not in case.hub.agreement.unresolved:
        return ""
    return "its owner or a delegate is a party that nobody declares"


def _policy(case: StageInputs) -> str:
    return case.policy


def _rbac(case: StageInputs) -> str:
    if case.rbac_enforced:
        return ""
    return "whether RBAC decides anything on this cluster is not known, or it does not"


def _vacant(case: StageInputs) -> str:
    found = _about(case, "owner-vacant")
    if found is not None:
        return wording.message(found)
    return (
        f"{case.item.owner} has no subject, nor has a delegate: nobody could act"
        if (case.keys.vacant and not case.keys.trouble)
        else ""
    )


def _lacking(case: StageInputs) -> str:
    found = _about(case, "missing-access")
    return wording.message(found) if found is not None else ""


def _about(case: StageInputs, kind: str) -> Finding | None:
    name = case.item.name
    return next(
        (f for f in case.hub.findings if f.kind == kind and name in (f.item, *f.items)), None
    )


BLOCKERS: tuple[Blocker, ...] = (
    Blocker("NotEnabled", _not_enabled, ends=True),
    Blocker("StageNotAllowed", _not_allowed, stages=_DENY, ends=True, most=AdmissionStage.WARN),
    Blocker("NamespaceMissing", _no_namespace, ends=True),
    Blocker("NamespaceTerminating", _terminating),
    Blocker("NamespaceProtected", _protected, ends=True),
    Blocker("NamespaceNotManaged", _unmanaged),
    Blocker("SeveralReleases", _releases_differ, ends=True),
    Blocker("CannotBeListed", _unlistable, ends=True),
    Blocker("UnknownParty", _unresolved),
    Blocker("HubMissing", _no_hub),
    Blocker("UnrecordedRelease", _unrecorded),
    Blocker("PolicyNotReliable", _policy, forcible=True),
    Blocker("RBACNotEnforced", _rbac, stages=_DENY, forcible=True),
    Blocker("NobodyLeft", _vacant, stages=_DENY, forcible=True),
    Blocker("OwnerLacksAccess", _lacking, stages=_DENY, forcible=True),
)


def blockers_of(case: StageInputs) -> Iterator[tuple[Blocker, str]]:
    """Yield what stands in the way of more than looking, each with the reason in words."""
    for blocker in BLOCKERS:
        if blocker.forcible and case.item.force:
            continue
        message = blocker.ask(case)
        if message:
            yield blocker, message
