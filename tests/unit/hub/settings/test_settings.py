"""Settings are as wide as their item, and no wider."""

from __future__ import annotations

import copy
import os
import random
import re
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from traitlets.config import Config

from responsibility.hub.values.difference import MISSING, SettingChange
from responsibility.hub.values.paths import split, text
from tests.unit.hub.settings.chart import Values, configuration
from tests.unit.hub.settings.hub import (
    BASE,
    CANARY,
    RAN,
    effects,
    sections,
)
from tests.unit.hub.settings.trials import (
    _REFERENCE,
    _STOPPED,
    ACCESS,
    ALL,
    COMPLEX,
    DATA,
    DEPLOY,
    GUARD,
    HOSTILE,
    IMAGE,
    LIMITS,
    PATTERNS,
    TOPS,
    _effects,
    _ready,
    _tried,
    beyond,
    makers,
    put,
)


async def test_the_hub_starts_with_what_is_tried_on() -> None:
    found = await effects(partial(configuration, BASE))
    assert _STOPPED not in found
    assert found["pod0.spec.containers[0].image"] == "'base:1'"
    assert not beyond(LIMITS, dict(found), dict(await effects(partial(configuration, BASE))))


_ADVICE = "name settings that reach no further, or leave them to whoever deploys"


@pytest.mark.parametrize("top", TOPS)
async def test_no_setting_reaches_beyond_its_item(top: str) -> None:
    # A few each time; the long form tries all.
    places = [place for place in ALL if place[0] == top]
    drawn = [(p, v) for p in places for v in random.Random(text(p)).sample(HOSTILE, 1)]
    found = [each for place, value in drawn for each in await _tried(place, value)]
    assert places
    assert not found, _ADVICE


@pytest.mark.long
@pytest.mark.parametrize("top", TOPS)
async def test_no_setting_reaches_beyond_its_item_whatever_it_is(top: str) -> None:
    places = [place for place in ALL if place[0] == top]
    found = [each for p in places for value in HOSTILE for each in await _tried(p, value)]
    assert not found, _ADVICE


# Who may log in and who is admin. Whatever else a class has or comes to have is not user access.
ACCESS_TRAITS = {
    "admin_access",
    "admin_globus_groups",
    "admin_google_groups",
    "admin_groups",
    "admin_users",
    "allow_all",
    "allow_existing_users",
    "allowed_gitlab_groups",
    "allowed_globus_groups",
    "allowed_google_groups",
    "allowed_groups",
    "allowed_idps",
    "allowed_organizations",
    "allowed_project_ids",
    "allowed_teams",
    "allowed_users",
    "any_allow_config",
    "blocked_users",
    "delete_invalid_users",
    "hosted_domain",
}
SESSION_TRAITS = {"image": IMAGE} | dict.fromkeys(
    ("mem_limit", "mem_guarantee", "cpu_limit", "cpu_guarantee"), LIMITS
)


def test_which_traits_are_not_for_whoever_deploys() -> None:
    owners: dict[str, set[str]] = {}
    for section, kind in sections().items():
        for trait in kind.class_traits(config=True):
            place = ("hub", "config", section, trait)
            for items in GUARD.owners(SettingChange(place, MISSING, CANARY)):
                owners.setdefault(trait, set()).update(items - {DEPLOY})
    found = {trait: items for trait, items in owners.items() if items}
    expected = {trait: {ACCESS} for trait in ACCESS_TRAITS}
    expected |= {trait: {item} for trait, item in SESSION_TRAITS.items()}
    assert found == expected, "try what is new, and decide whose it is"


def test_each_trait_that_is_named_is_one() -> None:
    known = {t for kind in sections().values() for t in kind.class_traits(config=True)}
    # What only the chart of one organisation, or an older authenticator, has.
    named = {split(p)[3] for p in PATTERNS if p.startswith("hub.config.")}
    assert named - known == {"allowed_domains"}


_ACCOUNTS = {"create_system_users": True, "add_user_cmd": [CANARY]}
# Each with what it does, and the item that a model might be tempted to give it to.
WIDE = [
    ("hub.config.Authenticator", _ACCOUNTS, ACCESS),
    ("hub.config.LocalAuthenticator", _ACCOUNTS, ACCESS),
    ("hub.config.LocalAuthenticator.create_system_users", True, ACCESS),
    ("hub.config.JupyterHub.authenticator_class", f"{CANARY}.Class", ACCESS),
    ("hub.config.JupyterHub.spawner_class", f"{CANARY}.Class", ACCESS),
    ("hub.config.JupyterHub.proxy_class", f"{CANARY}.Class", ACCESS),
    ("hub.config.JupyterHub.template_paths", [f"/{CANARY}"], ACCESS),
    ("hub.config.Application.logging_config", {"filters": {"a": {"()": f"{CANARY}.b"}}}, ACCESS),
    ("hub.config.Spawner.mem_limit", "1T", ACCESS),
    ("singleuser.extraEnv.X", {"valueFrom": _REFERENCE}, IMAGE),
    ("singleuser.image.pullSecrets", ["hub"], IMAGE),
    ("singleuser.serviceAccountName", "hub", DATA),
    ("singleuser.storage.dynamic.pvcNameTemplate", "hub-db-dir", DATA),
    (
        "singleuser.storage.extraVolumes",
        {"x": {"name": "x", "secret": {"secretName": "hub"}}},
        DATA,
    ),
    ("singleuser.extraPodConfig", {"serviceAccountName": "hub"}, COMPLEX),
    ("singleuser.initContainers[0].envFrom", [{"secretRef": {"name": "hub"}}], COMPLEX),
    ("singleuser.initContainers[0].env[0].valueFrom", _REFERENCE, COMPLEX),
    ("singleuser.initContainers[0].securityContext", {"privileged": True}, COMPLEX),
    (
        "singleuser.extraContainers[0].volumeMounts",
        [{"name": "volume-ann7f3a", "mountPath": "/a"}],
        COMPLEX,
    ),
    ("singleuser.extraContainers[0].resources", {"limits": {"memory": "1T"}}, COMPLEX),
    ("singleuser.lifecycleHooks.postStart.httpGet", {"host": CANARY, "port": 80}, COMPLEX),
    ("cull.users", True, LIMITS),
]


@pytest.mark.parametrize(("path", "value", "item"), WIDE, ids=[p for p, _, _ in WIDE])
async def test_what_reaches_further_is_for_whoever_deploys(
    path: str, value: object, item: str
) -> None:
    place = split(path)
    old = _ready(place)
    new = put(old, place, value)
    assert new is not None
    before, after = [await _effects(v) for v in (old, new)]
    assert beyond(item, before, after), "it is not seen what this does"
    assert not makers(old, new), "a single item lets it be done"


@pytest.mark.skipif("ZERO_TO_JUPYTERHUB" not in os.environ, reason="needs a checkout of the chart")
@pytest.mark.parametrize("top", TOPS)
async def test_the_charts_own_code_does_the_same(top: str) -> None:
    for place in (place for place in ALL if place[0] == top):
        for value in random.Random(text(place)).sample(HOSTILE, 2):
            values = put(_ready(place), place, value)
            if values is not None:
                ours, theirs = [
                    await effects(partial(of, values)) for of in (configuration, _charts_own)
                ]
                assert _session(ours) == _session(theirs), f"{text(place)} is {value!r}"


def _session(found: Any) -> dict[str, str]:
    """Return what the table is about; labels and the like are set by the chart besides."""
    kept = r"(pod|claim)\d\.spec\.(containers|initContainers|volumes|accessModes|resources|service)"
    # Both may stop, each in its own way.
    found = {**found, **dict.fromkeys({_STOPPED} & found.keys(), "")}
    own = r".*\.env\[.*(CLIENT_ID|SERVICE_URL|HUB_URL)\].*"
    return {
        place: value
        for place, value in found.items()
        if re.match(rf"{kept}|authenticator|hub\.(services|load_roles)|stopped|{RAN}", place)
        and not re.match(own, place)
    }


def _charts_own(values: Values) -> Config:
    folder = Path(os.environ["ZERO_TO_JUPYTERHUB"]) / "jupyterhub/files/hub"
    said = copy.deepcopy(values)
    said["singleuser"].setdefault("cloudMetadata", {"blockWithIptables": False})
    said["singleuser"].setdefault("allowPrivilegeEscalation", False)
    helper = ModuleType("z2jh")
    exec((folder / "z2jh.py").read_text(), helper.__dict__)  # noqa: S102 - the chart's code
    helper.__dict__["_load_config"] = lambda: said
    helper.__dict__["_get_config_value"] = lambda key: key
    helper.__dict__["get_secret_value"] = lambda _, default="00" * 32: default
    config = Config()
    ports = {f"{name}_SERVICE_PORT": "80" for name in ("PROXY_API", "HUB")}
    with (
        patch.dict(sys.modules, z2jh=helper),
        patch.dict(os.environ, ports),
        patch("tornado.httpclient.AsyncHTTPClient.configure"),
    ):
        path = folder / "jupyterhub_config.py"
        names = {"get_config": lambda: config, "__file__": str(path)}
        exec(compile(path.read_text(), str(path), "exec"), names)  # noqa: S102 - likewise
    return config
