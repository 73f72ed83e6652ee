"""Whose a setting is: the most precise path decides, and the rest is for those who deploy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.hub.values.difference import MISSING, SettingChange
from responsibility.hub.values.paths import precision, reaches, split
from tests.unit.admission.webhooks.values_case import ACCESS, DEPLOY, GUARD, IMAGE, LIMITS, MODEL

PATTERNS = [(p, item.name) for item in MODEL.spec.items for p in item.values_paths]
PARTS = sorted({part for pattern, _ in PATTERNS for part in split(pattern)} - {"[*]", "*"})
_OPTIONS = "singleuser.profileList[0].profile_options"
PLACES = st.lists(st.sampled_from([*PARTS, "[0]", "[7]", "x", " [0]"]), max_size=6).map(tuple)
# Places that patterns are about, and a little more.
LIKELY = st.tuples(st.sampled_from(PATTERNS), PLACES, st.integers(0, 6)).map(
    lambda drawn: (
        *(("[3]" if p == "[*]" else p.replace("*", "y")) for p in split(drawn[0][0])),
        *drawn[1],
    )[: drawn[2]]
)


def owners(path: str, old: Any = MISSING, new: Any = "x") -> set[frozenset[str]]:
    return GUARD.owners(SettingChange(split(path), old, new))


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("singleuser.memory.limit", LIMITS),
        ("singleuser.image.tag", IMAGE),
        ("singleuser.profileList[2].kubespawner_override.image", IMAGE),
        ("singleuser.profileList[2].kubespawner_override.mem_limit", LIMITS),
        (f"{_OPTIONS}.resource_allocation.choices.mem_2.kubespawner_override.mem_limit", LIMITS),
        (f"{_OPTIONS}.image.choices.pangeo.kubespawner_override.image", IMAGE),
        (f"{_OPTIONS}.image.unlisted_choice.kubespawner_override.image", IMAGE),
        (f"{_OPTIONS}.image.choices.pangeo.kubespawner_override.node_selector", DEPLOY),
        (f"{_OPTIONS}.image.choices.pangeo.display_name", DEPLOY),
        ("hub.config.KubeSpawner.cpu_guarantee", LIMITS),
        ("hub.config.KubeSpawner.privileged", DEPLOY),
        ("hub.config.Authenticator.admin_users[0]", ACCESS),
        ("hub.config.CILogonOAuthenticator.admin_users", ACCESS),
        ("hub.config.CILogonOAuthenticator.client_secret", DEPLOY),
        ("hub.db.password", DEPLOY),
        ("hub.db.pvc.storage", "data"),
        ("hub.extraConfig.evil", DEPLOY),
        ("Chart.Version", DEPLOY),
        ("debug.enabled", DEPLOY),
    ],
)
def test_a_setting_is_one_items(path: str, item: str) -> None:
    assert owners(path) == {frozenset({item})}


@given(PLACES | LIKELY)
def test_it_is_the_same_as_who_owns_says(place: tuple[str, ...]) -> None:
    found = [(precision(p), item) for p, item in PATTERNS if reaches(p, place)]
    best = max((worth for worth, _ in found), default=None)
    expected = frozenset(item for worth, item in found if worth == best) or GUARD.rest
    # Of a value that comes nowhere near a map, nothing more is asked.
    assert GUARD.owners(SettingChange(place, MISSING, {})) == {expected}


def test_the_rest_is_for_those_who_make_the_secret() -> None:
    assert GUARD.rest == {DEPLOY}


def test_one_value_in_the_place_of_a_map_is_about_all_of_it() -> None:
    assert owners("singleuser") == {
        frozenset({i}) for i in (LIMITS, IMAGE, "data", "complex-environment", DEPLOY)
    }
    assert owners("singleuser.profileList[0]") == {frozenset({i}) for i in (LIMITS, IMAGE, DEPLOY)}
    assert owners("singleuser", MISSING, {}) == {frozenset({DEPLOY})}
    everything = {name for items in owners("") for name in items}
    assert everything == set(GUARD.items)


def test_a_key_that_looks_like_an_entry_is_none() -> None:
    place = ("singleuser", "profileList", " [0]", "kubespawner_override", "image")
    assert GUARD.owners(SettingChange(place, MISSING, "x")) == {frozenset({DEPLOY})}
