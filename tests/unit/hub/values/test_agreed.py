"""Settings that people have agreed on: what is found in values, and whether it is as agreed."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.values.agreed import (
    MOST_PLACES,
    AgreedValue,
    Setting,
    Unread,
    UnreadValues,
    deviations,
    known_settings,
    settings,
)
from responsibility.hub.values.readable import READABLE, is_readable
from responsibility.hub.values.secret import existing_secret, values_at
from tests.unit.hub.values.values import secret

LIMIT = "singleuser.memory.limit"
PROFILES = "singleuser.profileList[*].kubespawner_override.mem_limit"
CHOICES = "singleuser.profileList[*].profile_options.*.choices.*.kubespawner_override.mem_limit"
VALUES: dict[str, Any] = {
    "singleuser": {
        "memory": {"limit": "2G", "guarantee": 1073741824},
        "cpu": {"limit": None, "guarantee": 0.5},
        "networkPolicy": {"enabled": True},
        "image": {"name": {"a": "map"}},
        "profileList": [
            {"display_name": "Small", "kubespawner_override": {"mem_limit": "4G"}},
            {"display_name": "Plain"},
            {
                "display_name": "Large",
                "kubespawner_override": {"mem_limit": "64G"},
                "profile_options": {
                    "size": {"choices": {"big": {"kubespawner_override": {"mem_limit": "128G"}}}}
                },
            },
        ],
    },
    "hub": {"config": {"Auth": {"client_secret": "canary"}}, "cookieSecret": "canary"},
}


def at(path: str, values: Any = VALUES) -> tuple[Setting, ...]:
    return settings(values, [path])[path]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (LIMIT, [(LIMIT, "2G")]),
        ("singleuser.memory.guarantee", [("singleuser.memory.guarantee", "1073741824")]),
        ("singleuser.cpu.guarantee", [("singleuser.cpu.guarantee", "0.5")]),
        ("singleuser.cpu.limit", []),
        ("singleuser.networkPolicy.enabled", [("singleuser.networkPolicy.enabled", "true")]),
        ("singleuser.image.tag", []),
        (
            PROFILES,
            [
                ("singleuser.profileList[0].kubespawner_override.mem_limit", "4G"),
                ("singleuser.profileList[2].kubespawner_override.mem_limit", "64G"),
            ],
        ),
        (
            PROFILES.replace("*", "2"),
            [("singleuser.profileList[2].kubespawner_override.mem_limit", "64G")],
        ),
        (
            CHOICES,
            [(CHOICES.replace("[*]", "[2]").replace("*", "size", 1).replace("*", "big"), "128G")],
        ),
    ],
)
def test_what_is_set_is_found(path: str, found: list[tuple[str, str]]) -> None:
    assert [(setting.place, setting.text) for setting in at(path)] == found


def test_a_map_in_the_place_of_a_value_is_not_shown() -> None:
    assert at("singleuser.image.name") == (Setting("singleuser.image.name", "", plain=False),)
    assert list(deviations(at("singleuser.image.name"), AgreedValue("", "x")))
    assert list(deviations(at("singleuser.image.name"), AgreedValue("", within="x.example")))


@pytest.mark.parametrize("values", [None, [], "text", 3, {"singleuser": []}, {"singleuser": {}}])
def test_values_of_another_shape_set_nothing(values: Any) -> None:
    assert at(LIMIT, values) == at(PROFILES, values) == ()


def test_a_hub_of_very_many_profiles_is_followed_for_a_while_only() -> None:
    entry = {"kubespawner_override": {"mem_limit": "1G"}}
    assert len(at(PROFILES, {"singleuser": {"profileList": [entry] * 5000}})) == MOST_PLACES


def test_of_more_places_than_are_followed_it_is_said() -> None:
    paths = [LIMIT, PROFILES, "hub.cookieSecret"]
    profiles: list[Any] = [{"kubespawner_override": {"mem_limit": "1G"}}] * MOST_PLACES
    held = {"singleuser": {"profileList": profiles, "memory": {"limit": "1G"}}}
    assert known_settings(held, paths) == settings(held, paths)
    profiles.append({"display_name": "Plain"})
    assert known_settings(held, paths) == settings(held, paths)
    profiles.append({"kubespawner_override": {"mem_limit": "99G"}})
    assert known_settings(held, paths) == UnreadValues(Unread.TOO_MANY, settings(held, paths))


def test_a_long_text_is_cut() -> None:
    (setting,) = at("singleuser.image.tag", {"singleuser": {"image": {"tag": "x" * 9999}}})
    assert len(setting.text) < 300


@pytest.mark.parametrize(
    "path",
    [
        "hub.config.Auth.client_secret",
        "hub.cookieSecret",
        "hub.config",
        "hub",
        "*",
        "*.*",
        "hub.*.*.*",
        "hub.config.*.*",
        "singleuser",
        "singleuser.*",
        "singleuser.*.limit",
        "singleuser.memory",
        "singleuser.memory.limit.x",
        "singleuser.profileList",
        "singleuser.profileList[*].kubespawner_override.environment",
        "singleuser.profileList[*].kubespawner_override.*",
        "singleuser.profileList.*.kubespawner_override.mem_limit",
        "singleuser.profileList[*][*].mem_limit",
        "singleuser.extraEnv.PASSWORD",
        "proxy.secretToken",
        "hub.db.password",
    ],
)
def test_nothing_else_is_looked_at_whatever_is_asked(path: str) -> None:
    assert not is_readable(path)
    assert settings(VALUES, [path]) == {path: ()}


@pytest.mark.parametrize("path", READABLE)
def test_what_is_listed_is_looked_at(path: str) -> None:
    assert is_readable(path)
    assert is_readable(path.replace("[*]", "[3]").replace("*", "size"))


@pytest.mark.parametrize(
    ("text", "value", "least", "most", "fits"),
    [
        ("2G", "2G", "", "", True),
        ("2000M", "2G", "", "", False),
        ("2Gi", "2G", "", "", False),
        ("2048Mi", "2Gi", "", "", True),
        ("0.5", "500m", "", "", True),
        ("true", "true", "", "", True),
        ("false", "true", "", "", False),
        ("2024.11.1", "2024.11.2", "", "", False),
        ("1G", "", "2G", "", False),
        ("2G", "", "2G", "8G", True),
        ("9G", "", "2G", "8G", False),
        ("8Gi", "", "", "8G", False),
        ("all", "", "1", "", False),
    ],
)
def test_as_agreed_or_not(text: str, value: str, least: str, most: str, fits: bool) -> None:
    found = (Setting(LIMIT, text),)
    agreed = AgreedValue(LIMIT, value, least, most)
    assert list(deviations(found, agreed)) == ([] if fits else list(found))


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({}, Unread.NO_VALUES),
        ({"data": None}, Unread.NO_VALUES),
        ({"data": {"values.yaml": "%%%"}}, Unread.UNREADABLE),
        ({"data": {"values.yaml": "YTogWw=="}}, Unread.UNREADABLE),
        ({"data": {"values.yaml": "YTogJmEgWzFdCmI6ICph"}}, Unread.UNREADABLE),
    ],
)
def test_what_can_not_be_read_is_said(held: dict[str, Any], why: Unread) -> None:
    assert values_at(held, (LIMIT,)) == UnreadValues(why)


def test_a_secret_is_read() -> None:
    assert values_at(secret(VALUES), (LIMIT,)) == {LIMIT: (Setting(LIMIT, "2G"),)}


def test_what_an_existing_secret_sets_wins_as_it_does_in_the_hub() -> None:
    below = secret(
        {"singleuser": {"memory": {"limit": "2G", "guarantee": "1G"}, "image": {"a": 1}}}
    )
    over = secret({"singleuser": {"memory": {"limit": "1G"}, "image": "x"}, "cull": {"every": 5}})
    guarantee, every = "singleuser.memory.guarantee", "cull.every"
    found = values_at(below, (LIMIT, guarantee, every), over)
    assert found == {
        LIMIT: (Setting(LIMIT, "1G"),),
        guarantee: (Setting(guarantee, "1G"),),
        every: (Setting(every, "5"),),
    }
    assert values_at(below, (LIMIT,), {"data": {}}) == {LIMIT: (Setting(LIMIT, "2G"),)}
    assert values_at(below, (LIMIT,), {"data": {"values.yaml": "!!"}}) == UnreadValues(
        Unread.UNREADABLE
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [("my-secret.a", "my-secret.a"), ("../x", ""), ("", ""), (None, ""), ({}, ""), ("A", "")],
)
def test_only_a_name_is_the_name_of_an_existing_secret(name: Any, found: str) -> None:
    assert existing_secret(secret({"hub": {"existingSecret": name}})) == found
    assert existing_secret(secret("hub: [")) == ""
