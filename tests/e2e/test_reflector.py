"""The copy of a live cluster's RoleBindings, through everything that a control plane goes through.

What it must equal is a fresh list, taken from the same API server at the same time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange, Reflector
from tests.e2e.conftest import MakeCluster
from tests.e2e.lab import waiting
from tests.e2e.lab.cluster import Cluster, Kubectl

RBAC = "/apis/rbac.authorization.k8s.io/v1"

Bindings = Reflector[str, tuple[str, str]]


def transform(binding: dict[str, Any]) -> tuple[str, tuple[str, str]]:
    metadata = binding["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}", (metadata["uid"], team(binding))


def team(binding: dict[str, Any]) -> str:
    return str(binding["subjects"][0]["name"])


def binding(name: str, group: str = "team") -> dict[str, Any]:
    api_group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api_group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": api_group, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": api_group, "kind": "Group", "name": group}],
    }


@asynccontextmanager
async def reflecting(
    api: Api,
    path: str,
    on_change: Callable[[CacheChange[str, tuple[str, str]]], None] | None = None,
) -> AsyncIterator[Bindings]:
    reflector: Bindings = Reflector(api, path, transform, on_change)
    task = asyncio.create_task(reflector.run())
    try:
        await reflector.wait_synced(30 * waiting.STRETCH)
        yield reflector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()


async def listed(api: Api, path: str) -> dict[str, tuple[str, str]]:
    return dict([transform(item) async for page in api.pages(path) for item in page["items"]])


async def until(reached: Callable[[], object], seconds: float = 30.0) -> None:
    await waiting.until(reached, seconds, "the copy to follow", interval=0.01)


@asynccontextmanager
async def namespace(api: Api, name: str) -> AsyncIterator[str]:
    """Make a namespace; yield the path of its RoleBindings; delete it again."""
    path = f"/api/v1/namespaces/{name}"
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await api.apply(path, document, field_manager="test")
    try:
        yield f"{RBAC}/namespaces/{name}/rolebindings"
    finally:
        await api.delete(path)


async def together(*calls: Any) -> None:
    """Run many requests, some at a time."""
    gate = asyncio.Semaphore(32)

    async def one(call: Any) -> None:
        async with gate:
            await call

    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(one(call))


async def test_thousands_of_bindings_equal_a_fresh_list(cluster: Cluster) -> None:
    changes: list[CacheChange[str, tuple[str, str]]] = []
    async with Api.connect(cluster.kubeconfig) as api, namespace(api, "many") as path:
        names = [f"b{number}" for number in range(2100)]
        await together(*(api.create(path, binding(name)) for name in names))
        async with reflecting(api, path, changes.append) as reflector:
            assert len(reflector.items) == 2100
            assert reflector.items == await listed(api, path)

            await together(
                *(api.delete(f"{path}/{name}") for name in names[:200]),
                *(
                    api.apply(f"{path}/{name}", binding(name, "other"), field_manager="test")
                    for name in names[200:400]
                ),
                *(api.create(path, binding(f"late{number}")) for number in range(100)),
            )
            expected = await listed(api, path)
            assert len(expected) == 2000
            await until(lambda: reflector.items == expected)
            assert reflector.errors == 0
            assert not reflector.left_out
    added_up: dict[str, tuple[str, str]] = {}
    for change in changes:
        added_up = {k: v for k, v in added_up.items() if k not in change.dropped}
        added_up.update(change.put)
    assert added_up == expected, "whoever follows the changes knows the same"
    assert sum(len(change.put) + len(change.dropped) for change in changes) == 2100 + 500


async def test_metadata_only_leaves_the_rest_on_the_server(cluster: Cluster) -> None:
    seen: list[dict[str, Any]] = []

    def keep(thing: dict[str, Any]) -> tuple[str, str]:
        seen.append(thing)
        return thing["metadata"]["name"], thing["metadata"]["uid"]

    async with Api.connect(cluster.kubeconfig) as api, namespace(api, "lean") as path:
        reflector: Reflector[str, str] = Reflector(api, path, keep, metadata_only=True)
        await api.create(path, binding("listed"))
        task = asyncio.create_task(reflector.run())
        await reflector.wait_synced(30 * waiting.STRETCH)
        await api.create(path, binding("watched"))
        await until(lambda: len(reflector.items) == 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert all(thing.keys() <= {"kind", "apiVersion", "metadata"} for thing in seen)


async def test_nothing_is_lost_when_the_api_server_goes_away(make_cluster: MakeCluster) -> None:
    cluster = await asyncio.to_thread(make_cluster, "reflector")
    async with Api.connect(cluster.kubeconfig) as api, namespace(api, "gap") as path:
        for name in ("kept", "deleted"):
            await api.create(path, binding(name))
        async with reflecting(api, path) as reflector:
            await _restarts(cluster, api, path, reflector)
            await _deletes_in_a_gap(cluster, api, path, reflector)


async def _restarts(cluster: Cluster, api: Api, path: str, reflector: Bindings) -> None:
    await asyncio.to_thread(cluster.stop_apiserver)
    await until(lambda: reflector.errors >= 3)
    assert len(reflector.items) == 2, "what is known stays known"
    assert reflector.last_error is not None
    await asyncio.to_thread(cluster.start_apiserver)
    await api.create(path, binding("new"))
    await until(lambda: "gap/new" in reflector.items)
    assert reflector.items == await listed(api, path)
    await until(lambda: reflector.last_error is None)


async def _deletes_in_a_gap(cluster: Cluster, api: Api, path: str, reflector: Bindings) -> None:
    before = reflector.relists

    def meanwhile(kubectl: Kubectl) -> None:
        kubectl("delete", "rolebinding", "deleted", "--namespace=gap")
        kubectl("create", "rolebinding", "late", "--clusterrole=view", "--group=g", "-n", "gap")

    await asyncio.to_thread(cluster.make_watches_expire, meanwhile)
    await until(lambda: "gap/late" in reflector.items)
    assert "gap/deleted" not in reflector.items, "no watch will ever report it"
    assert reflector.items == await listed(api, path)
    assert reflector.relists > before
