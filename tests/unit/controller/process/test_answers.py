"""Nothing of a request is in an answer of a port, whatever the request is."""

import asyncio
import logging

import pytest
from aiohttp import web

from responsibility.api.names import OPERATOR
from responsibility.controller.process.connections import Limits
from responsibility.controller.process.ports import Ports

SECRET = "s3cret.t0ken"  # noqa: S105 - made up


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _fails(_: web.Request) -> web.Response:
    raise RuntimeError(SECRET)


async def _refuses(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"/{request.query_string}")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\x01en\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {SECRET}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nAuthorization: Bearer {SECRET}{'x' * 20_000}\r\n\r\n", 400),
        (f"GET /{SECRET} HTTP/9\r\n\r\n", 400),
        (f"Bearer {SECRET}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {SECRET}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {SECRET}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nHost: x\r\nExpect: {SECRET}\r\n\r\n", 417),
        (f"GET /{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (f"POST /?{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (f"GET /fails?{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n", 500),
        (f"GET /refuses?{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n", 302),
        (f"GET /?{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ],
)
async def test_nothing_of_a_request_is_in_its_answer(
    sent: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = web.Application()
    app.router.add_get("/", _answer)
    app.router.add_get("/fails", _fails)
    app.router.add_get("/refuses", _refuses)
    limits = Limits(request=0.5, idle=0.5)
    headers = {"X-Frame-Options": "DENY"}
    ports = Ports(limits).listen(app, "127.0.0.1", 0, setting="X", headers=headers)
    async with ports as port, asyncio.timeout(240):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent.encode("latin-1"))
        answer = (await reader.read()).decode()
        writer.close()
    assert answer.startswith((f"HTTP/1.1 {status} ", f"HTTP/1.0 {status} "))
    assert SECRET not in answer
    assert f"\r\nServer: {OPERATOR}\r\n" in answer
    assert "\r\nX-Frame-Options: DENY\r\n" in answer
    assert ("\r\nAllow: GET,HEAD\r\n" in answer) is (status == 405)
    if status != 500:
        assert SECRET not in caplog.text
