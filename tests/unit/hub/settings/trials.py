"""Settings tried on with hostile values, on JupyterHub's own classes.

Whoever owns an item other than that of the whole Secret tries them wherever the webhook lets them:
nothing may run in the hub, and nothing may change but what is the item's. Which traits there are is
asked of the classes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.parse import load_shipped_model
from responsibility.hub.values.difference import changes
from responsibility.hub.values.paths import Place, split, text
from tests.unit.hub.settings.chart import Values, configuration
from tests.unit.hub.settings.hub import (
    BASE,
    CANARY,
    RAN,
    authenticators,
    effects,
    sections,
)

MODEL = load_shipped_model()
GUARD = ValuesGuard.of(MODEL)
DEPLOY = "deploy-configure-hub"
ACCESS, IMAGE, DATA, COMPLEX, LIMITS = (
    "user-access",
    "basic-environment",
    "data",
    "complex-environment",
    "kubernetes-configuration",
)
PATTERNS = {p: item.name for item in MODEL.spec.items for p in item.values_paths}

# What each item is about, among what a hub's settings come to.
# What stands in the place of one of these texts, the API server refuses with the pod.
_TEXT = r"([.\[].*)?"
_CONTAINER = (
    rf"((name|image|imagePullPolicy|workingDir|env\[.*\]\.(name|value)){_TEXT}"
    r"|args.*|command.*|ports.*)"
)
_SESSION = r"pod\d\.spec\.containers\[0\]"
_BESIDE = r"pod\d\.spec\.(initContainers\[\d+\]|containers\[[1-9]\])"
ITS_OWN = {
    ACCESS: (
        r"authenticator\..*",
        r"hub\.(admin_access|admin_users|load_roles).*",
    ),
    IMAGE: (
        rf"{_SESSION}\.(image|imagePullPolicy|args.*|command.*|env\[[^]]*\]\.(name|value))",
        r"spawner\d\.(image|image_pull_policy|environment|cmd|default_url|profile_list).*",
    ),
    DATA: (
        rf"{_SESSION}\.volumeMounts\[volume-[^]]*\]\.(name|mountPath|subPath){_TEXT}",
        r"claim\d\.(spec|metadata\.labels)\..*",
        r"claim\d\.metadata\.annotations\.volume\.beta\.kubernetes\.io/storage-class",
        r"spawner\d\.(storage_|volume_mounts).*",
    ),
    COMPLEX: (
        rf"{_BESIDE}\.{_CONTAINER}",
        rf"{_SESSION}\.lifecycle(\.\w+\.exec.*)?",
        # Of files there is one volume, made of the Secret that holds them.
        rf"{_SESSION}\.volumeMounts\[files at [^]]*\]\.(mountPath|subPath|name){_TEXT}",
        r"pod\d\.spec\.volumes\[files\]\.(name|secret\.items.*)",
        r"pod\d\.spec\.volumes\[files\]\.secret\.secretName=singleuser",
        r"spawner\d\.(init_containers|extra_containers|lifecycle_hooks).*",
        r"spawner\d\.(volumes\.files|volume_mounts).*",
    ),
    LIMITS: (
        rf"{_SESSION}\.(resources.*|env\[(MEM|CPU)_(LIMIT|GUARANTEE)\]\.(name|value))",
        r"hub\.(concurrent_spawn_limit|active_server_limit|allow_named_servers)",
        r"hub\.named_server_limit_per_user",
        # Without the culler there are its service and its role no more.
        r"hub\.(services|load_roles)(\[0\]\..*)?=(\[\])?",
        # One more argument of the culler, never another command.
        r"hub\.services\[0\]\.command\[([4-9]|1\d)\]=(--[a-z-]+(=.*)?)?",
        r"spawner\d\.(mem_|cpu_|extra_resource_|profile_list).*",
    ),
}
# A hub that doesn't start anymore, or sessions that don't, are in the hands of whoever may write
# a setting at all.
_STOPPED = "stopped"

_REFERENCE = {"secretKeyRef": {"name": "hub", "key": CANARY}}
HOSTILE: tuple[Any, ...] = (
    CANARY,
    f"{CANARY}.module.Class",
    f"{CANARY}:factory",
    f"/{CANARY}/file",
    f"; {CANARY} $({CANARY}) `{CANARY}`",
    f"{{username.__class__.__mro__}} {CANARY}",
    f"{{{CANARY}}}",
    f"--{CANARY}",
    f"!python {CANARY}",
    "hub",
    "hub-db-dir",
    "../..",
    "",
    True,
    -1,
    None,
    [CANARY, "-c", CANARY],
    {"valueFrom": _REFERENCE},
    {"name": CANARY, "valueFrom": _REFERENCE},
    [{"name": CANARY, "valueFrom": _REFERENCE}],
    {"exec": {"command": [CANARY]}, "httpGet": {"host": CANARY, "port": 80}},
    {"name": CANARY, "secret": {"secretName": "hub"}},
    {"name": CANARY, "persistentVolumeClaim": {"claimName": "hub-db-dir"}},
    {"()": CANARY, "class": CANARY, "filters": {"a": {"()": CANARY}}},
    {"mountPath": f"/{CANARY}", "stringData": CANARY, "name": "hub"},
)
QUOTES = "\"'"
_KEYS = ("canary", "preStop")


def _places() -> Iterator[Place]:
    """Yield a place for each pattern, below it, and for each trait of each class."""
    for pattern in PATTERNS:
        place = tuple(
            "[0]" if p == "[*]" else p.replace("*", _star(i, pattern))
            for i, p in enumerate(split(pattern))
        )
        yield place
        for key in _KEYS:
            yield (*place, key)
    for section, kind in sections().items():
        # What is inherited is tried where it comes from; whose it is elsewhere is asked below.
        for trait in kind.class_own_traits(config=True):
            yield ("hub", "config", section, trait)


def _star(number: int, pattern: str) -> str:
    parts = split(pattern)
    if parts[:2] == ("hub", "config"):
        return "LocalGitHubOAuthenticator"
    return {"choices": "one", "profile_options": "option"}.get(parts[number - 1], "preStop")


def put(values: Values, place: Place, value: object) -> Values | None:
    """Return values with another one at a place; None where there can be none."""
    found: Any = copy.deepcopy(values)
    here = found
    for part, after in zip(place, (*place[1:], None), strict=True):
        key: Any = int(part[1:-1]) if part.startswith("[") else part
        if isinstance(here, list) != isinstance(key, int):
            return None
        if after is None:
            here[key] = value
            break
        if isinstance(here, list):
            if key >= len(here):
                here.append({})
        elif not isinstance(here.get(key), (dict, list)):
            here[key] = [] if after.startswith("[") else {}
        here = here[key]
    return dict(found)


def makers(old: Values, new: Values) -> set[str]:
    """Return the items whose owner may make a change without owning the whole Secret."""
    found = set(GUARD.items) - {DEPLOY}
    for change in changes(old, new):
        for items in GUARD.owners(change):
            found &= items
    return found


def beyond(item: str, old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return what of a change's effects is not the item's."""
    found = []
    if _STOPPED in new and not any(place.startswith(RAN) for place in new):
        return []
    for place in {*old, *new}:
        if old.get(place) == new.get(place) or place == _STOPPED:
            continue
        said = f"{place}={new.get(place, '').strip(QUOTES)}"
        if not any(re.fullmatch(p, place) or re.fullmatch(p, said) for p in ITS_OWN[item]):
            found.append(said[:200])
    return found


async def _tried(place: Place, value: object) -> list[str]:
    """Return what whoever may make a change by one item changes of another."""
    old = _ready(place)
    new = put(old, place, value)
    if new is None or new == old:
        return []
    found = []
    for item in makers(old, new):
        before, after = [await _effects(v) for v in (old, new)]
        if wide := beyond(item, before, after):
            found.append(f"{item}: {text(place)} set to {value!r} changes {wide}")
    return found


_known: dict[str, dict[str, str]] = {}


async def _effects(values: Values) -> dict[str, str]:
    key = repr(values)
    if key not in _known:
        _known[key] = dict(await effects(partial(configuration, values)))
    return _known[key]


def _ready(place: Place) -> Values:
    """Return values in which a trait of an authenticator is one of that which runs."""
    found = copy.deepcopy(BASE)
    if place[:2] == ("hub", "config"):
        fitting = [n for n, k in authenticators().items() if _is_of(k, place[2])]
        if fitting:
            # One that is also of the system's users, and is content with nothing set.
            best = max(fitting, key=lambda name: (name == "local-github", name))
            found["hub"]["config"]["JupyterHub"]["authenticator_class"] = best
    return found


def _is_of(kind: type, section: str) -> bool:
    return any(base.__name__ == section for base in kind.__mro__)


ALL = [
    place
    for place in dict.fromkeys(_places())
    if (new := put(BASE, place, CANARY)) is not None and makers(BASE, new)
]
TOPS = sorted({place[0] for place in ALL})
