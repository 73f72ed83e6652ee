"""What is kept of sessions' pods, and what never is."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.sessions.aspects import ACCOUNT, DIGEST, IMAGE, OF_PODS, VOLUME
from responsibility.hub.sessions.pods import MOST_KEPT, NO_DIGEST, Session, session, summed_up
from responsibility.hub.values.agreed import (
    LONGEST,
    AgreedValue,
    Unread,
    UnreadValues,
    deviations,
)
from responsibility.hub.values.agreed import (
    seen as seen_of,
)
from tests.unit.hub.sessions import pods
from tests.unit.hub.sessions.pods import CANARY, pod


def seen(*found: dict[str, Any]) -> dict[str, list[str]]:
    sessions = [one for each in found if (one := session(each, "prod")) is not None]
    known = seen_of(summed_up(sessions))
    return {aspect: [s.text for s in texts] for aspect, texts in known.items()}


def test_images_digests_and_accounts_are_kept_each_once() -> None:
    told = seen(pod("ann"), pod("bo"), pod("cy", "quay.io/coast/env:2", account="other"))
    assert told == {
        IMAGE: ["quay.io/coast/env:1", "quay.io/coast/env:2"],
        DIGEST: [pods.DIGEST],
        ACCOUNT: ["other", "user-sa"],
        VOLUME: [],
    }
    assert told.keys() == OF_PODS.keys()


def test_a_claim_is_shared_where_several_have_it_and_a_server_always_is() -> None:
    shared = {"name": "data", "persistentVolumeClaim": {"claimName": "course"}}
    nfs = {"name": "home", "nfs": {"server": "10.0.0.9", "path": "/export"}}
    host = {"name": "h", "hostPath": {"path": "/var/lib"}}
    csi = {"name": "c", "csi": {"driver": "gcsfuse.csi.storage.gke.io"}}
    plain = {"name": "e", "emptyDir": {}}
    one = pod("ann", volumes=[shared, nfs, host, csi, plain])
    alone = ["csi:gcsfuse.csi.storage.gke.io", "host:/var/lib", "nfs:10.0.0.9:/export"]
    assert seen(one)[VOLUME] == alone
    # A second server of hers is not somebody else.
    assert seen(one, one)[VOLUME] == alone
    assert seen(one, pod("bo", volumes=[shared]))[VOLUME] == ["claim:course", *alone]


@pytest.mark.parametrize(
    "other",
    [
        pod("bo", "x", phase="Succeeded"),
        pod("bo", "x", phase="Failed"),
        pod("bo", "x", release="another"),
        {},
        {"metadata": [], "spec": "", "status": None},
        {"metadata": {"labels": []}, "spec": {"containers": [None, {"name": "notebook"}]}},
        {"spec": {"containers": {"name": "notebook", "image": "x"}}},
    ],
)
def test_what_is_no_session_of_this_hub_that_runs_is_passed_over(other: dict[str, Any]) -> None:
    assert seen(other, pod("ann")) == seen(pod("ann"))


def test_of_odd_texts_a_bounded_number_and_length_is_kept() -> None:
    many = [pod(f"u{n}", f"evil.example/{n:04}:" + "x" * 1000) for n in range(2 * MOST_KEPT)]
    images = seen(*many)[IMAGE]
    assert len(images) == MOST_KEPT
    assert {len(image) for image in images} == {LONGEST}
    odd = pod("ann")
    odd["status"]["containerStatuses"][0]["imageID"] = "docker-pullable://\n@sha256:short"
    odd["spec"]["volumes"] = [{"nfs": {"server": ["a"]}}, "x", {"csi": {}}] * 1000
    assert seen(odd)[DIGEST] == [NO_DIGEST]


def _many(**more: list[Any]) -> list[dict[str, Any]]:
    """Return pods of which one thing is another each, by its name in `pods.pod`."""
    [(name, values)] = more.items()
    return [pod(f"u{n:05}", **{name: value}) for n, value in enumerate(values)]


def _nfs(number: int) -> dict[str, Any]:
    return {"name": f"n{number}", "nfs": {"server": f"10.0.0.{number}", "path": "/"}}


@pytest.mark.parametrize(
    ("within", "one_more"),
    [
        (
            _many(image=[f"quay.io/coast/env:{n}" for n in range(MOST_KEPT)]),
            pod("z", "docker.io/evil/miner:1"),
        ),
        (_many(account=[f"a{n}" for n in range(MOST_KEPT)]), pod("z", account="cluster-admin")),
        (_many(volumes=[[_nfs(n)] for n in range(MOST_KEPT)]), pod("z", volumes=[_nfs(999)])),
        ([pod("ann", volumes=[_nfs(n) for n in range(63)])], pod("z", volumes=[_nfs(0)] * 64)),
    ],
    ids=["image", "account", "volume", "volumes-of-a-pod"],
)
def test_what_is_dropped_is_said_and_never_taken_for_looked_at(
    within: list[dict[str, Any]], one_more: dict[str, Any]
) -> None:
    known, more = (
        summed_up(s for each in some if (s := session(each, "prod")) is not None)
        for some in (within, [*within, one_more])
    )
    assert not isinstance(known, UnreadValues)
    assert isinstance(more, UnreadValues)
    assert more.why is Unread.TOO_MANY
    assert {aspect: len(texts) for aspect, texts in more.seen.items()} == {
        aspect: len(texts) for aspect, texts in known.items()
    }


def test_claims_that_are_not_looked_at_are_said_too() -> None:
    one = Session("u", "x", "", "", ("claim:a",))
    many = (Session(f"u{n}", "x", "", "", (f"claim:{n}",)) for n in range(70_000))
    assert not isinstance(summed_up([one] * 70_000), UnreadValues)
    assert isinstance(summed_up(many), UnreadValues)


@pytest.mark.parametrize(
    ("status", "digests"),
    [
        ({"imageID": "sha256:" + "b" * 64}, [NO_DIGEST]),
        ({"imageID": "docker://sha256:" + "b" * 64}, [NO_DIGEST]),
        ({"imageID": "quay.io/coast/env:1"}, [NO_DIGEST]),
        ({"imageID": "", "state": {"running": {"startedAt": "2031-01-01T00:00:00Z"}}}, [NO_DIGEST]),
        ({"imageID": f"quay.io/{'p' * 300}/env@{pods.DIGEST}"}, [pods.DIGEST]),
        # One that is being pulled runs nothing yet.
        ({"imageID": "", "state": {"waiting": {"reason": "ContainerCreating"}}}, []),
        ({}, []),
    ],
)
def test_what_runs_without_a_registrys_digest_is_no_digest_that_anybody_agreed_on(
    status: dict[str, Any], digests: list[str]
) -> None:
    one = pod("bo")
    one["status"]["containerStatuses"] = [{"name": "notebook", **status}]
    assert seen(one)[DIGEST] == digests
    other = "sha256:" + "cd" * 32
    beside = [s for p in (pod("ann"), one) if (s := session(p, "prod")) is not None]
    for agreed in (AgreedValue(DIGEST, value=pods.DIGEST), AgreedValue(DIGEST, value=other)):
        wrong = [s.text for s in deviations(seen_of(summed_up(beside))[DIGEST], agreed)]
        assert set(wrong) == {*digests, pods.DIGEST} - {agreed.value}


def test_no_user_no_pod_and_no_token_is_kept() -> None:
    found = [session(pod(f"user-{n}"), "prod") for n in range(5)]
    kept = repr(summed_up(one for one in found if one is not None))
    assert CANARY not in repr(found)
    assert "user-0" not in kept
    assert "jupyter-" not in kept
