"""Editions: all replicas say the same, each page is written once, and what is old says so."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from responsibility.cluster.store import Store
from responsibility.controller.own_kinds import OwnKinds
from responsibility.controller.page import editions
from responsibility.controller.page.editions import Edition, Printed, edition_of
from responsibility.kube import errors
from responsibility.ownership.claims import HUB_CLAIMED
from tests.apiserver.requests import Refused
from tests.unit.controller.page.setting import EVE, OPS, site
from tests.unit.controller.published import STRANGER
from tests.unit.controller.world import RECORDS, World
from tests.unit.ownership.building import NOW
from tests.unit.web.reading import read

PROD = "/hub-prod.html"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Return which pages are written, each time that one is."""
    found: list[tuple[str, bool]] = []
    write = Edition.write

    def counted(
        edition: Edition,
        record: str,
        *,
        found: bool,
        in_hub: bool = False,
        own: frozenset[str] = frozenset(),
    ) -> Printed | None:
        pages.append((record, found))
        return write(edition, record, found=found, in_hub=in_hub, own=own)

    pages = found
    monkeypatch.setattr(Edition, "write", counted)
    return found


async def test_a_replica_that_leads_and_one_that_stands_by_say_the_same() -> None:
    said = []
    for leading in (True, False):
        async with site(leading=leading) as served:
            said.append([(await served.get(p, OPS)).text for p in ("/", PROD, "/hub-coast.html")])
            lists = [r for r in served.world.server.requests if r.path == RECORDS]
            assert bool(lists) is not leading, "the one that leads is told"
    assert said[0] == said[1]


async def test_a_page_is_written_once_however_often_it_is_asked_for(
    written: list[tuple[str, bool]],
) -> None:
    async with site() as served:
        many = [served.get(path, token) for path in ("/", PROD) for token in ("", OPS)] * 20
        await asyncio.gather(*many)
        assert sorted(written) == [("", False), ("", True), ("prod", False), ("prod", True)]
        served.clock.seconds += 30
        await served.get("/")
        assert len(written) == 4, "nothing is newer"
        served.clock.seconds += 31
        await served.get("/")
        assert len(written) == 5, "days go by"


async def test_pages_that_are_kept_are_few(
    written: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "_KEPT", 2)
    async with site("prod", "coast", "reef") as served:
        for name in ("prod", "coast", "reef", "reef", "prod"):
            assert (await served.get(f"/hub-{name}.html")).status == 200
        for number in range(20):
            assert (await served.get(f"/hub-none{number}.html")).status == 404
        assert (await served.get("/hub-prod.html")).status == 200
    assert [record for record, _ in written if not record.startswith("none")] == [
        *("prod", "coast", "reef", "prod"),
    ]


async def test_what_the_operator_publishes_next_shows_at_the_next_look() -> None:
    async with site(leading=True) as served:
        assert EVE in (await served.get(PROD, OPS)).text
        served.world.forbid(STRANGER)
        await served.world.publish()
        served.world.watch_own()
        assert EVE in (await served.get(PROD, OPS)).text
        served.clock.seconds += 5
        assert EVE not in (await served.get(PROD, OPS)).text


async def test_while_the_api_server_is_away_the_last_edition_says_since_when() -> None:
    async with site() as served:
        assert "may be old" not in (await served.get("/")).text
        served.world.server.failures[f"GET {RECORDS}"] = Refused(503, "ServiceUnavailable")
        served.clock.seconds += 600
        for path in ("/", PROD):
            answer = await served.get(path)
            assert answer.status == 200
            words = "What follows may be old: the operator has not been able to ask the API server"
            assert words in " ".join(read(answer.text).shown.split())
        served.world.server.failures.clear()
        served.clock.seconds += 600
        assert "may be old" not in (await served.get("/")).text


async def test_before_anything_could_be_read_it_says_so() -> None:
    async with site() as served:
        served.world.server.failures[f"GET {RECORDS}"] = Refused(0, "Unreachable")
        answer = await served.get("/")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        served.world.server.failures.clear()
        served.clock.seconds += 5
        assert (await served.get("/")).status == 200


@pytest.mark.parametrize(
    "error",
    [errors.ApiError(403, "Forbidden", "no", "GET", RECORDS), TimeoutError(), KeyError()],
)
@pytest.mark.parametrize("before", [True, False])
async def test_whatever_goes_wrong_is_tried_again_after_a_pause_and_told_once(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    *,
    before: bool,
) -> None:
    tried = []

    async def fails(_: OwnKinds) -> Store:
        tried.append(error)
        raise error

    async with site() as served:
        if before:
            await served.get("/")
            served.clock.seconds += 5
        with monkeypatch.context() as failing:
            failing.setattr(OwnKinds, "known", fails)
            for looks in (1, 2):
                for _ in range(3):
                    answers = await asyncio.gather(*(served.get("/") for _ in range(3)))
                    assert {each.status for each in answers} == {200 if before else 503}
                    if before:
                        assert all("may be old" in each.text for each in answers)
                assert len(tried) == looks
                served.clock.seconds += 5
        told = [each for each in caplog.records if each.name == editions.__name__]
        assert len(told) == 1
        answer = await served.get("/")
        assert answer.status == 200
        assert "may be old" not in answer.text


async def test_a_look_that_takes_long_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "_PATIENCE", 0.05)
    async with site() as served:
        before = await served.get("/")
        gate = served.world.server.hold(f"GET {RECORDS}")
        served.clock.seconds += 60
        served.world.put_record("reef")
        assert (await served.get("/")).text == before.text
        assert gate.arrived.is_set()
        gate.open.set()
        async with asyncio.timeout(240):
            while "reef" not in (await served.get("/")).text:
                pass


async def test_what_the_operator_had_not_heard_of_is_said() -> None:
    def old(world: World) -> None:
        status: Any = world.server.objects[f"{RECORDS}/prod"]["status"]
        (ready,) = [each for each in status["conditions"] if each["type"] == "Ready"]
        ready.update(status="Unknown", reason="Stale", message="not heard of: roles since noon")

    async with site(change=old) as served:
        text = (await served.get(PROD, OPS)).text
        assert "may be old: the operator has not heard of: roles since noon." in text


async def test_a_record_or_status_that_cannot_be_read_costs_that_one_only() -> None:
    def broken(world: World) -> None:
        world.server.objects[f"{RECORDS}/prod"]["status"]["items"] = "all"
        world.server.objects[f"{RECORDS}/coast"]["spec"]["hub"] = 7

    async with site("prod", "coast", "reef", change=broken) as served:
        for token in ("", OPS):
            assert (await served.get("/hub-reef.html", token)).status == 200
            for broken_one in ("/hub-coast.html", PROD):
                assert (await served.get(broken_one, token)).status == 404
            index = (await served.get("/", token)).text
            assert "not been able to read coast, prod" in index


@pytest.mark.parametrize("older_says", [True, False])
async def test_of_two_records_about_one_hub_the_page_shows_the_one_that_speaks_for_it(
    *, older_says: bool
) -> None:
    world = World()
    world.put_model()
    world.put_release("prod", "spring")
    said = {"namespace": "prod", "release": "spring"}
    for name, says in (("first", older_says), ("second", not older_says)):
        # Of the same age, the first by name is the older one.
        world.put_record(name, hub=said if says else {"namespace": "prod"})
    for _ in range(2):
        await world.publish()
    assert world.status("second")["conditions"][0]["reason"] == HUB_CLAIMED
    assert shown(world) == {"first": "prod/spring"}
    # Whoever waits is none to come after it.
    world.delete_record("first")
    await world.publish()
    assert shown(world) == {}


async def test_a_hub_that_is_not_there_hides_none_that_is() -> None:
    world = World()
    world.put_model()
    world.put_release("prod", "spring")
    world.put_record("gone", hub={"namespace": "prod", "release": "prod"})
    world.put_record("there", hub={"namespace": "prod"})
    for _ in range(2):
        await world.publish()
    assert shown(world) == {"gone": "prod/prod", "there": "prod/spring"}


def shown(world: World) -> dict[str, str]:
    """Return the hubs of which the page tells, by record."""
    store = world.store
    edition = edition_of(store.records.items, store.models.items, NOW)
    return {name: str(hub.agreement.hub) for name, hub in edition.assessment.hubs.items()}


async def test_what_others_wrote_stays_text() -> None:
    evil = "<script>alert(1)</script>"

    def named(world: World) -> None:
        world.put_record("prod", hub={"namespace": "prod", "displayName": evil})
        status: Any = world.server.objects[f"{RECORDS}/prod"]["status"]
        for cause in status["causes"]:
            cause.update(message=evil, remedy=evil, contact=f"javascript:{evil}@")

    async with site(change=named) as served:
        for token in ("", OPS):
            page = read((await served.get(PROD, token)).text)
            assert page.all("script") == []
            assert evil in page.shown
            addresses = [str(each["href"]) for each in page.all("a")]
            assert all(re.match(r"#|\./|mailto:|https?:", address) for address in addresses)
