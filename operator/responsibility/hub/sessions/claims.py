"""Claims to storage that sessions mount: their storage classes, and what is behind those shared.

A pod names a claim, and the claim says where the data are. One of the same name that was made anew,
of another class or bound to another PersistentVolume, has other data in it, or none, and no setting
of the hub shows that. Claims hold no secrets; whose a home is, is not kept.

Fields are those of ``PersistentVolumeClaimSpec`` (``staging/src/k8s.io/api/core/v1/types.go``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from responsibility.hub.sessions.aspects import PERSISTENT_VOLUME, STORAGE_CLASS
from responsibility.hub.sessions.pods import CLAIM, Session, keep
from responsibility.hub.values.agreed import LONGEST, HubValues, Setting, Unread, UnreadValues

# What stands for the class of a claim that has none, and the volume of one that is not bound.
NO_CLASS: Final = "no class"
NO_VOLUME: Final = "unbound"
_BY_MANY: Final = frozenset({"ReadOnlyMany", "ReadWriteMany"})

Json = Mapping[str, Any]


class MountedClaims:
    """What the claims of some sessions have in common, without whose they are."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        # One user of each, and whether there are others.
        self._users: dict[str, tuple[str, bool]] = {}
        self._whole = True
        for each in sessions:
            self._whole &= each.whole
            for volume in each.volumes:
                if volume.startswith(CLAIM):
                    name = volume.removeprefix(CLAIM)
                    first, shared = self._users.get(name, (each.user, False))
                    self._users[name] = (first, shared or first != each.user)
        self._found: dict[str, dict[str, None]] = {STORAGE_CLASS: {}, PERSISTENT_VOLUME: {}}

    def __bool__(self) -> bool:
        """Whether sessions mount any."""
        return bool(self._users)

    def add(self, claim: Json) -> None:
        """Take note of a claim, if sessions mount it."""
        name = _map(claim.get("metadata")).get("name")
        if not isinstance(name, str) or name not in self._users:
            return
        _, shared = self._users[name]
        spec = _map(claim.get("spec"))
        storage_class = _text(spec.get("storageClassName")) or NO_CLASS
        self._whole &= keep(self._found[STORAGE_CLASS], storage_class)
        modes = spec.get("accessModes")
        many = isinstance(modes, list) and any(_text(mode) in _BY_MANY for mode in modes)
        if many or shared:
            volume = f"{name}:{_text(spec.get('volumeName')) or NO_VOLUME}"
            self._whole &= keep(self._found[PERSISTENT_VOLUME], _text(volume))

    def settings(self, *, whole: bool = True) -> HubValues:
        """Return what was found; ``whole`` is False where there are sessions beside these."""
        kept = {
            aspect: tuple(Setting(aspect, text) for text in sorted(texts))
            for aspect, texts in self._found.items()
        }
        return kept if whole and self._whole else UnreadValues(Unread.TOO_MANY, kept)


def _map(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
