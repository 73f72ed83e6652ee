"""Settings for all unit tests."""

from __future__ import annotations

from hypothesis import settings

# How fast a machine is, and what else it does, says nothing about what is tested.
settings.register_profile("at-any-speed", deadline=None, print_blob=True)
settings.load_profile("at-any-speed")
