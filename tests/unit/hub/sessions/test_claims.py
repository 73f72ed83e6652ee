"""What is kept of the claims that sessions mount: classes, and what is behind those shared."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.sessions.aspects import OF_CLAIMS, PERSISTENT_VOLUME, STORAGE_CLASS
from responsibility.hub.sessions.claims import MountedClaims
from responsibility.hub.sessions.pods import MOST_KEPT, session
from responsibility.hub.values.agreed import HubValues, Unread, UnreadValues, beside, seen
from tests.unit.hub.sessions.pods import claim, pod

SHARED = {"name": "home", "persistentVolumeClaim": {"claimName": "home-nfs"}}


def _mounted(*pods: dict[str, Any]) -> MountedClaims:
    return MountedClaims([one for each in pods if (one := session(each, "prod")) is not None])


def _texts(known: HubValues) -> dict[str, list[str]]:
    return {aspect: [s.text for s in texts] for aspect, texts in seen(known).items()}


def test_classes_of_what_is_mounted_are_kept_and_of_nothing_else() -> None:
    mounted = _mounted(pod("ann"), pod("bo"))
    for each in (
        claim("claim-ann"),
        claim("claim-bo", None),
        claim("claim-gone", "other"),
        claim("hub-db-dir", "database"),
    ):
        mounted.add(each)
    assert _texts(mounted.settings()) == {
        STORAGE_CLASS: ["no class", "ssd"],
        PERSISTENT_VOLUME: [],
    }
    assert mounted.settings()
    assert seen(mounted.settings()).keys() == OF_CLAIMS.keys()


@pytest.mark.parametrize(
    ("pods", "mode", "shared"),
    [
        ([pod("ann", volumes=[SHARED])], "ReadWriteOnce", False),
        ([pod("ann", volumes=[SHARED])] * 2, "ReadWriteOnce", False),
        ([pod("ann", volumes=[SHARED]), pod("bo", volumes=[SHARED])], "ReadWriteOnce", True),
        ([pod("ann", volumes=[SHARED])], "ReadWriteMany", True),
        ([pod("ann", volumes=[SHARED])], "ReadOnlyMany", True),
    ],
)
def test_what_is_behind_a_claim_is_told_where_it_is_shared(
    pods: list[dict[str, Any]], mode: str, shared: bool
) -> None:
    mounted = _mounted(*pods)
    mounted.add(claim("home-nfs", volume="prod-home-nfs", mode=mode))
    told = _texts(mounted.settings())[PERSISTENT_VOLUME]
    assert told == (["home-nfs:prod-home-nfs"] if shared else [])


def test_a_claim_that_is_not_bound_has_no_volume() -> None:
    mounted = _mounted(pod("ann", volumes=[SHARED]))
    mounted.add(claim("home-nfs", mode="ReadWriteMany"))
    assert _texts(mounted.settings())[PERSISTENT_VOLUME] == ["home-nfs:unbound"]


def test_more_than_is_kept_is_not_all() -> None:
    many = [pod(f"u{number}") for number in range(MOST_KEPT + 1)]
    mounted = _mounted(*many)
    for number in range(MOST_KEPT):
        mounted.add(claim(f"claim-u{number}", f"class-{number}"))
    assert not isinstance(mounted.settings(), UnreadValues)
    assert isinstance(mounted.settings(whole=False), UnreadValues)
    mounted.add(claim(f"claim-u{MOST_KEPT}", "one-more"))
    known = mounted.settings()
    assert isinstance(known, UnreadValues)
    assert known.why is Unread.TOO_MANY
    crowded = [{"name": f"v{n}", "emptyDir": {}} for n in range(65)]
    assert isinstance(_mounted(pod("ann", volumes=crowded)).settings(), UnreadValues)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"metadata": None},
        {"metadata": {"name": ["claim-ann"]}},
        {"metadata": {"name": "claim-ann"}, "spec": 5},
        {"metadata": {"name": "claim-ann"}, "spec": {"accessModes": 7, "storageClassName": {}}},
        {"metadata": {"name": "claim-ann"}, "spec": {"accessModes": [{}, None]}},
    ],
)
def test_odd_claims_end_nothing(odd: dict[str, Any]) -> None:
    mounted = _mounted(pod("ann"))
    mounted.add(odd)
    assert set(_texts(mounted.settings())[STORAGE_CLASS]) <= {"no class"}


def test_what_pods_show_is_known_where_claims_may_not_be_listed() -> None:
    of_pods: HubValues = {"a": ()}
    known = beside(of_pods, UnreadValues(Unread.FORBIDDEN))
    assert known == UnreadValues(Unread.FORBIDDEN, {"a": ()}, frozenset({"a"}))
    assert beside(of_pods, {"b": ()}) == {"a": (), "b": ()}
    many = UnreadValues(Unread.TOO_MANY, {"a": ()})
    assert beside(many, {"b": ()}) == UnreadValues(
        Unread.TOO_MANY, {"a": (), "b": ()}, frozenset({"b"})
    )
