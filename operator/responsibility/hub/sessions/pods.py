"""Pods of sessions, as KubeSpawner makes them, and the little of them that is kept.

A pod has its user's token in its environment, and names the user. What is kept of all of them
together are the images, digests, ServiceAccounts and shared volumes that there are: no user, no
pod, no environment. Whoever may make pods in the hub's namespace may make one that looks like a
session, with any text in these places; they are told as what they are, foreign text.

Labels and the container's name are KubeSpawner's (``component_label``, ``make_pod``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from responsibility.hub.sessions.aspects import ACCOUNT, DIGEST, IMAGE, VOLUME
from responsibility.hub.values.agreed import (
    LONGEST,
    HubValues,
    Setting,
    Unread,
    UnreadValues,
)

SELECTOR: Final = "component=singleuser-server"
# What a volume begins with that is a claim's.
CLAIM: Final = "claim:"
_CONTAINER: Final = "notebook"
_USER: Final = "hub.jupyter.org/username"
_OVER: Final = frozenset({"Succeeded", "Failed"})
# Different texts that are kept of one aspect, volumes of one pod, and claims that one user has.
MOST_KEPT: Final = 256
_MOST_VOLUMES: Final = 64
_MOST_CLAIMS: Final = 65_536
# What stands for the digest of an image that no registry gave: it was imported on the node, or
# built there. No digest that anybody agrees on is this.
NO_DIGEST: Final = "none that a registry gave"
# What a runtime says of the image that it runs: `quay.io/coast/env@sha256:…`.
_DIGEST = re.compile(r".*@(sha256:[0-9a-f]{64})", re.DOTALL)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """What is looked at of one pod; ``volumes`` are those that may be shared.

    ``whole`` is False where it has more of them than are looked at.
    """

    user: str
    image: str
    digest: str
    account: str
    volumes: tuple[str, ...]
    whole: bool = True


def session(pod: Json, release: str) -> Session | None:
    """Return what is looked at of a pod; None for one that is no running session of a release."""
    metadata, spec, status = (_map(pod.get(key)) for key in ("metadata", "spec", "status"))
    labels = _map(metadata.get("labels"))
    # KubeSpawner alone sets none.
    if labels.get("release") not in (None, release) or status.get("phase") in _OVER:
        return None
    containers = (c for c in _maps(spec.get("containers")) if c.get("name") == _CONTAINER)
    image = next((_text(each.get("image")) for each in containers), "")
    if not image:
        return None
    told = (s for s in _maps(status.get("containerStatuses")) if s.get("name") == _CONTAINER)
    volumes = list(_maps(spec.get("volumes")))
    return Session(
        user=_text(labels.get(_USER)),
        image=image,
        digest=_digest(next(told, {})),
        account=_text(spec.get("serviceAccountName")),
        volumes=tuple(_shareable(volumes[:_MOST_VOLUMES])),
        whole=len(volumes) <= _MOST_VOLUMES,
    )


def summed_up(sessions: Iterable[Session], *, whole: bool = True) -> HubValues:
    """Return what all of them together run and share, by aspect; without who or how many.

    Where that is more than is kept, or these are not all that there are (``whole`` is False), it
    is said with what is kept: what nobody looked at is never as agreed.
    """
    found: dict[str, dict[str, None]] = {IMAGE: {}, DIGEST: {}, ACCOUNT: {}, VOLUME: {}}
    users: dict[str, str] = {}
    for each in sessions:
        for aspect, text in ((IMAGE, each.image), (DIGEST, each.digest), (ACCOUNT, each.account)):
            whole &= keep(found[aspect], text)
        whole &= each.whole
        for volume in each.volumes:
            # A claim is one's home until somebody else has it, too.
            if not volume.startswith(CLAIM) or users.get(volume, each.user) != each.user:
                whole &= keep(found[VOLUME], volume)
            elif volume in users or len(users) < _MOST_CLAIMS:
                users[volume] = each.user
            else:
                whole = False
    kept = {
        aspect: tuple(Setting(aspect, text) for text in sorted(texts))
        for aspect, texts in found.items()
    }
    return kept if whole else UnreadValues(Unread.TOO_MANY, kept)


def keep(texts: dict[str, None], text: str) -> bool:
    """Keep a text; return whether there was room for it."""
    if text and text not in texts:
        if len(texts) >= MOST_KEPT:
            return False
        texts[text] = None
    return True


def _digest(status: Json) -> str:
    """Return the digest of the image that a container runs; empty while it runs none.

    Matched before anything is cut: a reference may be longer than what is kept of a text.
    """
    image = status.get("imageID")
    text = image if isinstance(image, str) else ""
    if (found := _DIGEST.fullmatch(text)) is not None:
        return found[1]
    runs = bool(text) or bool(_map(_map(status.get("state")).get("running")))
    return NO_DIGEST if runs else ""


def _shareable(volumes: Iterable[Json]) -> Iterator[str]:
    for volume in volumes:
        claim, nfs, host, csi = (
            _map(volume.get(key)) for key in ("persistentVolumeClaim", "nfs", "hostPath", "csi")
        )
        if claim:
            yield f"{CLAIM}{_text(claim.get('claimName'))}"
        elif nfs:
            yield f"nfs:{_text(nfs.get('server'))}:{_text(nfs.get('path'))}"
        elif host:
            yield f"host:{_text(host.get('path'))}"
        elif csi:
            yield f"csi:{_text(csi.get('driver'))}"


def _map(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _maps(value: object) -> Iterator[Json]:
    entries = value if isinstance(value, list) else ()
    yield from (each for each in entries if isinstance(each, dict))


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
