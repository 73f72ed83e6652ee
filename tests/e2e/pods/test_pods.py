"""The release as people run it: ready, followed, scraped, asked, replaced, upgraded, gone.

The tests follow one release through its life, so they stand in that order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from demo import organisation
from tests.e2e.lab.kind import KindCluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import enforcing
from tests.e2e.operator.test_values import LEADER, MEMORY, VALUES, encoded, secret
from tests.e2e.operator.world import World, hub
from tests.e2e.pods import release as releases
from tests.e2e.pods.release import HOOK, NAME, NAMESPACE, PATIENCE, SOON, Release

pytestmark = pytest.mark.skipif(bool(releases.hindrance()), reason=releases.hindrance())

# A Lease that nobody renews is free after its duration; then comes a pass.
TAKEN_OVER = 60.0
RESCUER = ("rescuer@example.org", ["kubeadm:cluster-admins"])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Install the chart on a node that runs its pods, with a hub and its record."""
    directory = tmp_path_factory.mktemp("pods")
    with KindCluster(f"e2e-{os.getpid()}-pods") as cluster:
        world = World(cluster, directory)
        made = Release(world, directory / "certificates")
        made.load()
        cluster.kubectl("create", "namespace", NAMESPACE)
        made.certify()
        made.upgrade()
        world.admin.apply(organisation.provider_subjects(), manager="organisation")
        enforcing.deploy(world, "reef")
        leaders = {"kind": "Group", "name": "leaders"}
        world.admin.apply(
            *hub("reef"),
            organisation.binding("reef", "leaders", "admin", leaders),
            organisation.cluster_binding(
                "rescuers", "cluster-admin", {**leaders, "name": RESCUER[1][0]}
            ),
            secret("reef", values=VALUES),
            enforcing.staged("reef", parties=[enforcing.community(leaders)]),
        )
        yield made
        print(made.told())


def test_it_is_ready_and_followed_in_seconds(release: Release) -> None:
    (pod,) = release.pods()
    release.world.until_condition("reef", "Ready", "True", seconds=PATIENCE)
    taken = [release.seconds_to_status() for _ in range(3)]
    assert min(taken) <= SOON, taken
    log = release.cluster.kubectl("logs", pod["metadata"]["name"], f"-n={NAMESPACE}").stdout
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_it_holds_nothing_of_its_node(release: Release) -> None:
    """As the kernel sees it: nobody, no capability, a filter of system calls, a root to read."""
    (pod,) = release.pods()
    name = pod["metadata"]["name"]
    run = ("exec", name, f"-n={NAMESPACE}", "--")
    shown = release.cluster.kubectl(*run, "cat", "/proc/1/status").stdout
    status = {k: v.strip() for k, _, v in (line.partition(":") for line in shown.splitlines())}
    assert status["Uid"].split() == ["65532"] * 4
    assert {int(status[field], 16) for field in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    refused = release.cluster.kubectl(*run, "touch", "/x", check=False)
    assert "Read-only file system" in refused.stderr
    assert release.cluster.kubectl(*run, "touch", "/tmp/x").returncode == 0  # noqa: S108 - in the pod


def test_helm_asks_it_through_its_service(release: Release) -> None:
    """Another pod, by the Service's name: DNS, the Service and the metrics behind it."""
    told = release.helm("test", NAME).stdout
    assert "Succeeded" in told


def test_an_upgrade_brings_both_webhooks_through_their_service(release: Release) -> None:
    release.upgrade(*release.enforcing())
    items = [
        enforcing.item(name, "deny", owner=owner, force=True)
        for name, owner in (("kubernetes-configuration", "provider"), ("user-access", "community"))
    ]
    parties = [enforcing.community({"kind": "Group", "name": "leaders"})]
    release.world.admin.apply(enforcing.staged("reef", parties=parties, items=items))
    release.world.until_condition("reef", "Enforced", "True", "Proved", seconds=PATIENCE)

    def refused() -> bool:
        done = release.patch(LEADER, {"data": {"values.yaml": encoded(MEMORY)}})
        return bool(done.returncode) and HOOK in done.stderr

    wait_until(refused, PATIENCE, lambda: f"the webhook to refuse\n{release.told()}")
    admins = {**VALUES, "hub": {"config": {"Authenticator": {"admin_users": ["other"]}}}}
    passed = release.patch(LEADER, {"data": {"values.yaml": encoded(admins)}})
    assert passed.returncode == 0, passed.stderr


def test_a_use_of_the_break_glass_is_counted(release: Release) -> None:
    user, groups = RESCUER
    for replicas in (1, 0):
        scale = ("scale", "deployment/hub", "-n=reef", f"--replicas={replicas}")
        release.cluster.kubectl(*scale, as_user=user, as_groups=groups)

    def counted() -> bool:
        names = [pod["metadata"]["name"] for pod in release.pods()]
        return any(release.metrics(name).total("break_glass_uses_total") > 0 for name in names)

    wait_until(counted, PATIENCE, lambda: f"a use to be counted\n{release.told()}")


def test_a_leader_that_is_killed_is_followed_by_another(release: Release) -> None:
    release.upgrade(*release.enforcing(), "replicas=2")
    wait_until(lambda: release.leader() in _names(release), PATIENCE, "a leader")
    first = release.leader()
    release.cluster.kubectl(
        *("delete", "pod", first, f"-n={NAMESPACE}", "--force", "--grace-period=0")
    )
    wait_until(
        lambda: release.leader() not in ("", first),
        TAKEN_OVER,
        lambda: f"another to lead than {first}\n{release.told()}",
    )
    assert min(release.seconds_to_status() for _ in range(3)) <= SOON


def test_a_rollback_leads_back_and_keeps_the_records(release: Release) -> None:
    before = release.world.record("reef")["metadata"]["uid"]
    release.helm("rollback", NAME, "--wait", "--timeout=3m")
    wait_until(lambda: len(release.pods()) == 1, PATIENCE, "one pod")
    assert release.world.record("reef")["metadata"]["uid"] == before
    wait_until(lambda: release.leader() in _names(release), PATIENCE, "it to lead")
    assert min(release.seconds_to_status() for _ in range(3)) <= SOON


def test_uninstalled_nothing_of_it_runs_and_the_records_stay(release: Release) -> None:
    release.helm("uninstall", NAME, "--wait")
    wait_until(lambda: not list(release.left()), PATIENCE, lambda: f"nothing: {[*release.left()]}")
    assert release.world.record("reef")["metadata"]["name"] == "reef"
    done = release.patch(LEADER, {"data": {"values.yaml": encoded(MEMORY)}})
    assert done.returncode == 0, done.stderr


def _names(release: Release) -> list[str]:
    return [pod["metadata"]["name"] for pod in release.pods()]
