"""Survivors that are no fault: what was mutated is the same either way, and why."""

from __future__ import annotations

# By file below the package and what was there, up to where the reason holds: the reason.
EXPLAINED: dict[tuple[str, str], str] = {}
