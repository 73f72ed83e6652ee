"""Settings that are no secrets: the only ones of a hub's values that are ever looked at and shown.

What is agreed stands in a record, and what is set in its place is told to whoever may read that. So
a path that somebody writes into a record must not be a way to read ``values.yaml``: the list names
quantities, names, counts and switches by their place in the chart (Zero to JupyterHub,
``values.schema.yaml``), and what it does not name is not read. Nothing in it takes a text of any
length, a command, an environment or a configuration that may hold a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from responsibility.hub.values.paths import split

_SIZE = "how much memory, processor or storage"
_COUNT = "a number"
_SECONDS = "seconds"
_SWITCH = "on or off"
_NAME = "a name or version"

# What spawners take of each profile and each of its choices (kubespawner's traits).
_OVERRIDES: Mapping[str, str] = {
    "cpu_guarantee": _SIZE,
    "cpu_limit": _SIZE,
    "image": _NAME,
    "mem_guarantee": _SIZE,
    "mem_limit": _SIZE,
}
_PROFILES = "singleuser.profileList[*]"

READABLE: Final[Mapping[str, str]] = {
    "cull.enabled": _SWITCH,
    "cull.every": _SECONDS,
    "cull.maxAge": _SECONDS,
    "cull.timeout": _SECONDS,
    "cull.users": _SWITCH,
    "hub.activeServerLimit": _COUNT,
    "hub.allowNamedServers": _SWITCH,
    "hub.concurrentSpawnLimit": _COUNT,
    "hub.consecutiveFailureLimit": _COUNT,
    "hub.namedServerLimitPerUser": _COUNT,
    "hub.resources.limits.cpu": _SIZE,
    "hub.resources.limits.memory": _SIZE,
    "hub.resources.requests.cpu": _SIZE,
    "hub.resources.requests.memory": _SIZE,
    "prePuller.continuous.enabled": _SWITCH,
    "prePuller.hook.enabled": _SWITCH,
    "proxy.https.enabled": _SWITCH,
    "proxy.service.type": _NAME,
    "scheduling.podPriority.enabled": _SWITCH,
    "scheduling.userPlaceholder.enabled": _SWITCH,
    "scheduling.userPlaceholder.replicas": _COUNT,
    "scheduling.userScheduler.enabled": _SWITCH,
    "scheduling.userScheduler.replicas": _COUNT,
    "singleuser.cloudMetadata.blockWithIptables": _SWITCH,
    "singleuser.cpu.guarantee": _SIZE,
    "singleuser.cpu.limit": _SIZE,
    "singleuser.image.name": _NAME,
    "singleuser.image.pullPolicy": _NAME,
    "singleuser.image.tag": _NAME,
    "singleuser.memory.guarantee": _SIZE,
    "singleuser.memory.limit": _SIZE,
    "singleuser.networkPolicy.enabled": _SWITCH,
    "singleuser.startTimeout": _SECONDS,
    "singleuser.storage.capacity": _SIZE,
    "singleuser.storage.dynamic.storageClass": _NAME,
    "singleuser.storage.type": _NAME,
    **{f"{_PROFILES}.kubespawner_override.{name}": what for name, what in _OVERRIDES.items()},
    **{
        f"{_PROFILES}.profile_options.*.choices.*.kubespawner_override.{name}": what
        for name, what in _OVERRIDES.items()
    },
}

# Of them, those that say how much there is of something.
SIZES: Final = tuple(path for path, what in READABLE.items() if what is _SIZE)


def is_readable(path: str) -> bool:
    """Return whether a path, with or without stars of its own, is inside of what is looked at."""
    parts = split(path)
    return any(_is_inside(parts, split(known)) for known in READABLE)


def names_image(path: str) -> bool:
    """Return whether a path is that of an image, with its registry and folders."""
    parts = split(path)
    return parts[-1:] == ("image",) or parts[-2:] == ("image", "name")


def _is_inside(parts: tuple[str, ...], known: tuple[str, ...]) -> bool:
    return len(parts) == len(known) and all(map(_is_part, parts, known))


def _is_part(part: str, known: str) -> bool:
    if known == "[*]":
        return part == "[*]" or (part.startswith("[") and part[1:-1].isdecimal())
    if known == "*":
        return not part.startswith("[")
    return part == known
