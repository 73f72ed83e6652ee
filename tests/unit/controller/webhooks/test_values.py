"""The webhook for values: what it answers, counts and tells, and that no value ever leaves it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yaml
from aiohttp import test_utils
from prometheus_client import generate_latest

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.webhooks.requester import UserInfo
from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.foreign_text import harmless
from responsibility.api.names import PREFIX_ANNOTATION, RELEASE_ANNOTATION
from responsibility.api.parse import load_shipped_manifest
from responsibility.cluster.store import Store
from responsibility.controller.process.webhook_server import Response, Route, application
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.webhooks import values as values_reviews
from responsibility.controller.webhooks.hub_lookup import HubLookup
from responsibility.controller.webhooks.readers import Reader
from responsibility.controller.webhooks.values import ValuesReviews
from responsibility.hub.values import secret as values_secret
from responsibility.hub.values.secret import KEY, SettingsDiff
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Refused
from tests.apiserver.server import ApiServer
from tests.unit.admission.webhooks.values_case import (
    ENGINEER,
    HUB,
    LEADER,
    LIMITS,
    MASTER,
    STRANGER,
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
        around = HubLookup(api, self.metrics, own_kinds=own)
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


async def test_who_may_is_let_through_without_a_word(setting: Setting) -> None:
    assert await setting.ask(ENGINEER, MEMORY) == {"allowed": True}
    assert setting.told.events == []
    assert setting.counted() == {"allowed": 1}


async def test_a_refusal_is_answered_counted_and_told_of(setting: Setting) -> None:
    answer = await setting.ask(LEADER, MEMORY)
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 403
    assert "item 14" in answer["status"]["message"]
    assert answer["auditAnnotations"] == {"values": f"refused {LIMITS}"}
    assert setting.counted() == {"refused": 1}
    ((record, reason, message),) = setting.told.events
    assert (record, reason) == ("reef", "ValuesRefused")
    assert LEADER.user in message
    assert LIMITS in message
    assert "singleuser" not in message, "settings are told to those who change them"


async def test_the_same_attempt_is_told_of_once(setting: Setting) -> None:
    for _ in range(3):
        await setting.ask(LEADER, MEMORY)
    await setting.ask(STRANGER, MEMORY)
    assert len(setting.told.events) == 2
    assert setting.counted() == {"refused": 4}


async def test_what_one_user_does_to_one_item_is_told_of_once(setting: Setting) -> None:
    for size in range(2, 150):
        await setting.ask(LEADER, values(singleuser__memory__guarantee=f"{size}G"))
        await setting.ask(LEADER, values(singleuser__cpu__limit=size))
    assert len(setting.told.events) == 1
    assert setting.counted() == {"refused": 296}
    # Another item, or another user, is news.
    await setting.ask(LEADER, values(hub__db__pvc__storage="2Gi"))
    await setting.ask(STRANGER, values(singleuser__memory__guarantee="2G"))
    assert len(setting.told.events) == 3


async def test_no_name_hides_what_happened(setting: Setting) -> None:
    endless = UserInfo("x" * 5_000 + "\u202e\n", ())
    await setting.ask(endless, MEMORY)
    ((_, _, message),) = setting.told.events
    assert len(message) < 1_024
    assert LIMITS in message


async def test_no_name_of_a_setting_is_obeyed(setting: Setting) -> None:
    evil = "a\x1b[2J\u202e\nx" + "y" * 5_000
    changed = {**values(), evil: {evil: 1}}
    answer = await setting.ask(LEADER, changed)
    assert not answer["allowed"]
    message = answer["status"]["message"]
    assert harmless(message) == message
    assert len(message) < 1_024


async def test_each_use_of_the_break_glass_is_told(setting: Setting) -> None:
    await setting.ask(MASTER, MEMORY)
    await setting.ask(MASTER, MEMORY)
    await setting.ask(MASTER, values(singleuser__memory__guarantee="2G"))
    assert [event[1] for event in setting.told.events] == ["BreakGlassUsed"] * 2


async def test_a_dry_run_is_answered_and_told_nobody(setting: Setting) -> None:
    assert not (await setting.ask(LEADER, MEMORY, dryRun=True))["allowed"]
    assert (setting.told.events, setting.counted()) == ([], {})


async def test_breaking_the_glass_is_a_use_of_it(setting: Setting) -> None:
    answer = await setting.ask(MASTER, MEMORY)
    assert answer["allowed"]
    assert "break-glass: " in answer["warnings"][0]
    assert [event[1] for event in setting.told.events] == ["BreakGlassUsed"]
    text = generate_latest(setting.metrics.registry).decode()
    assert f'break_glass_uses_total{{hub="prod",hub_namespace="prod",item="{LIMITS}"}} 1' in text


@pytest.mark.parametrize(
    ("prefix", "name", "allowed"),
    [
        ("leap-", "leap-hub", False),
        ("leap-", "hub", True),
        ("", "docker-hub", True),
        ("", "hub", False),
    ],
)
async def test_only_the_hubs_own_secret_is_judged(
    setting: Setting, prefix: str, name: str, *, allowed: bool
) -> None:
    setting.cluster.put_space(prefix=prefix)
    assert (await setting.ask(LEADER, MEMORY, name=name))["allowed"] is allowed


async def test_a_hub_whose_record_is_gone_is_not_judged_and_that_is_said(setting: Setting) -> None:
    """The Namespace still says who may, but whose a setting is stands in the model."""
    setting.cluster.objects = {SPACE: setting.cluster.objects[SPACE]}
    answer = await setting.ask(LEADER, MEMORY)
    assert answer["allowed"]
    assert "could not be looked at" in answer["warnings"][0]
    assert setting.counted() == {"unjudged": 1}


async def test_what_is_looked_up_is_listed_once_in_a_while(setting: Setting) -> None:
    for _ in range(3):
        await setting.ask(ENGINEER, MEMORY)
    assert setting.cluster.lists == 2, "records and models"
    # But who may is read from the Namespace each time.
    setting.cluster.put_space(space(owners_kubernetes_configuration="group:leaders"))
    assert (await setting.ask(LEADER, MEMORY))["allowed"]


async def test_a_list_that_takes_too_long_is_there_for_the_next() -> None:
    hasty = Setting(budget=0.05)
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
    setting = Setting(budget=0.05)
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


TEXTS = {
    "a value": yaml.safe_dump(values(singleuser__memory__limit=CANARY)),
    "a value of nobody": yaml.safe_dump(values(hub__config__X={"secret": CANARY})),
    "no YAML": f"a: [{CANARY}",
    "no YAML at all": f"{CANARY}: {CANARY}: \t{CANARY}",
    "too much": f"a: &x {CANARY}\nb: *x",
    "no date": f"a: 2021-13-45\nb: {CANARY}",
    "much too much": f"{CANARY}: " + "[" * 50_000,
    "another type": CANARY,
}
ODD = [
    b"",
    CANARY.encode(),
    b'{"request": "' + CANARY.encode() + b'"',
    json.dumps({"request": CANARY}).encode(),
    json.dumps({"request": {"uid": "1", "object": CANARY, "userInfo": CANARY}}).encode(),
    json.dumps(
        {"request": {"uid": "1", "object": {"data": CANARY}, "oldObject": [CANARY]}}
    ).encode(),
    json.dumps(
        {"request": {"uid": "1", "namespace": f"a\n{CANARY}", "name": "hub", "userInfo": {}}}
    ).encode(),
    b"\xff" + CANARY.encode(),
]


@asynccontextmanager
async def serving(setting: Setting) -> AsyncIterator[test_utils.TestClient[Any, Any]]:
    app = application([Route("/values", setting.reviews.answer, values_reviews.UNREAD)])
    async with test_utils.TestClient(test_utils.TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("broken", [False, True])
async def test_no_value_is_ever_told(
    setting: Setting,
    text: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    broken: bool,
) -> None:
    """Not in answers, Events, metrics or the log; nor if we are broken ourselves."""
    caplog.set_level(logging.DEBUG)
    if broken:

        def fails(self: ValuesGuard, change: object) -> Any:
            raise KeyError(self, change, text)

        monkeypatch.setattr(ValuesGuard, "owners", fails)
    said = []
    async with serving(setting) as client:
        for person in (LEADER, ENGINEER, STRANGER, MASTER, HUB):
            for new, old in ((text, values()), (values(), text), (text, f"x: {CANARY}-2")):
                answer = await client.post("/values", json=review(person, new, old))
                assert answer.status == 200
                said.append(await answer.text())
        undecodable = {"data": {KEY: f"{CANARY}!"}}
        answer = await client.post("/values", json=review(LEADER, undecodable))
        said.append(await answer.text())
    assert len(said) == 16
    verdicts = set(setting.counted())
    assert ("unjudged" in verdicts) is broken
    assert broken or "refused" in verdicts
    metrics = generate_latest(setting.metrics.registry).decode()
    everything = "\n".join(
        [*said, str(setting.told.events), metrics, caplog.text, *capfd.readouterr()]
    )
    encoded = base64.b64encode(CANARY.encode()).decode().rstrip("=")
    assert CANARY not in everything
    assert encoded[:12] not in everything
    assert "values_reviews_total" in metrics


@pytest.mark.parametrize("body", ODD)
async def test_what_is_no_review_is_let_through(
    setting: Setting, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(setting) as client:
        answer = await client.post("/values", data=body)
        text = await answer.text()
    assert json.loads(text)["response"]["allowed"] is True
    assert CANARY not in text + caplog.text + str(setting.told.events)


async def test_the_words_of_an_error_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(item: str, review: object) -> Response:
        del item, review
        raise RuntimeError(CANARY)

    caplog.set_level(logging.DEBUG)
    app = application([Route("/values", fails)])
    async with test_utils.TestClient(test_utils.TestServer(app)) as client:
        answer = await client.post("/values", json=review(LEADER, MEMORY))
        text = await answer.text()
    assert json.loads(text)["response"] == {"allowed": True, "uid": "1"}
    assert "RuntimeError" in caplog.text
    assert CANARY not in text + caplog.text
