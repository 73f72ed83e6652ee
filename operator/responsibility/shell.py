"""Arguments of commands that are shown to be pasted into a shell.

Whoever may create an object chooses its name, and names of RBAC objects may hold nearly anything:
``x; curl …`` must not be run, and ``--all`` must not be an option. Source:
``apimachinery/pkg/api/validation/path`` and ``pkg/apis/rbac/validation``.
"""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote


def arguments(names: Iterable[str], options: Iterable[str] = ()) -> str:
    """Return names, which are quoted here, and options, which are quoted already.

    Names come first, as people write them, but for those that read like an option: these stand
    behind ``--``, which ends the options of kubectl as well as ours.
    """
    names, options = [*names], [*filter(None, options)]
    quoted = map(quote, names)
    if any(name.startswith("-") for name in names):
        return " ".join([*options, "--", *quoted])
    return " ".join([*quoted, *options])
