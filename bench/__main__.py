"""``python -m bench``: the benchmarks in the sizes that we promise; the last starts a cluster."""

from __future__ import annotations

import shutil
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
        subprocess.run([sys.executable, "-m", "bench.pass_", *options], check=True)
        print()
    # What costs too much is told, and does not end the rest.
    before = sys.argv[1:2] and ["--before", sys.argv[1]]
    compare = [sys.executable, "-m", "bench.compare", "rows", "large", "growth", *before]
    subprocess.run(compare, check=False)
    print()
    subprocess.run([sys.executable, "-m", "bench.plans"], check=True)
    print()
    subprocess.run([sys.executable, "-m", "bench.planning"], check=True)
    print()
    if shutil.which("go") is None:
        print("what admission costs is not measured: there is no Go to build a control plane with")
        return
    subprocess.run([sys.executable, "-m", "bench.admission"], check=True)
    subprocess.run([sys.executable, "-m", "bench.restart"], check=True)


if __name__ == "__main__":
    main()
