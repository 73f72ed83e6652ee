"""The operator's entry point: it asks whether there is memory for it before it loads anything.

What it loads takes most of what it needs at first; killed meanwhile, it could not say why.
"""

from __future__ import annotations

import sys
from importlib import import_module

from responsibility.api.names import OPERATOR
from responsibility.controller.process import container_memory


def main() -> None:
    """Run the operator until it is told to stop; exit with 1 on an error it cannot mend."""
    try:
        container_memory.require()
    except container_memory.TooLittleMemoryError as error:
        sys.exit(f"{OPERATOR}: {error}")
    import_module("responsibility.controller.main").main()
