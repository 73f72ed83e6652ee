"""What is written to Namespaces: only what differs, only ours, and nothing at rest."""

import asyncio
import copy
from typing import Any

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.stages.namespace_stages import StagePlan
from responsibility.api.names import OWNERS_ANNOTATION, STAGE_LABEL
from responsibility.controller.admission.namespaces import Namespaces
from responsibility.controller.reporting.writer import Writer
from tests.apiserver.requests import Refused
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import World

WANTED = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {OWNERS_ANNOTATION + "fence": "user:ann"})
PATH = "/api/v1/namespaces/prod"


class Fixture:
    """A Namespace with what others put there, a store that watches it, and the writer."""

    def __init__(self) -> None:
        self.world = World()
        self.server = self.world.server
        meta = {"name": "prod", "uid": "uid-prod"}
        self.server.objects[PATH] = {
            "metadata": {**meta, "labels": {"team": "blue"}, "annotations": {"note": "x"}}
        }
        self.spaces = Namespaces(Writer(self.world.api, self.world.metrics))
        self.watch()

    @property
    def labels(self) -> dict[str, str]:
        return self._metadata("labels")

    @property
    def annotations(self) -> dict[str, str]:
        return self._metadata("annotations")

    def _metadata(self, name: str) -> dict[str, str]:
        found: dict[str, str] = self.server.objects[PATH]["metadata"][name]
        return found

    def watch(self, **more: Any) -> None:
        thing = copy.deepcopy(self.server.objects[PATH])
        thing["metadata"].update(more)
        self.world.store.namespaces._take([{"type": "MODIFIED", "object": thing}])

    async def write(self, plan: StagePlan) -> int:
        """Write once and return how many requests that took."""
        before = len(self.server.requests)
        await self.spaces.write(plan, dict(self.world.store.namespaces.items))
        sent = self.server.requests[before:]
        for request in sent:
            assert (request.method, request.path) == ("PATCH", PATH)
            assert request.body["metadata"]["uid"] == "uid-prod"
            assert set(request.body) <= {"apiVersion", "kind", "metadata"}
        return len(sent)


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
    assert fixture.labels == {"team": "blue", **WANTED.labels}
    assert fixture.annotations == {"note": "x", **WANTED.annotations}
    assert await fixture.write(NONE) == 1
    assert (fixture.labels, fixture.annotations) == ({"team": "blue"}, {"note": "x"})


@virtual
async def test_what_somebody_else_put_there_under_our_names_is_taken_away() -> None:
    fixture = Fixture()
    fixture.labels[STAGE_LABEL + "beds"] = "deny"
    fixture.annotations[OWNERS_ANNOTATION + "beds"] = "user:eve"
    fixture.watch()
    assert await fixture.write(ASKED) == 2
    assert fixture.labels == {"team": "blue", **WANTED.labels}
    assert fixture.annotations == {"note": "x", **WANTED.annotations}


@virtual
async def test_what_is_removed_by_hand_comes_back() -> None:
    fixture = Fixture()
    await fixture.write(ASKED)
    del fixture.labels[STAGE_LABEL + "fence"]
    fixture.watch()
    assert await fixture.write(ASKED) == 1
    assert fixture.labels[STAGE_LABEL + "fence"] == "deny"


@virtual
async def test_what_is_taken_back_before_it_was_seen_comes_back() -> None:
    """The watch brings the write and what undid it at once: nothing differs from before."""
    fixture = Fixture()
    before = copy.deepcopy(fixture.server.objects[PATH])
    assert await fixture.write(ASKED) == 1
    fixture.server.objects[PATH] = before
    fixture.watch()
    assert await fixture.write(ASKED) == 0, "it may only be late"
    await asyncio.sleep(10)
    assert await fixture.write(ASKED) == 1
    assert fixture.labels == {"team": "blue", **WANTED.labels}


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
    fixture.labels.update(WANTED.labels)
    fixture.watch()
    assert await fixture.write(StagePlan({}, {}, frozenset({"prod"}))) == 0
    assert await fixture.write(NONE) == 2


@virtual
async def test_a_refusal_is_told_and_tried_again_only_after_a_while_or_a_change() -> None:
    fixture = Fixture()
    fixture.server.failures = {PATH: Refused(403, "Forbidden", "a webhook says no")}
    assert await fixture.write(ASKED) == 1
    assert fixture.spaces.trouble("prod") == "a webhook says no"
    assert await fixture.write(ASKED) == 0
    other = StagePlan({"prod": NamespaceKeys({STAGE_LABEL + "fence": "warn"})}, {})
    assert await fixture.write(other) == 1
    fixture.spaces.retry_refused()
    fixture.server.failures = {}
    assert await fixture.write(other) == 1
    assert fixture.spaces.trouble("prod") == ""
