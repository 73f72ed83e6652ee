"""What a thief with the operator's token can do: the security model names each right, by mode."""

from responsibility.cluster.modes import MODES
from tests.unit.cluster.documented_rights import documented

_READS = {"get", "list", "watch"}


def test_the_security_model_names_every_right_to_write_and_its_modes() -> None:
    held: dict[str, tuple[str, ...]] = {}
    for mode in MODES:
        for resource in {r.resource for r in mode.rights if not _READS.issuperset(r.verbs)}:
            held[resource] = (*held.get(resource, ()), mode.name)
    assert documented() == held
