"""Alerts about findings: each fires once its kind of finding has lasted."""

from __future__ import annotations

from responsibility.monitoring.alert import AlertSeverity
from tests.unit.monitoring.case import (
    Case,
    finding,
    of_cluster,
)

FINDING_CASES = (
    finding(
        "ResponsibilityOwnerCannotAct",
        "missing-access",
        AlertSeverity.TODAY,
        "The owner of data of prod/prod cannot act",
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
    finding(
        "ResponsibilityExcessAccess",
        "excess-access",
        AlertSeverity.THIS_WEEK,
        "Others than the owner can do data on hub prod/prod",
        after=60,
    ),
    Case(
        alert="ResponsibilityExcessAccess",
        sick=(of_cluster("excess-access", "2x300"),),
        at="61m",
        before="59m",
        # Nobody owns the whole cluster, and it is in no hub's namespace.
        labels={"item": "operate", "kind": "excess-access"},
        summary="Others than the owner can do operate on the cluster",
        severity=AlertSeverity.THIS_WEEK,
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
    finding(
        "ResponsibilityAccessUnknown",
        "unknown",
        AlertSeverity.PLANNED,
        "It cannot be told whether the owner of data of prod/prod can act",
        after=1440,
    ),
)
