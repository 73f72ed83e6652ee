"""All metrics of the operator, declared once; ``docs/reference/metrics.md`` is made from this.

Subjects are never labels: they are unbounded, and names of people. ``hub_namespace`` is not called
``namespace``, since scrape configurations set that one.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "responsibility_"
HUB = ("hub_namespace", "hub")


@dataclass(frozen=True, slots=True)
class Description:
    """One metric: its name without prefix, its type, labels and what it says."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str


METRICS = (
    Description(
        "drift",
        "gauge",
        (*HUB, "item", "kind", "route"),
        "Findings, by hub and item. A finding of the whole cluster has no hub.",
    ),
    Description(
        "cause_info",
        "gauge",
        (*HUB, "kind", "level", "cause", "what", "party", "contact"),
        "Findings of one kind that one thing causes, such as a binding that somebody was left in: "
        "the worst fifty causes of each hub, and of the whole cluster, which has no hub. `level` "
        "is high, medium or low, `cause` what `explain` takes, `what` the worst that can be done "
        'by it, such as "can read passwords and tokens", `party` whom to call.',
    ),
    Description(
        "drift_oldest_timestamp_seconds",
        "gauge",
        (*HUB, "kind"),
        "When the oldest present finding was first seen (Unix time).",
    ),
    Description(
        "item_owner_info",
        "gauge",
        (*HUB, "item", "party", "contact"),
        "1 for the party that owns an item, with the address to reach it.",
    ),
    Description(
        "enforced",
        "gauge",
        (*HUB, "item"),
        "Whether the enforcement that a record asks for is in force; 0 if not, -1 if not known. "
        "Nothing where none is asked for.",
    ),
    Description(
        "item_stage_info",
        "gauge",
        (*HUB, "item", "admission", "rbac"),
        "1, with what is really in force for an item: admission is observe, warn or deny, RBAC "
        "audit, grant or revoke.",
    ),
    Description(
        "delegation_end_timestamp_seconds",
        "gauge",
        (*HUB, "item", "party"),
        "When a delegation ends or has ended (Unix time); nothing for one without an end.",
    ),
    Description(
        "review_due_timestamp_seconds",
        "gauge",
        (*HUB, "item"),
        "When an item becomes overdue for its review (Unix time).",
    ),
    Description(
        "hub_info",
        "gauge",
        (*HUB, "record", "model", "chart"),
        "1 for each hub that has a record.",
    ),
    Description("unrecorded_hubs", "gauge", (), "Hubs that were found and have no record."),
    Description(
        "refused_records", "gauge", ("reason",), "Records that could not be held against a hub."
    ),
    Description(
        "exempt_subjects",
        "gauge",
        HUB,
        "Subjects that hold something reserved and are exempt; without a hub, cluster-wide.",
    ),
    Description(
        "break_glass_subjects",
        "gauge",
        ("declared",),
        "Subjects that may do everything; declared says whether the model names them.",
    ),
    Description(
        "rbac_enforced",
        "gauge",
        (),
        "1 if the API server enforces RBAC, 0 if not, -1 while that is not known.",
    ),
    Description("records", "gauge", (), "Records that are held against a hub or the lack of one."),
    Description(
        "last_evaluation_timestamp_seconds",
        "gauge",
        (),
        "When the cluster was last assessed (Unix time).",
    ),
    Description(
        "grants",
        "gauge",
        (*HUB, "item"),
        "Bindings that the operator has granted and that are in force. Those of the whole cluster "
        "have no hub.",
    ),
    Description(
        "grant_conflicts",
        "gauge",
        (*HUB, "item"),
        "Bindings that can't be made, because others have made something of the same name.",
    ),
    Description(
        "plan_changes",
        "gauge",
        HUB,
        "Changes in the plan that would end a hub's excess rights. Nothing where there are none, "
        "or while it is being worked out.",
    ),
    Description(
        "plans_pending",
        "gauge",
        (),
        "Hubs with excess rights whose plan is still to be worked out.",
    ),
    Description(
        "plans_failed",
        "gauge",
        (),
        "Hubs with excess rights for which no plan could be made, mostly for want of memory.",
    ),
    Description(
        "revocations_total",
        "counter",
        ("outcome",),
        "Approved plans that the operator was to carry out: applied, stopped (not all of it was "
        "done), refused (something else would be done by now), resumed (after an interruption).",
    ),
    Description(
        "leftovers",
        "gauge",
        ("kind", "in_force"),
        "What is ours in the cluster, nobody expects and the operator doesn't take away itself, by "
        "kind: policy, policy-binding, table, stage, keys, grant, annotation. Nothing while "
        "policies have not been listed.",
    ),
    Description(
        "hub_questions_total",
        "counter",
        ("result",),
        "Times that a hub was asked who administers it: answered, or why it was not (no-token, "
        "unreachable, slow, token-refused, scopes-missing, …). Nothing where no hub is asked.",
    ),
    Description(
        "hub_values_looks_total",
        "counter",
        ("result",),
        "Times that the values of a hub were looked at where settings are agreed on: read, or why "
        "they were not (forbidden, no-secret, unreadable, too-costly, failed, …).",
    ),
    Description(
        "hub_release_looks_total",
        "counter",
        ("result",),
        "Times that a hub's release was held against what is there: compared, or why it was not "
        "(forbidden, no-release, not-deployed, helm-at-work, unreadable, too-costly, failed, …).",
    ),
    Description(
        "session_looks_total",
        "counter",
        ("result",),
        "Times that the sessions of a hub were looked at: read, or why they were not (forbidden, "
        "too-many, failed). Nothing where that is switched off.",
    ),
    Description(
        "version_looks_total",
        "counter",
        ("result",),
        "Times that the versions of Kubernetes were looked at: read, or why they were not "
        "(forbidden, unreadable, failed). Nothing where that is switched off.",
    ),
    Description(
        "kubernetes_version_info",
        "gauge",
        ("component", "version"),
        "1 for the version of the API server (kube-apiserver), and for each version of kubelets "
        "the number of nodes that run it; those that write none that can be read, and those "
        "between the eight oldest and the eight newest, are `other`.",
    ),
    Description(
        "kubelet_minor_versions_behind",
        "gauge",
        (),
        "By how many minor versions the oldest kubelet is behind the API server; with 3, the API "
        "server can't be upgraded before the nodes.",
    ),
    Description(
        "kubernetes_versions_known",
        "gauge",
        (),
        "1 if it is known which versions the API server and all nodes run, 0 if not, -1 where "
        "nobody looks.",
    ),
    Description("leader", "gauge", (), "1 if this replica leads."),
    Description("build_info", "gauge", ("version",), "1, with the operator's version."),
    Description(
        "memory_limit_bytes",
        "gauge",
        (),
        "What the leader's container may take of memory; nothing where it has no limit.",
    ),
    Description(
        "memory_used_bytes",
        "gauge",
        (),
        "What it takes of it, without files that can be read again. Beyond the limit it is killed.",
    ),
    Description("missing_rights", "gauge", (), "Rights that the operator needs and lacks."),
    Description(
        "relists_total",
        "counter",
        ("resource",),
        "Complete lists beyond the first, by resource.",
    ),
    Description(
        "input_age_seconds",
        "gauge",
        ("resource",),
        "Time since the API server was last heard of about a resource, if only that there is "
        "no news; and since the last good answer of each part of the operator: framework, "
        "framework-login, reviewer, prober, planner, own-rights, own-identity, hub-asker, "
        "values-looker, sessions-looker, "
        "versions-looker.",
    ),
    Description(
        "watch_lag_seconds",
        "gauge",
        ("resource",),
        "Of our own kinds, time since a list brought a change that no watch has told of; 0 while "
        "they are followed.",
    ),
    Description(
        "left_out_objects",
        "gauge",
        ("resource",),
        "Objects that are there and could not be taken in, by resource.",
    ),
    Description("watch_errors_total", "counter", ("resource",), "Failed lists and watches."),
    Description("evaluation_seconds", "histogram", (), "Duration of one assessment."),
    Description(
        "detection_seconds",
        "histogram",
        (),
        "Time from the arrival of a change to its being published.",
    ),
    Description(
        "evaluator_disagreements_total",
        "counter",
        (),
        "Sampled decisions in which the API server's RBAC and ours differed, and went on to.",
    ),
    Description("evaluator_samples_total", "counter", (), "Sampled decisions."),
    Description(
        "writes_total",
        "counter",
        ("what",),
        "Objects written: status, annotations, namespaces (what they say to policies), markers (of "
        "delegations' ends), policies (of cluster-wide items), grants, revocations (and their undo "
        "documents).",
    ),
    Description(
        "probes_total",
        "counter",
        ("outcome",),
        "Trials (dry runs) of what policies must refuse or warn of: proved, failed, unanswered.",
    ),
    Description("write_errors_total", "counter", ("what",), "Writes that failed."),
    Description(
        "break_glass_uses_total",
        "counter",
        (*HUB, "item"),
        "What break-glass subjects got through with in spite of an item's policy, as the webhook "
        "was told.",
    ),
    Description(
        "admission_reviews_total",
        "counter",
        (),
        "Requests put to the webhook that is told of uses of the break-glass.",
    ),
    Description(
        "values_reviews_total",
        "counter",
        (*HUB, "verdict"),
        "Changes of a hub's values that were put to the webhook, by what came of it: allowed, "
        "warned, refused, break-glass, unreadable (no YAML: let through), too-much (refused for "
        "its size, depth, cost or number), unjudged (let through). Of a hub that was not found out "
        "there is no name.",
    ),
    Description(
        "page_requests_total",
        "counter",
        ("outcome",),
        "Requests to the page, by what came of them: found (shown with what was found), some (all "
        "hubs, with what was found of the caller's own), agreed (what is agreed alone), "
        "unauthorized (a token that is not valid), forbidden (a proxy that speaks for nobody it "
        "may), too-many, no-such-hub, malformed, unavailable (nothing could be read, or the API "
        "server not be asked) and other.",
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}


def table() -> str:
    """Return the metrics as a Markdown table, for the reference."""
    rows = [
        "| metric | type | labels | what it says |",
        "|---|---|---|---|",
        *(
            f"| `{PREFIX}{m.name}` | {m.type} | "
            f"{', '.join(f'`{label}`' for label in m.labels) or '–'} | {m.help} |"
            for m in METRICS
        ),
    ]
    return "\n".join(rows) + "\n"
