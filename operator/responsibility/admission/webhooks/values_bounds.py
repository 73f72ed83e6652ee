"""Bounds of settings: whoever may move a value only inside a range has to stay there.

Values are compared as quantities. A size such as ``8G`` means 8·1000³ to Kubernetes and 8·1024³ to
JupyterHub, which reads most of the settings; it has to be inside either way, the bound read the
same way, so that nobody gains by the difference. To remove a value that has a bound is to leave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from responsibility.admission.webhooks.requester import Range
from responsibility.hub.values.difference import SettingChange
from responsibility.hub.values.paths import is_below, reaches

# No more digits than anybody needs: working with a number of many thousand takes its time.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))"
    r"(?:(?P<suffix>[KMGTPE]i?|[numk])|[eE](?P<power>[+-]?\d{1,3}))?",
    re.ASCII,
)
_LARGE = {letter: n for n, letter in enumerate("KMGTPE", 1)}
_SMALL = {"n": -9, "u": -6, "m": -3, "k": 3}


def outside(change: SettingChange, ranges: Iterable[Range]) -> Range | None:
    """Return a range that a change leaves; None if it leaves none."""
    if not change.fills:
        return None
    for each in ranges:
        if reaches(each.path, change.place):
            if not _is_within(change.new, each):
                return each
        elif is_below(each.path, change.place):
            return each
    return None


def _is_within(value: object, bounds: Range) -> bool:
    # True and false are numbers to Python.
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    for binary in (False, True):
        size = quantity(str(value), binary=binary)
        if size is None:
            return False
        least = quantity(bounds.minimum, binary=binary)
        most = quantity(bounds.maximum, binary=binary)
        if (least is not None and size < least) or (most is not None and size > most):
            return False
    return True


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
