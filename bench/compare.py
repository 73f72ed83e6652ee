"""Costs of two revisions side by side: ``python -m bench.compare --before REVISION``.

Each is measured in processes of its own, in turns, so that whatever else the machine does meets
both; what counts is the ratio. Without another revision the rows are held against ``costs.json``,
which keeps them in units of work that never changes (`costs.piece_of_work`). What costs half as
much again as is kept there ends it with an error; ``--keep`` writes it anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.costs import PARTS

_HERE = Path(__file__).resolve().parent
_KEPT = _HERE / "costs.json"
_TOO_MUCH = 1.5

# The least of several, by name: the figure, and in units where it has any.
_Rows = dict[str, tuple[float, float | None]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--before", help="a revision, or a folder that has one")
    parser.add_argument("--rounds", type=int, default=2, help="of both, in turns")
    parser.add_argument("--keep", action="store_true", help=f"write {_KEPT.name} anew")
    options = parser.parse_args()
    kept: dict[str, float] = json.loads(_KEPT.read_text("utf-8")) if _KEPT.exists() else {}
    worse: list[str] = []
    for part in options.parts or ["rows"]:
        with tree(options.before) as before:
            trees = {"before": before, "now": _HERE.parent} if before else {"now": _HERE.parent}
            measured = _measure(part, trees, options.rounds)
        worse += _show(measured, kept)
        if options.keep:
            kept.update({n: round(u, 2) for n, (_, u) in measured["now"].items() if u})
    if options.keep:
        _KEPT.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    elif worse:
        sys.exit(f"costs {_TOO_MUCH} times as much as is kept, or more: {', '.join(worse)}")


@contextmanager
def tree(before: str | None) -> Iterator[Path | None]:
    """Yield the folder of the other revision."""
    if before is None or Path(before).is_dir():
        yield Path(before).resolve() if before else None
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", before], check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "x", "-C", folder], check=True, input=archive.stdout)
        yield Path(folder)


def _measure(part: str, trees: Mapping[str, Path], rounds: int) -> dict[str, _Rows]:
    """Return the least of each row, of each tree; all by the same rows, which are ours."""
    found: dict[str, _Rows] = {name: {} for name in trees}
    for _ in range(rounds):
        for name, tree in trees.items():
            path = os.pathsep.join(map(str, (tree / "operator", tree)))
            done = subprocess.run(
                [sys.executable, str(_HERE / "costs.py"), part, "--json"],
                check=True,
                cwd=tree,
                env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
                stdout=subprocess.PIPE,
                text=True,
            )
            for line in done.stdout.splitlines():
                row = json.loads(line)
                new = (row["value"], row["units"])
                found[name][row["name"]] = min(found[name].get(row["name"], new), new)
    return found


def _show(measured: Mapping[str, _Rows], kept: Mapping[str, float]) -> list[str]:
    """Print the rows, and return which cost far more than is kept."""
    before, now = measured.get("before"), measured["now"]
    print(f"{'CPU ms, the least of several':<48}{'before' if before else '':>12}{'now':>12}")
    worse = []
    for name, (value, units) in now.items():
        earlier = before[name][0] if before else None
        told = "" if earlier is None else f"{earlier:,.1f}"
        line = f"{name:<48}{told:>12}{value:>12,.1f}"
        if earlier:
            line += f"   {value / earlier:.2f} of before"
        if units is not None and name in kept and kept[name]:
            times = units / kept[name]
            line += f"   {times:.2f} of what is kept"
            if times > _TOO_MUCH:
                worse.append(name)
        print(line)
    print(flush=True)
    return worse


if __name__ == "__main__":
    main()
