"""What the API server tries again is one attempt; what people do again is another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responsibility.admission.webhooks.repeats import Repeats

ITEM = "kubernetes-configuration"


def scaled(before: int, after: int, **metadata: Any) -> dict[str, Any]:
    """Return a review of a change of a number, which is the generation too."""
    old = {"uid": "u", "generation": before, "resourceVersion": "1", "managedFields": []}
    request = {
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "name": "hub",
        "namespace": "prod",
        "operation": "UPDATE",
        "userInfo": {"username": "root", "groups": ["system:masters"]},
        "oldObject": {"metadata": old | metadata, "spec": {"n": before}, "status": metadata},
        "object": {"metadata": old | metadata, "spec": {"n": after}},
    }
    return {"request": request}


NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("second", "after", "again"),
    [
        pytest.param(scaled(1, 2, resourceVersion="2"), 1, True, id="tried again"),
        pytest.param(scaled(1, 2, annotations={"by": "x"}), 1, True, id="annotated meanwhile"),
        pytest.param(scaled(1, 3), 1, False, id="another change"),
        pytest.param(scaled(2, 1), 1, False, id="back"),
        pytest.param(scaled(1, 2, uid="v"), 1, False, id="another object"),
        pytest.param(scaled(1, 2, generation=3), 1, False, id="again after it was set back"),
        pytest.param(scaled(1, 2), 3600, False, id="long after"),
    ],
)
def test_what_the_api_server_tries_again_is_one_use(
    second: dict[str, Any], after: int, again: bool
) -> None:
    """After a conflict it asks all admission anew, with another uid of the review."""
    repeats = Repeats()
    assert not repeats.seen(ITEM, scaled(1, 2), NOW)
    assert repeats.seen(ITEM, second, NOW + timedelta(seconds=after)) is again


@pytest.mark.parametrize(
    "other",
    [
        {"userInfo": {"username": "else"}},
        {"subResource": "scale"},
        {"operation": "CONNECT"},
        {"operation": "CREATE"},
    ],
)
def test_another_request_is_another_use(other: dict[str, Any]) -> None:
    first = scaled(1, 2)
    second = {"request": first["request"] | other}
    repeats = Repeats()
    assert not repeats.seen(ITEM, first, NOW)
    assert not repeats.seen(ITEM, second, NOW)
    assert not repeats.seen("another-item", first, NOW)


def test_what_is_connected_to_twice_is_two_uses() -> None:
    """Only stored changes are tried again; two sessions in a pod look just the same."""
    repeats = Repeats()
    session = {"request": scaled(1, 2)["request"] | {"operation": "CONNECT"}}
    assert not any(repeats.seen(ITEM, session, NOW) for _ in "ab")


def test_not_every_use_is_remembered_for_ever() -> None:
    repeats = Repeats(most=2)
    for number in range(4):
        repeats.seen(ITEM, scaled(1, 2, uid=str(number)), NOW)
    assert not repeats.seen(ITEM, scaled(1, 2, uid="0"), NOW)
    assert repeats.seen(ITEM, scaled(1, 2, uid="3"), NOW)
