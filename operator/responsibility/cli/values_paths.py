"""Paths in chart values: ``hub.config.*.admin_users``, ``singleuser.profileList[*].image``.

A pattern stands for its path and all below it; ``*`` is one part or a piece of one, ``[*]`` any
entry of a list.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"[^.\[\]]+|\[[^\]]*\]")


def covers(pattern: str, path: str) -> bool:
    """Return whether the pattern speaks of the path."""
    wanted, given = _split(pattern), _split(path)
    if len(given) < len(wanted):
        return False
    return all(_same(a, b) for a, b in zip(wanted, given, strict=False))


def precision(pattern: str) -> tuple[int, int]:
    """Return how much a pattern says: its parts, then those without a star."""
    parts = _split(pattern)
    return len(parts), sum("*" not in part for part in parts)


@lru_cache(maxsize=4_096)
def _split(path: str) -> tuple[str, ...]:
    return tuple(_PARTS.findall(path))


def _same(wanted: str, given: str) -> bool:
    if wanted.startswith("["):
        return given.startswith("[") and wanted in ("[*]", given)
    pieces = map(re.escape, wanted.split("*"))
    return re.fullmatch(".*".join(pieces), given) is not None
