"""Who administers a hub: a real JupyterHub, asked by a real operator, and told in its statuses."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.operator.hubs import asking_hubs
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import SOON, World, hub, record, record_path
from tests.unit.controller.hub_admins.real_hub import RealHub, real_hub

PROGRAM = asking_hubs.__name__
SETTINGS = {"HUB_SECONDS": "1", "CLUSTER_DOMAIN": "cluster.local"}
COMMUNITY = {"name": "community", "hubUsers": ["Ann"], "contact": {"email": "c@example.org"}}


class Hub:
    """A hub that runs beside the test, in an event loop of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.real: RealHub | None = None

    def _run(self) -> None:
        async def run() -> None:
            try:
                async with self._hub() as self.real:
                    self._started.set()
                    await self._end.wait()
            finally:
                self._started.set()

        self._loop.run_until_complete(run())

    @asynccontextmanager
    async def _hub(self) -> AsyncIterator[RealHub]:
        # The setup's own service is told as the admin that it is.
        async with real_hub(self._directory, admins=("ann",)) as found:
            yield found

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Make a request as an admin of the hub."""
        assert self.real is not None
        work = asyncio.run_coroutine_threadsafe(self.real.ask(method, path, body), self._loop)
        return work.result(60)

    def __enter__(self) -> Hub:
        self._thread.start()
        self._started.wait()
        assert self.real is not None
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


@pytest.fixture(scope="module", name="jupyterhub")
def _jupyterhub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with Hub(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory that stands for the mounted Secret."""
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def operator(world: World, jupyterhub: Hub, tokens: Path) -> Iterator[Operator]:
    for name in ("coast", "lake"):
        world.admin.apply(*hub(name))
        world.admin.apply(record(name, parties=[{**COMMUNITY, "hubServices": ["setup"]}]))
    assert jupyterhub.real is not None
    (tokens / "coast.coast").write_text(jupyterhub.real.token)
    ports = json.dumps(dict.fromkeys(("coast", "lake"), jupyterhub.real.address.port))
    settings = {**SETTINGS, "HUB_TOKENS": str(tokens), "TEST_HUB_PORTS": ports}
    with world.operator(settings=settings, program=PROGRAM) as running:
        yield running


def _found(world: World, name: str) -> dict[str, str]:
    """Return what is said about admins of a hub: kinds, with the messages."""
    causes = world.causes(name)
    return {c["message"]: c["kind"] for c in causes if c["kind"].startswith("hub-admin")}


def _item(world: World, name: str) -> dict[str, Any]:
    return world.items(name).get("user-access", {})


@pytest.mark.usefixtures("operator")
def test_a_hub_whose_admins_are_as_agreed_was_looked_at(world: World) -> None:
    world.until(lambda: "jupyterhub" in _item(world, "coast").get("checked", []), "a look inside")
    world.until(lambda: _item(world, "coast").get("state") == "ok", "all to be as agreed")
    assert _found(world, "coast") == {}


@pytest.mark.usefixtures("operator")
def test_one_without_a_token_is_unknown_and_says_why(world: World) -> None:
    world.until(lambda: _found(world, "lake"), "a finding")
    [(message, kind)] = _found(world, "lake").items()
    assert kind == "hub-admins-unknown"
    assert "there is no token for it (the Secret has no key lake.lake)" in message
    assert _item(world, "lake")["state"] == "unknown"


def test_who_was_made_one_on_the_admin_page_is_found_and_its_end_as_well(
    world: World, jupyterhub: Hub, operator: Operator
) -> None:
    jupyterhub.ask("POST", "/users", {"usernames": ["leaver7f3a"], "admin": True})
    world.until(lambda: "hub-admin-excess" in _found(world, "coast").values(), "the leaver", SOON)
    [(message, _)] = _found(world, "coast").items()
    assert message.startswith("leaver7f3a, a user of the hub, is an admin there (in its database")
    [cause] = world.causes("coast", kind="hub-admin-excess")
    assert cause["items"] == ["user-access"]
    assert cause["contact"] == "Community: c@example.org"
    assert operator.metrics().total("drift", hub="coast", kind="hub-admin-excess") == 1
    world.until(
        lambda: any("leaver7f3a" in e["message"] for e in world.events("coast")), "an Event"
    )
    jupyterhub.ask("PATCH", "/users/leaver7f3a", {"admin": False})
    world.until(lambda: not _found(world, "coast"), "the end of it", SOON)


def test_an_owner_whose_names_are_no_admins_is_told(world: World, jupyterhub: Hub) -> None:
    jupyterhub.ask("PATCH", "/users/ann", {"admin": False})
    world.until(lambda: "hub-admin-missing" in _found(world, "coast").values(), "the owner", SOON)
    jupyterhub.ask("PATCH", "/users/ann", {"admin": True})
    world.until(lambda: not _found(world, "coast"), "the end of it", SOON)


def test_a_token_that_ends_leaves_nothing_that_is_fine(
    world: World, tokens: Path, operator: Operator, jupyterhub: Hub
) -> None:
    assert jupyterhub.real is not None
    own = jupyterhub.real.token
    (tokens / "coast.coast").write_text("0" * 64)
    world.until(lambda: "hub-admins-unknown" in _found(world, "coast").values(), "it", SOON)
    assert _item(world, "coast")["state"] == "unknown"
    assert "jupyterhub" not in _item(world, "coast").get("checked", [])
    # Its own token, and that of a hub that isn't asked by it: neither is used.
    (tokens / "lake.lake").write_text(own)
    (tokens / "coast.coast").write_text(own)
    shared = "its token is another hub's as well"
    world.until(lambda: any(shared in message for message in _found(world, "coast")), shared, SOON)
    (tokens / "lake.lake").unlink()
    world.until(lambda: not _found(world, "coast"), "the end of it", SOON)
    # Whatever was found: nobody's name is in the log or the metrics, and no token anywhere.
    everywhere = [operator.log, operator.page("/metrics")[1]]
    everywhere += [json.dumps(world.admin.get(record_path(name))) for name in ("coast", "lake")]
    everywhere += [json.dumps(event) for name in ("coast", "lake") for event in world.events(name)]
    assert not [text for text in everywhere if own in text or "0" * 64 in text]
    assert "leaver7f3a" not in "".join(everywhere[:2])
