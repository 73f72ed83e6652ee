"""The dashboard of the operator: whether it does its work, how fast, and at what cost."""

from __future__ import annotations

from responsibility.monitoring.panels import (
    CLUSTERS,
    Dashboard,
    Judgement,
    Kind,
    Panel,
    Query,
    Unit,
    number,
    title,
)
from responsibility.monitoring.promql import (
    CLUSTER,
    OF_NO_HUB,
    OPERATOR,
    grouped,
    of,
    per_second,
    quantile,
    total,
    within,
)


def _durations(text: str, metric: str, description: str) -> Panel:
    return Panel(
        text,
        Kind.HISTORY,
        (
            Query(quantile("0.5", metric), "{{cluster}} half of them"),
            Query(quantile("0.99", metric), "{{cluster}} 99 of 100"),
        ),
        description,
        unit=Unit.SECONDS,
    )


THE_OPERATOR = Dashboard(
    "hub-responsibility-operator",
    "Hub responsibility / The operator",
    "Whether the operator does its work, how fast, and how much of the API server it takes.",
    (CLUSTERS,),
    (
        number(
            "Leading",
            grouped("sum", (CLUSTER,), of("leader")),
            "Replicas that act: one for each cluster.",
            judgement=Judgement.ONE_IS_GOOD,
            legend="{{cluster}}",
        ),
        number(
            "Last look",
            "time() - "
            + grouped(
                "max",
                (CLUSTER,),
                of("last_evaluation_timestamp_seconds"),
            ),
            "Once a minute when nothing happens.",
            unit=Unit.SECONDS,
            legend="{{cluster}}",
        ),
        number(
            "RBAC is enforced",
            grouped("max", (CLUSTER,), of("rbac_enforced")),
            "1 yes, 0 no, -1 not known yet.",
            judgement=Judgement.ONE_IS_GOOD,
            legend="{{cluster}}",
        ),
        number(
            "Rights it lacks",
            total(grouped("max", OPERATOR, of("missing_rights"))),
            "Its log names each, with the rule to add.",
            judgement=Judgement.ZERO_IS_GOOD,
        ),
        number(
            "Records",
            total(grouped("max", OPERATOR, of("records"))),
            "Those that are held against a hub.",
        ),
        number(
            "Records refused",
            total(grouped("max", (*OPERATOR, "reason"), of("refused_records"))),
            "Their condition Ready says why.",
            judgement=Judgement.ZERO_IS_GOOD,
        ),
        Panel(
            "Versions",
            Kind.TABLE,
            (
                Query(
                    grouped(
                        "count",
                        (*OPERATOR, "version"),
                        of("build_info"),
                    ),
                    "Pods",
                ),
            ),
            width=8,
            height=6,
            columns={"cluster": "Cluster", "namespace": "Namespace", "version": "Version"},
        ),
        Panel(
            "Who may do everything",
            Kind.TABLE,
            (
                Query(
                    grouped(
                        "max",
                        (CLUSTER, "declared"),
                        of("break_glass_subjects"),
                    ),
                    "Subjects",
                ),
            ),
            "Cluster administrators and their like. Declared are those that the model names.",
            width=8,
            height=6,
            columns={"cluster": "Cluster", "declared": "Declared"},
        ),
        Panel(
            "Exempt everywhere",
            Kind.TABLE,
            (
                Query(
                    grouped("max", (CLUSTER,), of("exempt_subjects", OF_NO_HUB)),
                    "Subjects",
                ),
            ),
            "Subjects that are let through on the whole cluster.",
            width=8,
            height=6,
            columns={"cluster": "Cluster"},
        ),
        title("What it knows and carries out"),
        Panel(
            "Age of what it knows",
            Kind.HISTORY,
            (
                Query(
                    grouped("max", (CLUSTER, "resource"), of("input_age_seconds")),
                    "{{cluster}} {{resource}}",
                ),
            ),
            "Since the API server was last heard of about a kind, or last answered a part of it.",
            unit=Unit.SECONDS,
        ),
        Panel(
            "Uses of the break-glass",
            Kind.HISTORY,
            (
                Query(
                    within("break_glass_uses_total", "hub_namespace", "hub", "item"),
                    "{{cluster}} {{hub_namespace}}/{{hub}} {{item}}",
                ),
            ),
            "What was let through in an emergency, as the webhook was told; who, say Events.",
        ),
        Panel(
            "Revocations",
            Kind.HISTORY,
            (Query(within("revocations_total", "outcome"), "{{cluster}} {{outcome}}"),),
            "Approved plans that it was to carry out, by what came of it.",
        ),
        Panel(
            "Plans that can't be made, or not yet",
            Kind.HISTORY,
            (
                Query(grouped("max", (CLUSTER,), of("plans_failed")), "{{cluster}} failed"),
                Query(grouped("max", (CLUSTER,), of("plans_pending")), "{{cluster}} pending"),
            ),
            "Hubs with excess rights; mostly the container's memory does not suffice.",
        ),
        Panel(
            "Memory",
            Kind.HISTORY,
            (
                Query(grouped("max", (CLUSTER,), of("memory_used_bytes")), "{{cluster}} used"),
                Query(grouped("max", (CLUSTER,), of("memory_limit_bytes")), "{{cluster}} limit"),
            ),
            "Beyond its limit the container is killed.",
            unit=Unit.BYTES,
            width=24,
        ),
        title("How fast"),
        _durations("Duration of a look", "evaluation_seconds", "One assessment of everything."),
        _durations(
            "From a change to its being published",
            "detection_seconds",
            "How soon a change is in statuses, annotations and metrics.",
        ),
        title("What it asks of the API server"),
        Panel(
            "Writes",
            Kind.HISTORY,
            (
                Query(per_second("writes_total", "what"), "{{cluster}} {{what}}"),
                Query(per_second("write_errors_total", "what"), "{{cluster}} {{what}} failed"),
            ),
            "None while nothing changes.",
            unit=Unit.RATE,
        ),
        Panel(
            "Lists and watches",
            Kind.HISTORY,
            (
                Query(
                    per_second("relists_total", "resource"), "{{cluster}} {{resource}} listed anew"
                ),
                Query(
                    per_second("watch_errors_total", "resource"), "{{cluster}} {{resource}} failed"
                ),
            ),
            "Everything is listed anew from time to time, since watches are not trusted.",
            unit=Unit.RATE,
        ),
        Panel(
            "Decisions put to the API server",
            Kind.HISTORY,
            (
                Query(
                    within("evaluator_samples_total"),
                    "{{cluster}} samples",
                ),
                Query(
                    within("evaluator_disagreements_total"),
                    "{{cluster}} in which the two differed",
                ),
            ),
            "The operator's own proof: both decide the same questions.",
        ),
        Panel(
            "Trials of what is enforced",
            Kind.HISTORY,
            (Query(per_second("probes_total", "outcome"), "{{cluster}} {{outcome}}"),),
            "Dry runs of what policies must refuse or warn of; none where nothing is enforced.",
            unit=Unit.RATE,
        ),
    ),
)
