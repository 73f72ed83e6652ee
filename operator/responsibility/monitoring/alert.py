"""An alert: its expression, how soon it counts and must be acted on, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PREFIX = "Responsibility"


class AlertSeverity(Enum):
    """How soon somebody has to act: the value of the label ``severity``.

    The words are those of an organisation whose alerts are routed by them; the chart translates
    them (``monitoring.alerts.severities``) for whoever says critical, warning and info.
    """

    IMMEDIATE = "take immediate action"
    TODAY = "same day action needed"
    THIS_WEEK = "action needed this week"
    PLANNED = "to be planned in sprint planning"


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
    severity: AlertSeverity
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
