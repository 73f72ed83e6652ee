"""No value ever leaves the webhook for values, whatever it is sent."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
import yaml
from aiohttp import test_utils
from prometheus_client import generate_latest

from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.controller.process.webhook_server import Response, Route, application
from responsibility.hub.values.secret import KEY
from tests.unit.admission.webhooks.values_case import (
    ENGINEER,
    HUB,
    LEADER,
    MASTER,
    STRANGER,
    values,
)
from tests.unit.controller.webhooks.values_setting import CANARY, MEMORY, Setting, review, serving

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
