"""A hub made of JupyterHub's own classes, and what a change of its settings comes to.

What is looked at: the pod and the claim of a session as KubeSpawner makes them, all traits of the
hub, its authenticator and its spawner, and whether anything of the change was run, imported,
opened or reached while that was made (by Python's audit events, PEP 578). No process is started:
JupyterHub makes accounts on the machine if it is told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from jupyterhub.app import JupyterHub
from kubernetes_asyncio.client import ApiClient
from kubespawner import KubeSpawner
from traitlets import TraitError
from traitlets.config import Config, Configurable

from tests.unit.hub.settings.chart import Values

# Stands in whatever is tried: an audit event that speaks of it is something that it did.
CANARY = "canary7f3a"
RAN = "ran in the hub"

BASE: Values = {
    "cull": {"enabled": True, "timeout": 3600, "every": 600, "maxAge": 0, "concurrency": 10},
    "hub": {
        "allowNamedServers": False,
        "concurrentSpawnLimit": 64,
        "config": {
            "JupyterHub": {"authenticator_class": "pam"},
            "Auth0OAuthenticator": {"auth0_domain": "example.org"},
        },
        "loadRoles": {},
    },
    "singleuser": {
        "cpu": {},
        "extraContainers": [{"name": "beside", "image": "beside:1"}],
        "extraEnv": {"EDITOR": "nano"},
        "extraFiles": {},
        "extraPodConfig": {},
        "extraResource": {"guarantees": {}, "limits": {}},
        "image": {"name": "base", "tag": "1"},
        "initContainers": [{"name": "first", "image": "first:1", "env": [{"name": "A"}]}],
        "lifecycleHooks": {},
        "memory": {"guarantee": "1G"},
        "profileList": [
            {
                "display_name": "small",
                "slug": "small",
                "kubespawner_override": {},
                "profile_options": {
                    "option": {
                        "display_name": "option",
                        "choices": {"one": {"display_name": "one", "kubespawner_override": {}}},
                        "unlisted_choice": {
                            "enabled": True,
                            "display_name": "other",
                            "kubespawner_override": {},
                        },
                    }
                },
            }
        ],
        "storage": {
            "capacity": "10Gi",
            "dynamic": {
                "storageAccessModes": ["ReadWriteOnce"],
                "subPath": None,
                "volumeNameTemplate": "volume-{user_server}",
            },
            "extraLabels": {},
            "homeMountPath": "/home/jovyan",
            "static": {"pvcName": None, "subPath": "{username}"},
            "type": "dynamic",
        },
    },
}
_CHOICES = ({"option": "one"}, {"option--unlisted-choice": "else"})

# Of nobody whom this machine knows.
_NAME = "ann7f3a"

_heard: list[str] | None = None


# Events of what starts another process: see "Audit events table" in Python's documentation.
_STARTS = frozenset(
    [
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    ]
)


class NothingIsRunError(Exception):
    """A process was to be started."""


def _listen(event: str, arguments: object) -> None:
    if _heard is None:
        return
    if event in _STARTS or CANARY in repr(arguments):
        _heard.append(event)
    if event in _STARTS:
        raise NothingIsRunError


sys.addaudithook(_listen)


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    global _heard  # noqa: PLW0603 - an audit hook stays for good, and hears only meanwhile
    found: list[str] = []
    _heard = found
    try:
        yield found
    finally:
        _heard = None


# What is installed stays that; to look takes most of a hub's start.
_installed = lru_cache(entry_points)


def authenticators() -> dict[str, type[Configurable]]:
    """Return the authenticators that are installed, by the names that a hub has for them."""
    found = {}
    for entry in entry_points(group="jupyterhub.authenticators"):
        # One of them needs what the chart's image has and we don't.
        with contextlib.suppress(ImportError):
            found[entry.name] = entry.load()
    return found


def sections() -> dict[str, type[Configurable]]:
    """Return the classes whose traits a hub's configuration sets, by their sections' names."""
    app = JupyterHub(config=Config())
    classes = [JupyterHub, KubeSpawner, *app.classes, *authenticators().values()]
    found = {}
    for each in classes:
        for base in each.__mro__:
            if issubclass(base, Configurable):
                found[base.__name__] = base
    return found


Effects = Mapping[str, str]


async def effects(configured: Callable[[], Config]) -> Effects:
    """Return all that a configuration comes to, by place. What it can't come to is missing."""
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    found: dict[str, str] = {}
    # There is no API server to reach here; nothing is asked of one.
    nobody = patch.multiple(
        "kubespawner.spawner", load_config=lambda **_: None, shared_client=lambda _: None
    )
    installed = patch("jupyterhub.traitlets.entry_points", _installed)
    with _listening() as heard, nobody, installed:
        try:
            await _all(configured(), found)
        except Exception as error:  # noqa: BLE001 - a hub that doesn't start has done no more
            found["stopped"] = type(error).__name__
    for event in heard:
        found[f"{RAN}:{event}"] = event
    return found


async def _all(config: Config, found: dict[str, str]) -> None:
    app = JupyterHub(config=copy.deepcopy(config), log_level="CRITICAL")
    found.update(_flat("hub", _traits(app)))
    authenticator = app.authenticator_class(parent=app)
    found.update(_flat("authenticator", _traits(authenticator)))
    user = SimpleNamespace(id=1, name=_NAME, url=f"/user/{_NAME}", escaped_name=_NAME, admin=False)
    user.spawners, user.settings = {}, {}
    with contextlib.suppress(Exception):
        await asyncio.wait_for(_done(authenticator.add_user(user)), 5)
    for number, chosen in enumerate(_CHOICES):
        spawner = app.spawner_class(parent=app, user=user, _mock=True, hub=_hub())
        spawner.api_token, spawner.user_options = "token", {"profile": "small", **chosen}
        await spawner.load_user_options()
        found.update(_flat(f"spawner{number}", _traits(spawner)))
        found.update(_flat(f"pod{number}", _plain(await spawner.get_pod_manifest())))
        found.update(_flat(f"claim{number}", _plain(spawner.get_pvc_manifest())))


# A client that is never connected.
_plain = ApiClient.__new__(ApiClient).sanitize_for_serialization


def _hub() -> SimpleNamespace:
    return SimpleNamespace(public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/")


async def _done(work: Any) -> None:
    if asyncio.iscoroutine(work):
        await work


# A page, made of the list of profiles.
_RENDERED = "options_form"


def _traits(one: Configurable) -> dict[str, Any]:
    found: dict[str, Any] = {"class": type(one).__name__}
    for name in one.trait_names(config=True):
        if name == _RENDERED:
            continue
        # What is deprecated can have no value at all.
        with contextlib.suppress(TraitError):
            found[name] = getattr(one, name)
    return found


# Filled anew each time, or follows from another trait.
_OWN = ("cookie_secret", "db_kwargs", "config_file", "proxy_auth_token")


# Lists of a pod whose order says nothing: what comes first in them is still what it was.
_NAMED = (".env", ".volumes", ".volumeMounts")


def _label(place: str, number: int, below: object) -> str:
    if not isinstance(below, dict) or not any(part in place for part in _NAMED):
        return str(number)
    if place.endswith(".volumeMounts"):
        where = below.get("mountPath")
        return f"{below.get('name')} at {where if isinstance(where, str) else number}"
    return str(below.get("name", number))


def _flat(place: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            if key not in _OWN:
                yield from _flat(f"{place}.{key}", below)
    elif isinstance(value, list) and value:
        for number, below in enumerate(value):
            yield from _flat(f"{place}[{_label(place, number, below)}]", below)
    else:
        said = repr(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)
        yield place, re.sub(r" at 0x[0-9a-f]+", "", said)
