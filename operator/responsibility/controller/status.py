"""The statuses of records and models, made of an assessment, as they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.record import ResponsibilityStatus
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.api.status import (
    MAX_CAUSES,
    MAX_EXEMPTED,
    MAX_FINDINGS,
    MAX_LISTED,
    BreakGlassStatus,
    CauseStatus,
    Condition,
    Drift,
    ItemState,
    ItemStatus,
    KubernetesStatus,
    PlanStatus,
    SessionsStatus,
    SubjectReference,
)
from responsibility.cluster.knowledge import COMPLETE, Knowledge, Says
from responsibility.controller.admission.enforcement_status import (
    NOTHING,
    EnforcementStatus,
    cluster_claim,
    enforced_claim,
    enforcement_text,
)
from responsibility.controller.reporting.conditions import (
    ConditionDraft,
    doubt_condition,
    drift_condition,
    hub_conditions,
    rbac_condition,
    refused_conditions,
    with_times,
)
from responsibility.controller.reporting.grant_status import OwnerReport
from responsibility.ownership.results import plain_wording, wording
from responsibility.ownership.results.assessment import (
    Assessment,
    ClusterAssessment,
    Exempt,
    HubAssessment,
    ItemResult,
    Refused,
)
from responsibility.ownership.results.causes import Cause, causes_text
from responsibility.ownership.results.contacts import parties_to_call
from responsibility.ownership.results.findings import HUB_ACCOUNTS, Finding
from responsibility.ownership.results.states import agreed_result
from responsibility.ownership.terms.agreement import Agreement, Party
from responsibility.phrases import some
from responsibility.rbac.objects import Subject
from responsibility.upgrades.versions import ClusterVersions

MAX_BREAK_GLASS = 64
# Contacts told with a finding of the cluster, which may touch any number of hubs.
_MOST_CONTACTS = 3


def record_status(
    hub: HubAssessment,
    assessment: Assessment,
    *,
    generation: int,
    before: Iterable[Condition],
    since: Mapping[str, datetime],
    annotated: str | None,
    outcome: EnforcementStatus = NOTHING,
    plan: PlanStatus | None = None,
    revoked: ConditionDraft | None = None,
    left: ConditionDraft | None = None,
    knowledge: Knowledge = COMPLETE,
    sessions: SessionsStatus | None = None,
) -> ResponsibilityStatus:
    """Return the status of a record that was held against the cluster."""
    agreement = hub.agreement
    enforced = enforced_claim(agreement, outcome)
    conditions = with_times(
        hub_conditions(
            hub,
            rbac_enforced=assessment.rbac_enforced,
            annotated=annotated,
            enforced=enforced,
            knowledge=knowledge,
        )
        + ([outcome.granted.claim] if outcome.granted is not None else [])
        + [claim for claim in (revoked, left) if claim is not None],
        before,
        generation=generation,
        now=assessment.now,
    )
    split = ", ".join(f"{party} {count}" for party, count in hub.owner_split)
    return ResponsibilityStatus(
        observed_generation=generation,
        conditions=conditions,
        items=_items(hub.items, agreement.parties, outcome, assessment.now),
        drift=_drift(hub.findings, hub.causes),
        causes=_causes(hub.causes, since, (agreement,)),
        truncated=_untold(hub.causes),
        summary=_summary(agreement.display_name, hub.causes, hub.cluster_findings),
        hub=str(agreement.hub),
        owner_split=split,
        owners=_by_party((result.item.owner, result) for result in hub.items),
        delegates=_by_party((party, result) for result in hub.items for party in result.delegates),
        enforcement=enforcement_text(outcome),
        pending=tuple(str(key) for key in hub.pending),
        exempt=len({entry.subject for entry in hub.exempt}),
        exempt_subjects=_exempted(hub.exempt),
        cluster_findings=hub.cluster_findings,
        plan=plan,
        sessions=sessions,
    ).lean()


def refused_record_status(
    refused: Refused, *, before: Iterable[Condition], now: datetime
) -> ResponsibilityStatus:
    """Return the status of a record that could not be assessed."""
    return ResponsibilityStatus(
        observed_generation=refused.generation,
        conditions=with_times(
            refused_conditions(refused), before, generation=refused.generation, now=now
        ),
        # Kept for itself as well: see ``ownership.claims``.
        hub=str(refused.hub or ""),
        summary=refused.message,
    )


def model_status(
    cluster: ClusterAssessment,
    assessment: Assessment,
    *,
    generation: int,
    before: Iterable[Condition],
    since: Mapping[str, datetime],
    granted: OwnerReport | None = None,
    outcome: EnforcementStatus = NOTHING,
    left: ConditionDraft | None = None,
    knowledge: Knowledge = COMPLETE,
    kubernetes: Mapping[str, object] | None = None,
) -> ResponsibilityModelStatus:
    """Return the status of a model: what holds for the cluster as a whole.

    ``kubernetes`` is what it said of versions before, as it was read.
    """
    enforced = cluster_claim(outcome)
    probe = rbac_condition(assessment.rbac_enforced)
    ready = assessment.rbac_enforced is True
    doubt = doubt_condition(knowledge.doubts(Says.READY), knowledge.left_out)
    assessed = ConditionDraft(
        "Ready",
        ready,
        "Assessed" if ready else probe.reason,
        f"{cluster.records} records build on this model" if ready else probe.message,
    )
    claims = [
        doubt if ready and doubt is not None else assessed,
        probe,
        drift_condition(
            len(cluster.findings),
            f"{len(cluster.findings)} findings about the cluster as a whole",
            checked=ready,
        ),
        *([enforced] if enforced is not None else ()),
        *([granted.claim] if granted is not None else ()),
        *([left] if left is not None else ()),
    ]
    return ResponsibilityModelStatus(
        observed_generation=generation,
        conditions=with_times(claims, before, generation=generation, now=assessment.now),
        items=_items(cluster.items, cluster.terms.parties, outcome, assessment.now),
        drift=_drift(cluster.findings, cluster.causes),
        causes=_causes(
            cluster.causes,
            since,
            [
                hub.agreement
                for hub in assessment.hubs.values()
                if hub.agreement.terms is cluster.terms
            ],
        ),
        truncated=_untold(cluster.causes),
        summary=_summary("The cluster", cluster.causes, 0),
        break_glass=tuple(
            BreakGlassStatus(
                subject=_reference(entry.subject),
                sources=wording.source_texts(entry.sources),
                declared=entry.declared,
            )
            for entry in cluster.break_glass[:MAX_BREAK_GLASS]
        ),
        exempt=len({entry.subject for entry in cluster.exempt}),
        exempt_subjects=_exempted(cluster.exempt),
        item_count=sum(bool(item.number) for item in cluster.terms.items),
        unrecorded=len(assessment.unrecorded),
        records=cluster.records,
        unrecorded_hubs=tuple(str(key) for key in assessment.unrecorded),
        kubernetes=_kubernetes(cluster.versions, kubernetes, assessment.now),
    )


def refused_model_status(
    refused: Refused, *, before: Iterable[Condition], now: datetime
) -> ResponsibilityModelStatus:
    """Return the status of a model that could not be read."""
    return ResponsibilityModelStatus(
        observed_generation=refused.generation,
        conditions=with_times(
            refused_conditions(refused), before, generation=refused.generation, now=now
        ),
        summary=refused.message,
    )


def _kubernetes(
    versions: ClusterVersions | None, before: Mapping[str, object] | None, now: datetime
) -> KubernetesStatus | None:
    """Return what is told of versions: without counts, so that it rests while nodes come and go."""
    if versions is None:
        return None
    server = "" if versions.server is None else str(versions.server)
    told = before if before is not None and before.get("apiServer") == server else {}
    return KubernetesStatus(
        api_server=server,
        since=_moment(told.get("since")) or now.replace(microsecond=0),
        kubelets=versions.releases,
        nodes="" if versions.unknown is None else versions.unknown.value,
    ).lean()


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment


def _items(
    results: Iterable[ItemResult],
    parties: Mapping[str, Party],
    outcome: EnforcementStatus,
    now: datetime,
) -> tuple[ItemStatus, ...]:
    """Return what is to be said of items beyond what was agreed; see :class:`ItemStatus`."""
    stages = {entry.item: entry for entry in outcome.stages}
    told = (
        ItemStatus(
            name=name,
            state=result.state,
            checked=result.checked if result.checked != agreed.checked else None,
            findings=result.findings,
            cluster_findings=result.cluster_findings,
            admission=_beyond(entry.stage, AdmissionStage.OBSERVE) if entry is not None else "",
            admission_note=outcome.note(entry) if entry is not None else "",
            rbac=_beyond(granted.stage, RbacMode.AUDIT) if granted is not None else "",
            rbac_note=granted.note if granted is not None else "",
        ).lean()
        for result in results
        for name in (result.item.name,)
        for agreed in (agreed_result(result.item, parties.get(result.item.owner), now),)
        for entry in (stages.get(name),)
        for granted in (outcome.rbac(name),)
    )
    return tuple(
        item for item in told if item != ItemStatus(name=item.name, state=ItemState.RECORDED)
    )


def _beyond(stage: StrEnum, least: StrEnum) -> str:
    return "" if stage is least else stage.value


def _by_party(told: Iterable[tuple[str, ItemResult]]) -> dict[str, str]:
    """Return the names of items by party, in the order of their numbers."""
    found: dict[str, list[str]] = {}
    for party, result in told:
        found.setdefault(party, []).append(result.item.name)
    return {party: ", ".join(found[party]) for party in sorted(found)}


def _drift(findings: Iterable[Finding], grouped: Sequence[Cause]) -> Drift:
    kinds = Counter(finding.kind for finding in findings)
    return Drift(
        total=kinds.total(),
        causes=len(grouped),
        missing=kinds["missing-access"],
        excess=kinds["excess-access"],
        by_kind={kind: kinds[kind] for kind in sorted(kinds) if kinds[kind]},
    )


def _exempted(entries: Iterable[Exempt]) -> tuple[str, ...]:
    return tuple(
        f"{e.subject} ({some(e.items, MAX_LISTED)}): {e.reason}"
        for e in sorted(entries, key=lambda e: (str(e.subject), e.reason))[:MAX_EXEMPTED]
    )


def _causes(
    grouped: Sequence[Cause], since: Mapping[str, datetime], agreements: Sequence[Agreement]
) -> tuple[CauseStatus, ...]:
    return tuple(
        CauseStatus(
            id=cause.worst.id,
            kind=cause.worst.kind,
            severity=cause.severity.name.lower(),
            subject=_subject(cause),
            party=cause.worst.party,
            route=cause.worst.route_kind if cause.worst.route else "",
            items=cause.items,
            bindings=tuple(source.binding_text for source in cause.sources),
            since=oldest,
            summary=plain_wording.summary(cause),
            message=wording.cause_message(cause),
            remedy=wording.cause_remedy(cause),
            contact=_contact(cause, agreements),
            ids=" ".join(finding.id for finding in cause.findings[:MAX_FINDINGS]),
            findings={
                finding.id: moment.replace(microsecond=0)
                for finding in cause.findings[:MAX_FINDINGS]
                for moment in (since.get(finding.id),)
                if moment is not None and moment.replace(microsecond=0) != oldest
            },
        ).lean()
        for cause in grouped[:MAX_CAUSES]
        for oldest in (
            _whole_seconds(
                min((since[f.id] for f in cause.findings if f.id in since), default=None)
            ),
        )
    )


def _contact(cause: Cause, agreements: Sequence[Agreement]) -> str:
    parties = (p for finding in cause.findings for p in parties_to_call(finding, agreements))
    ways = dict.fromkeys(f"{party.label}: {party.contact}" for party in parties)
    return some(list(ways), _MOST_CONTACTS, between="; ")


def _untold(grouped: Sequence[Cause]) -> int:
    """Return how many findings are in no cause that is told, or left out of one."""
    told = sum(min(len(cause.findings), MAX_FINDINGS) for cause in grouped[:MAX_CAUSES])
    return sum(len(cause.findings) for cause in grouped) - told


def _whole_seconds(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)


def _subject(cause: Cause) -> SubjectReference | None:
    """Return who is concerned, where it is one subject, or one account inside the hub."""
    if cause.subject is not None:
        return _reference(cause.subject)
    word, _, name = cause.worst.account.partition(" ")
    return SubjectReference(kind=HUB_ACCOUNTS[word], name=name) if word in HUB_ACCOUNTS else None


def _reference(subject: Subject) -> SubjectReference:
    return SubjectReference(kind=str(subject.kind), name=subject.name, namespace=subject.namespace)


def _summary(name: str, grouped: Sequence[Cause], cluster: int) -> str:
    also = f", and {cluster} of the whole cluster touch it" if cluster else ""
    if not grouped:
        return f"{name}: no findings{also}."
    count = causes_text(grouped)
    return f"{name}: {count}{also}. First: {plain_wording.summary(grouped[0])}."
