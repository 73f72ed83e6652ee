"""Pods that can't work, or hardly: each says what it lacks, and none is restarted without a word.

What ends a container is read where people look for it: in the pod's status.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from demo import organisation
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.world import binding_path, hub, record, role_binding
from tests.e2e.pods import release as releases
from tests.e2e.pods.release import NAMESPACE, PATIENCE, SOON, Release

pytestmark = pytest.mark.skipif(bool(releases.hindrance()), reason=releases.hindrance())

HUB = "shoal"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# The shortest life of a token that an API server gives. The kubelet asks for another when a fifth
# of it is left (Kubernetes, ``pkg/kubelet/token/token_manager.go``).
SHORT_LIVED = 600


@pytest.fixture(scope="module")
def release(node: Release) -> Iterator[Release]:
    """Have a hub and its record on the node, and the release gone in the end."""
    node.upgrade()
    node.world.admin.apply(organisation.provider_subjects(), manager="organisation")
    node.world.admin.apply(*hub(HUB), record(HUB))
    yield node
    node.uninstall()


def account(token: Manifest | None) -> Manifest:
    """Return values that put this token in place of the pod's own; None is none."""
    sources: list[Manifest] = [
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    ]
    if token is not None:
        sources.append({"serviceAccountToken": {"path": "token", **token}})
    # Admission leaves out its own volume where something is mounted in its place.
    return {
        "extraVolumes": [{"name": "account", "projected": {"sources": sources}}],
        "extraVolumeMounts": [{"name": "account", "mountPath": ACCOUNT, "readOnly": True}],
    }


def ended(release: Release, *words: str) -> None:
    """Wait until a container has ended with 1 and these words; what ran before goes on."""

    def found() -> bool:
        states = [each.get("lastState") or each["state"] for each in release.containers()]
        ends: list[Any] = [state["terminated"] for state in states if "terminated" in state]
        return any(
            end["exitCode"] == 1 and all(word in end.get("message", "") for word in words)
            for end in ends
        )

    wait_until(found, PATIENCE, lambda: f"an end with {words}\n{release.containers()}")
    assert any(each["ready"] for each in release.containers()), "the rollout stops before the old"


def test_without_a_token_its_status_names_the_file(release: Release) -> None:
    release.upgrade(values=account(None), wait=False)
    ended(release, f"{ACCOUNT}/token", "automountServiceAccountToken")


def test_with_too_little_memory_its_status_says_how_much_it_takes(release: Release) -> None:
    """Less than its own start takes, so that the kernel would end it before it could speak."""
    few = {"requests": {"memory": "32Mi"}, "limits": {"memory": "32Mi"}}
    release.upgrade(values={"resources": few}, wait=False)
    ended(release, "32 MiB", "resources.limits.memory")


def test_with_a_token_for_others_it_waits_and_says_why(release: Release) -> None:
    release.upgrade(values=account({"audience": "https://elsewhere.example"}), wait=False)

    def waits() -> bool:
        for pod in release.pods():
            (status,) = pod["status"].get("containerStatuses") or [{}]
            if "running" not in status.get("state", {}) or status["ready"]:
                continue
            name = pod["metadata"]["name"]
            path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:8080/proxy/readyz"
            told = release.cluster.kubectl("get", "--raw", path, check=False)
            log = release.cluster.kubectl("logs", name, f"-n={NAMESPACE}", check=False).stdout
            return bool(told.returncode) and "401" in log and status["restartCount"] == 0
        return False

    wait_until(waits, PATIENCE, lambda: f"it to say 401\n{release.told()}")


def test_with_a_twentieth_of_a_core_it_is_never_restarted_and_leads_on(release: Release) -> None:
    """Starved of CPU it is slow, and right: no probe ends it, and it keeps its Lease."""
    small = {"cpu": "50m", "memory": "512Mi"}
    release.upgrade("mode=warn", values={"resources": {"requests": small, "limits": small}})
    wait_until(lambda: len(release.pods()) == 1, PATIENCE, "the others to be gone")
    (pod,) = release.pods()
    wait_until(
        lambda: release.leader() == pod["metadata"]["name"],
        PATIENCE,
        lambda: f"it to lead\n{release.told()}",
    )
    transitions = release.lease()["leaseTransitions"]
    admin, world = release.world.admin, release.world
    for number in range(5):
        user = f"eve-{number}@example.org"

        def named(user: str = user) -> bool:
            causes = world.causes(HUB, kind="excess-access")
            return any(user in str(cause["subject"]) for cause in causes)

        admin.apply(role_binding(HUB, "eve", "admin", user))
        world.until(named, f"a finding about {user}", PATIENCE)
        admin.delete(binding_path(HUB, "eve"))
        world.until(lambda: not named(), f"no finding about {user}", PATIENCE)
    (container,) = release.containers()
    assert (container["ready"], container["restartCount"]) == (True, 0)
    lease = release.lease()
    assert (lease["holderIdentity"], lease["leaseTransitions"]) == (
        pod["metadata"]["name"],
        transitions,
    )


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_token_that_the_kubelet_rotates_is_followed(release: Release) -> None:
    """Beyond the life of the token that it has started with."""
    release.upgrade(values=account({"expirationSeconds": SHORT_LIVED}))
    wait_until(lambda: len(release.pods()) == 1, PATIENCE, "the others to be gone")
    (pod,) = release.pods()
    show = ("exec", pod["metadata"]["name"], f"-n={NAMESPACE}", "--", "cat", f"{ACCOUNT}/token")
    first = release.cluster.kubectl(*show).stdout

    def ended_() -> bool:
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": first},
        }
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        return not release.world.admin.create(path, review)["status"].get("authenticated")

    wait_until(ended_, SHORT_LIVED + PATIENCE, "the first token to end", interval=5.0)
    assert release.cluster.kubectl(*show).stdout != first
    assert min(release.seconds_to_status(HUB) for _ in range(3)) <= SOON
    assert [each["restartCount"] for each in release.containers()] == [0]
    assert pod["metadata"]["name"] == release.leader()
