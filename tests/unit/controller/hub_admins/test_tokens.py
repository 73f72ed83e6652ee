"""Tokens: one for each hub, and none that could be another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from responsibility.controller.hub_admins import tokens
from responsibility.controller.hub_admins.tokens import Token
from responsibility.hub.admins.administrators import Unknown, Unseen
from responsibility.hub.discovery import HubKey

COAST, LAKE = HubKey("coast", "coast"), HubKey("lake", "hub")


def test_each_hub_has_its_own_and_no_repr_shows_it(tmp_path: Path) -> None:
    (tmp_path / "coast.coast").write_text("a" * 64 + "\n")
    (tmp_path / "lake.hub").write_text("b" * 64)
    found = tokens.read(tmp_path, (COAST, LAKE))
    assert found == {COAST: Token("a" * 64), LAKE: Token("b" * 64)}
    assert "aaaa" not in repr(found)


def test_one_that_two_hubs_have_is_sent_to_neither(tmp_path: Path) -> None:
    for hub in (COAST, LAKE):
        (tmp_path / tokens.key_of(hub)).write_text("a" * 64)
    # Also where the other one has no record, and so isn't asked.
    assert tokens.read(tmp_path, (COAST,)) == {COAST: Unknown(Unseen.SHARED_TOKEN)}


@pytest.mark.parametrize(
    "content", [b"", b"short", b"two words", b"a\r\nHost: elsewhere", b"\xff" * 64, b"x" * 5000]
)
def test_what_is_no_token_is_none_and_not_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "coast.coast").write_bytes(content)
    found = tokens.read(tmp_path, (COAST,))[COAST]
    assert found == Unknown(Unseen.NO_TOKEN, "key coast.coast holds no token")


def test_without_a_key_or_a_secret_nothing_is_known(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "gone"):
        found = tokens.read(directory, (COAST,))[COAST]
        assert isinstance(found, Unknown)
        assert found.why is Unseen.NO_TOKEN


def test_no_two_hubs_have_the_same_key() -> None:
    """A namespace has no dot, a release may have some."""
    keys = [HubKey("a", "b.c"), HubKey("a", "b"), HubKey("a-b", "c"), HubKey("b", "c")]
    assert len({tokens.key_of(key) for key in keys}) == len(keys)


def test_what_a_secret_keeps_beside_its_keys_is_no_token(tmp_path: Path) -> None:
    """A mounted Secret is a link to a directory, beside hidden ones of older versions."""
    for version in ("..2030_01", "..2030_02"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "coast.coast").write_text("a" * 64)
    (tmp_path / "..data").symlink_to("..2030_02")
    (tmp_path / "coast.coast").symlink_to("..data/coast.coast")
    assert tokens.read(tmp_path, (COAST,)) == {COAST: Token("a" * 64)}
