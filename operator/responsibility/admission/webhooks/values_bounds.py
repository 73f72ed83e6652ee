"""Bounds of settings: whoever may move a value only inside a range has to stay there.

Values are compared as quantities. A size such as ``8G`` means 8·1000³ to Kubernetes and 8·1024³ to
JupyterHub, which reads most of the settings; it has to be inside either way, the bound read the
same way, so that nobody gains by the difference. To remove a value that has a bound is to leave it.
"""

from __future__ import annotations

from collections.abc import Iterable

from responsibility.admission.webhooks.requester import Range
from responsibility.hub.values.difference import SettingChange
from responsibility.hub.values.paths import is_below, reaches
from responsibility.hub.values.quantities import within


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
    return within(str(value), bounds.minimum, bounds.maximum)
