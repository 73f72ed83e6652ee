"""Helm 3 in short; `make test-long` tries by it all that Helm 4 is tried with."""

from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.releases import PATIENCE, RELEASE, Release, set_the_scene


def test_it_installs_upgrades_and_uninstalls(cluster: Cluster) -> None:
    set_the_scene(cluster)
    release = Release(programs.helm("helm3"), cluster)
    release.install(mode="deny")
    wait_until(release.refused, PATIENCE, "the policies to be in force")
    release.install(mode="audit")
    wait_until(lambda: not release.refused(), PATIENCE, "nothing to be enforced")
    release.helm("uninstall", RELEASE, "--wait")
    wait_until(lambda: not release.ours(), PATIENCE, lambda: f"nothing left: {release.ours()}")
