"""Peers of our ports are bounded: how many, and how long each may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web

from responsibility.controller.process.connections import Limits
from responsibility.controller.process.ports import Ports

FEW = Limits(connections=5, request=0.3, answer=5.0, idle=0.3)


@asynccontextmanager
async def listening(limits: Limits) -> AsyncIterator[int]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", answer)
    async with Ports(limits).listen(app, "127.0.0.1", 0, setting="LISTEN") as port:
        yield port


async def half(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    return reader, writer


async def asked(port: int) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        return await response.text()


async def ended(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(240):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_half_requests_are_ended_and_let_others_in() -> None:
    async with listening(FEW) as port:
        first = [await half(port) for _ in range(FEW.connections)]
        # There is no room for more, which are ended at once.
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
