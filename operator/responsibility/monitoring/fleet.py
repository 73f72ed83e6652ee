"""The dashboard of all hubs: which drift, in what, since when, and who owns what."""

from __future__ import annotations

from responsibility.monitoring.panels import (
    CLUSTERS,
    Dashboard,
    Judgement,
    Kind,
    Panel,
    Query,
    Unit,
    count_of_kind,
    findings_over_time,
    grants,
    number,
    title,
)
from responsibility.monitoring.promql import (
    CHOSEN,
    CLUSTER,
    HUB,
    ITEM,
    OF_HUBS,
    OF_NO_HUB,
    OPERATOR,
    count,
    findings,
    grouped,
    moment,
    of,
    of_kind,
    total,
)

ONE_HUB_UID = "hub-responsibility-hub"
_BY_ITEM = ("item",)
_PLACE = {"cluster": "Cluster", "hub_namespace": "Namespace", "hub": "Hub"}
_HUBS = grouped("max", HUB, of("hub_info"))
_OWNERS = grouped("max", (*ITEM, "party"), of("item_owner_info"))
_ENFORCED = grouped("max", ITEM, of("enforced"))
_STAGES = grouped("max", (*ITEM, "admission"), of("item_stage_info"))
_ENDS = moment("delegation_end_timestamp_seconds", CHOSEN, (*ITEM, "party"))
_REVIEWS = moment("review_due_timestamp_seconds", CHOSEN, ITEM)


def _at(stage: str) -> str:
    """Count the items at a stage."""
    return count(grouped("max", ITEM, of("item_stage_info", f"{CHOSEN}, {stage}")))


FLEET = Dashboard(
    "hub-responsibility-fleet",
    "Hub responsibility / Fleet",
    "Which hubs differ from what was agreed, in what, since when, and who owns what.",
    (CLUSTERS,),
    (
        number("Hubs with a record", count(_HUBS), "Hubs whose agreement is written down."),
        number(
            "Hubs that drift",
            count(f"{findings(HUB, OF_HUBS)} > 0"),
            "Hubs with at least one finding of their own.",
            judgement=Judgement.ZERO_IS_GOOD,
        ),
        count_of_kind(
            "Owners that cannot act",
            "missing-access",
            CHOSEN,
            "Items whose owner lacks permissions that they need: who would be called could do "
            "nothing.",
        ),
        count_of_kind(
            "Excess access",
            "excess-access",
            CHOSEN,
            "Subjects that can do what an agreement gives to others, by item.",
        ),
        number(
            "Hubs without a record",
            total(grouped("max", OPERATOR, of("unrecorded_hubs"))),
            "They are listed in the status of the model.",
            judgement=Judgement.ZERO_IS_GOOD,
        ),
        number(
            "Oldest finding",
            f"time() - min({of('drift_oldest_timestamp_seconds')})",
            "How long the longest-standing difference has been seen.",
            unit=Unit.SECONDS,
        ),
        title("Drift"),
        findings_over_time(
            "kind", CHOSEN, "Whether it gets better. The runbook tells how each kind ends."
        ),
        Panel(
            "Hubs with the most findings",
            Kind.HISTORY,
            (
                Query(
                    f"topk(10, {findings(HUB, OF_HUBS)})",
                    "{{cluster}} {{hub_namespace}}/{{hub}}",
                ),
            ),
            "The ten worst, over time.",
        ),
        Panel(
            "Hubs",
            Kind.TABLE,
            (
                Query(findings(HUB, OF_HUBS), "Findings"),
                Query(of_kind("missing-access", OF_HUBS, HUB), "Owner cannot act"),
                Query(of_kind("excess-access", OF_HUBS, HUB), "Excess access"),
                Query(moment("drift_oldest_timestamp_seconds", OF_HUBS, HUB), "Since", Unit.MOMENT),
            ),
            "Every hub that drifts; its name opens it.",
            width=14,
            height=10,
            columns=_PLACE,
            opens=ONE_HUB_UID,
        ),
        Panel(
            "Items that drift most",
            Kind.BARS,
            (Query(f"sort_desc({findings(_BY_ITEM, CHOSEN)})", "{{item}}"),),
            "Findings of all hubs by item: where the agreement and practice differ.",
            width=10,
            height=10,
        ),
        Panel(
            "Of the whole cluster",
            Kind.TABLE,
            (Query(findings((CLUSTER, "item", "kind"), OF_NO_HUB), "Findings"),),
            "What was found once for a cluster, such as a binding that holds everywhere. It is in "
            "the status of the model.",
            width=24,
            height=6,
            columns={"cluster": "Cluster", "item": "Item", "kind": "Kind"},
        ),
        title("Who owns what"),
        Panel(
            "Items by owner",
            Kind.SHARES,
            (Query(grouped("count", ("party",), _OWNERS), "{{party}}"),),
            "How the responsibility is split over all hubs.",
            width=8,
        ),
        Panel(
            "Owners by hub",
            Kind.TABLE,
            (Query(grouped("count", (*HUB, "party"), _OWNERS), "Items"),),
            "How many items each party owns on each hub.",
            width=8,
            columns={**_PLACE, "party": "Party"},
            opens=ONE_HUB_UID,
        ),
        Panel(
            "Owners by item",
            Kind.TABLE,
            (Query(grouped("count", ("item", "party"), _OWNERS), "Hubs"),),
            "Where hubs agree on an owner, and where they do not.",
            width=8,
            columns={"item": "Item", "party": "Party"},
        ),
        title("Enforcement and dates"),
        Panel(
            "Stage of enforcement",
            Kind.SHARES,
            (
                Query(
                    grouped(
                        "count",
                        ("admission",),
                        f"{_STAGES} unless on ({', '.join(ITEM)}) ({_ENFORCED} == 0)",
                    ),
                    "{{admission}}",
                ),
                Query(count(f"{_ENFORCED} == 0"), "asked for, not in force"),
            ),
            "What admission does about items of all hubs: observe is to look only. What is asked "
            "for and not in force is an alert of its own.",
            width=8,
        ),
        Panel(
            "Delegations by their end",
            Kind.TABLE,
            (
                Query(
                    f"sort({_ENDS})",
                    "Ends",
                    Unit.DATE,
                ),
            ),
            "The next first; those in the past are still in a record.",
            width=8,
            columns={**_PLACE, "item": "Item", "party": "Delegate"},
        ),
        Panel(
            "Reviews by their date",
            Kind.TABLE,
            (
                Query(
                    f"sort({_REVIEWS})",
                    "Overdue from",
                    Unit.DATE,
                ),
            ),
            "The next first; those in the past are overdue.",
            width=8,
            columns={**_PLACE, "item": "Item"},
        ),
        Panel(
            "Stages over time",
            Kind.HISTORY,
            (
                Query(_at('admission="warn"'), "warn"),
                Query(_at('admission="deny"'), "deny"),
                Query(_at('rbac="grant"'), "granted"),
            ),
            "How many items are really enforced, and how.",
        ),
        grants(
            CHOSEN,
            "Bindings that the operator has made for owners and delegates, and those it can't "
            "make, because somebody else has made something of the same name.",
        ),
    ),
)
