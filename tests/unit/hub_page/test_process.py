"""The process of the page in a hub: its settings, its start, its end, and what it logs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from responsibility.hub_page.settings import HubPageSettingsError, read
from tests.unit.hub_page.setting import VISIT

_TOKEN = "t0ken-of-the-service"  # noqa: S105 - made up
_GIVEN = {
    "RECORD": "prod",
    "OPERATOR": "http://127.0.0.1:9",
    "HUB": "http://127.0.0.1:9",
    "ACCOUNT": "/nowhere/account",
    "TOKEN": "/nowhere/token",
}


def _environment(**given: str) -> dict[str, str]:
    return {f"RESPONSIBILITY_HUB_PAGE_{name}": text for name, text in {**_GIVEN, **given}.items()}


def test_a_pod_needs_few_settings() -> None:
    settings = read(_environment())
    assert (settings.host, settings.port, settings.base) == ("0.0.0.0", 8091, "/")  # noqa: S104 - as in a pod
    assert settings.prefix == "/services/responsibility-page/"
    assert settings.authority is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, "") for name in _GIVEN),
        *(("RECORD", text) for text in ("..", "a/b", "Coast", "a" * 300, "coast\n")),
        *(("OPERATOR", text) for text in ("page:80", "ftp://page", "http://", "http://a/b", "/")),
        *(("HUB", text) for text in ("http://u:p@hub", "http://hub?x", "http://hub:x", "http://[")),
        *(("BASE_URL", text) for text in ("jupyter", "/jupyter", "//evil/", "/a b/", "/?/")),
        *(("LISTEN", text) for text in ("8091", "0.0.0.0:x", ":70000")),
    ],
)
def test_a_setting_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(HubPageSettingsError, match=f"RESPONSIBILITY_HUB_PAGE_{name} "):
        read(_environment(**{name: text}))


@asynccontextmanager
async def _running(**given: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "responsibility.hub_page.main"),
        env={**os.environ, **_environment(**given)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_starts_without_a_hub_logs_no_request_and_ends_when_it_is_told(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    token = tmp_path / "token"
    token.write_text(_TOKEN)
    at = f"127.0.0.1:{unused_tcp_port}"
    async with _running(TOKEN=str(token), LISTEN=at) as process, aiohttp.ClientSession() as http:
        assert process.stderr is not None
        async with asyncio.timeout(240):
            first = await process.stderr.readline()
        assert b"the page of record prod is at /services/responsibility-page/" in first
        page = f"http://{at}/services/responsibility-page/"
        async with http.get(f"http://{at}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with http.get(page[:-1], headers=VISIT, allow_redirects=False) as answer:
            assert answer.headers["Location"].endswith("/services/responsibility-page/")
        async with http.get(page, headers=VISIT, allow_redirects=False) as answer:
            assert answer.status == 302
            state = answer.headers["Location"].rpartition("state=")[2]
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        back = f"{page}oauth_callback?code=c0de&state={state}"
        async with http.get(back, headers={**VISIT, "Cookie": cookie}) as answer:
            assert answer.status == 503
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await http.get(page, headers={**VISIT, "X-Odd": "x" * 20_000})
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            rest = (await process.stderr.read()).decode()
            assert await process.wait() == 0
    assert "the hub was asked in vain" in rest
    for secret in (_TOKEN, "c0de", state, "x" * 100):
        assert secret not in rest


async def test_without_a_token_it_says_which_file_is_meant() -> None:
    async with _running() as process:
        assert process.stderr is not None
        async with asyncio.timeout(240):
            said = (await process.stderr.read()).decode()
        assert await process.wait() == 1
    assert "error: RESPONSIBILITY_HUB_PAGE_TOKEN: /nowhere/token holds no token" in said
