"""Peers of our ports are bounded: how many, and how long each may take."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from responsibility.controller.process.certificates import server_context
from responsibility.controller.process.connections import Limits
from responsibility.controller.process.ports import Ports

FEW = Limits(connections=5, request=0.3, answer=5.0, idle=0.3)
PATIENT = Limits(connections=4, request=600.0, answer=600.0, idle=600.0)


# Connections that are kept until a test ends.
kept: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    kept.clear()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Return what serves TLS, by a certificate of its own."""
    directory = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=page"]
    command += ["-keyout", str(directory / "tls.key"), "-out", str(directory / "tls.crt")]
    subprocess.run(command, check=True, capture_output=True)
    return server_context(directory, setting="CERTIFICATES")


def trusting() -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    return found


def sockets() -> int:
    """Return how many sockets this process has open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(each.readlink()).startswith("socket:")
    return found


async def at_once(_: web.Request) -> web.Response:
    return web.Response(text="ok")


@asynccontextmanager
async def listening(
    limits: Limits, answer: Handler = at_once, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/", answer)
    async with Ports(limits).listen(app, "127.0.0.1", 0, setting="LISTEN", tls=tls) as port:
        try:
            yield port
        finally:
            for writer in kept:
                writer.close()


async def half(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    return reader, writer


async def asked(port: int, *, tls: ssl.SSLContext | None = None) -> str:
    scheme = "http" if tls is None else "https"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{scheme}://127.0.0.1:{port}/", ssl=trusting()) as response,
    ):
        return await response.text()


async def ended(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(240):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_half_requests_are_ended_and_let_others_in() -> None:
    async with listening(FEW) as port:
        first = [await half(port) for _ in range(FEW.connections)]
        # There is no room for more: each ends another one.
        more = [await half(port) for _ in range(100)]
        for reader, _ in more:
            await ended(reader)
        for reader, _ in first:
            await ended(reader)
        assert await asked(port) == "ok"
        for _, writer in (*first, *more):
            writer.close()


async def test_whoever_sends_byte_by_byte_gets_no_more_time() -> None:
    async with listening(FEW) as port:
        reader, writer = await half(port)
        over = asyncio.create_task(ended(reader))
        async with asyncio.timeout(240):
            while not over.done():
                writer.write(b"x")
                await asyncio.sleep(0.02)
        await over
        writer.close()


async def test_a_connection_that_is_kept_for_the_next_request_is_ended_when_none_comes() -> None:
    async with listening(FEW) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"ok")
        await ended(reader)
        writer.close()


async def test_whoever_says_nothing_before_a_handshake_counts_and_is_ended(
    tls: ssl.SSLContext,
) -> None:
    async with listening(PATIENT, tls=tls) as port:
        before = sockets()
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        for reader, _ in silent[: -PATIENT.connections]:
            await ended(reader)
        # One end of each is our own.
        assert sockets() <= before + len(silent) + PATIENT.connections
        assert await asked(port, tls=tls) == "ok"
        for _, writer in silent:
            writer.close()
    async with listening(FEW, tls=tls) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, _ in silent:
            await ended(reader)
        assert await asked(port, tls=tls) == "ok"
        for _, writer in silent:
            writer.close()


async def test_what_is_no_handshake_is_ended(tls: ssl.SSLContext) -> None:
    patient = Limits(connections=2, request=600.0, answer=600.0, idle=600.0)
    async with listening(patient, tls=tls) as port:
        for sent in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03", b""):
            for _ in range(patient.connections + 1):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                if len(sent) < 5:
                    writer.write_eof()
                async with asyncio.timeout(240):
                    with suppress(ConnectionResetError):
                        # An alert, at most.
                        assert b"HTTP" not in await reader.read()
                writer.close()
        assert await asked(port, tls=tls) == "ok"


async def test_what_is_sent_with_the_end_of_the_handshake_is_answered(tls: ssl.SSLContext) -> None:
    """A client writes at once what it has to say, and all of it may come in one piece."""
    async with listening(FEW, tls=tls) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting().wrap_bio(incoming, outgoing)
        async with asyncio.timeout(240):
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65_536))
            client.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            writer.write(outgoing.read())
            answer = b""
            while not answer.endswith(b"ok"):
                with suppress(ssl.SSLWantReadError):
                    answer += client.read(65_536)
                    continue
                incoming.write(await reader.read(65_536))
        assert answer.startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def keeping(port: int, address: str = "127.0.0.1") -> asyncio.StreamReader:
    """Ask once, from an address, and keep the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    kept.append(writer)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(240):
        assert b"200 OK" in await reader.readuntil(b"ok")
    return reader


async def test_where_it_is_full_the_connection_that_waits_longest_makes_room() -> None:
    async with listening(PATIENT) as port:
        first, *others = [await keeping(port) for _ in range(PATIENT.connections)]
        assert await asked(port) == "ok"
        await ended(first)
        assert not any(reader.at_eof() for reader in others)
        # Who has been answered just now waits the shortest.
        kept[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await others[0].readuntil(b"ok")
        await keeping(port)
        await keeping(port)
        await ended(others[1])
        assert not others[0].at_eof()


async def test_nobody_alone_keeps_others_out() -> None:
    async with listening(PATIENT) as port:
        other = await keeping(port, "127.0.0.2")
        for _ in range(3 * PATIENT.connections):
            await keeping(port)
        assert not other.at_eof(), "whoever has most makes room for itself"
        third = await keeping(port, "127.0.0.3")
        silent = [await half(port) for _ in range(2 * PATIENT.connections)]
        assert await asked(port) == "ok"
        assert not other.at_eof()
        assert not third.at_eof()
        for _, writer in silent:
            writer.close()


async def test_who_is_being_answered_is_not_ended_for_another() -> None:
    gate = asyncio.Event()
    arrived = asyncio.Barrier(PATIENT.connections + 1)

    async def waiting(_: web.Request) -> web.Response:
        await arrived.wait()
        await gate.wait()
        return web.Response(text="ok")

    async with listening(PATIENT, waiting) as port:
        many = [asyncio.create_task(asked(port)) for _ in range(PATIENT.connections)]
        async with asyncio.timeout(240):
            await arrived.wait()
        reader, writer = await half(port)
        await ended(reader)
        writer.close()
        gate.set()
        assert await asyncio.gather(*many) == ["ok"] * PATIENT.connections
