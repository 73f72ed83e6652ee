"""All dashboards."""

from __future__ import annotations

from responsibility.monitoring.fleet import FLEET
from responsibility.monitoring.one_hub import ONE_HUB
from responsibility.monitoring.the_operator import THE_OPERATOR

DASHBOARDS = (FLEET, ONE_HUB, THE_OPERATOR)
