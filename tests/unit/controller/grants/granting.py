"""A world with a granter, which does its rounds when a test tells it to."""

from typing import Any

from responsibility.api.names import GRANT_PREFIX
from responsibility.controller.grants.granter import Granter
from responsibility.controller.reporting.grant_status import OwnerReport
from responsibility.grants.item_roles import render
from tests.apiserver.requests import Json, Refused, Request
from tests.unit.controller.world import World, garden_world
from tests.unit.ownership.building import garden, people

ASKING = {"rbac": "grant"}
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/prod/rolebindings"
VERBS = {"POST": "create", "PATCH": "apply", "DELETE": "delete"}
NO_BIND = "user is attempting to grant RBAC permissions not currently held: {...}"


class Granting:
    """A world with a granter that does its rounds when told to, and whose watch can be slow."""

    def __init__(self, *, enabled: bool = True, **record: Any) -> None:
        self.world: World = garden_world("prod")
        self.server = self.world.server
        self.world.put_record("prod", generation=2, enforcement=ASKING, **record)
        self.slow = False
        self.held: list[tuple[str, str, Json]] = []
        self.server.listeners.append(self._watch)
        self.restart(enabled=enabled)
        for role in render(garden()).roles:
            event = {"type": "ADDED", "object": role.manifest()}
            self.world.store.cluster_roles._take([event])

    def restart(self, *, enabled: bool = True) -> None:
        self.granter = Granter(
            self.world.api,
            self.world.store,
            self.world.metrics,
            enabled=enabled,
            namespace="operator",
        )

    def _watch(self, type: str, path: str, thing: Json) -> None:
        if self.slow:
            self.held.append((type, path, thing))
        elif path.startswith(BINDINGS):
            self.world.store.bindings._take([{"type": type, "object": thing}])

    def catch_up(self) -> None:
        self.slow = False
        for change in self.held:
            self._watch(*change)

    @property
    def bindings(self) -> dict[str, Json]:
        objects = self.server.objects
        return {path: one for path, one in objects.items() if path.startswith(BINDINGS)}

    def agree(self, **record: Any) -> None:
        generation = self.server.version
        self.world.put_record("prod", generation=generation, **{"enforcement": ASKING, **record})

    async def round(self) -> list[tuple[str, str]]:
        """Assess, do what there is to do, and return what was sent: verb and item."""
        before = len(self.server.requests)
        self.granter.follow(self.world.look())
        await self.granter._round()
        return [self._sent(request) for request in self.server.requests[before:]]

    def _sent(self, request: Request) -> tuple[str, str]:
        name = request.target.rpartition("/")[2].removeprefix(GRANT_PREFIX)
        if request.method == "DELETE":
            assert request.body["preconditions"]["uid"], "only the one that was meant"
        if request.is_apply:
            assert request.body["metadata"]["uid"], "only the one that was meant"
        return VERBS[request.method], name.rpartition("-")[0]

    @property
    def told(self) -> OwnerReport:
        found = self.granter.report.of_record(self.world.look().assessment.hubs["prod"].agreement)
        assert found is not None
        return found

    def stages(self) -> dict[str, str]:
        return {item.name: item.stage for item in self.told.items.values()}

    def failing(self, verb: str, item: str, status: int, message: str = "") -> None:
        method = {sent: method for method, sent in VERBS.items()}[verb]
        part = f"{method} {BINDINGS}/{GRANT_PREFIX}{item}-"
        self.server.failures[part] = Refused(status, "Because", message)


async def granted(**record: Any) -> Granting:
    """Return a world in which all is granted: guests have the beds, the keeper the fence."""
    given = {"parties": [{"name": "guests", **people("User ann")}], **record}
    world = Granting(**given)
    assert await world.round() == [("create", "beds"), ("create", "fence")]
    return world


OTHERS = [{"name": "guests", **people("User bob")}]
