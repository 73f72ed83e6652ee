"""What a thief with the operator's token can do: the security model names each right, by mode."""

import re
from pathlib import Path

from responsibility.cluster.modes import MODES

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"
_READS = {"get", "list", "watch"}


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


def test_the_security_model_names_every_right_to_write_and_its_modes() -> None:
    held: dict[str, tuple[str, ...]] = {}
    for mode in MODES:
        for resource in {r.resource for r in mode.rights if not _READS.issuperset(r.verbs)}:
            held[resource] = (*held.get(resource, ()), mode.name)
    assert documented() == held
