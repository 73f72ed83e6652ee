"""Names as each authenticator of JupyterHub makes them, and those that prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.admins.authenticators import normalised, proves_nobody
from tests.unit.hub.settings.hub import authenticators

_ALL = authenticators()
_WRITTEN = ("ann", "Ann.Lee", "ANN@Example.ORG", "Ann Lee")


def _spellings(entry: str, kind: type[Any]) -> tuple[str, ...]:
    return (entry, kind.__name__, f"{kind.__module__}.{kind.__name__}")


@pytest.mark.parametrize("entry", sorted(_ALL))
def test_names_are_as_they_are_after_signing_in(entry: str) -> None:
    kind: Any = _ALL[entry]
    # One that is made looks for the hub's database.
    made = kind.__new__(kind)
    for written in _WRITTEN:
        for spelling in _spellings(entry, kind):
            assert normalised(written, spelling) == made.normalize_username(written), spelling


@pytest.mark.parametrize("entry", sorted(_ALL))
def test_only_those_with_one_password_for_all_prove_nothing(entry: str) -> None:
    for spelling in _spellings(entry, _ALL[entry]):
        assert proves_nobody(spelling) is (entry in {"dummy", "shared-password"}), spelling
