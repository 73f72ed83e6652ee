"""What ``make demo`` tells, step by step, once the operator has something to say."""

from __future__ import annotations


def tell() -> None:
    """Tell the story on a cluster that is up; there is nothing to tell yet."""
