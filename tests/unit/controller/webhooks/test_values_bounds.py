"""The webhook for values when something is slow, fails, or is too much."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from responsibility.admission.webhooks.requester import UserInfo
from tests.apiserver.requests import Refused
from tests.unit.admission.webhooks.values_case import (
    ENGINEER,
    LEADER,
    STRANGER,
    space,
)
from tests.unit.controller.webhooks.values_setting import (
    CANARY,
    MEMORY,
    SPACES,
    Here,
    Setting,
    review,
    serving,
)
from tests.unit.controller.world import RECORDS


async def test_what_is_looked_up_is_listed_once_in_a_while(setting: Setting) -> None:
    for _ in range(3):
        await setting.ask(ENGINEER, MEMORY)
    assert setting.cluster.lists == 2, "records and models"
    # But who may is read from the Namespace each time.
    setting.cluster.put_space(space(owners_kubernetes_configuration="group:leaders"))
    assert (await setting.ask(LEADER, MEMORY))["allowed"]


async def test_a_list_that_takes_too_long_is_there_for_the_next() -> None:
    hasty = Setting(budget=0.5)
    gate = hasty.cluster.hold(f"GET {RECORDS}")
    assert (await hasty.ask(LEADER, MEMORY))["allowed"]
    assert hasty.counted() == {"unjudged": 1}
    gate.open.set()
    while (await hasty.ask(LEADER, MEMORY))["allowed"]:
        assert hasty.counted()["unjudged"] < 200, "it never judged"
    assert hasty.cluster.lists == 2, "records and models, listed once"


async def test_whatever_fails_lets_through_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError(CANARY)

    setting = Setting(readers=[Here(fails)])
    setting.cluster.failures = {SPACES: Refused(503, "ServiceUnavailable", "later")}
    assert (await setting.ask(LEADER, MEMORY))["allowed"]
    setting.cluster.failures = {}
    answer = await setting.ask(LEADER, MEMORY)
    assert answer["allowed"]
    assert "could not be looked at" in answer["warnings"][0]
    assert setting.counted() == {"unjudged": 2}
    # The first was told when nobody knew of which hub it was.
    assert [(name, reason) for name, reason, _ in setting.told.events] == [
        ("reef", "ValuesUnjudged")
    ]
    assert "RuntimeError" in caplog.text
    assert CANARY not in caplog.text


async def test_an_answer_in_time_or_none(caplog: pytest.LogCaptureFixture) -> None:
    """What we are too slow for passes, whoever asks for it; then it is judged again."""
    setting = Setting(budget=0.5)
    gate = setting.cluster.hold(SPACES)
    assert (await setting.ask(LEADER, MEMORY))["allowed"]
    gate.open.set()
    for reader in setting.readers:
        assert isinstance(reader, Here)
        reader.may_read.clear()
    assert (await setting.ask(LEADER, MEMORY))["allowed"]
    assert setting.counted() == {"unjudged": 2}
    assert "not judged in time" in caplog.text
    for reader in setting.readers:
        assert isinstance(reader, Here)
        reader.may_read.set()
    async with asyncio.timeout(60):
        while (await setting.ask(LEADER, MEMORY))["allowed"]:
            pass


async def test_who_waits_behind_others_of_the_namespace_is_not_let_through_for_it() -> None:
    setting = Setting(budget=0.5)
    async with asyncio.timeout(60):
        while (await setting.ask(LEADER, MEMORY))["allowed"]:
            # Its record is being looked up.
            pass
    before = setting.counted()
    for reader in setting.readers:
        assert isinstance(reader, Here)
        reader.may_read.clear()
    people = [UserInfo(f"{LEADER.user}-{number}", LEADER.groups) for number in range(8)]
    await asyncio.gather(*(setting.ask(person, MEMORY) for person in people))
    found = setting.counted() - before
    assert found == {"too-much": 6, "unjudged": 2}


async def test_one_users_flood_is_refused_and_costs_nobody_else() -> None:
    """Dry runs count as well: whoever asks often enough must not come past."""
    reader = Here()
    reader.may_read.clear()
    setting = Setting(readers=[reader])
    flood = [
        asyncio.create_task(setting.ask(LEADER, MEMORY, dryRun=number % 2 == 0))
        for number in range(40)
    ]
    refused, _ = await asyncio.wait(flood, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    other = asyncio.create_task(setting.ask(STRANGER, MEMORY))
    await asyncio.sleep(0)
    reader.may_read.set()
    answers = [await task for task in flood]
    assert refused
    assert not any(answer["allowed"] for answer in answers)
    told = [answer["status"]["message"] for answer in answers]
    assert sum("too many changes" in text for text in told) == 36
    assert "item 14" in (await other)["status"]["message"]
    # Nothing of it stays.
    assert "item 14" in (await setting.ask(LEADER, MEMORY))["status"]["message"]


def deep(levels: int) -> str:
    return '{"f:a":' * levels + "{}" + "}" * levels


async def test_a_secret_that_nests_too_deep_in_its_metadata_is_judged(setting: Setting) -> None:
    """The API server takes ten thousand levels of managedFields."""
    odd = json.dumps(review(LEADER, MEMORY))
    metadata = f'{{"metadata": {{"managedFields": [{deep(9_000)}]}}, '
    for key in ("object", "oldObject"):
        odd = odd.replace(f'"{key}": {{', f'"{key}": {metadata}')
    async with serving(setting) as client:
        answer = json.loads(await (await client.post("/values", data=odd)).text())["response"]
    assert answer["uid"] == "1"
    assert answer["allowed"] is False
    assert "item 14" in answer["status"]["message"]


@pytest.mark.parametrize(
    "more",
    [
        f'"userInfo": {{"extra": {deep(9_000)}}}, ',
        f'"options": "{"x" * (9 * 1024 * 1024)}", ',
    ],
    ids=["deep", "large"],
)
async def test_what_cannot_be_read_for_its_size_or_depth_is_refused(
    setting: Setting, more: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = json.dumps(review(ENGINEER, MEMORY)).replace('"operation"', more + '"operation"')
    async with serving(setting) as client:
        answer = json.loads(await (await client.post("/values", data=text)).text())["response"]
    assert answer["uid"] == "1"
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 413
    assert "too large or nests too deep" in caplog.text
