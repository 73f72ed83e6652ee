"""The trial: the demo's organisation as files, and the command line on them, within a minute.

``make try`` runs it with Python alone: no cluster, no Go, no container. It needs four libraries of
those that the package declares, which is why nothing of the operator may be imported here.
"""

from __future__ import annotations

import os
import shlex
import sys
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from demo import files
from demo.terminal import Keep, excerpt, on_terminal
from responsibility.api.names import PLUGIN

REPOSITORY = Path(__file__).parents[1]
TOOL = PLUGIN
FILES = "files"
SITE = "page"
NOTES = "notes.txt"
_SCRIPT = """#!/bin/sh
# kubectl-responsibility, from this checkout.
PYTHONPATH={sources} exec {python} -c \\
  'from responsibility.cli.main import script; script()' "$@"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the tool, what it shows in a sentence, and its lines to keep (all without)."""

    why: str
    arguments: str
    keep: Keep = ()


STEPS = (
    Step(
        "Three hubs and twenty kinds of decision. Who has each, and does the cluster agree?",
        "matrix --all",
    ),
    Step(
        "What differs, worst first: by what, the smallest fix, and whom to call.",
        "drift",
        (("fbe290442d", 5), ("9b814a51f5", 5), ("78bd0df498", 5), (r"\d+ causes", 1)),
    ),
    Step(
        "One of them explained: somebody who left, and was forgotten in one binding.",
        "explain 9b814a51f5",
        (("User former", 11), ("held by", 2), ("with the subject", 1)),
    ),
    Step(
        "A plan that ends it: the fewest changes, and what each takes from whom.",
        "plan coast",
        (("1 change", 4), ("digest", 1)),
    ),
    Step(
        "The same for people who don't use a terminal: a page for each hub.",
        f"page --findings -o {{folder}}/{SITE}",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Write the files into a folder, and tell; return 1 where a command did not work."""
    named = sys.argv[1:] if arguments is None else arguments
    folder = Path(named[0] if named else "build/try")
    prepare(folder, datetime.now(UTC))
    try:
        for text in tell(folder):
            print(text, flush=True)
    except ValueError as error:
        print(f"error: {error}; what it said is in {folder / NOTES}", file=sys.stderr)
        return 1
    page = (folder / SITE / "index.html").resolve()
    print(f"\nThe page: {page}{_opened(page)}")
    print(_after(folder))
    return 0


def prepare(folder: Path, now: datetime) -> None:
    """Write the organisation's files as of ``now``, and the tool, into a folder."""
    files.write(folder / FILES, now)
    (folder / NOTES).unlink(missing_ok=True)
    tool = folder / TOOL
    sources = shlex.quote(str(REPOSITORY / "operator"))
    tool.write_text(
        _SCRIPT.format(sources=sources, python=shlex.quote(sys.executable)), encoding="utf-8"
    )
    tool.chmod(0o755)


def tell(folder: Path) -> Iterator[str]:
    """Run each step on the files, and yield what it shows. Raises ValueError if one fails."""
    for number, step in enumerate(STEPS, start=1):
        shown = f"{TOOL} {step.arguments.format(folder=folder)} {_where(folder)}"
        command = f"{_quoted((folder / TOOL).absolute())} {shown.removeprefix(TOOL)}"
        # What it notes beside the answer, such as what it passes over, would be most of a screen.
        text = on_terminal(f"{command} 2>>{_quoted(folder / NOTES)}", cwd=Path.cwd())
        yield f"\n{number}. {step.why}\n\n$ {shown}"
        yield from excerpt(text, step.keep, of=shown)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _where(folder: Path) -> str:
    return f"-f {folder / FILES}"


def _opened(page: Path) -> str:
    """Open a page where a person sits before a desktop; return what is to be said of it."""
    desktop = (
        sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if sys.stdout.isatty() and desktop and webbrowser.open(page.as_uri()):
        return " (it is opening)"
    return " (open it in a browser)"


def _after(folder: Path) -> str:
    return f"""
All that was read is in {folder / FILES}, as an organisation keeps it in its repository: change
something, such as the owner of an item, and ask again. In a shell:

   export PATH="{folder.absolute()}:$PATH"
   {TOOL} who-can get secrets/hub -n coast {_where(folder)}

`make demo` adds what files can't show: a real control plane with the operator on it, which notes
since when, publishes statuses, Events and metrics, and sees a second later that a binding is gone.
There it also shows what only a cluster knows: that Atlas' role is lost, and its owner can't act."""


if __name__ == "__main__":
    sys.exit(main())
