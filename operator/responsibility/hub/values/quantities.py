"""Quantities in settings: sizes, counts and fractions, as Kubernetes and JupyterHub write them.

A size such as ``8G`` means 8·1000³ to Kubernetes and 8·1024³ to JupyterHub, which reads most of the
settings. What is said of a quantity has to be true either way, both sides read the same way.
"""

from __future__ import annotations

import re
from decimal import Decimal

# No more digits than anybody needs: working with a number of many thousand takes its time.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))"
    r"(?:(?P<suffix>[KMGTPE]i?|[numk])|[eE](?P<power>[+-]?\d{1,3}))?",
    re.ASCII,
)
_LARGE = {letter: n for n, letter in enumerate("KMGTPE", 1)}
_SMALL = {"n": -9, "u": -6, "m": -3, "k": 3}


def within(text: str, minimum: str, maximum: str) -> bool:
    """Return whether a text is a quantity inside a range; an empty end is none."""
    for binary in (False, True):
        size = quantity(text, binary=binary)
        if size is None:
            return False
        least = quantity(minimum, binary=binary)
        most = quantity(maximum, binary=binary)
        if (least is not None and size < least) or (most is not None and size > most):
            return False
    return True


def equal(one: str, other: str) -> bool:
    """Return whether two texts are the same, or quantities that are."""
    if one == other:
        return True
    sizes = [(quantity(one, binary=b), quantity(other, binary=b)) for b in (False, True)]
    return all(size is not None and size == wanted for size, wanted in sizes)


def quantity(text: str, *, binary: bool) -> Decimal | None:
    """Return what a quantity stands for, None for none; ``binary`` is to read ``G`` as ``Gi``."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number = Decimal(match["number"].rstrip("."))
    suffix = match["suffix"] or ""
    if suffix[:1] in _LARGE and suffix:
        base = 1024 if binary or suffix.endswith("i") else 1000
        return number * Decimal(base) ** _LARGE[suffix[0]]
    power = _SMALL.get(suffix, 0) + int(match["power"] or 0)
    return number.scaleb(power)
