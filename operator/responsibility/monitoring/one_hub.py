"""The dashboard of one hub: its agreement, what differs from it, and the history."""

from __future__ import annotations

from responsibility.monitoring.panels import (
    CLUSTERS,
    Dashboard,
    Judgement,
    Kind,
    Panel,
    Query,
    Unit,
    Variable,
    count_of_kind,
    findings_over_time,
    grants,
    number,
    title,
)
from responsibility.monitoring.promql import (
    CHOSEN_HUB,
    CLUSTER,
    HUB,
    ITEM,
    count,
    findings,
    grouped,
    moment,
    of,
    total,
)

_HUB_ENFORCED = grouped("max", ITEM, of("enforced", CHOSEN_HUB))
# Should several clusters be chosen that have a hub of this name, they are told apart.
_BY_ITEM = (CLUSTER, "item")
_ENDS = moment("delegation_end_timestamp_seconds", CHOSEN_HUB, (*_BY_ITEM, "party"))
_SINCE = moment("drift_oldest_timestamp_seconds", CHOSEN_HUB, (CLUSTER, "kind"))
_CLUSTER = {"cluster": "Cluster"}

ONE_HUB = Dashboard(
    "hub-responsibility-hub",
    "Hub responsibility / One hub",
    "Who owns what on a hub, what differs from it, and since when.",
    (
        CLUSTERS,
        Variable("hub_namespace", "hub_namespace", "responsibility_hub_info", "Namespace"),
        Variable("hub", "hub", "responsibility_hub_info", "Hub"),
    ),
    (
        Panel(
            "Record",
            Kind.TABLE,
            (
                Query(
                    grouped(
                        "max",
                        (CLUSTER, "record", "model", "chart"),
                        of("hub_info", CHOSEN_HUB),
                    )
                ),
            ),
            "Where the agreement is written down: kubectl get resp.",
            width=8,
            height=4,
            columns={
                **_CLUSTER,
                "record": "Record",
                "model": "Model",
                "chart": "JupyterHub chart",
            },
        ),
        number(
            "Findings",
            total(findings(ITEM, CHOSEN_HUB)),
            "All that is in the status of the record.",
            judgement=Judgement.ZERO_IS_GOOD,
        ),
        count_of_kind(
            "Owner cannot act",
            "missing-access",
            CHOSEN_HUB,
            "Items whose owner lacks permissions that they need.",
        ),
        count_of_kind(
            "Excess access",
            "excess-access",
            CHOSEN_HUB,
            "Subjects that can do what others own, by item.",
        ),
        number(
            "Exempt subjects",
            grouped("max", HUB, of("exempt_subjects", CHOSEN_HUB)),
            "Let through, by the model, the record or as part of the hub itself; listed by "
            "kubectl responsibility.",
        ),
        title("The agreement"),
        Panel(
            "Items",
            Kind.TABLE,
            (
                Query(
                    grouped(
                        "max",
                        (*_BY_ITEM, "party", "contact"),
                        of("item_owner_info", CHOSEN_HUB),
                    )
                ),
                Query(findings(_BY_ITEM, CHOSEN_HUB), "Findings"),
                Query(grouped("max", _BY_ITEM, _HUB_ENFORCED), "Enforced"),
                Query(
                    moment("review_due_timestamp_seconds", CHOSEN_HUB, _BY_ITEM),
                    "Review overdue from",
                    Unit.DATE,
                ),
            ),
            "Who owns what, whom to call, and how it stands. Enforced is 1 where what was asked "
            "for is in force, 0 where it is not, and empty where it is only looked at.",
            width=24,
            height=14,
            columns={**_CLUSTER, "item": "Item", "party": "Owner", "contact": "Contact"},
        ),
        title("What differs"),
        Panel(
            "Findings",
            Kind.TABLE,
            (Query(findings((*_BY_ITEM, "kind", "route"), CHOSEN_HUB), "Findings"),),
            "Who is concerned stands in the status of the record, never in a metric.",
            width=10,
            columns={**_CLUSTER, "item": "Item", "kind": "Kind", "route": "Route"},
        ),
        Panel(
            "Since when",
            Kind.TABLE,
            (Query(_SINCE, "Since", Unit.MOMENT),),
            "When the oldest finding of each kind was first seen.",
            width=6,
            columns={**_CLUSTER, "kind": "Kind"},
        ),
        Panel(
            "Delegations",
            Kind.TABLE,
            (
                Query(
                    f"sort({_ENDS})",
                    "Ends",
                    Unit.DATE,
                ),
            ),
            "Those with an end, the next first.",
            width=8,
            columns={**_CLUSTER, "item": "Item", "party": "Delegate"},
        ),
        title("History"),
        findings_over_time("kind", CHOSEN_HUB),
        findings_over_time("item", CHOSEN_HUB),
        Panel(
            "Items by owner",
            Kind.HISTORY,
            (
                Query(
                    grouped(
                        "count",
                        ("party",),
                        grouped(
                            "max",
                            ("item", "party"),
                            of("item_owner_info", CHOSEN_HUB),
                        ),
                    ),
                    "{{party}}",
                ),
            ),
            "When responsibility changed hands.",
            stacked=True,
        ),
        Panel(
            "Enforcement",
            Kind.HISTORY,
            (
                Query(count(_HUB_ENFORCED), "items asked for"),
                Query(total(_HUB_ENFORCED), "items in force"),
            ),
        ),
        Panel(
            "Stages by item",
            Kind.TABLE,
            (
                Query(
                    grouped(
                        "max",
                        (*_BY_ITEM, "admission", "rbac"),
                        of("item_stage_info", CHOSEN_HUB),
                    )
                ),
            ),
            "What is really in force: what was tried, and granted. Why it is not what was asked "
            "for is in the status of the record.",
            columns={**_CLUSTER, "item": "Item", "admission": "Admission", "rbac": "RBAC"},
        ),
        grants(
            CHOSEN_HUB, "Bindings that the operator has made for owners and delegates of this hub."
        ),
    ),
)
