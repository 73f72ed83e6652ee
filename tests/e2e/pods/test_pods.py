"""The release as people run it: ready, followed, scraped, asked, replaced, upgraded, gone.

The tests follow one release through its life, so they stand in that order.
"""

from __future__ import annotations

import pytest

from demo import organisation
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.hubs.values_world import LEADER, MEMORY, VALUES, encoded, secret
from tests.e2e.operator.world import hub, record
from tests.e2e.pods import hubs
from tests.e2e.pods import release as releases
from tests.e2e.pods.confinement import assert_holds_nothing
from tests.e2e.pods.release import HOOK, NAME, NAMESPACE, PATIENCE, SOON, Release

pytestmark = pytest.mark.skipif(bool(releases.hindrance()), reason=releases.hindrance())

# A Lease that nobody renews is free after its duration; then comes a pass.
TAKEN_OVER = 60.0
RESCUER = ("rescuer@example.org", ["kubeadm:cluster-admins"])


@pytest.fixture(scope="module")
def release(node: Release) -> Release:
    """Install the chart on a node that runs its pods, with a hub and its record."""
    world = node.world
    node.certify()
    node.upgrade()
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
    return node


def test_it_is_ready_and_followed_in_seconds(release: Release) -> None:
    (pod,) = release.pods()
    release.world.until_condition("reef", "Ready", "True", seconds=PATIENCE)
    taken = [release.seconds_to_status() for _ in range(3)]
    assert min(taken) <= SOON, taken
    log = release.cluster.kubectl("logs", pod["metadata"]["name"], f"-n={NAMESPACE}").stdout
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_it_holds_nothing_of_its_node(release: Release) -> None:
    (pod,) = release.pods()
    assert_holds_nothing(release.cluster, pod["metadata"]["name"], NAMESPACE)


def test_hubs_that_run_are_annotated_and_not_disturbed(release: Release) -> None:
    """With every pod of a release running: what is told of it starts no rollout, and survives one.

    `kubectl rollout undo` puts the annotations of an older ReplicaSet back onto the Deployment
    (kubectl, ``pkg/polymorphichelpers/rollback.go``).
    """
    world, kubectl = release.world, release.cluster.kubectl
    world.admin.apply(organisation.namespace("lagoon"), *hubs.running(release.cluster, "lagoon"))
    kubectl("rollout", "status", "deployment", "-n=lagoon", f"--timeout={PATIENCE:g}s")
    before = _pods_of(release, "lagoon")
    assert {name.rsplit("-", 2)[0] for name in before} > {"hub", "proxy", "user-scheduler"}
    world.admin.apply(record("lagoon"))
    world.until_condition("lagoon", "Annotated", "True", seconds=PATIENCE)
    for name in ("hub", "proxy", "user-scheduler"):
        assert world.annotations("lagoon", name)["record"] == "lagoon", name
    assert _pods_of(release, "lagoon") == before, "nothing was started again"
    # The community gets a contact between two revisions, and the older one is taken back.
    kubectl("set", "env", "deployment/hub", "-n=lagoon", "REVISION=2")
    parties = [{"name": "community", "contact": {"email": "lagoon@example.org"}}]
    world.admin.apply(record("lagoon", parties=parties))

    def told() -> bool:
        return "lagoon@example.org" in str(world.annotations("lagoon", "hub"))

    world.until(told, "the contact to be told", PATIENCE)
    kubectl("rollout", "undo", "deployment/hub", "-n=lagoon")
    kubectl("rollout", "status", "deployment/hub", "-n=lagoon", f"--timeout={PATIENCE:g}s")
    world.until(told, "the contact to be told again", PATIENCE)


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
    # Leaders hold `admin`, so some of it can be got round.
    enforcing.until_proved(release.world, "reef", seconds=PATIENCE)

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
    release.uninstall()
    assert release.world.record("reef")["metadata"]["name"] == "reef"
    done = release.patch(LEADER, {"data": {"values.yaml": encoded(MEMORY)}})
    assert done.returncode == 0, done.stderr


def _pods_of(release: Release, namespace: str) -> dict[str, str]:
    """Return the UIDs of a hub's pods that run, by name."""
    found = release.world.admin.items(f"/api/v1/namespaces/{namespace}/pods")
    running = [pod for pod in found if pod["status"]["phase"] == "Running"]
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in running}


def _names(release: Release) -> list[str]:
    return [pod["metadata"]["name"] for pod in release.pods()]
