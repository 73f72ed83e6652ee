"""All metrics of the operator, declared once; ``docs/reference/metrics.md`` is made from this.

What the cluster looks like comes from one collector over the last assessment, so a hub that is
gone leaves no series behind. Subjects are never labels: they are unbounded, and names of people.
``hub_namespace`` is not called ``namespace``, since scrape configurations set that one.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from responsibility.controller.grant_report import Report
from responsibility.enforcement.grants import RECORD
from responsibility.ownership.agreement import Agreement
from responsibility.ownership.assessment import Assessment
from responsibility.ownership.findings import Finding

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
        "Whether the enforcement that a record asks for is in force; 0 if not. "
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
        "revocations_total",
        "counter",
        ("outcome",),
        "Approved plans that the operator was to carry out: applied, stopped (not all of it was "
        "done), refused (something else would be done by now), resumed (after an interruption).",
    ),
    Description("leader", "gauge", (), "1 if this replica leads."),
    Description("build_info", "gauge", ("version",), "1, with the operator's version."),
    Description("missing_rights", "gauge", (), "Rights that the operator needs and lacks."),
    Description(
        "relists_total",
        "counter",
        ("resource",),
        "Complete lists beyond the first, by resource.",
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
)
_BY_NAME = {metric.name: metric for metric in METRICS}


def _gauge(name: str) -> GaugeMetricFamily:
    description = _BY_NAME[name]
    return GaugeMetricFamily(PREFIX + name, description.help, labels=description.labels)


class Enforced(Protocol):
    """What came of enforcing one record."""

    def results(self, agreement: Agreement) -> Mapping[str, bool]:
        """Return for each item of which something is asked whether that is in force."""

    def in_effect(self, agreement: Agreement) -> Mapping[str, tuple[str, str]]:
        """Return for each item what is really in force of admission, and of RBAC."""


@dataclass(slots=True)
class State:
    """What the collector reads when it is scraped; each field is replaced as a whole."""

    assessment: Assessment | None = None
    since: Mapping[tuple[str, str, str], datetime] = field(default_factory=dict)
    # By record: what came of enforcing it.
    outcomes: Mapping[str, Enforced] = field(default_factory=dict)
    leading: Callable[[], bool] = lambda: True
    missing_rights: int = 0
    grants: Report | None = None
    # By hub: the changes of its plan.
    plans: Mapping[tuple[str, str], int] = field(default_factory=dict)
    relists: Callable[[], Mapping[str, int]] = dict
    errors: Callable[[], Mapping[str, int]] = dict


class StateCollector(Collector):
    """Turns the last assessment into series, at the time of the scrape."""

    def __init__(self, state: State) -> None:
        self._state = state

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not need an assessment."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of state."""
        state = self._state
        yield from _process(state)
        # A scrape runs in a thread of its own, and a pass may end meanwhile.
        assessment = state.assessment
        if assessment is None:
            return
        yield from _cluster(assessment)
        yield from _hubs(assessment, state.outcomes)
        yield from _dates(assessment)
        yield from _grants(assessment, state.grants)
        yield _drift(assessment)
        plans, hubs = _gauge("plan_changes"), assessment.hubs.values()
        present = {(h.agreement.hub.namespace, h.agreement.hub.release) for h in hubs}
        for hub, changes in sorted(state.plans.items()):
            if hub in present:
                plans.add_metric(hub, changes)
        yield plans
        oldest = _gauge("drift_oldest_timestamp_seconds")
        for labels, moment in sorted(state.since.items()):
            oldest.add_metric(labels, moment.timestamp())
        yield oldest


def _process(state: State) -> Iterator[Metric]:
    for name, value in (
        ("leader", state.leading()),
        ("missing_rights", state.missing_rights),
    ):
        gauge = _gauge(name)
        gauge.add_metric((), float(value))
        yield gauge
    build = _gauge("build_info")
    build.add_metric((_version(),), 1)
    yield build
    for name, read in (("relists_total", state.relists), ("watch_errors_total", state.errors)):
        description = _BY_NAME[name]
        counter = Metric(PREFIX + name.removesuffix("_total"), description.help, "counter")
        for resource, value in sorted(read().items()):
            counter.add_sample(PREFIX + name, {"resource": resource}, value)
        yield counter


def _cluster(assessment: Assessment) -> Iterator[Metric]:
    enforced = {True: 1, False: 0, None: -1}[assessment.rbac_enforced]
    for name, value in (
        ("unrecorded_hubs", len(assessment.unrecorded)),
        ("records", len(assessment.hubs)),
        ("rbac_enforced", enforced),
        ("last_evaluation_timestamp_seconds", assessment.now.timestamp()),
    ):
        gauge = _gauge(name)
        gauge.add_metric((), value)
        yield gauge
    refused = _gauge("refused_records")
    reasons = Count(entry.reason for entry in assessment.refused_records.values())
    for reason, number in sorted(reasons.items()):
        refused.add_metric((reason,), number)
    yield refused
    glass = _gauge("break_glass_subjects")
    holders = {
        (entry.subject, entry.declared)
        for cluster in assessment.clusters.values()
        for entry in cluster.break_glass
    }
    for declared in (True, False):
        glass.add_metric((str(declared).lower(),), sum(entry[1] is declared for entry in holders))
    yield glass


def _hubs(assessment: Assessment, outcomes: Mapping[str, Enforced]) -> Iterator[Metric]:
    info, owners, stages = _gauge("hub_info"), _gauge("item_owner_info"), _gauge("item_stage_info")
    enforced, exempt = _gauge("enforced"), _gauge("exempt_subjects")
    everywhere = {e.subject for c in assessment.clusters.values() for e in c.exempt}
    exempt.add_metric(("", ""), len(everywhere))
    for hub in assessment.hubs.values():
        agreement = hub.agreement
        key = (agreement.hub.namespace, agreement.hub.release)
        exempt.add_metric(key, len({entry.subject for entry in hub.exempt}))
        chart = hub.hub.chart if hub.hub is not None else ""
        info.add_metric((*key, agreement.record, agreement.terms.name, chart), 1)
        for item in agreement.items:
            party = agreement.parties.get(item.owner)
            contact = party.contact if party is not None else ""
            owners.add_metric((*key, item.name, item.owner, contact), 1)
        outcome = outcomes.get(agreement.record)
        if outcome is None:
            continue
        for name, really in outcome.results(agreement).items():
            enforced.add_metric((*key, name), float(really))
        for name, in_effect in outcome.in_effect(agreement).items():
            stages.add_metric((*key, name, *in_effect), 1)
    yield from (info, owners, stages, enforced, exempt)


def _dates(assessment: Assessment) -> Iterator[Metric]:
    ends: dict[tuple[str, str, str, str], datetime] = {}
    reviews = _gauge("review_due_timestamp_seconds")
    for hub in assessment.hubs.values():
        agreement = hub.agreement
        key = (agreement.hub.namespace, agreement.hub.release)
        for item in agreement.items:
            for delegation in item.delegates:
                if delegation.until is not None:
                    labels = (*key, item.name, delegation.party)
                    ends[labels] = min(delegation.until, ends.get(labels, delegation.until))
            if (due := item.overdue_from) is not None:
                reviews.add_metric((*key, item.name), due.timestamp())
    delegations = _gauge("delegation_end_timestamp_seconds")
    for labels, end in ends.items():
        delegations.add_metric(labels, end.timestamp())
    yield from (delegations, reviews)


def _grants(assessment: Assessment, report: Report | None) -> Iterator[Metric]:
    grants, conflicts = _gauge("grants"), _gauge("grant_conflicts")
    for (kind, name), owner in (report.owners if report else {}).items():
        hub = assessment.hubs.get(name) if kind == RECORD else None
        if kind == RECORD and hub is None:
            continue
        key = (hub.agreement.hub.namespace, hub.agreement.hub.release) if hub else ("", "")
        for item in owner.items.values():
            grants.add_metric((*key, item.name), item.bindings)
            conflicts.add_metric((*key, item.name), item.conflicts)
    yield from (grants, conflicts)


def _drift(assessment: Assessment) -> Metric:
    gauge = _gauge("drift")
    counts = Count(
        (*hub_labels(finding), finding.item, finding.kind, finding.route)
        for finding in assessment.findings()
    )
    for labels, number in sorted(counts.items()):
        gauge.add_metric(labels, number)
    return gauge


def hub_labels(finding: Finding) -> tuple[str, str]:
    """Return a finding's hub as label values; both empty for a finding of the cluster."""
    hub = finding.hub
    return ("", "") if hub is None else (hub.namespace, hub.release)


def _version() -> str:
    try:
        return version("hub-responsibility")
    except PackageNotFoundError:
        return "unknown"


_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


_WRITTEN = (
    "status",
    "annotations",
    "namespaces",
    "markers",
    "policies",
    "grants",
    "revocations",
)


class Metrics:
    """The registry of one operator, with the metrics that count what it does."""

    def __init__(self) -> None:
        # A series `…_created` beside each counter and histogram, which nobody asked for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.state = State()
        self.registry.register(StateCollector(self.state))
        self.evaluation = self._histogram("evaluation_seconds")
        self.detection = self._histogram("detection_seconds")
        self.disagreements = self._counter("evaluator_disagreements_total")
        self.samples = self._counter("evaluator_samples_total")
        self.writes = self._counter("writes_total")
        self.write_errors = self._counter("write_errors_total")
        self.admission_reviews = self._counter("admission_reviews_total")
        self._glass = self._counter("break_glass_uses_total")
        self._glass_of: set[tuple[str, str, str]] = set()
        self.probes = self._counter("probes_total")
        for outcome in ("proved", "failed", "unanswered"):
            self.probes.labels(outcome)
        self.revocations = self._counter("revocations_total")
        for outcome in ("applied", "stopped", "refused", "resumed"):
            self.revocations.labels(outcome)
        for what in _WRITTEN:
            self.writes.labels(what)
            self.write_errors.labels(what)

    def glass_used(self, namespace: str, hub: str, item: str) -> None:
        """Count a use of the break-glass."""
        self._glass.labels(namespace, hub, item).inc()
        self._glass_of.add((namespace, hub, item))

    def forget_hubs(self, present: Collection[tuple[str, str]]) -> None:
        """Drop what was counted for hubs that are not ``present``."""
        for labels in [labels for labels in self._glass_of if labels[:2] not in present]:
            self._glass.remove(*labels)
            self._glass_of.discard(labels)

    def _counter(self, name: str) -> Counter:
        description = _BY_NAME[name]
        return Counter(PREFIX + name, description.help, description.labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        description = _BY_NAME[name]
        return Histogram(
            PREFIX + name,
            description.help,
            description.labels,
            buckets=_DURATIONS,
            registry=self.registry,
        )


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
