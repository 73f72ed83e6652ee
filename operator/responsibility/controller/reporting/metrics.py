"""The operator's metrics: how things stand, and counts of what it does."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from responsibility.controller.reporting.metrics_collector import (
    FindingsCollector,
    MetricsState,
    ProcessCollector,
)
from responsibility.controller.reporting.metrics_table import BY_NAME, PREFIX

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
    """The metrics of one operator: ``registry`` has all of them.

    Of these ``found`` are the ones that are made of what a pass has found, and ``counted`` all
    others, which differ from one moment to the next.
    """

    def __init__(self) -> None:
        # A series `…_created` beside each counter and histogram, which nobody asked for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no type for it
        self.registry, self.counted = CollectorRegistry(), CollectorRegistry()
        self.state = MetricsState()
        self.found = FindingsCollector(self.state)
        self.registry.register(self.found)
        self.registry.register(self.counted)
        self.counted.register(ProcessCollector(self.state))
        self.evaluation = self._histogram("evaluation_seconds")
        self.detection = self._histogram("detection_seconds")
        self.disagreements = self._counter("evaluator_disagreements_total")
        self.samples = self._counter("evaluator_samples_total")
        self.writes = self._counter("writes_total")
        self.write_errors = self._counter("write_errors_total")
        self.hub_questions = self._counter("hub_questions_total")
        self.hub_values_looks = self._counter("hub_values_looks_total")
        self.hub_release_looks = self._counter("hub_release_looks_total")
        self.session_looks = self._counter("session_looks_total")
        self.version_looks = self._counter("version_looks_total")
        self.admission_reviews = self._counter("admission_reviews_total")
        self._glass = self._counter("break_glass_uses_total")
        self._glass_of: set[tuple[str, str, str]] = set()
        self._values = self._counter("values_reviews_total")
        self._values_of: set[tuple[str, str, str]] = set()
        self.probes = self._counter("probes_total")
        for outcome in ("proved", "failed", "unanswered"):
            self.probes.labels(outcome)
        self.revocations = self._counter("revocations_total")
        for outcome in ("applied", "stopped", "refused", "resumed"):
            self.revocations.labels(outcome)
        self.page_requests = self._counter("page_requests_total")
        for what in _WRITTEN:
            self.writes.labels(what)
            self.write_errors.labels(what)

    def glass_used(self, namespace: str, hub: str, item: str) -> None:
        """Count a use of the break-glass."""
        self._glass.labels(namespace, hub, item).inc()
        self._glass_of.add((namespace, hub, item))

    def values_reviewed(self, namespace: str, hub: str, verdict: str) -> None:
        """Count a change of a hub's values; both names are empty if it is not known whose."""
        self._values.labels(namespace, hub, verdict).inc()
        if namespace or hub:
            self._values_of.add((namespace, hub, verdict))

    def forget_hubs(self, present: Collection[tuple[str, str]]) -> None:
        """Drop what was counted for hubs that are not ``present``."""
        for counter, counted in ((self._glass, self._glass_of), (self._values, self._values_of)):
            for labels in [labels for labels in counted if labels[:2] not in present]:
                counter.remove(*labels)
                counted.discard(labels)

    def _counter(self, name: str) -> Counter:
        description = BY_NAME[name]
        return Counter(PREFIX + name, description.help, description.labels, registry=self.counted)

    def _histogram(self, name: str) -> Histogram:
        description = BY_NAME[name]
        return Histogram(
            PREFIX + name,
            description.help,
            description.labels,
            buckets=_DURATIONS,
            registry=self.counted,
        )
