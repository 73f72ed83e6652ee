"""The quick client asks what the whole one asks, and leaves alone what it doesn't understand."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from responsibility.kube import errors, fast_client
from responsibility.kube.login import fast_login
from responsibility.kube.login.impersonation import NOBODY_ELSE, Impersonation
from tests.apiserver.over_http import THINGS, HttpApiServer


def kubeconfig(
    folder: Path, url: str, user: dict[str, Any] | None = None, **cluster: object
) -> Path:
    path = folder / "kubeconfig"
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def login(path: Path, acting_as: Impersonation = NOBODY_ELSE) -> fast_login.Login:
    found = fast_login.login(path, None, acting_as)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def test_a_collection_is_listed_page_by_page(tmp_path: Path, server: HttpApiServer) -> None:
    for number in range(5):
        server.put(f"thing-{number}")
    async with fast_client.FastApi.connect(
        login(kubeconfig(tmp_path, server.url)), user_agent="test"
    ) as api:
        pages = [len(page["items"]) async for page in api.pages(THINGS, limit=2)]
    assert pages == [2, 2, 1]
    assert [request.query.get("limit") for request in server.requests] == ["2"] * 3


async def test_a_review_is_sent_as_json_with_token_and_identity(
    tmp_path: Path, server: HttpApiServer
) -> None:
    server.answers["/reviews"] = lambda request: {"method": request.method}
    token = tmp_path / "token"
    token.write_text("secret\n", encoding="utf-8")
    path = kubeconfig(tmp_path, server.url, {"tokenFile": "token"})
    async with fast_client.FastApi.connect(
        login(path, Impersonation("jürgen", ("a", "b"))), user_agent="test"
    ) as api:
        assert await api.create("/reviews", {"spec": "ü"}) == {"method": "POST"}
    headers = server.requests[-1].headers
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"
    assert headers["Impersonate-User"] == "jürgen"
    assert [v for k, v in headers.items() if k == "Impersonate-Group"] == ["a", "b"]


async def test_a_refusal_is_the_same_error(tmp_path: Path, server: HttpApiServer) -> None:
    server.fail(403, "Forbidden", "no")
    async with fast_client.FastApi.connect(
        login(kubeconfig(tmp_path, server.url)), user_agent="test"
    ) as api:
        with pytest.raises(errors.ForbiddenError, match="403 Forbidden: no"):
            await api.get(THINGS)


async def test_nobody_there_is_the_same_error(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:1")
    async with fast_client.FastApi.connect(login(path), user_agent="test") as api:
        with pytest.raises(errors.UnavailableError, match="NoConnection: Connection refused"):
            await api.get(THINGS)


async def test_what_is_no_plain_answer_is_for_the_whole_client(
    tmp_path: Path, server: HttpApiServer
) -> None:
    async with fast_client.FastApi.connect(
        login(kubeconfig(tmp_path, server.url)), user_agent="test"
    ) as api:
        server.faults.append(lambda _: web.Response(status=302, headers={"Location": "/x"}))
        with pytest.raises(fast_client.UnusualError):
            await api.get(THINGS)
        server.faults.append(lambda _: web.Response(text="<html>"))
        with pytest.raises(fast_client.UnusualError):
            await api.get(THINGS)


async def test_a_connection_that_was_closed_meanwhile_is_made_again(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    made = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        # It doesn't say so, and closes: what a server that restarts does.
        writer.close()

    listening = await asyncio.start_server(once, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with fast_client.FastApi.connect(
        login(kubeconfig(tmp_path, f"http://127.0.0.1:{port}")), user_agent="test"
    ) as api:
        assert await api.get("/a") == {}
        assert await api.get("/b") == {}
    listening.close()
    assert made == 2


async def test_closing_ends_what_still_waits(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    api = fast_client.FastApi(login(kubeconfig(tmp_path, f"http://127.0.0.1:{port}")), "test")
    waiting = asyncio.create_task(api.get("/a"))
    await asked.wait()
    api.close()
    # Far sooner than the half minute that an answer may take.
    with pytest.raises(errors.UnavailableError):
        await asyncio.wait_for(waiting, 15)
    listening.close()


NOT_PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a program": ({"exec": {"command": "x"}}, {}),
    "a password": ({"username": "a", "password": "b"}, {}),
    "a token and a file of it": ({"token": "a", "tokenFile": "b"}, {}),
    "a token that ends a line": ({"token": "a\nX-Evil: b"}, {}),
    "a token file that is gone": ({"tokenFile": "gone"}, {}),
    "a proxy": ({}, {"proxy-url": "http://proxy"}),
    "another name": ({}, {"tls-server-name": "x"}),
    "data that is none": ({}, {"certificate-authority-data": "%%%"}),
    "a certificate that is none": (
        {"client-certificate-data": "eA==", "client-key-data": "eA=="},
        {},
    ),
    "a server that is none": ({}, {"server": "ftp://x"}),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_a_login_that_is_not_plain_is_for_the_official_loader(name: str, tmp_path: Path) -> None:
    user, cluster = NOT_PLAIN[name]
    path = kubeconfig(tmp_path, cluster.pop("server", "https://x"), user, **cluster)
    assert fast_login.login(path, None, NOBODY_ELSE) is None


def test_a_proxy_in_the_environment_is_heeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(tmp_path, "https://x", {"token": "t"})
    assert fast_login.login(path, None, NOBODY_ELSE) is not None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert fast_login.login(path, None, NOBODY_ELSE) is None


def test_an_unknown_context_is_for_the_official_loader(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://x", {"token": "t"})
    assert fast_login.login(path, "other", NOBODY_ELSE) is None


def test_certificates_are_checked_unless_that_is_switched_off(tmp_path: Path) -> None:
    checked = login(kubeconfig(tmp_path, "https://x")).tls
    assert checked is not None
    assert checked.check_hostname
    unchecked = login(
        kubeconfig(tmp_path, "https://x", None, **{"insecure-skip-tls-verify": True})
    ).tls
    assert unchecked is not None
    assert not unchecked.check_hostname


def test_a_key_is_never_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL is given a file that only we can read, and it is gone afterwards."""
    seen: list[tuple[Path, int]] = []

    class Context:
        check_hostname, verify_mode = True, 0

        def load_cert_chain(self, file: str) -> None:
            seen.append((Path(file), stat.S_IMODE(Path(file).stat().st_mode)))
            assert Path(file).read_text(encoding="utf-8").split() == ["cert", "key"]

    monkeypatch.setattr("ssl.create_default_context", lambda **_: Context())
    user = {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}
    login(kubeconfig(tmp_path, "https://x", user))
    ((file, mode),) = seen
    assert mode == 0o600
    assert not file.exists()
