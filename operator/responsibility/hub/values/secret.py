"""The Secret in which the chart keeps a hub's whole configuration, and what changes in it.

The chart (Zero to JupyterHub, ``templates/hub/secret.yaml``) writes all its values to one key of
the Secret named like the hub, as they are after Helm has merged them, under the very names that a
deployer gives them: ``singleuser.memory.limit`` stands there as that. Beside them are the names
and versions of chart and release. Where the chart is a part of another one, the values are those
of the part: without ``jupyterhub.`` before them.

The other keys are values as well, each by its path: ``hub.services.<name>.apiToken``,
``hub.config.JupyterHub.cookie_secret``, ``hub.db.password``; whatever else there is, is the content
of a file under ``hub.extraFiles``. (A Secret that ``hub.existingSecret`` names is another object.)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility.hub.values.agreed import HubValues, Unread, UnreadValues, settings
from responsibility.hub.values.difference import MISSING, UNKNOWN, SettingChange, changes
from responsibility.hub.values.paths import Place, split
from responsibility.hub.values.yaml import BeyondError, UnreadableError, Value, read

# How it is called, with what the release puts before all its names; and the key.
SECRET = "$(prefix)hub"  # noqa: S105 - a name
NAME = "hub"
KEY = "values.yaml"

_PATHS = "hub."
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


def values_at(secret: Mapping[str, Any], paths: tuple[str, ...]) -> HubValues:
    """Return what is set at some paths of the values that a Secret, as JSON has it, holds."""
    data = _data(secret).get(KEY, MISSING)
    if data is MISSING:
        return UnreadValues(Unread.NO_VALUES)
    try:
        return settings(_value(data), paths)
    except (UnreadableError, BeyondError):
        return UnreadValues(Unread.UNREADABLE)


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
