#!/usr/bin/env python3
"""kubectl responsibility, with all that it needs but Python itself.

This runs under whatever a machine calls python3, so it is written for Python 3.6 and newer. The
libraries lie beside it: ``lib/common`` for all, ``lib/cp313`` and its like for one Python each.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))
# Set for the Python that was chosen, so that one of a wrong name is not chosen for ever.
CHOSEN = "KUBECTL_RESPONSIBILITY_PYTHON"


def usable() -> bool:
    """Return whether this Python is one that the libraries were built for."""
    return (
        sys.version_info[:2] in SUPPORTED
        and sys.implementation.name == "cpython"
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
    )


def better() -> str:
    """Return the newest Python on PATH that is supported by its name; empty for none."""
    names = ("python{}.{}".format(*version) for version in reversed(SUPPORTED))
    return next(filter(None, map(shutil.which, names)), "") or ""


def main() -> None:
    """Run the program, under another Python where this one is none of those supported."""
    program = Path(__file__).resolve()
    if not usable():
        other = "" if os.environ.get(CHOSEN) else better()
        if other:
            os.environ[CHOSEN] = other
            os.execv(other, [other, str(program), *sys.argv[1:]])  # noqa: S606 - no shell is meant
        newest = "{}.{}".format(*SUPPORTED[-1])
        sys.stderr.write(
            "error: kubectl responsibility needs Python {}.{} to {}, as CPython with its lock, and "
            "this is {}: install one, so that python3 or python{} is found on PATH\n".format(
                *SUPPORTED[0], newest, sys.version.split()[0], newest
            )
        )
        sys.exit(2)
    lib = program.parent / "lib"
    # Before all else: what is installed on the machine is not what was tried.
    sys.path[:1] = [str(lib / "cp{}{}".format(*sys.version_info[:2])), str(lib / "common")]
    from responsibility.cli.main import script  # noqa: PLC0415 - it is found from here on

    script()


if __name__ == "__main__":
    main()
