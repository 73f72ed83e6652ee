"""Severities of alerts: how soon somebody has to act."""

from __future__ import annotations

from enum import Enum


class Severity(Enum):
    """The value of the label ``severity``.

    The words are those of an organisation whose alerts are routed by them; the chart translates
    them (``monitoring.alerts.severities``) for whoever says critical, warning and info.
    """

    IMMEDIATE = "take immediate action"
    TODAY = "same day action needed"
    THIS_WEEK = "action needed this week"
    PLANNED = "to be planned in sprint planning"
