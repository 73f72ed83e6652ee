"""``python -m bench``: every benchmark that needs no cluster, in the sizes that we promise."""

from __future__ import annotations

from bench import rbac
from bench.world import LARGE, REFERENCE


def main() -> None:
    """Run them one after the other, so that none disturbs another."""
    for size in (REFERENCE, LARGE):
        rbac.measure(size, seed=0)
        print()


if __name__ == "__main__":
    main()
