"""Alerts about the operator itself."""

from __future__ import annotations

from responsibility.monitoring.alert import AlertSeverity
from tests.unit.monitoring.case import (
    OPERATOR,
    Case,
    series,
)

OPERATOR_CASES = (
    Case(
        alert="ResponsibilityRBACNotEnforced",
        sick=(series("rbac_enforced", "0x100"),),
        at="11m",
        before="9m",
        labels=OPERATOR,
        summary="The API server does not enforce RBAC: anybody may do anything",
        severity=AlertSeverity.IMMEDIATE,
        # It is, or that is not known.
        healthy=((series("rbac_enforced", "1x100"),), (series("rbac_enforced", "-1x100"),)),
    ),
    Case(
        alert="ResponsibilityOperatorAbsent",
        sick=(series("build_info", "1x4 stale", version="0.1.0"),),
        at="16m",
        before="14m",
        labels=OPERATOR,
        summary="Prometheus finds no operator to scrape",
        severity=AlertSeverity.TODAY,
        # It runs, or was away for a moment.
        healthy=(
            (series("build_info", "1x100", version="0.1.0"),),
            (series("build_info", "1x4 stale _x5 1x100", version="0.1.0"),),
        ),
    ),
    Case(
        # Never seen at all: there is no namespace to name.
        alert="ResponsibilityOperatorAbsent",
        sick=(),
        at="11m",
        before="9m",
        labels={},
        summary="Prometheus finds no operator to scrape",
        severity=AlertSeverity.TODAY,
        healthy=((series("build_info", "1x100", version="0.1.0"),),),
    ),
    Case(
        alert="ResponsibilityOperatorStale",
        sick=(
            series("build_info", "1x100", version="0.1.0"),
            series("last_evaluation_timestamp_seconds", "0x100"),
        ),
        at="12m",
        before="9m",
        labels=OPERATOR,
        summary="The operator runs, and has not looked at the cluster for minutes",
        severity=AlertSeverity.TODAY,
        # It looks each minute.
        healthy=(
            (
                series("build_info", "1x100", version="0.1.0"),
                series("last_evaluation_timestamp_seconds", "0+60x100"),
            ),
        ),
    ),
    Case(
        # It runs, and has never looked: nobody leads, or it waits for something.
        alert="ResponsibilityOperatorStale",
        sick=(series("build_info", "1x100", version="0.1.0"),),
        at="6m",
        before="4m",
        labels=OPERATOR,
        summary="The operator runs, and has not looked at the cluster for minutes",
        severity=AlertSeverity.TODAY,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityRightsMissing",
        sick=(series("missing_rights", "2x100"),),
        at="16m",
        before="14m",
        labels=OPERATOR,
        summary="The operator lacks 2 rights that it needs",
        severity=AlertSeverity.THIS_WEEK,
        healthy=((series("missing_rights", "0x100"),),),
    ),
    Case(
        alert="ResponsibilityWritesFail",
        sick=(series("write_errors_total", "0+1x100", what="status"),),
        at="33m",
        before="29m",
        labels={**OPERATOR, "what": "status"},
        summary="The operator cannot write status",
        severity=AlertSeverity.THIS_WEEK,
        # None, or one that was made good.
        healthy=(
            (series("write_errors_total", "0x100", what="status"),),
            (series("write_errors_total", "0x4 1x100", what="status"),),
        ),
    ),
    Case(
        alert="ResponsibilityRevocationStopped",
        sick=(series("revocations_total", "0x9 1x100", outcome="stopped"),),
        at="11m",
        before="9m",
        labels=OPERATOR,
        summary="A plan that was approved has been carried out in part only",
        severity=AlertSeverity.TODAY,
        # Long ago; and what ended otherwise.
        healthy=(
            (series("revocations_total", "3x100", outcome="stopped"),),
            (
                series("revocations_total", "0+1x100", outcome="applied"),
                series("revocations_total", "0+1x100", outcome="refused"),
            ),
        ),
    ),
    Case(
        alert="ResponsibilityPlansFail",
        sick=(series("plans_failed", "2x100"),),
        at="31m",
        before="29m",
        labels=OPERATOR,
        summary="No plan can be made for 2 hubs",
        severity=AlertSeverity.THIS_WEEK,
        # None, or while the memory was short.
        healthy=((series("plans_failed", "0x100"),), (series("plans_failed", "1x20 0x80"),)),
    ),
    Case(
        alert="ResponsibilityMemoryShort",
        sick=(
            series("memory_used_bytes", "95000000x100"),
            series("memory_limit_bytes", "100000000x100"),
        ),
        at="11m",
        before="9m",
        labels=OPERATOR,
        summary="The operator takes 95% of the memory that it may",
        severity=AlertSeverity.THIS_WEEK,
        # There is enough; or there is no limit.
        healthy=(
            (
                series("memory_used_bytes", "50000000x100"),
                series("memory_limit_bytes", "100000000x100"),
            ),
            (series("memory_used_bytes", "95000000x100"),),
        ),
    ),
    Case(
        alert="ResponsibilityWatchesFail",
        sick=(series("watch_errors_total", "0+1x100", resource="roles"),),
        at="40m",
        before="29m",
        labels={**OPERATOR, "resource": "roles"},
        summary="The operator cannot watch roles",
        severity=AlertSeverity.THIS_WEEK,
        # A watch that breaks off now and then is normal.
        healthy=((series("watch_errors_total", "0x9 1x9 2x100", resource="roles"),),),
    ),
    Case(
        alert="ResponsibilityInputStale",
        sick=(series("input_age_seconds", "0+60x100", resource="roles"),),
        at="12m",
        before="10m",
        labels={**OPERATOR, "resource": "roles"},
        summary="The operator has not heard of roles for minutes",
        severity=AlertSeverity.TODAY,
        # Bookmarks come each minute; a restart of the API server takes less than that.
        healthy=(
            (series("input_age_seconds", "60x100", resource="roles"),),
            (series("input_age_seconds", "0+60x8 0x90", resource="roles"),),
        ),
    ),
    Case(
        alert="ResponsibilityRecordsFollowedLate",
        sick=(series("watch_lag_seconds", "0+60x100", resource="responsibilities"),),
        at="8m",
        before="5m",
        labels={**OPERATOR, "resource": "responsibilities"},
        summary="Changes of responsibilities are seen late",
        severity=AlertSeverity.TODAY,
        # It follows, or did not for a moment.
        healthy=(
            (series("watch_lag_seconds", "0x100", resource="responsibilities"),),
            (series("watch_lag_seconds", "0 60 120 0x100", resource="responsibilities"),),
        ),
    ),
    Case(
        alert="ResponsibilityObjectsLeftOut",
        sick=(series("left_out_objects", "2x100", resource="rolebindings"),),
        at="11m",
        before="9m",
        labels={**OPERATOR, "resource": "rolebindings"},
        summary="2 rolebindings are left out",
        severity=AlertSeverity.THIS_WEEK,
        healthy=((series("left_out_objects", "0x100", resource="rolebindings"),),),
    ),
    *(
        Case(
            alert=alert,
            sick=(series("leftovers", "2x500", kind="stage", in_force=in_force),),
            at=at,
            before=before,
            labels={**OPERATOR, "kind": "stage"},
            summary=f"2 leftovers (stage) are {what}",
            severity=severity,
            healthy=(
                (series("leftovers", "0x500", kind="stage", in_force=in_force),),
                (series("leftovers", "2x500", kind="stage", in_force=other),),
            ),
        )
        for alert, in_force, other, at, before, what, severity in (
            (
                "ResponsibilityLeftoversInForce",
                "true",
                "false",
                "16m",
                "14m",
                "in force, though nobody expects them",
                AlertSeverity.TODAY,
            ),
            (
                "ResponsibilityLeftoversFound",
                "false",
                "true",
                "361m",
                "359m",
                "there, and not in force",
                AlertSeverity.THIS_WEEK,
            ),
        )
    ),
    Case(
        alert="ResponsibilityEvaluatorDisagrees",
        sick=(series("evaluator_disagreements_total", "0x9 1x200"),),
        at="12m",
        before="8m",
        labels=OPERATOR,
        summary="The API server refuses what the operator takes for allowed",
        severity=AlertSeverity.THIS_WEEK,
        healthy=(
            (series("evaluator_disagreements_total", "0x200"),),
            (series("evaluator_disagreements_total", "7x200"),),
        ),
    ),
)
