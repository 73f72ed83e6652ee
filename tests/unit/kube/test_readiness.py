"""Waiting says what it waits for, once for each reason, and ends when told."""

import logging

import pytest
from aiohttp import web

from responsibility.kube import errors
from responsibility.kube import readiness as waiting
from responsibility.kube.client import Api
from tests.apiserver.over_http import HttpApiServer
from tests.apiserver.requests import refusal

CRDS = ["hubs.example.org", "crews.example.org"]


class FakeTime:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_waits_until_the_server_is_ready(
    api: Api, server: HttpApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    time = FakeTime()
    for _ in range(5):
        server.fail(500, "InternalError", "etcd is not there")
    server.fail(429, "TooManyRequests")
    server.answers["/readyz"] = lambda _: {}
    with caplog.at_level(logging.INFO):
        await waiting.wait_for_server(api, clock=time.clock, sleep=time.sleep)
    ours = [record for record in caplog.records if record.name == waiting.logger.name]
    told = [record.getMessage() for record in ours]
    assert len(told) == 3, "one line a reason, and one when it is there"
    assert "etcd is not there" in told[0]
    assert "429" in told[1]
    assert told[2].endswith("ready")


async def test_a_closed_readyz_is_no_obstacle(api: Api, server: HttpApiServer) -> None:
    server.answers["/readyz"] = lambda _: refusal(403, "Forbidden")
    server.answers["/version"] = lambda _: {}
    await waiting.wait_for_server(api)


async def test_a_deadline_ends_with_the_last_reason(api: Api, server: HttpApiServer) -> None:
    time = FakeTime()
    server.answers["/readyz"] = lambda _: refusal(503, "ServiceUnavailable", "starting")
    with pytest.raises(errors.UnavailableError, match="starting"):
        await waiting.wait_for_server(api, deadline=30, clock=time.clock, sleep=time.sleep)
    assert 28 < time.now <= 30


async def test_waits_until_all_kinds_are_served(
    api: Api, server: HttpApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    time = FakeTime()

    async def install_next(seconds: float) -> None:
        await time.sleep(seconds)
        if "/apis/example.org" not in server.answers:
            server.answers["/apis/example.org"] = lambda _: {
                "versions": [{"groupVersion": "example.org/v1"}]
            }
            server.answers["/apis/example.org/v1"] = lambda _: {"resources": [{"name": "hubs"}]}
        else:
            server.answers["/apis/example.org/v1"] = lambda _: {
                "resources": [{"name": "hubs"}, {"name": "hubs/status"}, {"name": "crews"}]
            }

    await waiting.wait_for_crds(api, CRDS, clock=time.clock, sleep=install_next)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 2
    assert "crews.example.org, hubs.example.org" in told[0]
    assert "hubs.example.org" not in told[1]


ODD = {"HTML": "<html></html>", "nothing": "", "a number": "7", "other JSON": '{"items": "none"}'}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("path", ["/apis/example.org", "/apis/example.org/v1"])
async def test_an_answer_that_is_none_does_not_say_that_kinds_are_gone(
    api: Api, server: HttpApiServer, path: str, odd: str
) -> None:
    server.answers["/apis/example.org"] = lambda _: {
        "versions": [{"groupVersion": "example.org/v1"}]
    }
    server.answers[path] = lambda _: web.Response(text=odd, content_type="text/html")
    with pytest.raises(errors.ApiError, match="what came is not"):
        await waiting.missing_crds(api, CRDS)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_answer_that_is_none_is_no_object(
    api: Api, server: HttpApiServer, odd: str
) -> None:
    server.answers["/thing"] = lambda _: web.Response(text=odd, content_type="text/html")
    with pytest.raises(errors.ApiError, match="what came is not an object"):
        await api.get_object("/thing")


async def test_kinds_that_never_come_are_named(api: Api) -> None:
    time = FakeTime()
    with pytest.raises(errors.UnavailableError, match=r"hubs\.example\.org"):
        await waiting.wait_for_crds(api, CRDS, deadline=10, clock=time.clock, sleep=time.sleep)
