"""The Secret in which the chart keeps a hub's whole configuration, and what changes in it.

The chart (Zero to JupyterHub, ``templates/hub/secret.yaml``) writes all its values to one key of
the Secret named like the hub, as they are after Helm has merged them, under the very names that a
deployer gives them: ``singleuser.memory.limit`` stands there as that. Beside them are the names
and versions of chart and release. Where the chart is a part of another one, the values are those
of the part: without ``jupyterhub.`` before them.

The other keys are values as well, each by its path: ``hub.services.<name>.apiToken``,
``hub.config.JupyterHub.cookie_secret``, ``hub.db.password``; whatever else there is, is the content
of a file under ``hub.extraFiles``. A Secret that ``hub.existingSecret`` names is laid over it,
where that is set: its ``values.yaml`` wins (``_load_config`` in the chart's ``files/hub/z2jh.py``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility.hub.values.agreed import HubValues, Unread, UnreadValues, known_settings
from responsibility.hub.values.difference import MISSING, UNKNOWN, SettingChange, changes
from responsibility.hub.values.paths import Place, split
from responsibility.hub.values.yaml import BeyondError, UnreadableError, Value, read

# How it is called, with what the release puts before all its names; and the key.
SECRET = "$(prefix)hub"  # noqa: S105 - a name
NAME = "hub"
KEY = "values.yaml"

_PATHS = "hub."
_SECRETS_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_FILES: Place = ("hub", "extraFiles")


@dataclass(frozen=True, slots=True)
class SettingsDiff:
    """The changes in the Secret. ``unreadable``: its values are no YAML any more.

    Such values the hub can't read either, so they change nothing but that it doesn't start.
    """

    changes: tuple[SettingChange, ...]
    unreadable: bool = False


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> SettingsDiff:
    """Return what changes from one Secret, as JSON has it, to another.

    Where values are not read, though the hub might read them, or were unreadable before, any of
    them may have changed: one change of the whole, to what nobody knows. Else whoever makes the
    values unreadable first could then write what they like.
    """
    before, after = _data(old), _data(new)
    found = list(_of_keys(before, after))
    was, now = before.get(KEY, MISSING), after.get(KEY, MISSING)
    if was == now:
        return SettingsDiff(tuple(found))
    try:
        value = _value(now)
    except UnreadableError:
        return SettingsDiff(tuple(found), unreadable=True)
    except BeyondError:
        return SettingsDiff((*found, SettingChange((), MISSING, UNKNOWN)))
    try:
        found.extend(changes(_value(was), value))
    except (UnreadableError, BeyondError):
        found.append(SettingChange((), UNKNOWN, value))
    return SettingsDiff(tuple(found))


def values_at(
    secret: Mapping[str, Any], paths: tuple[str, ...], existing: Mapping[str, Any] | None = None
) -> HubValues:
    """Return what is set at some paths of the values that a Secret, as JSON has it, holds.

    ``existing`` is the Secret that its ``hub.existingSecret`` names.
    """
    data = _data(secret).get(KEY, MISSING)
    if data is MISSING:
        return UnreadValues(Unread.NO_VALUES)
    over = MISSING if existing is None else _data(existing).get(KEY, MISSING)
    try:
        value = _value(data)
        merged = value if over is MISSING else _laid_over(value, _value(over))
        return known_settings(merged, paths)
    except (UnreadableError, BeyondError):
        return UnreadValues(Unread.UNREADABLE)


def existing_secret(secret: Mapping[str, Any]) -> str:
    """Return the name of the Secret that a hub's values are to be laid over by; mostly none."""
    try:
        value = _value(_data(secret).get(KEY, MISSING))
    except (UnreadableError, BeyondError):
        return ""
    hub = value.get(NAME) if isinstance(value, dict) else None
    name = hub.get("existingSecret") if isinstance(hub, dict) else None
    return name if isinstance(name, str) and _SECRETS_NAME.fullmatch(name) else ""


def _laid_over(below: Value, over: Value) -> Value:
    """Return values with others over them, as the hub does it: maps are merged, all else wins."""
    if not (isinstance(below, dict) and isinstance(over, dict)):
        return over
    merged = {k: _laid_over(below[k], v) if k in below else v for k, v in over.items()}
    return {**below, **merged}


def _of_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[SettingChange]:
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        if key != KEY and old != new:
            yield SettingChange(split(key) if key.startswith(_PATHS) else (*_FILES, key), old, new)


def _value(data: object) -> Value:
    if data is MISSING:
        return MISSING
    try:
        text = base64.b64decode(str(data), validate=True).decode()
    except (binascii.Error, ValueError):
        text = None
    if text is None:
        # Outside of the handler: the error there has the data with it.
        raise UnreadableError("not read as text")
    return read(text)


def _data(secret: Mapping[str, Any]) -> Mapping[str, Any]:
    found = secret.get("data")
    return found if isinstance(found, Mapping) else {}
