"""Tokens of hubs: one file for each hub, as the keys of a Secret are mounted.

The Secret is one in the operator's own namespace, so the operator needs no right on Secrets: its
pod has what is mounted, and a token of its account reads nothing. A key is a hub's namespace and
release, ``prod.prod``; the name of a namespace has no dot.

A token is sent to the hub of its own key and nowhere else. Who runs a hub knows its token; of
another hub, it must not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from responsibility.hub.admins.administrators import Unknown, Unseen
from responsibility.hub.discovery import HubKey

# JupyterHub makes them of hexadecimal digits and takes any text; what a header can carry.
_TOKEN = re.compile(r"[!-~]{8,512}")
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """A token, which no ``repr`` shows."""

    value: str = field(repr=False)


def key_of(hub: HubKey) -> str:
    """Return the key of the Secret that has a hub's token."""
    return f"{hub.namespace}.{hub.release}"


def read(directory: Path, hubs: Iterable[HubKey]) -> Mapping[HubKey, Token | Unknown]:
    """Return each hub's token, or why there is none to use.

    One that is the same for several hubs is used for none of them: any of them could read it and
    ask the others.
    """
    found: dict[HubKey, Token | Unknown] = {hub: _read(directory, hub) for hub in hubs}
    uses = Counter(each.value for each in _all(directory))
    return {
        hub: Unknown(Unseen.SHARED_TOKEN)
        if isinstance(token, Token) and uses[token.value] > 1
        else token
        for hub, token in found.items()
    }


def _all(directory: Path) -> list[Token]:
    """Return every token there is, also of hubs that have no record."""
    try:
        paths = [path for path in directory.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    return [each for path in paths if isinstance(each := _of(path), Token)]


def _read(directory: Path, hub: HubKey) -> Token | Unknown:
    return _of(directory / key_of(hub))


def _of(path: Path) -> Token | Unknown:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST)
    except FileNotFoundError:
        return Unknown(Unseen.NO_TOKEN, f"the Secret has no key {path.name}")
    except OSError:
        return Unknown(Unseen.NO_TOKEN, f"key {path.name} can't be read")
    text = raw.decode("ascii", errors="replace").strip()
    if not _TOKEN.fullmatch(text):
        return Unknown(Unseen.NO_TOKEN, f"key {path.name} holds no token")
    return Token(text)
