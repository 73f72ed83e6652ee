"""Settings for all unit tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast a machine is, and what else it does, says nothing about what is tested.
settings.register_profile(
    "at-any-speed",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("at-any-speed")
