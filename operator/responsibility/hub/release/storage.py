"""Helm's memory of a release: one Secret for each revision, in the release's namespace.

Helm 3 and 4 keep it the same way (``pkg/storage/driver``: ``secrets.go``, ``util.go``): type
``helm.sh/release.v1``, named ``sh.helm.release.v1.<release>.v<revision>``, with the labels
``owner``, ``name``, ``version`` and ``status``, and in ``data.release`` JSON that is compressed by
gzip (if it begins like that) and written in base64, around which Kubernetes puts another. Its
``manifest`` is all that was deployed, as YAML, but for hooks: those Helm makes and removes itself.

Whoever may write Secrets in that namespace may write such a one. As for Helm itself, the newest
that is called deployed counts (``pkg/storage/storage.go``, ``Deployed``), if it has Helm's name and
type; pending counts only what comes next. What it unpacks to, how deep and how much is bounded. No
error has a word of it, nor does one that caused it hang on.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from responsibility.hub.release.changes import ReleaseUnread
from responsibility.hub.values import yaml
from responsibility.hub.values.yaml import BeyondError, UnreadableError

TYPE: Final = "helm.sh/release.v1"
DEPLOYED: Final = "deployed"
_PREFIX: Final = "sh.helm.release.v1"
_PENDING: Final = frozenset({"pending-install", "pending-upgrade", "pending-rollback"})
_REVISION: Final = re.compile(r"[0-9]{1,9}")
# What gzip begins with.
_MAGIC: Final = b"\x1f\x8b\x08"
# A Secret holds a megabyte, which unpacks to some ten with the charts of a large release in it.
_LARGEST: Final = 32 << 20
_MOST_OBJECTS: Final = 512
_LISTS: Final = frozenset({"List"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a release, by its Secret's metadata.

    ``written_at`` is when that was last written, by the API server's clock and as it writes times:
    Helm writes it when all objects are.
    """

    number: int
    secret: str
    uid: str
    version: str
    status: str
    created_at: str = ""
    written_at: str = ""

    @property
    def pending(self) -> bool:
        """Whether Helm is at it, or was when it ended."""
        return self.status in _PENDING


def selector(release: str) -> str:
    """Return the label selector of a release's Secrets."""
    return f"owner=helm,name={release}"


def selected_type() -> str:
    """Return the field selector of Secrets of Helm's type.

    The API server has one for types (``pkg/registry/core/secret/strategy.go``).
    """
    return f"type={TYPE}"


def revisions(secrets: Iterable[Mapping[str, Any]], release: str) -> tuple[Revision, ...]:
    """Return the revisions that a release's Secrets are about, the newest first.

    Metadata is enough. What isn't called as Helm calls it (``makeKey``) is none of them.
    """
    found = [r for secret in secrets if (r := _revision(secret)) is not None]
    named = [r for r in found if r.secret == f"{_PREFIX}.{release}.v{r.number}"]
    return tuple(sorted(named, key=lambda revision: -revision.number))


def in_work(found: Sequence[Revision]) -> Revision | None:
    """Return the revision that Helm is at, of all from the newest on; None where it is at none.

    Helm numbers them one by one (``pkg/action/upgrade.go``): another was made up.
    """
    done = max((r.number for r in found if not r.pending), default=0)
    return next((r for r in found if r.pending and r.number == done + 1), None)


def _revision(secret: Mapping[str, Any]) -> Revision | None:
    metadata = secret.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    labels = metadata.get("labels")
    number = str(labels.get("version") or "") if isinstance(labels, Mapping) else ""
    if not isinstance(labels, Mapping) or not _REVISION.fullmatch(number):
        return None
    managed = metadata.get("managedFields")
    times = [str(e.get("time") or "") for e in managed or () if isinstance(e, Mapping)]
    return Revision(
        int(number),
        str(metadata.get("name") or ""),
        str(metadata.get("uid") or ""),
        str(metadata.get("resourceVersion") or ""),
        str(labels.get("status") or ""),
        str(metadata.get("creationTimestamp") or ""),
        max(times, default="") or str(metadata.get("creationTimestamp") or ""),
    )


def objects(secret: Mapping[str, Any]) -> list[Json] | ReleaseUnread:
    """Return what a revision deployed, as its Secret (JSON) has it, or why it is not known."""
    text = _manifest(secret)
    if text is None:
        return ReleaseUnread.UNREADABLE
    try:
        documents = yaml.read_all(text, most=_MOST_OBJECTS)
    except (UnreadableError, BeyondError):
        return ReleaseUnread.UNREADABLE
    found = [_as_json(each) for document in documents for each in _flat(document)]
    if len(found) > _MOST_OBJECTS:
        return ReleaseUnread.TOO_COSTLY
    return [each for each in found if isinstance(each, dict)]


def _flat(document: object) -> Iterator[object]:
    """Yield the objects of a document: itself, or what it lists."""
    if isinstance(document, dict) and document.get("kind") in _LISTS:
        yield from document.get("items") or ()
    elif document:
        yield document


def _as_json(value: Any) -> Any:  # noqa: ANN401 - whatever YAML there is
    """Return a value as JSON would have it: keys are texts, and so are dates."""
    if isinstance(value, dict):
        return {_key(key): _as_json(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _manifest(secret: Mapping[str, Any]) -> str | None:
    data = secret.get("data")
    packed = data.get("release") if isinstance(data, Mapping) else None
    try:
        inner = base64.b64decode(base64.b64decode(str(packed or ""), validate=True), validate=True)
        release = json.loads(_unpacked(inner))
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
    manifest = release.get("manifest") if isinstance(release, dict) else None
    return manifest if isinstance(manifest, str) else None


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_MAGIC):
        return data
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    found = unpacker.decompress(data, _LARGEST)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("it is larger than any release, or not whole")
    return found
