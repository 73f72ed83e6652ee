"""The soak for as long as ``SECONDS`` says, in every mode: ``make soak``.

What fails is told with its seed, and the next mode goes on: the exit code is 1 in the end.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.e2e.lab import clusters
from tests.e2e.lab.lifetime import say
from tests.e2e.operator.soak.installations import INSTALLATIONS, REPLICAS
from tests.e2e.operator.soak.phases import soak
from tests.e2e.operator.world import World
from tests.e2e.seeds import SEED


def main() -> int:
    """Soak; return how it ended."""
    seconds = float(os.environ.get("SECONDS") or 900)
    only = os.environ.get("MODE", "")
    chosen = [
        (installation, number)
        for installation in INSTALLATIONS
        for number in REPLICAS
        if only in ("", installation.name)
    ]
    say(f"soak: SEED={SEED}, {seconds:g} s")
    clusters.sweep()
    failures = 0
    for index, (installation, number) in enumerate(chosen):
        share = seconds / len(chosen)
        name = f"soak-{os.getpid()}-{index}"
        with (
            tempfile.TemporaryDirectory(prefix="soak-") as directory,
            clusters.cluster(name) as cluster,
        ):
            end = time.monotonic() + share
            try:
                soak(
                    World(cluster, Path(directory)),
                    installation,
                    number,
                    SEED,
                    lambda phases, end=end: not phases or time.monotonic() < end,  # type: ignore[misc]  # a default argument
                )
            except Exception:  # noqa: BLE001 - whatever it is, the others are to be soaked as well
                failures += 1
                say(f"soak: {number}× {installation.name} FAILED, SEED={SEED}")
                say(traceback.format_exc(limit=-6))
    say(f"soak: SEED={SEED}: {failures} of {len(chosen)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
