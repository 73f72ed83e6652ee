"""What is agreed of a hub's settings, and below it runs, looked at by a real operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from responsibility.cli.main import main
from responsibility.upgrades.versions import Version
from tests.e2e.operator.api import RBAC, Manifest, RefusedError, where
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, record_path
from tests.unit.hub.sessions import pods
from tests.unit.hub.values.values import secret

LIMIT = "singleuser.memory.limit"
CANARY = "canary-3e9a7c"
AGREED = [{"name": "kubernetes-configuration", "agreed": [{"path": LIMIT, "value": "2G"}]}]
# Of `reef` somebody may read the Secret by another name only.
SESSIONS = "hubSessions.enabled=true,hubSessions.namespaces={lake}"
NAMES = "hubValues.enabled=true,hubValues.namespaces={coast,lake}"


def values(namespace: str, limit: str = "2G") -> Manifest:
    """Return the Secret of a hub, with what nobody may see of it."""
    held = {
        "singleuser": {"memory": {"limit": limit}, "extraEnv": {"PASSWORD": CANARY}},
        "hub": {"cookieSecret": CANARY, "config": {"Auth": {"client_secret": CANARY}}},
    }
    metadata = {"name": "hub", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **secret(held)}


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    names = ("coast", "lake", "reef")
    for name in names:
        bare_world.admin.apply(*hub(name), values(name))
    bare_world.install("--set", f"{NAMES},clusterVersions.enabled=true,{SESSIONS}")
    bare_world.admin.apply(*(record(name, items=AGREED) for name in names))
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    settings = {"HUB_VALUES": "true", "HUB_VALUES_SECONDS": "1"}
    settings |= {"VERSIONS": "true", "VERSIONS_SECONDS": "1"}
    # In `reef` it may not.
    settings |= {"SESSION_NAMESPACES": "lake,reef", "SESSION_SECONDS": "1"}
    with world.operator(settings=settings) as running:
        yield running


def _found(world: World, name: str) -> dict[str, str]:
    causes = world.causes(name)
    return {c["kind"]: c["message"] for c in causes if c["kind"].startswith("value")}


def _item(world: World, name: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = world.status(name).get("items", [])
    [found] = [item for item in items if item["name"] == "kubernetes-configuration"] or [{}]
    return found


def test_a_limit_that_is_no_longer_as_agreed_is_told_until_it_is(
    world: World, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    world.until(lambda: "values" in _item(world, "coast").get("checked", []), "a look")
    assert _found(world, "coast") == {}
    world.admin.apply(values("coast", "1G"))
    world.until(lambda: "value-out-of-bounds" in _found(world, "coast"), "it")
    message = _found(world, "coast")["value-out-of-bounds"]
    assert message.startswith(f"{LIMIT} is 1G, but 2G is agreed: ")
    world.until(
        lambda: operator.metrics().total("drift", hub="coast", kind="value-out-of-bounds") == 1,
        "the metric",
    )
    [cause] = world.causes("coast", kind="value-out-of-bounds")
    assert cause["subject"] == {"kind": "HubSetting", "name": LIMIT}
    # The command line can't look, and says what the operator has found.
    assert main(["drift", "coast", f"--kubeconfig={world.cluster.kubeconfig}"]) == 0
    assert LIMIT in capsys.readouterr().out
    world.admin.apply(values("coast"))
    world.until(lambda: not _found(world, "coast"), "the end of it")


@pytest.mark.usefixtures("operator")
def test_what_the_operator_may_not_read_is_unknown(world: World) -> None:
    world.until(lambda: _found(world, "reef"), "a finding")
    [(kind, message)] = _found(world, "reef").items()
    assert kind == "values-unknown"
    assert "the operator may not read the Secret" in message
    assert "values" not in _item(world, "reef").get("checked", [])


def test_nothing_else_of_a_secret_is_anywhere(
    world: World, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where somebody agrees on a secret, in the hope that it is shown."""
    path = "hub.config.Auth.client_secret"
    wrong = [{"name": "kubernetes-configuration", "agreed": [{"path": path, "value": "x"}]}]
    world.admin.apply(record("lake", items=wrong))
    world.until(
        lambda: path in json.dumps(world.status("lake").get("conditions", [])), "it to be refused"
    )
    world.until_at_rest(operator)
    asked = {
        e["requestURI"].split("?")[0] for e in world.requests() if "/secrets" in e["requestURI"]
    }
    assert asked == {f"/api/v1/namespaces/{name}/secrets/hub" for name in ("coast", "lake", "reef")}
    everywhere = [operator.log, operator.page("/metrics")[1]]
    everywhere += [json.dumps(world.admin.get(record_path(n))) for n in ("coast", "lake", "reef")]
    everywhere += [json.dumps(e) for n in ("coast", "lake", "reef") for e in world.events(n)]
    assert main(["drift", f"--kubeconfig={world.cluster.kubeconfig}"]) == 0
    captured = capsys.readouterr()
    assert not [text for text in (*everywhere, captured.out, captured.err) if CANARY in text]


ROLE = "arn:aws:iam::123456789012:role/coast-prod"
EVERYWHERE = "arn:aws:iam::123456789012:role/everything"


def user_account(namespace: str, role: str) -> Manifest:
    """Return the ServiceAccount of sessions, with its cloud identity."""
    annotations = {"eks.amazonaws.com/role-arn": role}
    metadata = {"name": "user-sa", "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


@pytest.mark.usefixtures("operator")
def test_an_image_from_elsewhere_and_another_cloud_identity_are_told(world: World) -> None:
    image = {"name": "quay.io/coast/env", "tag": "1"}
    held = {"singleuser": {"memory": {"limit": "2G"}, "image": image}}
    metadata = {"name": "hub", "namespace": "coast"}
    hubs_secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    world.admin.apply({**hubs_secret, **secret(held)}, user_account("coast", ROLE))
    agreed = [
        *AGREED,
        {
            "name": "basic-environment",
            "agreed": [{"path": "singleuser.image.name", "within": "quay.io/coast"}],
        },
        {"name": "data", "agreed": [{"path": "sessions.identity", "value": ROLE}]},
    ]
    world.admin.apply(record("coast", items=agreed))
    world.until(lambda: "values" in world.items("coast")["data"].get("checked", []), "a look")
    world.until(
        lambda: "values" in world.items("coast")["basic-environment"].get("checked", []), "another"
    )
    assert _found(world, "coast") == {}
    assert world.status("coast")["sessions"] == {"identities": [ROLE]}
    image["name"] = "quay.io/coastal/env"
    world.admin.apply({**hubs_secret, **secret(held)}, user_account("coast", EVERYWHERE))
    world.until(lambda: len(world.causes("coast", kind="value-out-of-bounds")) == 2, "both")
    found = world.causes("coast", kind="value-out-of-bounds")
    said = {c["subject"]["name"]: c["message"] for c in found}
    # Who wrote it, as the API server has kept it.
    assert f"is {EVERYWHERE}, written by test at 20" in said["sessions.identity"]
    assert f", but {ROLE} is agreed" in said["sessions.identity"]
    assert "but an image of quay.io/coast is agreed" in said["singleuser.image.name"]
    changes = "CloudIdentityChanged"
    world.until(lambda: changes in {e["reason"] for e in world.events("coast")}, "the Event")
    told = [e["message"] for e in world.events("coast") if e["reason"] == changes]
    assert [text for text in told if f"where it was {ROLE}, written by test at 20" in text]
    world.admin.delete("/api/v1/namespaces/coast/serviceaccounts/user-sa")
    world.admin.apply(record("coast", items=AGREED), values("coast"))
    world.until(lambda: not _found(world, "coast"), "the end of it")


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    "agreed",
    [
        {"path": "singleuser.image.name"},
        {"path": "singleuser.image.name", "within": "quay.io/coast", "value": "x"},
        {"path": "singleuser.image.name", "within": "quay.io/coast:tag"},
    ],
)
def test_what_is_agreed_is_one_thing(world: World, agreed: dict[str, str]) -> None:
    with pytest.raises(RefusedError):
        world.admin.apply(record("lake", items=[{"name": "data", "agreed": [agreed]}]))


def test_what_sessions_run_is_told_without_whose_they_are(world: World, operator: Operator) -> None:
    within = {"path": "sessions.image", "within": "quay.io/coast"}
    environment = {"name": "basic-environment", "agreed": [within]}
    world.admin.apply(pods.pod("ann", namespace="lake", release="lake", account="default"))
    for name in ("lake", "reef", "coast"):
        world.admin.apply(record(name, items=[environment]))
    world.until(
        lambda: "values" in world.items("lake")["basic-environment"].get("checked", []), "a look"
    )
    # The next one is news only to whoever has seen this one.
    world.until(lambda: _images(world) == ["quay.io/coast/env:1"], "the first image")
    assert _found(world, "lake") == {}
    world.until(lambda: "may not look at this" in json.dumps(world.causes("reef")), "the reason")
    world.until(lambda: "not set up to look" in json.dumps(world.causes("coast")), "the other")
    other = pods.pod("bo", "evil.example/env:1", namespace="lake", release="lake")
    other["spec"]["serviceAccountName"] = "default"
    world.admin.apply(other)
    world.until(lambda: "value-out-of-bounds" in _found(world, "lake"), "it")
    assert _found(world, "lake")["value-out-of-bounds"].startswith(
        "sessions.image is evil.example/env:1, but an image of quay.io/coast is agreed"
    )
    known = ["quay.io/coast/env:1", "evil.example/env:1"]
    world.until(lambda: _images(world) == known, "the status")
    news = "SessionImageChanged"
    world.until(lambda: news in {e["reason"] for e in world.events("lake")}, "the Event")
    everywhere = [operator.log, operator.page("/metrics")[1], json.dumps(world.record("lake"))]
    everywhere += [json.dumps(event) for event in world.events("lake")]
    for secret_or_name in (pods.CANARY, "jupyter-bo"):
        assert not [text for text in everywhere if secret_or_name in text]
    _where_data_lie(world)
    world.admin.delete("/api/v1/namespaces/lake/pods/jupyter-ann")
    for name in ("lake", "reef", "coast"):
        world.admin.apply(record(name, items=AGREED))
    world.until(lambda: not _found(world, "lake"), "the end of it")


def _where_data_lie(world: World) -> None:
    """Have a claim of another class than was agreed told, for as long as a session mounts it."""
    for name, storage_class in (("claim-ann", "ssd"), ("claim-bo", "scratch")):
        claim = pods.claim(name, storage_class)
        claim["metadata"]["namespace"] = "lake"
        world.admin.apply(claim)
    data = {"name": "data", "agreed": [{"path": "sessions.storageClass", "value": "ssd"}]}
    world.admin.apply(record("lake", items=[data]))
    told = "sessions.storageClass is scratch, but ssd is agreed"
    world.until(lambda: told in _found(world, "lake").get("value-out-of-bounds", ""), "it")
    # What no session mounts is nobody's business.
    world.admin.delete("/api/v1/namespaces/lake/pods/jupyter-bo")
    world.until(lambda: not _found(world, "lake"), "it to end")
    assert "values" in world.items("lake")["data"]["checked"]


def _images(world: World) -> list[str]:
    return list((world.status("lake").get("sessions") or {}).get("images") or [])


def node(name: str, version: str) -> Manifest:
    """Return a node that nobody looks after, with what its kubelet says of itself."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"nodeInfo": {"kubeletVersion": version}},
    }


def _skews(world: World) -> dict[str, str]:
    found = world.model_status().get("causes") or []
    return {c["kind"]: c["message"] for c in found if c["kind"].startswith("version")}


def test_nodes_that_are_left_behind_are_told_with_the_cluster(
    world: World, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Version.parse(world.admin.get("/version")["gitVersion"])
    assert server is not None
    world.until(lambda: world.model_status().get("kubernetes"), "the versions")
    assert world.model_status()["kubernetes"]["apiServer"] == str(server)
    told = world.mark()
    late = f"{server.major}.{server.minor - 4}"
    fits = f"v{server.major}.{server.minor - 3}.9"
    world.admin.create("/api/v1/nodes", node("late", f"v{late}.1-eks-aeac579"))
    world.admin.create("/api/v1/nodes", node("fitting", fits))
    world.admin.create("/api/v1/nodes", node("odd", "\x1b[2Jv0.0.1"))
    world.until(lambda: "version-skew" in _skews(world), "the finding")
    assert _skews(world)["version-skew"].startswith(
        f"1 node (late) runs kubelet {late}, 4 minor versions behind the API server"
    )
    scraped = operator.metrics()
    assert scraped.total("kubernetes_version_info", component="kubelet", version=f"{late}.1") == 1
    assert scraped.total("kubernetes_version_info", component="kubelet", version="other") >= 1
    assert scraped.value("kubelet_minor_versions_behind") == 4
    assert main(["drift", f"--kubeconfig={world.cluster.kubeconfig}", "--kind=version-skew"]) == 0
    assert f"kubelet {late}" in capsys.readouterr().out
    asked = [e for e in world.requests(told) if "/nodes" in e["requestURI"]]
    assert {e["verb"] for e in asked} == {"list"}
    # Of the odd one nobody can tell whether it fits.
    assert "it can't be told which version they run" in _skews(world)["versions-unknown"]
    world.admin.delete("/api/v1/nodes/late", "/api/v1/nodes/odd")
    world.until(lambda: "version-skew" not in _skews(world), "the end of it")


@pytest.mark.usefixtures("operator")
def test_without_the_right_to_list_nodes_only_that_is_unknown(world: World) -> None:
    name = "hub-responsibility-cluster-versions"
    binding = where(RBAC, "ClusterRoleBinding", name)
    world.until(lambda: "version-skew" not in _skews(world), "rest")
    held = world.admin.get(binding)
    world.admin.delete(binding)
    # The node of a lab may be of no version that there is, which is unknown as well.
    refused = "may not list nodes"
    world.until(lambda: refused in _skews(world).get("versions-unknown", ""), "the reason")
    held["metadata"] = {"name": name}
    world.admin.apply(held)
    world.until(lambda: refused not in _skews(world).get("versions-unknown", ""), "the end of it")


def test_a_draft_has_what_is_set_today(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.admin.apply(*hub("moor"), values("moor", "3G"))
    assert main(["init", "moor", "--agreed", f"--kubeconfig={world.cluster.kubeconfig}"]) == 0
    captured = capsys.readouterr()
    assert f'- {{path: "{LIMIT}", value: "3G"}}' in captured.out
    assert CANARY not in captured.out + captured.err
