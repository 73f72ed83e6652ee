"""For each alert: series with which it fires, when, and what it says; and series with which not.

A table that two kinds of test read: here every alert has to be in it; end to end, a real promtool
decides.
"""

from __future__ import annotations

from tests.unit.monitoring.finding_cases import FINDING_CASES
from tests.unit.monitoring.hub_cases import HUB_CASES
from tests.unit.monitoring.operator_cases import OPERATOR_CASES

CASES = (*FINDING_CASES, *HUB_CASES, *OPERATOR_CASES)
