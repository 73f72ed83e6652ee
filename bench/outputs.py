"""How much people have to read at the size of a fleet: ``python -m bench.outputs``.

Of 171 hubs as files: the records drafted for all of them, as somebody does who begins, and what
each command says of them once there are records. Lines, their longest, bytes and seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import fleet
from responsibility.api.names import PLUGIN
from responsibility.api.parse import parse_record

_TOGETHER = ("-f", "together/all")
_OUTPUTS: tuple[tuple[str, ...], ...] = (
    ("matrix", "--all"),
    ("drift",),
    ("drift", "-o", "wide"),
    ("drift", "--severity", "high"),
    ("check",),
    ("plan", "--all"),
    ("plan", "--all", "--full"),
    ("who-owns", "get", "secrets/hub"),
    ("split",),
    ("page", "--findings"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote, and how long it took."""

    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        """Return its figures in a line."""
        lines = self.out.splitlines()
        longest = max(map(len, lines), default=0)
        size = len(self.out.encode())
        return f"{len(lines):>6} lines {longest:>6} columns {size:>9} bytes {self.seconds:>6.1f} s"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        fleet.write(folder)
        fleet.write(folder / "together", together=True)
        fleet.table(folder)
        fleet.listing(folder)
        _record(folder)
        print()
        for asked in _OUTPUTS:
            said = _run(folder, *asked, *_TOGETHER)
            print(f"{said}  {' '.join(asked)}", flush=True)
            if asked == ("drift",):
                print(f"{'':>8}{said.out.splitlines()[-1].partition(';')[0]}")


def _record(folder: Path) -> None:
    """Draft a record for each hub of all clusters, and say what is left to a person."""
    import yaml

    asked = ("init", "--clusters", "clusters.yaml", "--from", "hubs.csv", "-d", "records")
    said = _run(folder, *asked)
    drafts = sorted((folder / "records").glob("*/*.yaml"))
    lines = 0
    for path in drafts:
        text = path.read_text(encoding="utf-8")
        lines += text.count("\n")
        parse_record(yaml.safe_load(text), strict=True)
    print(f"{len(drafts)} drafts of {fleet.HUBS} hubs in {fleet.CLUSTERS} clusters, all valid:")
    print(f"1 command, {said.seconds:.1f} s; {lines / len(drafts):.0f} lines each")
    notes = said.err.splitlines()
    print("\n".join(notes[next(n for n, t in enumerate(notes) if "drafts written" in t) :]))


def _run(folder: Path, *asked: str) -> Said:
    program = Path(sys.executable).with_name(PLUGIN)
    environment = {**os.environ, "NO_COLOR": "1"}
    began = time.monotonic()
    done = subprocess.run(
        [program, *asked], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(asked)}: {done.stderr}")
    return Said(done.stdout, done.stderr, time.monotonic() - began)


if __name__ == "__main__":
    main()
