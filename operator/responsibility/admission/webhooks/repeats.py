"""Admission reviews of one attempt: what the API server tries again counts once.

A write that meets another's (a conflict) is tried again within its request, and all admission is
asked anew, with another uid of the review (``GuaranteedUpdate`` in the API server's
``registry/generic/registry/store.go``, ``storage/etcd3/store.go``). So an attempt is known by who
changes which object from what into what, leaving aside what others may write between two tries.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

# Writes to what is there; what is new, or only connected to, is not tried again.
_TRIED_AGAIN = ("UPDATE", "DELETE")
_SAME = ("operation", "resource", "subResource", "namespace", "name", "userInfo")
_OTHERS = ("resourceVersion", "managedFields", "annotations")
# The API server ends a request after --request-timeout, 60 s where nobody says otherwise.
_LONGEST_REQUEST = timedelta(seconds=60)


class Repeats:
    """What was seen lately. Digests are kept, with a key of this process; no contents."""

    def __init__(self, most: int = 1000, within: timedelta = _LONGEST_REQUEST) -> None:
        self._most = most
        self._within = within
        self._key = secrets.token_bytes(32)
        self._seen: OrderedDict[bytes, datetime] = OrderedDict()

    def seen(self, item: str, review: Mapping[str, Any], now: datetime) -> bool:
        """Return whether a review is about the same attempt as one before; remember it."""
        request = review["request"]
        if request.get("operation") not in _TRIED_AGAIN:
            return False
        digest = self._digest([item, *(request.get(key) for key in _SAME), *_change(request)])
        before = self._seen.pop(digest, None)
        self._seen[digest] = now
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return before is not None and now - before < self._within

    def _digest(self, parts: list[object]) -> bytes:
        text = json.dumps(parts, sort_keys=True)
        return hashlib.blake2b(text.encode(), key=self._key).digest()


def metadata(manifest: object) -> Mapping[str, Any]:
    """Return an object's metadata, empty where there is none."""
    found = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _change(request: Mapping[str, Any]) -> list[object]:
    old, new = request.get("oldObject"), request.get("object")
    annotations = [metadata(each).get("annotations") or {} for each in (old, new)]
    before, after = (sorted(map(list, each.items())) for each in annotations)
    gone, come = [a for a in before if a not in after], [a for a in after if a not in before]
    return [_lasting(old), _lasting(new), gone, come]


def _lasting(manifest: object) -> object:
    if not isinstance(manifest, Mapping):
        return manifest
    rest = {key: value for key, value in manifest.items() if key not in ("metadata", "status")}
    return [rest, {k: v for k, v in metadata(manifest).items() if k not in _OTHERS}]
