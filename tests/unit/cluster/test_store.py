"""Snapshots: they share what has not changed, and no change is ever lost between two of them."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.aio.client.configuration import Configuration

from responsibility.api.names import API_VERSION
from responsibility.cluster.store import Store
from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange
from responsibility.rbac.objects import SERVICE_ACCOUNT, Attributes, Subject
from tests.apiserver.over_http import HttpApiServer
from tests.apiserver.requests import Request
from tests.unit.cluster.feeding import Json, binding, feed, meta, users

NOW = datetime(2030, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
async def store(api: Api) -> Store:
    return Store(api, relist=300)


def role(name: str, namespace: str = "", verbs: tuple[str, ...] = ("get",)) -> Json:
    rule = {"verbs": list(verbs), "apiGroups": [""], "resources": ["pods"]}
    kind = "Role" if namespace else "ClusterRole"
    return {"kind": kind, "metadata": meta(name, namespace), "rules": [rule]}


def deployment(name: str, namespace: str, component: str = "hub", **annotations: str) -> Json:
    labels = {"app": "jupyterhub", "component": component, "release": namespace}
    return {
        "metadata": meta(
            name, namespace, uid=f"{namespace}-{name}", labels=labels, annotations=annotations
        )
    }


def record(name: str, *, generation: int = 1, version: int = 1, **spec: Any) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "Responsibility",
        "metadata": {
            "name": name,
            "uid": f"u-{name}",
            "generation": generation,
            "resourceVersion": str(version),
        },
        "spec": {"hub": {"namespace": name}, **spec},
    }


def may_get_pods(store: Store, user: str, namespace: str) -> bool:
    question = Attributes("get", resource="pods", namespace=namespace)
    return bool(store.snapshot(NOW).graph.decide(user, (), question))


async def test_two_looks_at_the_same_share_everything(store: Store) -> None:
    feed(store.roles, ("ADDED", role("r", "prod")))
    feed(store.bindings, ("ADDED", binding("b", "prod", "r", "ann")))
    feed(store.deployments, ("ADDED", deployment("hub", "prod")))
    feed(store.accounts, ("ADDED", {"metadata": meta("hub", "prod")}))
    store.accounts.synced.set()
    store.records.put(record("prod"))
    one, two = store.snapshot(NOW), store.snapshot(NOW)
    assert one.graph is two.graph
    assert one.hubs is two.hubs
    assert one.accounts is two.accounts
    assert one.records["prod"] is two.records["prod"]
    assert set(map(str, one.hubs)) == {"prod/prod"}


async def test_a_changed_binding_leaves_other_namespaces_as_they_are(store: Store) -> None:
    for namespace in ("prod", "staging"):
        feed(store.roles, ("ADDED", role("r", namespace)))
        feed(store.bindings, ("ADDED", binding("b", namespace, "r", "ann")))
    one = store.snapshot(NOW)
    feed(store.bindings, ("MODIFIED", binding("b", "prod", "r", "bea")))
    two = store.snapshot(NOW)
    assert two.graph.scope("staging") is one.graph.scope("staging")
    assert two.graph.scope("prod") is not one.graph.scope("prod")
    assert may_get_pods(store, "bea", "prod")
    assert not may_get_pods(store, "ann", "prod")
    # A snapshot is of its moment.
    assert one.graph.decide("ann", (), Attributes("get", resource="pods", namespace="prod"))


async def test_a_changed_hub_leaves_other_hubs_the_same_objects(store: Store) -> None:
    feed(store.deployments, ("ADDED", deployment("hub", "a")), ("ADDED", deployment("hub", "b")))
    one = {str(key): hub for key, hub in store.snapshot(NOW).hubs.items()}
    feed(store.deployments, ("ADDED", deployment("proxy", "b", "proxy")))
    two = {str(key): hub for key, hub in store.snapshot(NOW).hubs.items()}
    assert two["a/a"] is one["a/a"]
    assert len(two["b/b"].deployments) == 2


async def test_a_binding_that_is_dropped_and_put_again_between_two_looks_is_there(
    store: Store,
) -> None:
    feed(store.roles, ("ADDED", role("r", "prod")))
    feed(store.bindings, ("ADDED", binding("b", "prod", "r", "ann")))
    feed(store.bindings, ("DELETED", binding("b", "prod", "r", "ann")))
    feed(store.bindings, ("ADDED", binding("b", "prod", "r", "bea")))
    assert may_get_pods(store, "bea", "prod")
    feed(store.bindings, ("DELETED", binding("b", "prod", "r", "bea")))
    assert not may_get_pods(store, "bea", "prod")


Step = tuple[str, str, str, str]
names = st.sampled_from(["a", "b", "c"])
steps = st.lists(
    st.tuples(st.sampled_from(["role", "binding", "no role", "no binding"]), names, names, users),
    max_size=12,
)


def take(store: Store, step: Step) -> None:
    what, name, other, user = step
    kind = "DELETED" if what.startswith("no ") else "ADDED"
    for namespace in ("", "prod"):
        if what.endswith("role"):
            to = store.roles if namespace else store.cluster_roles
            feed(to, (kind, role(name, namespace, verbs=(other,))))
        else:
            of = store.bindings if namespace else store.cluster_bindings
            feed(of, (kind, binding(name, namespace, other, user)))


@given(first=steps, then=steps)
def test_to_build_anew_and_to_change_come_to_the_same(first: list[Step], then: list[Step]) -> None:
    async def both() -> None:
        async with Api(Configuration(host="http://127.0.0.1:1")) as api:
            changing, building = Store(api, relist=300), Store(api, relist=300, many=-1)
            for step in first:
                take(changing, step)
                take(building, step)
            changing.snapshot(NOW)
            for step in then:
                take(changing, step)
                take(building, step)
            built = building.snapshot(NOW).graph
            changed = changing.snapshot(NOW).graph
            for namespace in ("", "prod", "elsewhere"):
                for verb in ("a", "b", "c"):
                    question = Attributes(verb, resource="pods", namespace=namespace)
                    assert dict(built.holders(question)) == dict(changed.holders(question))

    asyncio.run(both())


async def test_every_change_asks_for_a_look_and_the_first_one_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([5.0, 7.0, 9.0])
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: next(times))
    assert store.begin() is None
    for reflector in store.reflectors:
        store.begin()
        store.changed_at = 1.0
        assert reflector._on_change is not None
        reflector._on_change(CacheChange({}, frozenset()))
        assert store.changed.is_set(), reflector.path
    store.begin()
    feed(store.roles, ("ADDED", role("r", "prod")))
    feed(store.namespaces, ("ADDED", {"metadata": meta("prod")}))
    assert store.changed.is_set()
    assert store.begin() == 5.0
    assert not store.changed.is_set()


async def test_a_change_that_comes_during_a_pass_asks_for_another_one(store: Store) -> None:
    feed(store.roles, ("ADDED", role("r", "prod")))
    assert store.begin() is not None
    store.snapshot(NOW)
    feed(store.bindings, ("ADDED", binding("b", "prod", "r", "ann")))
    assert store.changed.is_set()
    assert store.begin() is not None
    assert may_get_pods(store, "ann", "prod")


async def test_what_cannot_be_read_is_broken_and_not_absent(store: Store) -> None:
    store.records.put(record("prod", items="all of them"))
    snapshot = store.snapshot(NOW)
    assert snapshot.records == {}
    assert "spec.items" in snapshot.broken_records["prod"].message
    assert snapshot.broken_records["prod"].generation == 1
    store.records.put(record("prod", generation=2, version=2))
    snapshot = store.snapshot(NOW)
    assert set(snapshot.records) == {"prod"}
    assert snapshot.broken_records == {}


async def test_accounts_are_unknown_until_they_are_listed(store: Store) -> None:
    assert store.snapshot(NOW).accounts is None
    store.accounts.synced.set()
    assert store.snapshot(NOW).accounts == frozenset()


async def test_namespaces_say_whether_they_are_going(store: Store) -> None:
    going = {"metadata": meta("old", deletionTimestamp="2030-01-01T00:00:00Z")}
    feed(store.namespaces, ("ADDED", {"metadata": meta("prod")}), ("ADDED", going))
    assert store.snapshot(NOW).namespaces == {"prod": False, "old": True}


async def test_annotations_of_others_are_nobodys_business(store: Store) -> None:
    ours, theirs = "responsibility.2i2c.org/owners", "example.org/password"
    feed(store.deployments, ("ADDED", deployment("hub", "prod", **{ours: "a=b", theirs: "x"})))
    (hub,) = store.snapshot(NOW).hubs.values()
    assert hub.deployments[0].annotations == {ours: "a=b"}


async def test_own_kinds_are_listed_page_by_page_and_replaced(
    store: Store, server: HttpApiServer
) -> None:
    def pages(request: Request) -> Json:
        last = "continue" in request.query
        item = record("two" if last else "one")
        del item["apiVersion"]
        metadata = {"resourceVersion": "9"} if last else {"resourceVersion": "9", "continue": "x"}
        return {"apiVersion": API_VERSION, "metadata": metadata, "items": [item]}

    server.answers[store.records.path] = pages
    server.answers[store.models.path] = lambda _: {"metadata": {}, "items": []}
    store.records.put(record("gone"))
    await store.list_own()
    assert set(store.records.items) == {"one", "two"}
    assert store.records.items["one"].reference["apiVersion"] == API_VERSION


async def test_a_record_created_while_records_are_listed_is_not_lost(
    store: Store, server: HttpApiServer
) -> None:
    def page(_: Request) -> Json:
        # The list shows the moment before; the watch is quicker than the answer.
        store.records.put(record("new", version=12))
        return {"apiVersion": API_VERSION, "metadata": {}, "items": [record("one")]}

    server.answers[store.records.path] = page
    server.answers[store.models.path] = lambda _: {"metadata": {}, "items": []}
    await store.list_own()
    assert set(store.records.items) == {"new", "one"}


async def test_the_operators_own_identity_is_part_of_the_world(api: Api) -> None:
    own = Subject(SERVICE_ACCOUNT, "operator", "ours")
    assert Store(api, relist=300, operator=own).snapshot(NOW).operator == own
