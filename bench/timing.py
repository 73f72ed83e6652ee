"""Timing, the same for all benchmarks: the best of several runs, without garbage of the last."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def once(action: Callable[[], object]) -> float:
    """Return the seconds of one run."""
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def best(action: Callable[[], _T], times: int) -> tuple[float, _T]:
    """Return the seconds of the quickest run, and the result of the last."""
    seconds = []
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def show(what: str, seconds: float) -> None:
    """Print a line."""
    print(f"{what:<60}{seconds * 1e3:>12,.2f} ms")
