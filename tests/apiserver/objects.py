"""What a fake API server stores, and how writes change it.

Enough of Kubernetes' rules for what this project sends: preconditions, optimistic locking,
server-side apply with an owner for each field, merge patches. A write that changes nothing makes no
new resource version and no event.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.apiserver.requests import Json, Refused

# A field as the keys that lead to it; a condition is one by its type, other lists are one field.
_Field = tuple[str, ...]
_CONDITIONS = "conditions"
_IDENTITY = ("name", "namespace", "uid", "resourceVersion")


@dataclass
class Objects:
    """Objects by path, each with a UID and a resource version, as etcd has them."""

    objects: dict[str, Json] = field(default_factory=dict)
    version: int = 100
    # Told of each change: ADDED, MODIFIED or DELETED, the path, the object.
    listeners: list[Callable[[str, str, Json], None]] = field(default_factory=list)
    _managed: dict[tuple[str, str], set[_Field]] = field(default_factory=dict)

    def collection(self, path: str) -> list[Json]:
        """List a collection, the oldest first."""
        return [one for name, one in self.objects.items() if name.rpartition("/")[0] == path]

    def create(self, path: str, body: Json, manager: str) -> Json:
        metadata = dict(body.get("metadata", {}))
        self.version += 1
        if "name" not in metadata:
            metadata["name"] = f"{metadata.get('generateName', '')}{self.version}"
        target = f"{path}/{metadata['name']}"
        if target in self.objects:
            raise Refused(409, "AlreadyExists", "it is there")
        metadata |= {
            "uid": f"uid-{self.version}",
            "managedFields": [{"manager": manager, "operation": "Update"}],
        }
        return self._store(target, {**body, "metadata": metadata}, "ADDED")

    def apply(self, path: str, body: Json, manager: str) -> Json:
        """Apply to an object, or to its status; forced, since that is all that is sent."""
        target, subresource = (path, "") if path in self.objects else _split(path)
        there = self.objects.get(target)
        if there is None:
            raise Refused(404, "NotFound")
        _check(there, body.get("metadata", {}))
        wanted = {
            tuple(key): value
            for key, value in _fields(body)
            if key[0] not in ("apiVersion", "kind")
            and not (key[0] == "metadata" and key[1] in _IDENTITY)
            and (key[0] == "status") is (subresource == "status")
        }
        changed = copy.deepcopy(there)
        owned = self._managed.setdefault((path, manager), set())
        for key in owned - set(wanted):
            _remove(changed, key)
        for key, value in wanted.items():
            _set(changed, key, value)
        self._managed[path, manager] = set(wanted)
        return self._store(target, changed)

    def merge(self, path: str, body: Json) -> Json:
        """Apply a JSON merge patch (RFC 7386)."""
        there = self._there(path)
        _check(there, body.get("metadata", {}))
        return self._store(path, _merged(there, body))

    def replace(self, path: str, body: Json) -> Json:
        _check(self._there(path), body.get("metadata", {}))
        return self._store(path, body)

    def delete(self, path: str, preconditions: Mapping[str, str]) -> Json:
        there = self._there(path)
        _check(there, preconditions)
        self.version += 1
        del self.objects[path]
        there["metadata"] = {**there["metadata"], "resourceVersion": str(self.version)}
        self._tell("DELETED", path, there)
        return {"kind": "Status", "status": "Success"}

    def _there(self, path: str) -> Json:
        if path not in self.objects:
            raise Refused(404, "NotFound")
        return self.objects[path]

    def _store(self, path: str, wanted: Json, event: str = "MODIFIED") -> Json:
        if wanted != self.objects.get(path):
            self.version += 1
            metadata = {**wanted["metadata"], "resourceVersion": str(self.version)}
            self.objects[path] = {**copy.deepcopy(wanted), "metadata": metadata}
            self._tell(event, path, self.objects[path])
        return self.objects[path]

    def _tell(self, event: str, path: str, thing: Json) -> None:
        for listener in self.listeners:
            listener(event, path, copy.deepcopy(thing))


def _split(path: str) -> tuple[str, str]:
    target, _, subresource = path.rpartition("/")
    return target, subresource


def _check(there: Json, wanted: Mapping[str, Any]) -> None:
    """Refuse what is meant for another object, or for an earlier one of it."""
    for key in ("uid", "resourceVersion"):
        if wanted.get(key) not in (None, there["metadata"].get(key)):
            raise Refused(409, "Conflict", f"{key} mismatch")


def _fields(body: Any, before: _Field = ()) -> Iterator[tuple[_Field, Any]]:
    """Every field that a body sets."""
    if isinstance(body, dict) and body:
        for key, value in body.items():
            yield from _fields(value, (*before, key))
    elif isinstance(body, list) and before[-1:] == (_CONDITIONS,):
        for condition in body:
            yield (*before, condition["type"]), condition
    else:
        yield before, body


def _set(there: Any, key: _Field, value: Any) -> None:
    first, *rest = key
    if not rest:
        there[first] = copy.deepcopy(value)
    elif first == _CONDITIONS:
        conditions = there.setdefault(first, [])
        types = [one["type"] for one in conditions]
        at = types.index(rest[0]) if rest[0] in types else len(types)
        conditions[at : at + 1] = [copy.deepcopy(value)]
    else:
        _set(there.setdefault(first, {}), tuple(rest), value)


def _remove(there: Any, key: _Field) -> None:
    first, *rest = key
    if not rest:
        there.pop(first, None)
    elif first in there and first == _CONDITIONS:
        there[first][:] = [one for one in there[first] if one["type"] != rest[0]]
    elif first in there:
        _remove(there[first], tuple(rest))
        if not there[first]:
            del there[first]


def _merged(there: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(there) if isinstance(there, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
