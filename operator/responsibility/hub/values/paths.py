"""Paths in chart values: ``hub.config.*.admin_users``, ``singleuser.profileList[*].image``.

A pattern stands for its path and all below it; ``*`` is one part or a piece of one, ``[*]`` any
entry of a list. A place is a path that is divided already: a key may hold any character, also a
dot or a bracket, and is one part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

# The keys that lead to a value, from the top, and the entries of lists as ``[3]``. No key begins
# with a bracket: see ``of_key``.
Place = tuple[str, ...]

_PARTS = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
_ENTRY = re.compile(r"\[\d+\]")
# Keys that are written as they are; whatever else somebody called a key is put in quotes.
_PLAIN = re.compile(r"[A-Za-z0-9_/@:+-]{1,64}")
_LONGEST_KEY = 64


def covers(pattern: str, path: str) -> bool:
    """Return whether the pattern speaks of the path."""
    return reaches(pattern, split(path))


def precision(pattern: str) -> tuple[int, int]:
    """Return how much a pattern says: its parts, then those without a star."""
    parts = split(pattern)
    return len(parts), sum("*" not in part for part in parts)


def most_precise(path: str, patterns: Mapping[str, Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
    """Return the names whose patterns say most about a path, with these; none where none do."""
    about = [(name, p) for name, of_name in patterns.items() for p in of_name if covers(p, path)]
    best = max((precision(pattern) for _, pattern in about), default=None)
    found: dict[str, tuple[str, ...]] = {}
    for name, pattern in about:
        if precision(pattern) == best:
            found[name] = (*found.get(name, ()), pattern)
    return found


def reaches(pattern: str, place: Place) -> bool:
    """Return whether the pattern speaks of a place."""
    wanted = split(pattern)
    return len(place) >= len(wanted) and _alike(wanted, place)


def is_below(pattern: str, place: Place) -> bool:
    """Return whether all that the pattern speaks of is below a place."""
    wanted = split(pattern)
    return len(place) < len(wanted) and _alike(wanted, place)


def part_matches(wanted: str, part: str) -> bool:
    """Return whether a part of a pattern speaks of a part of a place."""
    if wanted.startswith("["):
        return part.startswith("[") and wanted in ("[*]", part)
    if wanted == part:
        return True
    if "*" not in wanted or part.startswith("["):
        return False
    pieces = map(re.escape, wanted.split("*"))
    return re.fullmatch(".*".join(pieces), part, re.DOTALL) is not None


def of_key(key: str) -> str:
    """Return a key as a part of a place; one that looks like a list's entry is not taken for it."""
    return f" {key}" if key.startswith("[") else key


def text(place: Place) -> str:
    """Return a place as a path for people: on one line, and no longer than it has to be."""
    parts = [part if _ENTRY.fullmatch(part) else f".{_key(part)}" for part in place]
    return "".join(parts).removeprefix(".")


@lru_cache(maxsize=4_096)
def split(path: str) -> Place:
    """Return the parts of a path or pattern. Not for keys that were found in somebody's values."""
    return tuple(_PARTS.findall(path))


def _alike(wanted: Place, place: Place) -> bool:
    return all(part_matches(a, b) for a, b in zip(wanted, place, strict=False))


def _key(part: str) -> str:
    if _PLAIN.fullmatch(part):
        return part
    shown = part if len(part) <= _LONGEST_KEY else f"{part[: _LONGEST_KEY - 1]}…"
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else "?" for c in shown) + '"'
