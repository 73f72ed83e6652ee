"""What the documents say that a thief of the operator's token can do."""

import re
from pathlib import Path

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"


def documented() -> dict[str, tuple[str, ...]]:
    """Return the modes of each right to write, as the table has them."""
    table = SECURITY.read_text(encoding="utf-8").partition("<!-- thief -->")[2].partition("\n\n")[0]
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines()[3:]:
        names, modes, can, _ = (cell.strip() for cell in line.strip().split("|")[1:5])
        assert can, line
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in found, name
            found[name] = tuple(modes.split(", "))
    return found
