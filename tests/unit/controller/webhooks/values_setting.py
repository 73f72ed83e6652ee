"""A standby that judges changes of a hub's values, and the cluster that it looks up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import test_utils

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api.names import PREFIX_ANNOTATION, RELEASE_ANNOTATION
from responsibility.api.parse import load_shipped_manifest
from responsibility.cluster.store import Store
from responsibility.controller.own_kinds import OwnKinds
from responsibility.controller.process.values_readers import Reader
from responsibility.controller.process.webhook_server import Response, Route, application
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.webhooks import values as values_reviews
from responsibility.controller.webhooks.hub_lookup import HubLookup
from responsibility.controller.webhooks.values import ValuesReviews
from responsibility.hub.values import secret as values_secret
from responsibility.hub.values.secret import SettingsDiff
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.server import ApiServer
from tests.unit.admission.webhooks.values_case import (
    space,
    values,
)
from tests.unit.controller.world import MODELS, RECORDS
from tests.unit.hub.values.values import secret

SPACES = "/api/v1/namespaces"
SPACE = f"{SPACES}/prod"
CANARY = "canary-5f0c"
MEMORY = values(singleuser__memory__limit="2G")


class Cluster(ApiServer):
    """A namespace, its record and the shipped model, as a standby looks them up."""

    def __init__(self) -> None:
        super().__init__(collections={RECORDS, MODELS})
        hub = {"namespace": "prod", "release": "prod"}
        record = {"metadata": {"name": "reef", "generation": 1}}
        self.create(RECORDS, {**record, "spec": {"hub": hub, "model": "2i2c"}}, "them")
        model = {**load_shipped_manifest(), "metadata": {"name": "2i2c", "generation": 1}}
        self.create(MODELS, model, "them")
        self.put_space()

    def put_space(self, said: NamespaceKeys | None = None, *, prefix: str = "") -> None:
        """Have the hub's Namespace say this."""
        said = said or space()
        annotations = {
            **said.annotations,
            PREFIX_ANNOTATION: prefix,
            RELEASE_ANNOTATION: "prod",
        }
        metadata = {"name": "prod", "labels": dict(said.labels), "annotations": annotations}
        self.objects[SPACE] = {"metadata": metadata}

    @property
    def lists(self) -> int:
        """How often records or models were listed."""
        return sum(request.path in self.collections for request in self.requests)


class Told:
    """Collects what is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []

    def __call__(self, obj: Mapping[str, Any], *, type: str, reason: str, message: str) -> None:
        assert type == "Warning"
        self.events.append((obj["metadata"]["name"], reason, message))


class Here(Reader):
    """Reads in this process, when it may."""

    def __init__(self, look: Callable[..., SettingsDiff] = values_secret.difference) -> None:
        super().__init__()
        self.look, self.may_read = look, asyncio.Event()
        self.may_read.set()

    async def difference(self, old: Any, new: Any) -> SettingsDiff:
        await self.may_read.wait()
        return self.look(old, new)


class Setting:
    """A standby that answers."""

    def __init__(self, budget: float = 30.0, *, readers: Sequence[Reader] | None = None) -> None:
        self.cluster, self.told, self.metrics = Cluster(), Told(), Metrics()
        api = InProcessApi(self.cluster)
        own = Store(api, relist=300)
        around = HubLookup(api, self.metrics, own_kinds=OwnKinds(own))
        announcer = Announcer(self.told)
        self.readers = [Here(), Here()] if readers is None else list(readers)
        self.reviews = ValuesReviews(
            around, self.metrics, announcer, budget=budget, readers=self.readers
        )

    async def ask(self, person: Any, new: Any, old: Any = None, **more: Any) -> Response:
        return await self.reviews.answer("", review(person, new, old, **more))

    def counted(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for family in self.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == "responsibility_values_reviews_total":
                    found[sample.labels["verdict"]] += int(sample.value)
        return found


@pytest.fixture
async def setting() -> Setting:
    return Setting()


def review(person: Any, new: Any, old: Any = None, **more: Any) -> dict[str, Any]:
    old = values() if old is None else old
    return {
        "request": {
            "uid": "1",
            "operation": "UPDATE",
            "resource": {"group": "", "version": "v1", "resource": "secrets"},
            "namespace": "prod",
            "name": "hub",
            "userInfo": {"username": person.user, "groups": list(person.groups)},
            "object": new if isinstance(new, dict) and "data" in new else secret(new),
            "oldObject": secret(old),
            **more,
        }
    }


@asynccontextmanager
async def serving(setting: Setting) -> AsyncIterator[test_utils.TestClient[Any, Any]]:
    app = application([Route("/values", setting.reviews.answer, values_reviews.UNREAD)])
    async with test_utils.TestClient(test_utils.TestServer(app)) as client:
        yield client
