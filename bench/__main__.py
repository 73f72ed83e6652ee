"""``python -m bench``: every benchmark that needs no cluster, in the sizes that we promise."""

from __future__ import annotations

import subprocess
import sys

from bench import rbac
from bench.world import LARGE, REFERENCE


def main() -> None:
    """Run them one after the other, so that none disturbs another."""
    for size, options in ((REFERENCE, ()), (LARGE, ("--large",))):
        rbac.measure(size, seed=0)
        print(flush=True)
        # In a process of its own, since it reports the peak of its memory.
        subprocess.run([sys.executable, "-m", "bench.pass_", *options], check=True)  # noqa: S603
        print()


if __name__ == "__main__":
    main()
