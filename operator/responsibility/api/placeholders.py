"""Placeholders of a model, ``$(namespace)``, ``$(release)`` and ``$(prefix)``, and their values.

Apart from the shapes, so that who only fills them in does not wait for the models' library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\$\(([^)]*)\)?")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with its placeholders filled from ``values``, by their names.

    One that ``values`` doesn't have stays as it is written.
    """
    return _PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group(0)), text)
