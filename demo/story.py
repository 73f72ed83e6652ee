"""What ``make demo`` tells once the organisation is on the cluster."""

from __future__ import annotations


def tell() -> None:
    """Tell the story on a cluster that is up; there is nothing to tell yet."""
