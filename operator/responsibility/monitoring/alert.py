"""An alert: its expression, how soon it counts, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass

from responsibility.monitoring.severity import Severity

PREFIX = "Responsibility"


@dataclass(frozen=True, slots=True)
class Record:
    """A series that Prometheus computes beforehand, for the alerts to use."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: its name without prefix, when it fires, and what it tells.

    ``lasting`` is for how long the expression has to hold. In ``summary`` and ``description``,
    ``{{ $labels.x }}`` and ``{{ $value }}`` are filled in by Prometheus.
    """

    name: str
    expression: str
    lasting: str
    severity: Severity
    summary: str
    description: str

    @property
    def full_name(self) -> str:
        """Return the name that Alertmanager shows, and the runbook has as a heading."""
        return PREFIX + self.name

    @property
    def anchor(self) -> str:
        """Return the place of this alert in the runbook, as renderers of Markdown name it."""
        return self.full_name.lower()
