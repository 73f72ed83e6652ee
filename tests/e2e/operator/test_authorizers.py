"""Rights that no RBAC object shows, and a cluster where RBAC decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from demo import organisation
from tests.e2e.lab import clusters
from tests.e2e.lab.cluster import Options
from tests.e2e.operator.world import World, hub, record, role_binding

STRANGER = "stranger@example.org"
# Owners through the other authorizer: one may do everything, one what is done in its namespace.
ALL, HERE = "platform-engineers", "reef-engineers"
OWNED = ("deploy-configure-hub", "incident-response", "kubernetes-configuration")
POLICIES = (
    {"user": "*", "readonly": True, "nonResourcePath": "*"},
    {"group": ALL, "namespace": "*", "resource": "*", "apiGroup": "*"},
    {"group": HERE, "namespace": "reef", "resource": "*", "apiGroup": "*"},
)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """Have the API server ask RBAC, and then a file of policies, as a cloud asks its IAM."""
    path = tmp_path_factory.mktemp("abac") / "policies.jsonl"
    kind = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy"}
    lines = [json.dumps({**kind, "spec": spec}) for spec in POLICIES]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Options(
        apiserver_flags={
            "authorization-mode": "Node,RBAC,ABAC",
            "authorization-policy-file": str(path),
        }
    )


@pytest.fixture(scope="module")
def world(world: World) -> World:
    community = {
        "name": "community",
        "contact": {"email": "reef@example.org"},
        "subjects": [{"kind": "Group", "name": HERE}],
    }
    items = [{"name": name, "owner": "community"} for name in OWNED]
    for name in ("reef", "desert"):
        world.admin.apply(*hub(name), record(name, parties=[community], items=items))
    return world


def missing(world: World, name: str) -> set[str]:
    return {i for c in world.causes(name, kind="missing-access") for i in c["items"]}


def test_an_owner_that_another_authorizer_lets_act_lacks_nothing(world: World) -> None:
    with world.operator() as operator:
        world.until_condition("reef", "Ready", "True")
        world.until(lambda: missing(world, "desert") >= set(OWNED[:2]), "the other hub's findings")
        world.until_at_rest(operator)
        assert missing(world, "reef") == set(), "its policies grant it all"
        states = {name: item["state"] for name, item in world.items("reef").items()}
        assert {states[name] for name in OWNED} == {"ok"}
        assert states["monitor-incidents"] == "ok", "the provider may do everything"
        assert world.model_status()["drift"].get("missing", 0) == 0
        assert operator.metrics().total("drift", hub="reef", kind="missing-access") == 0
        events = {event["reason"] for event in world.events("reef")}
        assert "MissingAccess" not in events, "not even for a moment"


def test_nor_does_a_new_start_say_so_for_a_moment(world: World) -> None:
    before, since = world.status("reef"), world.mark()
    with world.operator() as operator:
        world.until_at_rest(operator)
    assert world.writes(since) == []
    assert world.status("reef") == before


@pytest.fixture(scope="module")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start a cluster on which everybody may do everything, whatever its RBAC objects say."""
    options = Options(authorization_mode="AlwaysAllow")
    name = f"e2e-open-{tmp_path_factory.getbasetemp().name}"[-30:].strip("-")
    with clusters.cluster(name, options=options) as cluster:
        world = World(cluster, tmp_path_factory.mktemp("open"))
        world.install()
        world.admin.apply(
            *hub("reef"), record("reef"), role_binding("reef", "x", "admin", STRANGER)
        )
        yield world


def test_where_rbac_decides_nothing_nothing_is_said_of_subjects(open_world: World) -> None:
    with open_world.operator() as operator:
        message = open_world.until_condition(
            "reef", "RBACNotEnforced", "True", "InventedUserAllowed"
        )
        assert "Turn RBAC on" in message
        assert open_world.condition("reef", "Ready")[:2] == ("False", "InventedUserAllowed")
        assert open_world.condition("reef", "HubFound")[0] == "True"
        assert not [c for c in open_world.causes("reef") if "subject" in c]
        kinds = {c["kind"] for c in open_world.causes("reef")}
        assert not kinds & {"missing-access", "excess-access"}
        states = {item["state"] for item in open_world.items("reef").values()}
        assert "ok" not in states, "nothing was checked"
        scraped = operator.metrics()
        assert scraped.value("rbac_enforced") == 0
        assert scraped.total("drift", kind="excess-access") == 0
        assert organisation.MODEL == "2i2c"
