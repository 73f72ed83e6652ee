"""All alerts; rule files, the runbook and its test are held against this.

An alert is about something that a person has to end, and says who.
"""

from __future__ import annotations

from responsibility.monitoring.alert import Alert
from responsibility.monitoring.hub_alerts import HUB_ALERTS
from responsibility.monitoring.operator_alerts import OPERATOR_ALERTS

GROUPS: dict[str, tuple[Alert, ...]] = {
    "hub-responsibility.agreements": HUB_ALERTS,
    "hub-responsibility.operator": OPERATOR_ALERTS,
}
ALERTS = tuple(alert for alerts in GROUPS.values() for alert in alerts)
