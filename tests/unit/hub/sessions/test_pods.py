"""What is kept of sessions' pods, and what never is."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.sessions.aspects import ACCOUNT, DIGEST, IMAGE, OF_PODS, VOLUME
from responsibility.hub.sessions.pods import MOST_KEPT, session, summed_up
from responsibility.hub.values.agreed import LONGEST
from tests.unit.hub.sessions import pods
from tests.unit.hub.sessions.pods import CANARY, pod


def seen(*found: dict[str, Any]) -> dict[str, list[str]]:
    sessions = [one for each in found if (one := session(each, "prod")) is not None]
    return {aspect: [s.text for s in texts] for aspect, texts in summed_up(sessions).items()}


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
    many = [pod(f"u{n}", f"evil.example/{n:04}:" + "x" * 1000) for n in range(500)]
    images = seen(*many)[IMAGE]
    assert len(images) == MOST_KEPT
    assert {len(image) for image in images} == {LONGEST}
    odd = pod("ann")
    odd["status"]["containerStatuses"][0]["imageID"] = "docker-pullable://\n@sha256:short"
    odd["spec"]["volumes"] = [{"nfs": {"server": ["a"]}}, "x", {"csi": {}}] * 1000
    assert seen(odd)[DIGEST] == []


def test_no_user_no_pod_and_no_token_is_kept() -> None:
    found = [session(pod(f"user-{n}"), "prod") for n in range(5)]
    kept = repr(summed_up(one for one in found if one is not None))
    assert CANARY not in repr(found)
    assert "user-0" not in kept
    assert "jupyter-" not in kept
