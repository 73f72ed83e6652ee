"""Settings for all unit tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Cases that a law draws, where it doesn't say so itself; `make test-long` has it draw many more.
_DRAWS = int(os.environ.get("LAW_DRAWS") or 100)

# How fast a machine is, and what else it does, says nothing about what is tested.
settings.register_profile(
    "at-any-speed",
    deadline=None,
    max_examples=_DRAWS,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("at-any-speed")
