"""Alerts about findings: each fires once its kind of finding has lasted."""

from __future__ import annotations

from responsibility.monitoring.alert import AlertSeverity
from tests.unit.monitoring.case import (
    CALLED,
    Case,
    cause,
    caused,
    finding,
    of_cluster,
    series,
)

FINDING_CASES = (
    cause(
        "ResponsibilityOwnerCannotAct",
        "missing-access",
        "high",
        AlertSeverity.TODAY,
        "An owner on hub prod/prod cannot act",
        after=30,
    ),
    finding(
        "ResponsibilityOwnerVacant",
        "owner-vacant",
        AlertSeverity.TODAY,
        "Nobody is left to act for the owner of hub prod/prod",
        after=30,
        item="record",
    ),
    finding(
        "ResponsibilityGrantPastEnd",
        "grant-past-end",
        AlertSeverity.TODAY,
        "A grant is past its end on hub prod/prod",
        after=15,
    ),
    cause(
        "ResponsibilityExcessAccessHigh",
        "excess-access",
        "high",
        AlertSeverity.TODAY,
        "Others than the owner can take over what is agreed on hub prod/prod: 2 causes",
        after=60,
    ),
    cause(
        "ResponsibilityExcessAccess",
        "excess-access",
        "medium",
        AlertSeverity.THIS_WEEK,
        "Others than the owner can do what is agreed otherwise on hub prod/prod: 2 causes",
        after=60,
    ),
    Case(
        alert="ResponsibilityExcessAccessHigh",
        # Seven findings of one binding are one alert; what is less bad is another, and later.
        sick=(caused("7x300"), caused("1x300", level="low", cause="c2")),
        at="61m",
        before="59m",
        labels={**CALLED, "kind": "excess-access", "level": "high"},
        summary="Others than the owner can take over what is agreed on hub prod/prod: 1 cause",
        severity=AlertSeverity.TODAY,
        healthy=((caused("1x300", level="medium"),),),
    ),
    Case(
        alert="ResponsibilityExcessAccessHigh",
        sick=(
            series("cause_info", "1x300", kind="excess-access", level="high", cause="c1"),
            series("cause_info", "1x300", kind="excess-access", level="high", cause="c2"),
        ),
        at="61m",
        before="59m",
        # Nobody owns the whole cluster, and it is in no hub's namespace.
        labels={"kind": "excess-access", "level": "high"},
        summary="Others than the owner can take over what is agreed on the cluster: 2 causes",
        severity=AlertSeverity.TODAY,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityOwnersDisagree",
        sick=(of_cluster("owners-disagree", "1x300"),),
        at="61m",
        before="59m",
        labels={"item": "operate", "kind": "owners-disagree"},
        summary="Records name different owners of operate, which the cluster has only one of",
        severity=AlertSeverity.THIS_WEEK,
        healthy=((of_cluster("excess-access", "1x300"),),),
    ),
    finding(
        "ResponsibilityEnforcementHollow",
        "enforcement-hollow",
        AlertSeverity.THIS_WEEK,
        "data refuses on hub prod/prod, and can be got round",
        after=15,
    ),
    finding(
        "ResponsibilityDelegationExpired",
        "delegation-expired",
        AlertSeverity.THIS_WEEK,
        "A delegation of data of prod/prod has ended, and is still in the record",
        after=15,
    ),
    finding(
        "ResponsibilityAttestationOverdue",
        "attestation-overdue",
        AlertSeverity.PLANNED,
        "data of prod/prod is overdue for its review",
        after=60,
    ),
    finding(
        "ResponsibilitySubjectGone",
        "subject-gone",
        AlertSeverity.PLANNED,
        "A ServiceAccount that acts for a party on hub prod/prod does not exist",
        after=60,
        item="record",
    ),
    finding(
        "ResponsibilityContactMissing",
        "contact-missing",
        AlertSeverity.PLANNED,
        "An owner on hub prod/prod cannot be reached",
        after=60,
        item="record",
    ),
    cause(
        "ResponsibilityAccessUnknown",
        "unknown",
        "low",
        AlertSeverity.PLANNED,
        "It cannot be told whether an owner on hub prod/prod can act",
        after=1440,
    ),
)
