"""The page in a hub, from its own image: ready by its probe, and gone with the release."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import yaml

from demo import organisation
from responsibility.hub_page.registration import SERVICE
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.world import hub, record
from tests.e2e.pods import release as releases
from tests.e2e.pods.confinement import assert_holds_nothing
from tests.e2e.pods.release import NAMESPACE, Release

_WHY = releases.hindrance() or releases.hindrance(releases.HUB_PAGE)
pytestmark = pytest.mark.skipif(bool(_WHY), reason=_WHY)

HUB = "atoll"
TOKEN = base64.b64encode(b"t0ken").decode()


@pytest.fixture(scope="module")
def release(node: Release) -> Iterator[Release]:
    """Install the chart with a hub's page; the Secret is there, and the hub never answers."""
    node.load(releases.HUB_PAGE)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "hub", "namespace": HUB},
        "data": {f"hub.services.{SERVICE}.apiToken": TOKEN},
    }
    node.world.admin.apply(organisation.namespace(HUB), secret)
    repository, _, tag = releases.image(releases.HUB_PAGE).rpartition(":")
    # With --wait, Helm is back when every pod has answered its probe.
    node.upgrade(
        values={
            "page": {"enabled": True},
            "hubPages": [{"record": HUB, "namespace": HUB}],
            "hubPage": {"image": {"repository": repository, "tag": tag, "pullPolicy": "Never"}},
        }
    )
    node.world.admin.apply(*hub(HUB), record(HUB))
    yield node
    node.uninstall()
    assert not _pods(node), "it goes with the release"


def _pods(release: Release) -> list[Manifest]:
    shown = release.cluster.kubectl("get", "pods", f"-n={HUB}", "-o=yaml").stdout
    items: list[Manifest] = yaml.safe_load(shown)["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def test_it_is_ready_and_says_where_it_is(release: Release) -> None:
    (pod,) = _pods(release)
    (status,) = pod["status"]["containerStatuses"]
    assert (status["ready"], status["restartCount"]) == (True, 0)
    log = release.cluster.kubectl("logs", pod["metadata"]["name"], f"-n={HUB}").stdout
    assert f"the page of record {HUB} is at /services/{SERVICE}/" in log
    assert "Traceback" not in log


def test_it_holds_nothing_of_its_node(release: Release) -> None:
    (pod,) = _pods(release)
    assert_holds_nothing(release.cluster, pod["metadata"]["name"], HUB)


def test_it_reaches_the_page_of_the_operator(release: Release) -> None:
    """By the name that the chart gave it; the answer to nobody is the operator's own."""
    (pod,) = _pods(release)
    (container,) = pod["spec"]["containers"]
    (operator,) = [e["value"] for e in container["env"] if e["name"].endswith("_PAGE_OPERATOR")]
    assert f".{NAMESPACE}.svc" in operator
    fetch = f"import urllib.request as r; print(r.urlopen('{operator}/', timeout=60).status)"
    python = "/opt/hub-responsibility/bin/python"
    done = release.cluster.kubectl(
        *("exec", pod["metadata"]["name"], f"-n={HUB}", "--", python, "-c", fetch)
    )
    assert done.stdout.strip() == "200"
