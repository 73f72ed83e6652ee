"""The worker that looks at releases: what it asks, what it makes of it, and what it keeps."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import logging
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import generate_latest

from demo.release import helm_release_secret
from responsibility.cluster.moment import Moment
from responsibility.cluster.store import Store
from responsibility.controller.hub_release import looking
from responsibility.controller.hub_release.looking import ReleaseLooker
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass
from responsibility.hub.discovery import HubKey
from responsibility.hub.release.changes import (
    Act,
    HubRelease,
    ReleaseDrift,
    ReleaseUnread,
    UnreadRelease,
)
from responsibility.ownership.assess import Assessor
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Json, refusal
from tests.apiserver.server import ApiServer
from tests.unit.hub.release import server as stored_by
from tests.unit.ownership.building import record, snapshot
from tests.unit.ownership.value_worlds import MODEL

# Seconds in which an answer is to arrive; on a machine with much else to do.
_SOON = 60.0
CANARY = "canary-51fe"
_RESOURCES = {
    "v1": [("secrets", "Secret", True), ("services", "Service", True)],
    "apps/v1": [("deployments", "Deployment", True), ("deployments/scale", "Scale", True)],
    "rbac.authorization.k8s.io/v1": [("clusterroles", "ClusterRole", False)],
}
_SECRETS = "/api/v1/namespaces/prod/secrets"
_DEPLOYMENT = "/apis/apps/v1/namespaces/prod/deployments/hub"
_LOOKS = "responsibility_hub_release_looks_total"
_SCALERS = "/apis/autoscaling/v2/namespaces/prod/horizontalpodautoscalers"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def deployed() -> list[Json]:
    """Return what the release has: a Deployment, a Service, a Secret and a ClusterRole."""
    role: Json = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}
    role |= {"metadata": {"name": "user-scheduler"}}
    secret = stored_by.secret(token=_encoded(CANARY))
    return [stored_by.deployment(), stored_by.service(), secret, role]


class Running:
    """A worker on an API server that has a release, and passes that it follows."""

    def __init__(self) -> None:
        self.server = ApiServer()
        self.metrics = Metrics()
        api = InProcessApi(self.server)
        self.store = Store(api, relist=300)
        self.worker = ReleaseLooker(api, self.store, self.metrics, seconds=0.05)
        self.assessor = Assessor()
        self._versions = itertools.count(1)
        for version, kinds in _RESOURCES.items():
            listed = [{"name": n, "kind": k, "namespaced": ns} for n, k, ns in kinds]
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            self.answer(root, {"kind": "APIResourceList", "resources": listed})
        self.answer(_SCALERS, {"metadata": {}, "items": []})
        self.objects = deployed()
        self.deploy(self.objects)
        for each, path in zip(self.objects, self.paths(), strict=True):
            self.answer(path, stored_by.stored(each))

    @staticmethod
    def paths() -> list[str]:
        return [
            _DEPLOYMENT,
            "/api/v1/namespaces/prod/services/hub",
            f"{_SECRETS}/hub",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/user-scheduler",
        ]

    def answer(self, path: str, answer: Json | web.Response) -> None:
        self.server.answers[path] = lambda _: answer

    def deploy(self, objects: list[Json], *, status: str = "deployed", **more: Any) -> None:
        """Have a revision of the release, and no other."""
        # JSON has no references, which a manifest of Helm's has as little.
        secret = helm_release_secret("prod", "prod", json.loads(json.dumps(objects)))
        secret["metadata"]["labels"]["status"] = status
        secret["metadata"] |= {"uid": "r", "resourceVersion": str(next(self._versions))}
        secret["metadata"] |= {"managedFields": [{"time": stored_by.DEPLOYED}], **more}
        self.answer(_SECRETS, {"metadata": {}, "items": [{"metadata": secret["metadata"]}]})
        self.answer(f"{_SECRETS}/{secret['metadata']['name']}", secret)

    def found(self) -> Pass:
        world = snapshot(
            records=[record("prod")], models=[MODEL], hub_release=self.store.hub_release
        )
        return Pass(Moment(world), self.assessor.assess(world))

    async def look(self) -> None:
        """Make passes until the worker has nothing more to say of this one."""
        until = asyncio.get_running_loop().time() + _SOON
        while True:
            self.worker.follow(self.found())
            if not await self.worker.settle(until):
                return

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(_SOON):
            await self.look()
            while not holds():
                await asyncio.sleep(0.01)
                await self.look()

    def known(self) -> HubRelease | None:
        return self.store.hub_release.get(HubKey("prod", "prod"))

    def told(self) -> list[tuple[str, str, Act]]:
        known = self.known()
        assert isinstance(known, ReleaseDrift)
        return [(str(c.object), c.path, c.act) for c in known.changes]

    @property
    def gets(self) -> list[str]:
        return [request.path for request in self.server.requests]


@asynccontextmanager
async def _running() -> AsyncIterator[Running]:
    running = Running()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.worker.run())
        try:
            yield running
        finally:
            task.cancel()


def _looked(running: Running, result: str) -> bool:
    name = "responsibility_hub_release_looks_total"
    return bool(running.metrics.registry.get_sample_value(name, {"result": result}))


async def test_an_untouched_release_is_looked_at_and_nothing_is_told() -> None:
    async with _running() as running:
        await running.look()
        assert running.known() == ReleaseDrift(1)
        asked = {*running.gets} - {"/api/v1", "/apis/apps/v1", "/apis/rbac.authorization.k8s.io/v1"}
        assert asked == {*running.paths(), _SECRETS, f"{_SECRETS}/sh.helm.release.v1.prod.v1"}
        [listed] = [r for r in running.server.requests if r.path == _SECRETS][:1]
        assert listed.query["labelSelector"] == "owner=helm,name=prod"
        assert "PartialObjectMetadataList" in listed.headers["Accept"]


async def test_a_release_is_read_once_and_its_objects_each_time() -> None:
    async with _running() as running:
        await running.until(lambda: running.gets.count(_DEPLOYMENT) > 2)
        assert running.gets.count(f"{_SECRETS}/sh.helm.release.v1.prod.v1") == 1
        running.deploy(deployed()[:1])
        await running.until(
            lambda: running.gets.count(f"{_SECRETS}/sh.helm.release.v1.prod.v1") == 2
        )


async def test_what_somebody_changes_and_deletes_is_told_with_whose_it_is_until_it_is_back() -> (
    None
):
    async with _running() as running:
        found = stored_by.stored(stored_by.deployment())
        running.answer(_DEPLOYMENT, stored_by.edited(found, ("spec", "replicas"), 3))
        running.answer(running.paths()[1], refusal(404, "NotFound"))
        await running.until(lambda: running.known() not in (None, ReleaseDrift(1)))
        assert running.told() == [
            ("Deployment/hub", "spec.replicas", Act.CHANGED),
            ("Service/hub", "", Act.DELETED),
        ]
        running.answer(_DEPLOYMENT, found)
        running.answer(running.paths()[1], stored_by.stored(stored_by.service()))
        await running.until(lambda: running.known() == ReleaseDrift(1))


async def test_no_flood_takes_a_change_away_from_whose_it_is() -> None:
    async with _running() as running:
        flood: list[Json] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"a{number:03}"}}
            for number in range(100)
        ]
        listed = [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]
        running.answer("/api/v1", {"kind": "APIResourceList", "resources": listed})
        running.deploy([*flood, stored_by.deployment()])
        for each in flood:
            path = f"/api/v1/namespaces/prod/configmaps/{each['metadata']['name']}"
            running.answer(path, refusal(404, "NotFound"))
        found = stored_by.stored(stored_by.deployment())
        running.answer(_DEPLOYMENT, stored_by.edited(found, ("spec", "replicas"), 3))
        await running.until(lambda: running.known() not in (None, ReleaseDrift(1)))
        known = running.known()
        assert isinstance(known, ReleaseDrift)
        assert [c.items for c in known.changes if c.object.kind == "Deployment"] == [("fence",)]
        assert {c.items for c in known.changes if c.object.kind == "ConfigMap"} == {("beds",)}
        assert (len(known.changes), known.more) == (64, 37)


async def test_replicas_of_what_an_autoscaler_scales_are_its() -> None:
    async with _running() as running:
        target = {"kind": "Deployment", "name": "hub"}
        scaler = {"spec": {"scaleTargetRef": target}}
        running.answer(_SCALERS, {"metadata": {}, "items": [scaler]})
        found = stored_by.stored(stored_by.deployment())
        running.answer(_DEPLOYMENT, stored_by.edited(found, ("spec", "replicas"), 3))
        await running.until(lambda: _SCALERS in running.gets)
        await running.look()
        assert running.known() == ReleaseDrift(1)


async def test_objects_elsewhere_and_names_that_are_none_are_not_asked_about() -> None:
    async with _running() as running:
        odd: list[Json] = [
            {"kind": "Secret", "metadata": {"name": "../../x/secrets/y"}},
            {"kind": "Secret", "metadata": {"name": "x", "namespace": "other"}},
            {"kind": "../secrets", "metadata": {"name": "x"}},
            {"kind": "Secret", "metadata": "x"},
            {"kind": "Secret", "apiVersion": "../v1", "metadata": {"name": "x"}},
            {"kind": "Unheard", "metadata": {"name": "x"}},
        ]
        running.deploy([{"apiVersion": "v1", **each} for each in odd])
        await running.until(lambda: running.known() not in (None, ReleaseDrift(1)))
        known = running.known()
        assert isinstance(known, ReleaseDrift)
        assert [(str(u.object), u.why) for u in known.unread] == [
            ("Unheard/x", ReleaseUnread.NOT_SERVED)
        ]
        assert not [path for path in running.gets if "other" in path or ".." in path]


async def test_an_object_that_may_not_be_read_is_unknown_and_the_others_are_not() -> None:
    async with _running() as running:
        running.answer(_DEPLOYMENT, refusal(403, "Forbidden"))
        await running.until(lambda: running.known() not in (None, ReleaseDrift(1)))
        known = running.known()
        assert isinstance(known, ReleaseDrift)
        assert [(str(u.object), u.why) for u in known.unread] == [
            ("Deployment/hub", ReleaseUnread.FORBIDDEN)
        ]


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (refusal(403, "Forbidden"), ReleaseUnread.FORBIDDEN),
        ({"metadata": {}, "items": []}, ReleaseUnread.NO_RELEASE),
        (refusal(503, "ServiceUnavailable"), ReleaseUnread.FAILED),
    ],
)
async def test_without_the_list_it_is_unknown_by_its_reason_until_there_is_one(
    listed: Any, why: ReleaseUnread
) -> None:
    async with _running() as running:
        there = running.server.answers[_SECRETS]
        running.answer(_SECRETS, listed)
        await running.look()
        known = running.known()
        assert isinstance(known, UnreadRelease)
        assert known.why is why
        running.server.answers[_SECRETS] = there
        await running.until(lambda: running.known() == ReleaseDrift(1))


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ({"type": "Opaque", "data": {}}, ReleaseUnread.UNREADABLE),
        ({"type": "helm.sh/release.v1", "data": {"release": "!!"}}, ReleaseUnread.UNREADABLE),
    ],
)
async def test_what_is_no_release_is_unknown(secret: Json, why: ReleaseUnread) -> None:
    async with _running() as running:
        running.answer(f"{_SECRETS}/sh.helm.release.v1.prod.v1", {"metadata": {}, **secret})
        await running.look()
        known = running.known()
        assert isinstance(known, UnreadRelease)
        assert known.why is why


async def test_while_helm_is_at_work_a_hub_is_as_it_was_but_not_for_long() -> None:
    async with _running() as running:
        await running.look()
        now = datetime.now(UTC).isoformat()
        running.deploy(deployed()[:1], status="pending-upgrade", creationTimestamp=now)
        await running.until(lambda: _looked(running, "helm-at-work"))
        assert running.known() == ReleaseDrift(1)
        long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        running.deploy(deployed()[:1], status="pending-upgrade", creationTimestamp=long_ago)
        await running.until(lambda: isinstance(running.known(), UnreadRelease))
        known = running.known()
        assert isinstance(known, UnreadRelease)
        assert known.why is ReleaseUnread.NOT_DEPLOYED


def _pending(number: int, release: str = "prod") -> Json:
    """Return the metadata of a revision that says to be pending since just now."""
    labels = {"owner": "helm", "name": release, "version": str(number), "status": "pending-upgrade"}
    name = f"sh.helm.release.v1.{release}.v{number}"
    now = datetime.now(UTC).isoformat()
    return {"metadata": {"name": name, "labels": labels, "creationTimestamp": now}}


def _list_more(running: Running, *secrets: Json) -> None:
    """Have the list of Secrets go on with others."""
    there = running.server.answers[_SECRETS](None)  # type: ignore[arg-type]  # it is asked nothing
    assert isinstance(there, dict)
    running.answer(_SECRETS, {**there, "items": [*there["items"], *secrets]})


def _misnamed() -> Json:
    return {"metadata": {**_pending(2)["metadata"], "name": "x"}}


@pytest.mark.parametrize(
    "made_up", [_pending(999_999_999), _pending(3), _pending(1), _pending(2, "other"), _misnamed()]
)
async def test_a_pending_revision_that_is_not_the_next_hides_nothing(made_up: Json) -> None:
    async with _running() as running:
        made_up["metadata"]["creationTimestamp"] = datetime.now(UTC).isoformat()
        _list_more(running, made_up)
        await running.look()
        assert running.known() == ReleaseDrift(1)
        assert not _looked(running, "helm-at-work")


async def test_pending_revisions_one_after_another_hide_nothing_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with _running() as running:
        await running.look()
        _list_more(running, _pending(2))
        await running.until(lambda: _looked(running, "helm-at-work"))
        assert running.known() == ReleaseDrift(1)
        # Each is as young as the look at it; only the time without a comparison goes on.
        monkeypatch.setattr(looking, "_is_young", lambda _: True)
        monkeypatch.setattr(looking, "_AT_WORK", timedelta(0))
        await running.until(lambda: isinstance(running.known(), UnreadRelease))
        known = running.known()
        assert isinstance(known, UnreadRelease)
        assert known.why is ReleaseUnread.AT_WORK
        running.deploy(deployed())
        await running.until(lambda: running.known() == ReleaseDrift(1))


async def test_only_secrets_of_helms_type_are_asked_for() -> None:
    async with _running() as running:
        await running.look()
        [listed] = [r for r in running.server.requests if r.path == _SECRETS][:1]
        assert listed.query["fieldSelector"] == "type=helm.sh/release.v1"


async def test_switched_off_it_asks_nothing_and_says_nothing() -> None:
    running = Running()
    off = ReleaseLooker(InProcessApi(running.server), running.store, running.metrics, seconds=None)
    off.follow(running.found())
    assert not await off.settle(0)
    assert running.store.hub_release == {}
    assert running.gets == []


async def test_nothing_of_a_secret_stays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with _running() as running:
        await running.look()
        changed = stored_by.stored(stored_by.secret(token=_encoded(f"{CANARY}-2")))
        changed = stored_by.edited(changed, ("data", "token"), _encoded(f"{CANARY}-3"))
        running.answer(running.paths()[2], changed)
        await running.until(lambda: running.known() not in (None, ReleaseDrift(1)))
        assert running.told() == [("Secret/hub", "data.token", Act.CHANGED)]
        looked = running.worker._looked[HubKey("prod", "prod")]
        assert looked.kept is not None
        kept = pickle.dumps((running.store.hub_release, looked.kept.objects()))
        for secret in (CANARY, _encoded(CANARY)):
            assert secret.encode() not in kept
    found = running.found().assessment
    assert CANARY not in repr(found.hubs)
    assert CANARY not in caplog.text
    assert CANARY not in generate_latest(running.metrics.registry).decode()


async def test_what_was_deployed_by_an_api_that_is_no_more_is_told_of_the_release() -> None:
    async with _running() as running:
        budget = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget"}
        running.deploy([*running.objects, {**budget, "metadata": {"name": "hub"}}])
        await running.look()
        known = running.known()
        assert isinstance(known, ReleaseDrift)
        assert [str(api) for api in known.apis] == ["PodDisruptionBudget by policy/v1beta1"]


@pytest.mark.long
async def test_a_fleet_is_compared_by_a_list_and_a_get_for_each_object_and_read_once() -> None:
    """As many hubs as 2i2c runs: at the second look, no release is read or unpacked again."""
    running = Running()
    names = [f"hub-{number}" for number in range(171)]
    for name in names:
        for path in [*running.server.answers]:
            if "/namespaces/prod/" in path:
                other = path.replace("/namespaces/prod/", f"/namespaces/{name}/")
                running.server.answers[other] = running.server.answers[path]
        secret = helm_release_secret(name, name, json.loads(json.dumps(running.objects)))
        secret["metadata"] |= {"uid": name, "resourceVersion": "1"}
        secret["metadata"] |= {"managedFields": [{"time": stored_by.DEPLOYED}]}
        where = f"/api/v1/namespaces/{name}/secrets"
        running.answer(where, {"metadata": {}, "items": [{"metadata": secret["metadata"]}]})
        running.answer(f"{where}/{secret['metadata']['name']}", secret)
    world = snapshot(records=[record(name) for name in names], models=[MODEL])
    running.worker.follow(Pass(Moment(world), running.assessor.assess(world)))

    def looked() -> float:
        told = {"result": "compared"}
        found = running.metrics.registry.get_sample_value(_LOOKS, told)
        return found or 0.0

    task = asyncio.create_task(running.worker.run())
    try:
        assert await running.worker.settle(asyncio.get_running_loop().time() + 4 * _SOON)
        known = [running.store.hub_release.get(HubKey(name, name)) for name in names]
        assert [each for each in known if each != ReleaseDrift(1)] == []
        async with asyncio.timeout(4 * _SOON):
            while looked() < 3 * len(names):
                await asyncio.sleep(0.05)
                assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    requests = running.server.requests
    assert not [r for r in requests if r.is_watch or r.is_write]
    looks = sum(r.path == f"/api/v1/namespaces/{name}/secrets" for r in requests for name in names)
    assert looks >= 3 * len(names)
    # The release once, and of each look a list and what is deployed.
    assert sum("/secrets/sh.helm." in r.path for r in requests) == len(names)
    kinds = [r for r in requests if "/namespaces/" not in r.path and "clusterroles/" not in r.path]
    gets = len(requests) - looks - len(names) - len(kinds)
    assert gets <= (looks + 1) * len(running.objects)
