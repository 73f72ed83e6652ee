"""Objects as they were before a request, as far as the log has told.

An audit log holds objects as they became, at level RequestResponse, and never as they were. So the
last answer about an object is kept, and used if nothing speaks for a change in between that the
log doesn't hold. Of Secrets only keyed digests of their values are kept, for the time of one run.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from responsibility.admission.policies.guards import CREATE, DELETE
from responsibility.admission.policies.kinds import SCALE
from responsibility.replay.audit_event import Request
from responsibility.replay.cel.unknown import PartialMap, UnknownError

Json = Mapping[str, Any]
Key = tuple[str, str, str, str]

# Objects of hubs' namespaces that are remembered, the least recently seen forgotten first.
MOST = 20_000

# Subresources that answer with the whole object.
_WHOLE = frozenset({"", "status", "ephemeralcontainers", "resize", "finalize"})
# Subresources that change nothing of what is compared.
_HARMLESS = frozenset({"status", "token", "exec", "attach", "portforward", "proxy", "log"})

NO_OBJECTS = "the log holds no objects: level {level}"
NO_EARLIER = "the log doesn't say what the object was like before"
IN_BETWEEN = "the object changed in between, and the log doesn't say how"
OTHER_VERSION = "the object is written in another API version than the policy's"


@dataclass(slots=True)
class _Kept:
    """An object as it was last seen."""

    object: dict[str, Any]
    version: str
    uid: str
    revision: int
    generation: int | None
    writers: Mapping[tuple[str, str], str] | None

    @classmethod
    def of(cls, raw: Json, cleaned: dict[str, Any]) -> _Kept | None:
        meta = raw.get("metadata")
        if not isinstance(meta, dict):
            return None
        revision = meta.get("resourceVersion")
        if not isinstance(revision, str) or not revision.isdecimal():
            return None
        generation = meta.get("generation")
        return cls(
            cleaned,
            str(raw.get("apiVersion")),
            str(meta.get("uid")),
            int(revision),
            generation if isinstance(generation, int) else None,
            _writers(meta),
        )

    def precedes(self, later: _Kept) -> bool:
        """Whether the later one can have come of this by a single request."""
        if self.uid != later.uid or self.revision > later.revision:
            return False
        if self.revision == later.revision:
            return True
        if self.generation is not None and later.generation is not None:
            if later.generation - self.generation > 1:
                return False
        elif self.writers is None:
            return False
        if self.writers is None or later.writers is None:
            return True
        before = self.writers
        changed = [w for w, time in later.writers.items() if before.get(w) != time]
        return len(changed) <= 1


def _writers(meta: Json) -> dict[tuple[str, str], str] | None:
    """Return when each field manager last changed something, subresources left out."""
    managed = meta.get("managedFields")
    if not isinstance(managed, list):
        return None
    return {
        (str(entry.get("manager")), str(entry.get("operation"))): str(entry.get("time"))
        for entry in managed
        if isinstance(entry, dict) and not entry.get("subresource")
    }


@dataclass(slots=True)
class Objects:
    """The objects that a log has told of so far."""

    most: int = MOST
    _kept: OrderedDict[Key, _Kept] = field(default_factory=OrderedDict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def new(self, request: Request) -> dict[str, Any] | None:
        """Return the object that a request led to; null for a deletion.

        Raises UnknownError.
        """
        if request.operation == DELETE:
            return None
        if request.answer is None:
            raise UnknownError(NO_OBJECTS.format(level=request.level or "unknown"))
        return self._cleaned(request)

    def old(self, request: Request) -> dict[str, Any] | PartialMap | None:
        """Return the object as it was; null for one that is created. Raises UnknownError."""
        if request.operation == CREATE:
            return None
        if request.answer is None and request.operation != DELETE:
            raise UnknownError(NO_OBJECTS.format(level=request.level or "unknown"))
        kept = self._kept.get(_key(request))
        if kept is None or request.answer is None:
            raise UnknownError(NO_EARLIER)
        later = _Kept.of(request.answer, {})
        if later is None:
            raise UnknownError(NO_EARLIER)
        if request.subresource == SCALE:
            return _as_scale(kept, later)
        if later.version != kept.version:
            raise UnknownError(OTHER_VERSION)
        if not kept.precedes(later):
            raise UnknownError(IN_BETWEEN)
        return kept.object

    def learn(self, request: Request) -> None:
        """Remember what a request has led to, or that nobody knows."""
        if request.of_many:
            for key in [k for k in self._kept if k[:3] == _key(request)[:3]]:
                del self._kept[key]
            return
        key = _key(request)
        if request.operation == DELETE and not request.subresource:
            self._kept.pop(key, None)
        elif request.subresource == SCALE and request.answer is not None:
            self._scaled(key, request.answer)
        elif request.subresource in _WHOLE and request.answer is not None:
            self._keep(key, request)
        elif request.subresource not in _HARMLESS:
            self._kept.pop(key, None)

    def _keep(self, key: Key, request: Request) -> None:
        assert request.answer is not None  # noqa: S101 - asked before
        found = _Kept.of(request.answer, self._cleaned(request))
        before = self._kept.get(key)
        if found is None:
            self._kept.pop(key, None)
            return
        # Requests are logged in the order in which they end.
        if before is None or before.uid != found.uid or before.revision <= found.revision:
            self._kept[key] = found
            self._kept.move_to_end(key)
        if len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def _scaled(self, key: Key, scale: Json) -> None:
        kept, later = self._kept.get(key), _Kept.of(scale, {})
        if kept is None:
            return
        if later is None or kept.uid != later.uid:
            del self._kept[key]
        elif kept.revision < later.revision:
            spec = dict(kept.object.get("spec") or {})
            replicas = (scale.get("spec") or {}).get("replicas", 0)
            if kept.generation is not None and spec.get("replicas") != replicas:
                kept.generation += 1
            spec["replicas"] = replicas
            kept.object = {**kept.object, "spec": spec}
            kept.revision = later.revision

    def _cleaned(self, request: Request) -> dict[str, Any]:
        assert request.answer is not None  # noqa: S101 - asked before
        meta = request.answer.get("metadata")
        kept = dict(request.answer)
        if isinstance(meta, dict):
            kept["metadata"] = {k: v for k, v in meta.items() if k != "managedFields"}
        if (request.group, request.resource) == ("", "secrets"):
            self._hide(kept)
        return kept

    def _hide(self, secret: dict[str, Any]) -> None:
        """Put digests in the place of everything that can be secret."""
        for part in ("data", "stringData"):
            if part in secret:
                secret[part] = self._hidden(secret[part])
        meta = secret.get("metadata")
        if isinstance(meta, dict) and "annotations" in meta:
            # kubectl apply keeps all of what it applied in one of them.
            meta["annotations"] = self._hidden(meta["annotations"])

    def _hidden(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        if isinstance(value, dict):
            return {key: self._hidden(entry) for key, entry in value.items()}
        text = json.dumps(value, sort_keys=True).encode()
        return hashlib.blake2b(text, key=self._salt, digest_size=16).hexdigest()


def _as_scale(kept: _Kept, later: _Kept) -> PartialMap:
    if kept.uid != later.uid or kept.revision > later.revision:
        raise UnknownError(IN_BETWEEN)
    replicas = (kept.object.get("spec") or {}).get("replicas")
    if replicas is None:
        raise UnknownError(NO_EARLIER)
    # A Scale of none doesn't say so: the field is left out.
    known = {"replicas": replicas} if replicas else {}
    spec = PartialMap(known, NO_EARLIER, absent=lambda key: key == "replicas")
    return PartialMap({"spec": spec}, NO_EARLIER)


def _key(request: Request) -> Key:
    return request.group, request.resource, request.namespace, request.name
