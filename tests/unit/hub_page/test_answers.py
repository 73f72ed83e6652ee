"""Answers that are none, of the operator and of the hub: what is told, and who is asked again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from responsibility.api.names import OPERATOR
from responsibility.hub_page import main
from responsibility.hub_page.no_page import NoPage, NoPageError
from responsibility.hub_page.pages import LASTS, Pages
from responsibility.hub_page.settings import HubPageSettings
from responsibility.hub_page.visitors import Visitors

_BEGIN = f"HTTP/1.1 200 OK\r\nServer: {OPERATOR}\r\nContent-Type: text/html\r\n".encode()
_LARGEST = 65_536
_PATIENCE = 120.0
# What is sent before the connection ends; None: nothing, and it stays.
_ODD = {
    "no answer": None,
    "no bytes": b"",
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x15\x03\x03\x00\x02\x02\x28",
    "half a header": _BEGIN,
    "no header": _BEGIN + b"nonsense\r\n\r\n",
    "no text": _BEGIN + b"X: \xff\xfe\r\nContent-Length: 10\r\n\r\n",
    "headers too large": _BEGIN + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
    "cut": _BEGIN + b"Content-Length: 100\r\n\r\n<p>",
    "said to be too large": _BEGIN + b"Content-Length: 99999999\r\n\r\n",
    "too large": _BEGIN + b"\r\n" + b"x" * 2 * _LARGEST,
    "a chunk too large": _BEGIN + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    "no chunk": _BEGIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a cut chunk": _BEGIN + b"Transfer-Encoding: chunked\r\n\r\n5\r\nx",
    "no coding": _BEGIN + b"Transfer-Encoding: odd\r\n\r\nx",
    "no length": _BEGIN + b"Content-Length: x\r\n\r\nx",
    "two lengths": _BEGIN + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "less than nothing": _BEGIN + b"Content-Length: -1\r\n\r\nx",
    "no status": b"HTTP/1.1 99999 OK\r\n\r\n",
    "a status that is none": b"HTTP/1.1 799 OK\r\nContent-Length: 0\r\n\r\n",
    "only that more comes": b"HTTP/1.1 100 Continue\r\n\r\n",
    "an error that is a number": b'HTTP/1.1 400 No\r\nContent-Length: 11\r\n\r\n{"error":5}',
}
_EACH = pytest.mark.parametrize("sent", _ODD.values(), ids=_ODD)


@pytest.fixture(autouse=True)
async def _small(monkeypatch: pytest.MonkeyPatch, sent: bytes | None) -> AsyncIterator[None]:
    """Have answers that are too large, or don't come, be so soon."""
    with monkeypatch.context() as patch:
        patch.setattr(main, "_LARGEST", _LARGEST)
        patch.setattr(main, "_ANSWER", 1.0 if sent is None else _PATIENCE)
        _bound_anew()
        yield
    _bound_anew()


def _bound_anew() -> None:
    main.bound_answers()
    # A loop has one client, with the bounds that it was made with.
    AsyncHTTPClient().close()


@dataclass
class _Answering:
    """A port at which everybody gets the same answer, for which each waits a minute."""

    sent: bytes | None
    port: int = 0
    asked: int = 0
    now: float = 1_000.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self.now += 60.0
        with contextlib.suppress(ConnectionError):
            if self.sent is None:
                await reader.read()
            else:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self.sent)
                await writer.drain()
        writer.close()

    def settings(self, directory: Path) -> HubPageSettings:
        token = directory / "token"
        token.write_text("t0ken")
        at = f"http://127.0.0.1:{self.port}"
        return HubPageSettings("prod", at, at, account=token, token=token)


@asynccontextmanager
async def _answering(sent: bytes | None) -> AsyncIterator[_Answering]:
    found = _Answering(sent)
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


async def _shown(pages: Pages, *, found: bool) -> bytes | NoPage:
    try:
        return await pages.page(found=found)
    except NoPageError as error:
        return error.why


@_EACH
@pytest.mark.parametrize("found", [False, True])
async def test_whatever_comes_of_asking_the_operator_is_told_to_all_who_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes | None, *, found: bool
) -> None:
    async with _answering(sent) as operator:
        pages = Pages(operator.settings(tmp_path), clock=lambda: operator.now)
        visitors = [_shown(pages, found=found) for _ in range(5)]
        assert await asyncio.gather(*visitors) == [NoPage.NO_OPERATOR] * 5
        assert operator.asked == 1, "each had it asked again"
        operator.now += LASTS / 2
        assert await _shown(pages, found=found) is NoPage.NO_OPERATOR
        assert operator.asked == 1
        monkeypatch.setattr(main, "_ANSWER", _PATIENCE)
        _bound_anew()
        operator.sent = _BEGIN + b"Content-Length: 3\r\n\r\n<p>"
        operator.now += LASTS
        assert await asyncio.gather(*[_shown(pages, found=found) for _ in range(5)]) == [b"<p>"] * 5
        assert operator.asked == 2


@_EACH
async def test_whatever_comes_of_asking_the_hub_nobody_is_let_in(
    tmp_path: Path, sent: bytes | None
) -> None:
    async with _answering(sent) as hub:
        visitors = Visitors.of(hub.settings(tmp_path))
        with pytest.raises(NoPageError) as refused:
            await visitors.user_for_token("of-somebody", sync=False)
        assert refused.value.why is NoPage.NO_HUB
