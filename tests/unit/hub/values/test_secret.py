"""What changes in the Secret: its values, and the keys beside them, each by its path."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.values.difference import MISSING, UNKNOWN
from responsibility.hub.values.paths import text
from responsibility.hub.values.secret import KEY, difference
from tests.unit.hub.values.values import encoded, secret

VALUES = {"singleuser": {"memory": {"limit": "1G"}}}
MORE = {"singleuser": {"memory": {"limit": "2G"}}}


def told(old: Any, new: Any) -> list[str]:
    found = difference(old, new)
    assert not found.unreadable
    return [text(change.place) for change in found.changes]


def test_values_are_compared_and_not_their_text() -> None:
    assert told(secret("a: {b: 1}"), secret("# new\na:\n  b: 1\n")) == []
    assert told(secret(VALUES), secret(MORE)) == ["singleuser.memory.limit"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("hub.config.JupyterHub.cookie_secret", "hub.config.JupyterHub.cookie_secret"),
        ("hub.services.pulse.apiToken", "hub.services.pulse.apiToken"),
        ("start.py", 'hub.extraFiles."start.py"'),
    ],
)
def test_other_keys_are_values_by_their_paths(key: str, path: str) -> None:
    plain, other = secret(VALUES), secret(VALUES, **{key: "x"})
    assert told(plain, other) == [path]
    assert told(other, plain) == [path]
    assert told(other, secret(VALUES, **{key: "y"})) == [path]
    assert told(other, other) == []


@pytest.mark.parametrize("empty", [{}, {"data": None}, {"data": {}}])
def test_values_come_and_go_with_their_key(empty: dict[str, Any]) -> None:
    assert told(empty, secret(VALUES)) == ["singleuser.memory.limit"]
    assert told(secret(VALUES), empty) == ["singleuser.memory.limit"]


def test_what_the_hub_cannot_read_changes_nothing() -> None:
    for odd in ("a: [1", "\udcff"):
        if odd.isascii():
            new = secret(odd, **{"start.py": "x"})
        else:
            new = {"data": {KEY: "////", "start.py": encoded("x")}}
        found = difference(secret(VALUES), new)
        assert found.unreadable
        assert [text(change.place) for change in found.changes] == ['hub.extraFiles."start.py"']


def test_from_there_on_anything_may_have_changed() -> None:
    """Or whoever makes the values unreadable first could write what they like."""
    (change, *_) = difference(secret("a: [1"), secret(VALUES)).changes
    assert (change.place, change.old, change.fills) == ((), UNKNOWN, True)


@pytest.mark.parametrize("odd", ["a: &x 1\nb: *x", "- " * 200])
def test_what_is_not_read_may_be_anything(odd: str) -> None:
    (change,) = difference(secret(VALUES), secret(odd)).changes
    assert (change.place, change.old, change.new) == ((), MISSING, UNKNOWN)
    assert difference(secret(odd), secret(odd)).changes == ()
