"""An operator's world in one process: objects that are applied to, and no network at all."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import yaml

from responsibility.api.names import MANAGED_LABEL
from responsibility.cluster.store import Store
from responsibility.controller.capabilities import Capabilities
from responsibility.controller.process.settings import Settings
from responsibility.controller.publish import Publisher
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass
from responsibility.kube.cache import CacheChange
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.managed_namespaces import MANAGED
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Json
from tests.apiserver.server import ApiServer, Write
from tests.unit.ownership.building import GARDEN, KEEPERS, NOW, Grant

RECORDS = "/apis/responsibility.2i2c.org/v1alpha1/responsibilities"
MODELS = "/apis/responsibility.2i2c.org/v1alpha1/responsibilitymodels"
OURS = "responsibility.2i2c.org/"


@dataclass(frozen=True, slots=True)
class Event:
    """What was told about an object."""

    name: str
    type: str
    reason: str
    message: str


@dataclass
class World:
    """A store fed by hand, and what the operator makes of it."""

    annotate: bool = True
    now: datetime = NOW
    server: ApiServer = field(default_factory=ApiServer)
    metrics: Metrics = field(default_factory=Metrics)
    told: list[Event] = field(default_factory=list)
    # How often what was refused was to be tried again.
    retries: int = 0

    def __post_init__(self) -> None:
        self.api = InProcessApi(self.server)
        self.store = Store(self.api, relist=300)
        self.store.rbac_enforced = True
        self.restart()

    def restart(self) -> None:
        """Begin with an operator that remembers nothing."""
        self.assessor = Assessor()
        settings = Settings(annotate=self.annotate)
        self.capabilities = Capabilities.build(
            settings,
            self.api,
            self.store,
            self.metrics,
            on_rights_granted=self._rights_granted,
            announcer=Announcer(self._tell),
        )
        self.publisher = Publisher(
            self.store, self.metrics, settings=settings, capabilities=self.capabilities
        )

    def _rights_granted(self) -> None:
        self.retries += 1
        self.publisher.retry_refused()

    def _tell(self, obj: Mapping[str, Any], *, type: str, reason: str, message: str) -> None:
        self.told.append(Event(obj["metadata"]["name"], type, reason, message))

    def put_model(self, *, generation: int = 1, **spec: Any) -> None:
        manifest = yaml.safe_load(GARDEN)
        manifest["metadata"]["generation"] = generation
        manifest["spec"].update(spec)
        self._put_own(MODELS, manifest)

    def put_record(
        self,
        name: str = "prod",
        *,
        generation: int = 1,
        uid: str = "",
        **spec: Any,
    ) -> None:
        manifest = {
            "apiVersion": "responsibility.2i2c.org/v1alpha1",
            "kind": "Responsibility",
            "metadata": {
                "name": name,
                "generation": generation,
                "creationTimestamp": "2029-01-01T00:00:00Z",
            },
            "spec": {"hub": {"namespace": name}, "model": "garden", **spec},
        }
        if uid:
            manifest["metadata"]["uid"] = uid  # type: ignore[index]  # it is a map
        self._put_own(RECORDS, manifest)

    def _put_own(self, collection: str, manifest: Json) -> None:
        name = manifest["metadata"]["name"]
        path = f"{collection}/{name}"
        self.server.version += 1
        manifest["metadata"] = {
            "uid": f"uid-{name}",
            **manifest["metadata"],
            "resourceVersion": str(self.server.version),
        }
        old = self.server.objects.get(path)
        if old is not None and old["metadata"]["uid"] == manifest["metadata"]["uid"]:
            manifest["status"] = old.get("status", {})
        self.server.objects[path] = manifest
        self._own(collection).put(copy.deepcopy(manifest))

    def _own(self, collection: str) -> Any:
        return self.store.records if collection == RECORDS else self.store.models

    def delete_record(self, name: str = "prod") -> None:
        self.store.records.drop(self.server.objects.pop(f"{RECORDS}/{name}"))

    def put_hub(self, namespace: str = "prod", *names: str, **annotations: str) -> None:
        """Deploy a hub; without names, just the hub itself."""
        for name in names or ("hub",):
            self.put_deployment(namespace, name, annotations)
        self.put_namespace(namespace)

    def put_namespace(self, name: str, *, managed: bool = True) -> None:
        labels = {MANAGED_LABEL: MANAGED} if managed else {}
        meta = {"name": name, "resourceVersion": "1", "labels": labels}
        self.store.namespaces._take([{"type": "ADDED", "object": {"metadata": meta}}])

    def put_release(self, namespace: str, release: str) -> None:
        """Deploy a hub by a release that isn't called like its namespace."""
        self.put_deployment(namespace, "hub", {}, release=release)
        self.put_namespace(namespace)

    def put_deployment(
        self, namespace: str, name: str, annotations: Mapping[str, str], *, release: str = ""
    ) -> None:
        labels = {"app": "jupyterhub", "component": name, "release": release or namespace}
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        uid = f"uid-{namespace}-{name}"
        self.server.objects[path] = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": uid,
                "resourceVersion": "1",
                "labels": labels,
                "annotations": dict(annotations),
            }
        }
        self.watch_deployments()

    def watch_deployments(self) -> None:
        """Let the watch bring every Deployment as it is."""
        things = [o for path, o in self.server.objects.items() if "/deployments/" in path]
        events = [{"type": "MODIFIED", "object": copy.deepcopy(thing)} for thing in things]
        self.store.deployments._take(events)

    def delete_hub(self, namespace: str = "prod") -> None:
        gone = [p for p in self.server.objects if f"/{namespace}/deployments/" in p]
        events = [{"type": "DELETED", "object": self.server.objects.pop(path)} for path in gone]
        self.store.deployments._take(events)

    def watch_own(self) -> None:
        """Let the watch bring our own objects as they are."""
        for path, thing in self.server.objects.items():
            if path.startswith((RECORDS, MODELS)):
                self._own(path.rpartition("/")[0]).put(copy.deepcopy(thing))

    def allow(self, *grants: Grant) -> None:
        self.store._on_roles(CacheChange({role.key: role for role, _ in grants}, frozenset()))
        self.store._on_bindings(CacheChange({b.key: b for _, b in grants}, frozenset()))

    def forbid(self, *grants: Grant) -> None:
        self.store._on_bindings(CacheChange({}, frozenset(b.key for _, b in grants)))

    def look(self) -> Pass:
        self.store.begin()
        moment = self.store.moment(self.now)
        return Pass(moment, self.assessor.assess(moment.snapshot))

    async def publish(self, *, after: float = 1.0) -> bool:
        """Do one pass, ``after`` so many seconds, and let the watches bring what it wrote."""
        self.now += timedelta(seconds=after)
        complete = await self.publisher.publish(self.look())
        self.watch_deployments()
        self.watch_own()
        return complete

    async def writes(self) -> list[Write]:
        """Do one pass and return what it wrote."""
        before = len(self.server.writes)
        await self.publish()
        return self.server.writes[before:]

    def status(self, name: str = "prod") -> Json:
        found: Json = self.server.objects[f"{RECORDS}/{name}"].get("status", {})
        return found

    def model_status(self) -> Json:
        found: Json = self.server.objects[f"{MODELS}/garden"].get("status", {})
        return found

    def condition(self, type: str, name: str = "prod") -> Json:
        return next(c for c in self.status(name)["conditions"] if c["type"] == type)


def garden_world(*namespaces: str, grants: Iterable[Grant] = KEEPERS, **more: Any) -> World:
    """Return a world with a model, a hub and a record for each namespace, and these grants."""
    world = World(**more)
    world.put_model()
    for namespace in namespaces or ("prod",):
        world.put_hub(namespace)
        world.put_record(namespace)
    world.allow(*grants)
    return world
