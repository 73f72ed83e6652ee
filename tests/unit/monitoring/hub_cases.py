"""Alerts about what was agreed that are more than a finding that lasts."""

from __future__ import annotations

from responsibility.monitoring.alert import AlertSeverity
from tests.unit.monitoring.case import (
    CALLED,
    DATA,
    DAY,
    OPERATOR,
    OTHER_POD,
    OWNED,
    Case,
    caused,
    delegation,
    drift,
    of_cluster,
    of_hub,
    series,
    uses,
)

HUB_CASES = (
    Case(
        alert="ResponsibilityNotEnforced",
        sick=(of_hub("enforced", "0x100", item="data"),),
        at="16m",
        before="14m",
        labels=DATA,
        summary="data of prod/prod is not enforced, although that was asked for",
        severity=AlertSeverity.TODAY,
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
        severity=AlertSeverity.TODAY,
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
        severity=AlertSeverity.TODAY,
        # It ends an hour after the last use.
        healthy=((uses("3x4 4x300"),),),
    ),
    Case(
        alert="ResponsibilityBreakGlassUsedOnHub",
        # Born with its first use, in a replica that has only just begun to lead.
        sick=(
            *OWNED,
            of_hub("break_glass_uses_total", "3x69 stale", item="data"),
            of_hub("break_glass_uses_total", "_x70 1x100", item="data", **OTHER_POD),
        ),
        at="72m",
        before="68m",
        labels=DATA,
        summary="Break-glass access was used: data of prod/prod",
        severity=AlertSeverity.TODAY,
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
        labels=DATA,
        summary="Break-glass access was used: data of prod/prod",
        severity=AlertSeverity.TODAY,
        # It ends an hour after the last use.
        healthy=((*OWNED, of_hub("break_glass_uses_total", "3x4 4x300", item="data")),),
    ),
    Case(
        alert="ResponsibilityValuesUnjudged",
        # Born with the first one, in a replica that does not lead.
        sick=(of_hub("values_reviews_total", "_x70 1x100", verdict="unjudged", **OTHER_POD),),
        at="72m",
        before="68m",
        labels={key: DATA[key] for key in ("namespace", "hub_namespace", "hub")},
        summary="A change of a hub's values was not looked at, and passed: prod/prod",
        severity=AlertSeverity.TODAY,
        # Long ago; and what was refused.
        healthy=(
            (of_hub("values_reviews_total", "5x300", verdict="unjudged"),),
            (of_hub("values_reviews_total", "0+1x300", verdict="refused"),),
        ),
    ),
    Case(
        alert="ResponsibilityGrantConflict",
        sick=(of_hub("grant_conflicts", "1x100", item="data"),),
        at="16m",
        before="14m",
        labels=DATA,
        summary="The owner of data on hub prod/prod cannot be granted its rights",
        severity=AlertSeverity.THIS_WEEK,
        healthy=((of_hub("grant_conflicts", "0x100", item="data"),),),
    ),
    Case(
        alert="ResponsibilityExcessAccessGrew",
        # A second cause beside an old one. What is called otherwise, since its worst has ended, is
        # no news by itself.
        sick=(
            of_hub("exempt_subjects", "0x300"),
            drift("excess-access", "1x99 2x200"),
            caused("1x300"),
            caused("_x100 1x200", cause="c2"),
        ),
        at="111m",
        before="98m",
        labels={**CALLED, "kind": "excess-access", "level": "high"},
        summary="More can be done on hub prod/prod than an hour ago by others than the owner",
        severity=AlertSeverity.TODAY,
        healthy=(
            # It went down, and the cause has the name of another finding by that.
            (
                of_hub("exempt_subjects", "0x300"),
                drift("excess-access", "2x99 1x200"),
                caused("2x99 stale"),
                caused("_x99 1x200", cause="c2"),
            ),
            # The operator has only just been installed: what it finds is no news.
            (
                of_hub("exempt_subjects", "_x99 0x200"),
                drift("excess-access", "_x99 2x200"),
                caused("_x99 2x200"),
            ),
        ),
    ),
    Case(
        alert="ResponsibilityExcessAccessGrew",
        # A binding that is there already has come to give more.
        sick=(
            of_hub("exempt_subjects", "0x300"),
            drift("excess-access", "1x99 2x200"),
            caused("1x99 2x200"),
        ),
        at="111m",
        before="98m",
        labels={**CALLED, "kind": "excess-access", "level": "high"},
        summary="More can be done on hub prod/prod than an hour ago by others than the owner",
        severity=AlertSeverity.TODAY,
        healthy=((),),
    ),
    Case(
        alert="ResponsibilityExcessAccessGrew",
        # The first on the whole cluster.
        sick=(
            series("exempt_subjects", "0x300"),
            of_cluster("excess-access", "_x99 1x200"),
            series("cause_info", "_x99 1x200", kind="excess-access", level="high", cause="c1"),
        ),
        at="111m",
        before="98m",
        labels={"kind": "excess-access", "level": "high"},
        summary="More can be done on the cluster than an hour ago by others than the owner",
        severity=AlertSeverity.TODAY,
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
        labels={**DATA, "delegate": "students"},
        summary="The delegation of data of prod/prod to students ends within two weeks",
        severity=AlertSeverity.PLANNED,
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
        severity=AlertSeverity.THIS_WEEK,
        healthy=((series("refused_records", "0x100", reason="HubTaken"),), ()),
    ),
    Case(
        alert="ResponsibilityHubsUnrecorded",
        sick=(series("unrecorded_hubs", "3x300"),),
        at="1440m",
        before="1425m",
        labels=OPERATOR,
        summary="3 hubs have no record",
        severity=AlertSeverity.PLANNED,
        healthy=((series("unrecorded_hubs", "0x300"),),),
    ),
    Case(
        alert="ResponsibilityBreakGlassUndeclared",
        sick=(series("break_glass_subjects", "4x100", declared="false"),),
        at="61m",
        before="59m",
        labels=OPERATOR,
        summary="4 subjects may do everything, and the model does not name them",
        severity=AlertSeverity.THIS_WEEK,
        healthy=(
            (
                series("break_glass_subjects", "4x100", declared="true"),
                series("break_glass_subjects", "0x100", declared="false"),
            ),
        ),
    ),
)
