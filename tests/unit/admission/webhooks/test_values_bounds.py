"""Who may move a setting inside a range only, stays inside."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.admission.webhooks.requester import Range
from responsibility.admission.webhooks.values_bounds import outside
from responsibility.hub.values.difference import MISSING, UNKNOWN, SettingChange
from responsibility.hub.values.paths import split
from responsibility.hub.values.quantities import quantity

LIMIT = "singleuser.memory.limit"
MEMORY = Range(LIMIT, "512Mi", "8Gi")
PROFILES = Range("singleuser.profileList[*].kubespawner_override.mem_limit", "", "8G")


def is_inside(
    path: str, new: Any, *, old: Any = "1G", ranges: tuple[Range, ...] = (MEMORY,)
) -> bool:
    return outside(SettingChange(split(path), old, new), ranges) is None


@pytest.mark.parametrize("value", ["512Mi", "1G", "8G", "8Gi", 8 * 1024**3, "0.6G", 600e6, "1024M"])
def test_inside(value: Any) -> None:
    assert is_inside(LIMIT, value)


LARGE = ("9G", "8.1Gi", "8589934593", "1T", "1e99", float("inf"))
SMALL = ("511Mi", 0, "-1G")
NO_SIZE: tuple[Any, ...] = (
    "",
    "all of it",
    "٣",
    True,
    None,
    [],
    {},
    float("nan"),
    MISSING,
    UNKNOWN,
)


@pytest.mark.parametrize("value", [*LARGE, *SMALL, *NO_SIZE])
def test_outside(value: Any) -> None:
    assert not is_inside(LIMIT, value)


def test_a_size_is_held_to_what_jupyterhub_reads() -> None:
    """8.5G is less than 8Gi to Kubernetes, but JupyterHub reads 8.5Gi."""
    assert not is_inside(LIMIT, "8.5G")
    assert is_inside(LIMIT, "8G", ranges=(Range(LIMIT, "", "8G"),))
    assert not is_inside(LIMIT, "8Gi", ranges=(Range(LIMIT, "", "8G"),))


def test_other_settings_are_not_bound() -> None:
    assert is_inside("singleuser.memory.guarantee", "99G")
    assert is_inside("cull.every", MISSING)


def test_a_range_of_a_map_is_one_of_all_in_it() -> None:
    ranges = (Range("singleuser.memory", "", "8Gi"),)
    assert not is_inside("singleuser.memory.guarantee", "99G", ranges=ranges)


def test_nothing_takes_the_place_of_what_has_a_range() -> None:
    assert not is_inside("singleuser.memory", "x", old=MISSING)
    assert is_inside("singleuser.memory", {}, old=MISSING)


def test_entries_of_lists_have_a_range() -> None:
    path = "singleuser.profileList[3].kubespawner_override.mem_limit"
    assert is_inside(path, "4G", ranges=(PROFILES,))
    assert not is_inside(path, "16G", old=MISSING, ranges=(PROFILES,))
    # Entries that only change places have no value there.
    assert is_inside("singleuser.profileList", MISSING, old=MISSING, ranges=(PROFILES,))


def test_all_ranges_hold() -> None:
    assert not is_inside(LIMIT, "6G", ranges=(MEMORY, Range(LIMIT, "", "4G")))


def test_a_number_of_many_digits_is_none() -> None:
    assert quantity("9" * 100, binary=False) is None
