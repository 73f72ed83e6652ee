"""The metrics of how things stand, made from the last assessment when they are asked for.

So a hub that is gone leaves no series behind. There are two kinds of them: what a pass has found
stays as it is until the next, and is rendered once (``metrics_page``); what the operator is doing
differs from one moment to the next.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Timestamp

from responsibility.api.foreign_text import harmless
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.controller.process.container_memory import ContainerMemory
from responsibility.controller.reporting.grant_status import GrantReport
from responsibility.controller.reporting.metrics_table import BY_NAME, PREFIX
from responsibility.grants.binding import RECORD
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.causes import Cause
from responsibility.ownership.results.contacts import parties_to_call
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.results.plain_wording import worst_ability
from responsibility.ownership.terms.agreement import Agreement
from responsibility.upgrades.versions import ClusterVersions

# Causes with a series, of each hub and of the cluster: whoever may bind could make any number.
MOST_CAUSES = 50
# Yes, no and not known.
_TERNARY = {True: 1, False: 0, None: -1}


class _Gauge(GaugeMetricFamily):
    """A metric; labels may have been written by anybody, and go to dashboards and alerts."""

    def add_metric(
        self, labels: Sequence[str], value: float, timestamp: Timestamp | float | None = None
    ) -> None:
        super().add_metric([harmless(label) for label in labels], value, timestamp)


def _gauge(name: str) -> GaugeMetricFamily:
    description = BY_NAME[name]
    return _Gauge(PREFIX + name, description.help, labels=description.labels)


class EnforcementResult(Protocol):
    """The outcome of enforcing one record."""

    def results(self, agreement: Agreement) -> Mapping[str, bool | None]:
        """Return for each item of which something is asked whether that is in force, if known."""

    def in_effect(self, agreement: Agreement) -> Mapping[str, tuple[AdmissionStage, RbacMode]]:
        """Return for each item what is really in force of admission, and of RBAC."""


@dataclass(slots=True)
class MetricsState:
    """The state that is read when the collector is scraped; each field is replaced as a whole."""

    # How often anything was replaced of which series of passes are made.
    revision: int = 0
    assessment: Assessment | None = None
    since: Mapping[tuple[str, str, str], datetime] = field(default_factory=dict)
    # By record: what came of enforcing it.
    outcomes: Mapping[str, EnforcementResult] = field(default_factory=dict)
    leading: Callable[[], bool] = lambda: True
    missing_rights: int = 0
    grants: GrantReport | None = None
    # By hub: the changes of its plan.
    plans: Mapping[tuple[str, str], int] = field(default_factory=dict)
    plans_pending: Callable[[], int] = lambda: 0
    plans_failed: Callable[[], int] = lambda: 0
    relists: Callable[[], Mapping[str, int]] = dict
    errors: Callable[[], Mapping[str, int]] = dict
    ages: Callable[[], Mapping[str, float]] = dict
    lags: Callable[[], Mapping[str, float]] = dict
    left_out: Callable[[], Mapping[str, int]] = dict
    # By kind and whether they are in force; None while that is not known.
    leftovers: Mapping[tuple[str, str], int] | None = None
    memory: Callable[[], ContainerMemory | None] = lambda: None

    def __setattr__(self, name: str, value: object) -> None:
        """Replace a field."""
        object.__setattr__(self, name, value)
        if name in _FOUND:
            object.__setattr__(self, "revision", self.revision + 1)


# What `FindingsCollector` reads.
_FOUND = frozenset({"assessment", "since", "outcomes", "grants", "plans"})


class _StateCollector(Collector):
    """Turns a state into series."""

    def __init__(self, state: MetricsState) -> None:
        self._state = state

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not need an assessment."""
        return ()


class ProcessCollector(_StateCollector):
    """Tells what the operator is doing, at the time of the scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield a few metrics."""
        return _process(self._state)


class FindingsCollector(_StateCollector):
    """Turns the last assessment into series."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of what a pass has found."""
        state = self._state
        # This runs in a thread of its own, and a pass may end meanwhile.
        assessment = state.assessment
        if assessment is None:
            return
        yield from _cluster(assessment)
        yield from _versions(assessment.versions)
        yield from _hubs(assessment, state.outcomes)
        yield from _dates(assessment)
        yield from _grants(assessment, state.grants)
        yield _drift(assessment)
        yield _causes(assessment)
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


def _process(state: MetricsState) -> Iterator[Metric]:
    for name, value in (
        ("leader", state.leading()),
        ("missing_rights", state.missing_rights),
        ("plans_pending", state.plans_pending()),
        ("plans_failed", state.plans_failed()),
    ):
        gauge = _gauge(name)
        gauge.add_metric((), float(value))
        yield gauge
    if (memory := state.memory()) is not None:
        for name, size in (
            ("memory_limit_bytes", memory.limit),
            ("memory_used_bytes", memory.used),
        ):
            gauge = _gauge(name)
            gauge.add_metric((), float(size))
            yield gauge
    if state.leftovers is not None:
        gauge = _gauge("leftovers")
        for key, count in state.leftovers.items():
            gauge.add_metric(key, float(count))
        yield gauge
    build = _gauge("build_info")
    build.add_metric((_version(),), 1)
    yield build
    for name, values in (
        ("input_age_seconds", state.ages()),
        ("watch_lag_seconds", state.lags()),
        ("left_out_objects", state.left_out()),
    ):
        gauge = _gauge(name)
        for resource, number in sorted(values.items()):
            gauge.add_metric((resource,), float(number))
        yield gauge
    for name, read in (("relists_total", state.relists), ("watch_errors_total", state.errors)):
        description = BY_NAME[name]
        counter = Metric(PREFIX + name.removesuffix("_total"), description.help, "counter")
        for resource, value in sorted(read().items()):
            counter.add_sample(PREFIX + name, {"resource": resource}, value)
        yield counter


def _cluster(assessment: Assessment) -> Iterator[Metric]:
    enforced = _TERNARY[assessment.rbac_enforced]
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


def _versions(versions: ClusterVersions | None) -> Iterator[Metric]:
    known = _gauge("kubernetes_versions_known")
    known.add_metric((), _TERNARY[None if versions is None else versions.unknown is None])
    yield known
    if versions is None:
        return
    info, behind = _gauge("kubernetes_version_info"), _gauge("kubelet_minor_versions_behind")
    if versions.server is not None:
        info.add_metric(("kube-apiserver", str(versions.server)), 1)
    for each in versions.kubelets:
        info.add_metric(("kubelet", str(each.version or "other")), each.nodes)
    if versions.most_behind is not None:
        behind.add_metric((), versions.most_behind)
    yield from (info, behind)


def _hubs(assessment: Assessment, outcomes: Mapping[str, EnforcementResult]) -> Iterator[Metric]:
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
            enforced.add_metric((*key, name), _TERNARY[really])
        for name, (admission, rbac) in outcome.in_effect(agreement).items():
            stages.add_metric((*key, name, admission.value, rbac.value), 1)
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


def _grants(assessment: Assessment, report: GrantReport | None) -> Iterator[Metric]:
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
        (*hub_labels(finding), finding.item, finding.kind, finding.route_kind)
        for finding in assessment.findings()
    )
    for labels, number in sorted(counts.items()):
        gauge.add_metric(labels, number)
    return gauge


def _causes(assessment: Assessment) -> Metric:
    """Return the causes, worst first: each kind of finding in one, and the first party to call."""
    gauge = _gauge("cause_info")
    places: list[tuple[Sequence[Cause], list[Agreement]]] = [
        (hub.causes, [hub.agreement]) for hub in assessment.hubs.values()
    ]
    for name, cluster in assessment.clusters.items():
        of_model = [h.agreement for h in assessment.hubs.values() if h.agreement.terms.name == name]
        places.append((cluster.causes, of_model))
    for causes, agreements in places:
        for cause in causes[:MOST_CAUSES]:
            kinds: dict[str, list[Finding]] = {}
            for finding in cause.findings:
                kinds.setdefault(finding.kind, []).append(finding)
            for kind, (worst, *others) in kinds.items():
                party = next(iter(parties_to_call(worst, agreements)), None)
                called = ("", "") if party is None else (party.name, party.contact)
                level, what = worst.severity.name.lower(), worst_ability(worst)
                labels = (*hub_labels(worst), kind, level, worst.id, what, *called)
                gauge.add_metric(labels, 1 + len(others))
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
