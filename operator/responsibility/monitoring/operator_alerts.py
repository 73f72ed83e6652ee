"""Alerts about the operator itself. Their ``namespace`` is the operator's own."""

from __future__ import annotations

from responsibility.monitoring.alert import Alert, AlertSeverity
from responsibility.monitoring.promql import OPERATOR, grouped

OPERATOR_ALERTS = (
    Alert(
        "RBACNotEnforced",
        grouped("max", OPERATOR, "responsibility_rbac_enforced") + " == 0",
        "10m",
        AlertSeverity.IMMEDIATE,
        "The API server does not enforce RBAC: anybody may do anything",
        "A user who does not exist was allowed to act. Nothing that is said about subjects on "
        "this cluster means anything until RBAC is turned on.",
    ),
    Alert(
        "OperatorAbsent",
        # Where it was lately, with its namespace; else, where a cluster has never been seen, bare.
        "(\n"
        f"  {grouped('group', OPERATOR, 'last_over_time(responsibility_build_info[1d])')}\n"
        "  unless\n"
        f"  {grouped('group', OPERATOR, 'responsibility_build_info')}\n"
        ")\nor\n"
        "absent(last_over_time(responsibility_build_info[1d]))",
        "10m",
        AlertSeverity.TODAY,
        "Prometheus finds no operator to scrape",
        "It does not run, or is not scraped. Hubs are not affected, but nobody watches who owns "
        "what, and all other alerts of this kind are silent.",
    ),
    Alert(
        "OperatorStale",
        "time() - "
        + grouped("max", OPERATOR, "responsibility_last_evaluation_timestamp_seconds")
        + " > 300\nor\n(\n"
        + f"  {grouped('group', OPERATOR, 'responsibility_build_info')}\n"
        + "  unless\n"
        + f"  {grouped('group', OPERATOR, 'responsibility_last_evaluation_timestamp_seconds')}\n"
        + ")",
        "5m",
        AlertSeverity.TODAY,
        "The operator runs, and has not looked at the cluster for minutes",
        "It looks once a minute when nothing happens. What statuses, annotations and metrics say "
        "is as old as that. Its log says what it waits for.",
    ),
    Alert(
        "RightsMissing",
        grouped("max", OPERATOR, "responsibility_missing_rights") + " > 0",
        "15m",
        AlertSeverity.THIS_WEEK,
        "The operator lacks {{ $value }} rights that it needs",
        "Part of what it should see or write is left out. Its log names each right, with the "
        "rule to add.",
    ),
    Alert(
        "WritesFail",
        grouped("sum", (*OPERATOR, "what"), "increase(responsibility_write_errors_total[15m])")
        + " > 0",
        "30m",
        AlertSeverity.THIS_WEEK,
        "The operator cannot write {{ $labels.what }}",
        "What people read in the cluster is outdated. Its log names the objects and what the API "
        "server answered.",
    ),
    Alert(
        "RevocationStopped",
        grouped(
            "sum", OPERATOR, 'increase(responsibility_revocations_total{outcome="stopped"}[1h])'
        )
        + " > 0",
        "0m",
        AlertSeverity.TODAY,
        "A plan that was approved has been carried out in part only",
        "Some of the rights that were to end have ended, others have not. The condition Revoked of "
        "the record says how far it came and why, and how to take it back.",
    ),
    Alert(
        "PlansFail",
        grouped("max", OPERATOR, "responsibility_plans_failed") + " > 0",
        "30m",
        AlertSeverity.THIS_WEEK,
        "No plan can be made for {{ $value }} hubs",
        "What would end their excess rights is not in their records' status, and what those "
        "approve is not carried out. Mostly the container's memory does not suffice; its log says "
        "why.",
    ),
    Alert(
        "MemoryShort",
        grouped("max", OPERATOR, "responsibility_memory_used_bytes")
        + "\n/\n"
        + grouped("max", OPERATOR, "responsibility_memory_limit_bytes")
        + " > 0.9",
        "10m",
        AlertSeverity.THIS_WEEK,
        "The operator takes {{ $value | humanizePercentage }} of the memory that it may",
        "Beyond its limit it is killed, and begins again from the start. Raise the chart's "
        "resources.limits.memory.",
    ),
    Alert(
        "WatchesFail",
        grouped("sum", (*OPERATOR, "resource"), "increase(responsibility_watch_errors_total[15m])")
        + " > 3",
        "30m",
        AlertSeverity.THIS_WEEK,
        "The operator cannot watch {{ $labels.resource }}",
        "It lists them again and again instead, so changes are seen late, or not at all. Its log "
        "says what the API server answered.",
    ),
    Alert(
        "InputStale",
        # A plan may take minutes; that none can be made is told by PlansFail.
        grouped(
            "max",
            (*OPERATOR, "resource"),
            'responsibility_input_age_seconds{resource!="planner"}',
        )
        + " > 300",
        "5m",
        AlertSeverity.TODAY,
        "The operator has not heard of {{ $labels.resource }} for minutes",
        "It is a kind of object, or a part of the operator that asks the API server. What rests on "
        "it is as old as that, so records say Ready=Unknown or Enforced=Unknown. Its log says what "
        "the API server answered.",
    ),
    Alert(
        "RecordsFollowedLate",
        grouped("max", (*OPERATOR, "resource"), "responsibility_watch_lag_seconds") + " > 30",
        "5m",
        AlertSeverity.TODAY,
        "Changes of {{ $labels.resource }} are seen late",
        "Only lists bring them, twice a minute: the watch tells of none, since it hangs or can't "
        "log in. Its log says which, and a restart begins it anew.",
    ),
    Alert(
        "ObjectsLeftOut",
        grouped("max", (*OPERATOR, "resource"), "responsibility_left_out_objects") + " > 0",
        "10m",
        AlertSeverity.THIS_WEEK,
        "{{ $value }} {{ $labels.resource }} are left out",
        "They are there, and can't be read, or there is too much of them in one namespace. What "
        "they grant is not known. The condition Ready of the model names them.",
    ),
    Alert(
        "LeftoversInForce",
        grouped("sum", (*OPERATOR, "kind"), 'responsibility_leftovers{in_force="true"}') + " > 0",
        "15m",
        AlertSeverity.TODAY,
        "{{ $value }} leftovers ({{ $labels.kind }}) are in force, though nobody expects them",
        "Somebody is refused or granted something that no record asks for, or that the operator is "
        "installed not to do: an upgrade or a rollback was interrupted, or a right is missing. "
        "kubectl responsibility leftovers lists them, and ends them.",
    ),
    Alert(
        "LeftoversFound",
        grouped("sum", (*OPERATOR, "kind"), 'responsibility_leftovers{in_force="false"}') + " > 0",
        "6h",
        AlertSeverity.THIS_WEEK,
        "{{ $value }} leftovers ({{ $labels.kind }}) are there, and not in force",
        "They are of enforcement that has ended, and mislead who reads them. kubectl "
        "responsibility leftovers lists them, and ends them.",
    ),
    Alert(
        "EvaluatorDisagrees",
        grouped("sum", OPERATOR, "increase(responsibility_evaluator_disagreements_total[1h])")
        + " > 0",
        "0m",
        AlertSeverity.THIS_WEEK,
        "The API server refuses what the operator takes for allowed",
        "Samples of its decisions are put to the API server, and differed for a while. Findings "
        "may be wrong. Please report it, with the operator's log.",
    ),
)
