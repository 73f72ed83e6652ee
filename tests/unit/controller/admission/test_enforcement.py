"""What is written to Namespaces: only what differs, only ours, and nothing at rest."""

import asyncio
import copy
from typing import Any

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.stages.namespace_stages import StagePlan
from responsibility.api.names import OWNERS_ANNOTATION, STAGE_LABEL
from responsibility.controller.admission.namespaces import Namespaces
from responsibility.controller.reporting.writer import Writer
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import FakeApi, World, failure

WANTED = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {OWNERS_ANNOTATION + "fence": "user:ann"})
PATH = "/api/v1/namespaces/prod"


class Server(FakeApi):
    """Keeps one Namespace, with what others have put there."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, str] = {"team": "blue"}
        self.annotations: dict[str, str] = {"note": "x"}
        self.merged: list[Any] = []
        self.owned: tuple[set[str], set[str]] = (set(), set())

    async def apply(self, path: str, body: Any, **_: Any) -> Any:
        self.sent += 1
        for part, error in self.failures.items():
            if part in path:
                raise error
        assert path == PATH
        meta = body["metadata"]
        assert meta["uid"] == "uid-prod"
        assert set(body) == {"apiVersion", "kind", "metadata"}
        for there, name, owned in (
            (self.labels, "labels", self.owned[0]),
            (self.annotations, "annotations", self.owned[1]),
        ):
            wanted = meta.get(name, {})
            for key in owned - set(wanted):
                there.pop(key, None)
            there.update(wanted)
            owned.clear()
            owned.update(wanted)
        return self.raw()

    async def merge(self, path: str, body: Any, **_: Any) -> Any:
        assert path == PATH
        self.merged.append(copy.deepcopy(body))
        assert body["metadata"]["uid"] == "uid-prod"
        for there, name in ((self.labels, "labels"), (self.annotations, "annotations")):
            for key, value in body["metadata"][name].items():
                assert value is None
                there.pop(key, None)
        return self.raw()

    def raw(self) -> Any:
        labels, annotations = dict(self.labels), dict(self.annotations)
        return {
            "metadata": {
                "name": "prod",
                "uid": "uid-prod",
                "labels": labels,
                "annotations": annotations,
            }
        }


class Fixture:
    """A server, a store that watches it, and the writer between them."""

    def __init__(self) -> None:
        self.api = Server()
        self.world = World(api=self.api)
        self.spaces = Namespaces(Writer(self.api, self.world.metrics))
        self.watch()

    def watch(self, **more: Any) -> None:
        thing = self.api.raw()
        thing["metadata"].update(more)
        self.world.store.namespaces._take([{"type": "MODIFIED", "object": thing}])

    async def write(self, plan: StagePlan) -> int:
        """Write once and return how many requests that took."""
        before = self.api.sent + len(self.api.merged)
        await self.spaces.write(plan, dict(self.world.store.namespaces.items))
        return self.api.sent + len(self.api.merged) - before


HOUR = 3_600
ASKED = StagePlan({"prod": WANTED}, {})
NONE = StagePlan({}, {})


@virtual
async def test_it_is_written_once_and_others_keep_theirs() -> None:
    fixture = Fixture()
    assert await fixture.write(ASKED) == 1
    assert await fixture.write(ASKED) == 0, "the watch has not brought it yet"
    fixture.watch()
    assert await fixture.write(ASKED) == 0
    assert fixture.api.labels == {"team": "blue", **WANTED.labels}
    assert fixture.api.annotations == {"note": "x", **WANTED.annotations}
    assert await fixture.write(NONE) == 1
    assert (fixture.api.labels, fixture.api.annotations) == ({"team": "blue"}, {"note": "x"})


@virtual
async def test_what_somebody_else_put_there_under_our_names_is_taken_away() -> None:
    fixture = Fixture()
    fixture.api.labels[STAGE_LABEL + "beds"] = "deny"
    fixture.api.annotations[OWNERS_ANNOTATION + "beds"] = "user:eve"
    fixture.watch()
    assert await fixture.write(ASKED) == 2
    assert fixture.api.labels == {"team": "blue", **WANTED.labels}
    assert fixture.api.annotations == {"note": "x", **WANTED.annotations}


@virtual
async def test_what_is_removed_by_hand_comes_back() -> None:
    fixture = Fixture()
    await fixture.write(ASKED)
    del fixture.api.labels[STAGE_LABEL + "fence"]
    fixture.watch()
    assert await fixture.write(ASKED) == 1
    assert fixture.api.labels[STAGE_LABEL + "fence"] == "deny"


@virtual
async def test_what_is_taken_back_before_it_was_seen_comes_back() -> None:
    """The watch brings the write and what undid it at once: nothing differs from before."""
    fixture = Fixture()
    before = dict(fixture.api.labels), dict(fixture.api.annotations)
    assert await fixture.write(ASKED) == 1
    fixture.api.labels, fixture.api.annotations = before
    fixture.watch()
    assert await fixture.write(ASKED) == 0, "it may only be late"
    await asyncio.sleep(10)
    assert await fixture.write(ASKED) == 1
    assert fixture.api.labels == {"team": "blue", **WANTED.labels}


@virtual
async def test_a_watch_that_stands_still_costs_ever_fewer_writes() -> None:
    fixture = Fixture()
    written = 0
    for _ in range(0, HOUR, 5):
        written += await fixture.write(ASKED)
        await asyncio.sleep(5)
    # After 0, 5, 15, 35 … seconds, and then every ten minutes.
    assert 2 < written < 15


@virtual
async def test_what_is_going_or_not_ours_to_say_is_left_alone() -> None:
    fixture = Fixture()
    fixture.watch(deletionTimestamp="2030-01-01T00:00:00Z")
    assert await fixture.write(ASKED) == 0
    fixture.api.labels.update(WANTED.labels)
    fixture.watch()
    assert await fixture.write(StagePlan({}, {}, frozenset({"prod"}))) == 0
    assert await fixture.write(NONE) == 2


@virtual
async def test_a_refusal_is_told_and_tried_again_only_after_a_while_or_a_change() -> None:
    fixture = Fixture()
    fixture.api.failures = {PATH: failure(403, "Forbidden", "a webhook says no")}
    assert await fixture.write(ASKED) == 1
    assert fixture.spaces.trouble("prod") == "a webhook says no"
    assert await fixture.write(ASKED) == 0
    other = StagePlan({"prod": NamespaceKeys({STAGE_LABEL + "fence": "warn"})}, {})
    assert await fixture.write(other) == 1
    fixture.spaces.retry_refused()
    fixture.api.failures = {}
    assert await fixture.write(other) == 1
    assert fixture.spaces.trouble("prod") == ""
