"""A release between two looks: its objects, sealed and small.

A release of a hub is some hundred kilobytes of maps and lists, of which there may be hundreds;
compressed they are a twentieth of that, and unpacked when they are looked at.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from responsibility.hub.release.storage import Revision


@dataclass(frozen=True, slots=True)
class KeptRelease:
    """The objects of one revision, of which no text that may be secret is left."""

    revision: Revision
    _packed: bytes

    @classmethod
    def of(cls, revision: Revision, objects: Sequence[dict[str, Any]]) -> KeptRelease:
        """Keep the sealed objects of a revision."""
        return cls(revision, zlib.compress(pickle.dumps(list(objects))))

    def objects(self) -> list[dict[str, Any]]:
        """Return the objects."""
        found: list[dict[str, Any]] = pickle.loads(zlib.decompress(self._packed))  # noqa: S301 - our own
        return found

    def is_of(self, revision: Revision) -> bool:
        """Return whether it is this very one, as its Secret is now."""
        mine = self.revision
        return (mine.uid, mine.version) == (revision.uid, revision.version)
