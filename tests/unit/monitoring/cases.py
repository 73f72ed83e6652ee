"""For each alert: series with which it fires, when, and what it says; and series with which not.

A table that two kinds of test read: here every alert has to be in it; end to end, a real promtool
decides. Time begins at 0, with a sample a minute; every quarter of an hour in cases that take days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from responsibility.monitoring.severity import Severity

# What scraping adds to every series, and alerts must not trip over.
_TARGET = {"instance": "10.0.0.7:8080", "job": "services", "namespace": "hub-responsibility"}
_OTHER_POD = {"instance": "10.0.0.8:8080"}
OPERATOR = {"namespace": "hub-responsibility"}
DAY = 86_400
HALF_A_DAY = 12 * 60


def series(name: str, values: str, **labels: str) -> tuple[str, str]:
    """Return a series as promtool takes it: a selector and a notation of values."""
    pairs = ", ".join(f'{key}="{value}"' for key, value in {**_TARGET, **labels}.items())
    return f"responsibility_{name}{{{pairs}}}", values


def of_hub(name: str, values: str, **labels: str) -> tuple[str, str]:
    """Return a series about one hub, that of prod."""
    return series(name, values, hub_namespace="prod", hub="prod", **labels)


def drift(kind: str, values: str, item: str = "data", **labels: str) -> tuple[str, str]:
    """Return findings on the hub."""
    return of_hub("drift", values, item=item, kind=kind, route="direct", **labels)


def of_cluster(kind: str, values: str, item: str = "operate") -> tuple[str, str]:
    """Return findings of the whole cluster."""
    return series("drift", values, item=item, kind=kind, route="direct")


def delegation(party: str, until: int) -> tuple[str, str]:
    """Return when a delegation on the hub ends. Its label ``party`` is not the owner's."""
    name = "delegation_end_timestamp_seconds"
    return of_hub(name, f"{until}x100", item="data", party=party)


def uses(values: str, **labels: str) -> tuple[str, str]:
    """Return the API server's count of what a policy has warned of."""
    told = {
        "instance": "10.0.0.1:6443",
        "job": "apiservers",
        "policy": "responsibility-data.break-glass",
        "policy_binding": "responsibility-data.break-glass",
        "enforcement_action": "warn",
        "error_type": "no_error",
        **labels,
    }
    pairs = ", ".join(f'{key}="{value}"' for key, value in told.items())
    return f"apiserver_validating_admission_policy_check_total{{{pairs}}}", values


Series = tuple[tuple[str, str], ...]
OWNED: Series = (
    of_hub("item_owner_info", "1x300", item="data", party="community", contact="leads@x.example"),
    # Another pod says the same for a while: what is there once must be counted once.
    of_hub(
        "item_owner_info",
        "1x300",
        item="data",
        party="community",
        contact="leads@x.example",
        **_OTHER_POD,
    ),
    of_hub("item_owner_info", "1x300", item="record", party="provider", contact="ops@y.example"),
    # Another hub with an owner of its own, in the same item.
    series(
        "item_owner_info",
        "1x300",
        hub_namespace="staging",
        hub="staging",
        item="data",
        party="provider",
        contact="ops@y.example",
    ),
)
_WHERE = {"hub_namespace": "prod", "hub": "prod", "namespace": "prod"}
_DATA = {**_WHERE, "item": "data", "party": "community", "contact": "leads@x.example"}
_RECORD = {**_WHERE, "item": "record", "party": "provider", "contact": "ops@y.example"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One alert. It fires at ``at``, and not yet at ``before``; with ``healthy`` it never does."""

    alert: str
    sick: Series
    at: str
    before: str
    labels: Mapping[str, str]
    summary: str
    severity: Severity
    healthy: tuple[Series, ...]
    common: Series = field(default=OWNED)

    @property
    def step(self) -> str:
        """Return the time between two samples, and between two looks at the rules."""
        return "15m" if int(self.at.removesuffix("m")) > HALF_A_DAY else "1m"


def _finding(
    alert: str, kind: str, severity: Severity, summary: str, *, after: int, item: str = "data"
) -> Case:
    """Return the case of a kind of finding that has to last for ``after`` minutes."""
    return Case(
        alert=alert,
        sick=(drift(kind, "1x300", item), drift(kind, "1x300", item, **_OTHER_POD)),
        at=f"{after}m",
        before=f"{after - 1}m" if after < HALF_A_DAY else f"{after - 15}m",
        labels={**(_DATA if item == "data" else _RECORD), "kind": kind},
        summary=summary,
        severity=severity,
        # Others kinds of finding; and one of this that has ended in time.
        healthy=((drift("other", "1x300"),), (drift(kind, "1x4 stale", item),)),
    )


CASES = (
    _finding(
        "ResponsibilityOwnerCannotAct",
        "missing-access",
        Severity.TODAY,
        "The owner of data of prod/prod cannot act",
        after=30,
    ),
    _finding(
        "ResponsibilityOwnerVacant",
        "owner-vacant",
        Severity.TODAY,
        "Nobody is left to act for the owner of hub prod/prod",
        after=30,
        item="record",
    ),
    _finding(
        "ResponsibilityGrantPastEnd",
        "grant-past-end",
        Severity.TODAY,
        "A grant is past its end on hub prod/prod",
        after=15,
    ),
    _finding(
        "ResponsibilityExcessAccess",
        "excess-access",
        Severity.THIS_WEEK,
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
        severity=Severity.THIS_WEEK,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityOwnersDisagree",
        sick=(of_cluster("owners-disagree", "1x300"),),
        at="61m",
        before="59m",
        labels={"item": "operate", "kind": "owners-disagree"},
        summary="Records name different owners of operate, which the cluster has only one of",
        severity=Severity.THIS_WEEK,
        healthy=((of_cluster("excess-access", "1x300"),),),
    ),
    _finding(
        "ResponsibilityDelegationExpired",
        "delegation-expired",
        Severity.THIS_WEEK,
        "A delegation of data of prod/prod has ended, and is still in the record",
        after=15,
    ),
    _finding(
        "ResponsibilityAttestationOverdue",
        "attestation-overdue",
        Severity.PLANNED,
        "data of prod/prod is overdue for its review",
        after=60,
    ),
    _finding(
        "ResponsibilitySubjectGone",
        "subject-gone",
        Severity.PLANNED,
        "A ServiceAccount that acts for a party on hub prod/prod does not exist",
        after=60,
        item="record",
    ),
    _finding(
        "ResponsibilityContactMissing",
        "contact-missing",
        Severity.PLANNED,
        "An owner on hub prod/prod cannot be reached",
        after=60,
        item="record",
    ),
    _finding(
        "ResponsibilityAccessUnknown",
        "unknown",
        Severity.PLANNED,
        "It cannot be told whether the owner of data of prod/prod can act",
        after=1440,
    ),
    Case(
        alert="ResponsibilityNotEnforced",
        sick=(of_hub("enforced", "0x100", item="data"),),
        at="16m",
        before="14m",
        labels=_DATA,
        summary="data of prod/prod is not enforced, although that was asked for",
        severity=Severity.TODAY,
        healthy=((of_hub("enforced", "1x100", item="data"),), ()),
    ),
    Case(
        alert="ResponsibilityBreakGlassUsed",
        # Born with its first use, on one of two API servers.
        sick=(uses("3x300"), uses("_x69 1x100", instance="10.0.0.2:6443")),
        at="71m",
        before="68m",
        labels={"item": "data", "policy": "responsibility-data.break-glass"},
        summary="Break-glass access was used: data",
        severity=Severity.TODAY,
        # Used long ago; and only what was refused, or a policy of others.
        healthy=(
            (uses("5x300"),),
            (uses("0+1x300", enforcement_action="deny"), uses("0+1x300", policy="theirs")),
        ),
    ),
    Case(
        alert="ResponsibilityBreakGlassUsed",
        sick=(uses("3x69 4x100"),),
        at="72m",
        before="68m",
        labels={"item": "data", "policy": "responsibility-data.break-glass"},
        summary="Break-glass access was used: data",
        severity=Severity.TODAY,
        # It ends an hour after the last use.
        healthy=((uses("3x4 4x300"),),),
    ),
    Case(
        alert="ResponsibilityBreakGlassUsedOnHub",
        # Born with its first use, in a replica that has only just begun to lead.
        sick=(
            *OWNED,
            of_hub("break_glass_uses_total", "3x69 stale", item="data"),
            of_hub("break_glass_uses_total", "_x70 1x100", item="data", **_OTHER_POD),
        ),
        at="72m",
        before="68m",
        labels=_DATA,
        summary="Break-glass access was used: data of prod/prod",
        severity=Severity.TODAY,
        # Used long ago; and never.
        healthy=(
            (*OWNED, of_hub("break_glass_uses_total", "5x300", item="data")),
            OWNED,
        ),
    ),
    Case(
        alert="ResponsibilityBreakGlassUsedOnHub",
        sick=(*OWNED, of_hub("break_glass_uses_total", "3x69 4x100", item="data")),
        at="72m",
        before="68m",
        labels=_DATA,
        summary="Break-glass access was used: data of prod/prod",
        severity=Severity.TODAY,
        # It ends an hour after the last use.
        healthy=((*OWNED, of_hub("break_glass_uses_total", "3x4 4x300", item="data")),),
    ),
    Case(
        alert="ResponsibilityGrantConflict",
        sick=(of_hub("grant_conflicts", "1x100", item="data"),),
        at="16m",
        before="14m",
        labels=_DATA,
        summary="The owner of data on hub prod/prod cannot be granted its rights",
        severity=Severity.THIS_WEEK,
        healthy=((of_hub("grant_conflicts", "0x100", item="data"),),),
    ),
    Case(
        alert="ResponsibilityExcessAccessGrew",
        sick=(
            of_hub("exempt_subjects", "0x300"),
            drift("excess-access", "1x99 2x200"),
        ),
        at="111m",
        before="98m",
        labels={**_DATA, "kind": "excess-access"},
        summary="More people than an hour ago can do data on hub prod/prod",
        severity=Severity.TODAY,
        healthy=(
            # It went down.
            (of_hub("exempt_subjects", "0x300"), drift("excess-access", "2x99 1x200")),
            # The operator has only just been installed: what it finds is no news.
            (of_hub("exempt_subjects", "_x99 0x200"), drift("excess-access", "_x99 2x200")),
        ),
    ),
    Case(
        alert="ResponsibilityExcessAccessGrew",
        # The first of this item.
        sick=(of_hub("exempt_subjects", "0x300"), drift("excess-access", "_x99 1x200")),
        at="111m",
        before="98m",
        labels={**_DATA, "kind": "excess-access"},
        summary="More people than an hour ago can do data on hub prod/prod",
        severity=Severity.TODAY,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityExcessAccessGrew",
        sick=(series("exempt_subjects", "0x300"), of_cluster("excess-access", "_x99 1x200")),
        at="111m",
        before="98m",
        labels={"item": "operate", "kind": "excess-access"},
        summary="More people than an hour ago can do operate on the cluster",
        severity=Severity.TODAY,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityDelegationExpiring",
        # Of two delegations of the item, the one that ends soon.
        sick=(
            drift("delegation-expiring", "1x100"),
            delegation("students", 3 * DAY),
            delegation("guests", 90 * DAY),
        ),
        at="61m",
        before="59m",
        labels={**_DATA, "delegate": "students"},
        summary="The delegation of data of prod/prod to students ends within two weeks",
        severity=Severity.PLANNED,
        healthy=(
            (delegation("students", 20 * DAY),),
            # It has ended: that is another alert.
            (drift("delegation-expired", "1x100"), delegation("students", 60)),
            (drift("delegation-expiring", "1x100", item="users"), delegation("students", 60)),
        ),
    ),
    Case(
        alert="ResponsibilityRecordRefused",
        sick=(series("refused_records", "2x100", reason="HubTaken"),),
        at="16m",
        before="14m",
        labels={**OPERATOR, "reason": "HubTaken"},
        summary="2 records are held against no hub: HubTaken",
        severity=Severity.THIS_WEEK,
        healthy=((series("refused_records", "0x100", reason="HubTaken"),), ()),
    ),
    Case(
        alert="ResponsibilityHubsUnrecorded",
        sick=(series("unrecorded_hubs", "3x300"),),
        at="1440m",
        before="1425m",
        labels=OPERATOR,
        summary="3 hubs have no record",
        severity=Severity.PLANNED,
        healthy=((series("unrecorded_hubs", "0x300"),),),
    ),
    Case(
        alert="ResponsibilityBreakGlassUndeclared",
        sick=(series("break_glass_subjects", "4x100", declared="false"),),
        at="61m",
        before="59m",
        labels=OPERATOR,
        summary="4 subjects may do everything, and the model does not name them",
        severity=Severity.THIS_WEEK,
        healthy=(
            (
                series("break_glass_subjects", "4x100", declared="true"),
                series("break_glass_subjects", "0x100", declared="false"),
            ),
        ),
    ),
    Case(
        alert="ResponsibilityRBACNotEnforced",
        sick=(series("rbac_enforced", "0x100"),),
        at="11m",
        before="9m",
        labels=OPERATOR,
        summary="The API server does not enforce RBAC: anybody may do anything",
        severity=Severity.IMMEDIATE,
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
        severity=Severity.TODAY,
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
        severity=Severity.TODAY,
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
        severity=Severity.TODAY,
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
        severity=Severity.TODAY,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityRightsMissing",
        sick=(series("missing_rights", "2x100"),),
        at="16m",
        before="14m",
        labels=OPERATOR,
        summary="The operator lacks 2 rights that it needs",
        severity=Severity.THIS_WEEK,
        healthy=((series("missing_rights", "0x100"),),),
    ),
    Case(
        alert="ResponsibilityWritesFail",
        sick=(series("write_errors_total", "0+1x100", what="status"),),
        at="33m",
        before="29m",
        labels={**OPERATOR, "what": "status"},
        summary="The operator cannot write status",
        severity=Severity.THIS_WEEK,
        # None, or one that was made good.
        healthy=(
            (series("write_errors_total", "0x100", what="status"),),
            (series("write_errors_total", "0x4 1x100", what="status"),),
        ),
    ),
    Case(
        alert="ResponsibilityWatchesFail",
        sick=(series("watch_errors_total", "0+1x100", resource="roles"),),
        at="40m",
        before="29m",
        labels={**OPERATOR, "resource": "roles"},
        summary="The operator cannot watch roles",
        severity=Severity.THIS_WEEK,
        # A watch that breaks off now and then is normal.
        healthy=((series("watch_errors_total", "0x9 1x9 2x100", resource="roles"),),),
    ),
    Case(
        alert="ResponsibilityEvaluatorDisagrees",
        sick=(series("evaluator_disagreements_total", "0x9 1x200"),),
        at="12m",
        before="8m",
        labels=OPERATOR,
        summary="The API server refuses what the operator takes for allowed",
        severity=Severity.THIS_WEEK,
        healthy=(
            (series("evaluator_disagreements_total", "0x200"),),
            (series("evaluator_disagreements_total", "7x200"),),
        ),
    ),
)
