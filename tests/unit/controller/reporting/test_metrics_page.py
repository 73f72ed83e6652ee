"""The page is what all metrics are, however old its rendered part; and it is rendered once."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import fields

import pytest
from aiohttp import ClientSession
from prometheus_client import generate_latest

from responsibility.controller.process import health
from responsibility.controller.process.container_memory import ContainerMemory
from responsibility.controller.process.ports import Ports
from responsibility.controller.reporting.metrics_collector import FindingsCollector, MetricsState
from responsibility.controller.reporting.metrics_page import MetricsPage
from tests.unit.controller.reporting.busy import busy
from tests.unit.controller.world import World


async def text(page: MetricsPage, *, compressed: bool = False) -> list[str]:
    found = await page.render(compressed=compressed)
    body = b"".join(found.chunks())
    assert len(body) == len(found)
    return sorted((gzip.decompress(body) if compressed else body).decode().splitlines())


def all_metrics(world: World) -> list[str]:
    return sorted(generate_latest(world.metrics.registry).decode().splitlines())


async def test_both_forms_are_all_metrics() -> None:
    world = await busy()
    page = MetricsPage(world.metrics)
    assert await text(page) == await text(page, compressed=True) == all_metrics(world)


async def test_one_stream_of_gzip_is_sent_which_everybody_reads() -> None:
    """Some read a first stream alone, where there are several."""
    world = await busy()
    page = MetricsPage(world.metrics)
    for _ in range(2):
        body = b"".join((await page.render(compressed=True)).chunks())
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert sorted(reader.decompress(body).decode().splitlines()) == all_metrics(world)
        assert reader.eof
        assert not reader.unused_data


async def test_whatever_is_replaced_is_on_the_next_page() -> None:
    world = await busy()
    page = MetricsPage(world.metrics)
    others: dict[str, object] = {
        "memory": lambda: ContainerMemory(limit=1 << 20, used=1),
        "leading": lambda: False,
        "missing_rights": 7,
        "plans_pending": lambda: 7,
        "plans_failed": lambda: 7,
    }
    empty = MetricsState()
    for each in fields(MetricsState):
        before = await text(page)
        if each.name == "revision":
            continue
        setattr(world.metrics.state, each.name, others.get(each.name, getattr(empty, each.name)))
        assert await text(page) == all_metrics(world) != before, each.name
        world = await busy()
        page = MetricsPage(world.metrics)


async def test_what_is_counted_is_on_the_next_page() -> None:
    world = await busy()
    page = MetricsPage(world.metrics)
    before = await text(page)
    world.metrics.glass_used("prod", "prod", "tea")
    assert await text(page) == all_metrics(world) != before


async def test_it_is_rendered_once_for_all_who_ask_and_anew_after_the_next_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await busy()
    page = MetricsPage(world.metrics)
    rendered = 0
    collect = FindingsCollector.collect

    def counting(self: FindingsCollector) -> Iterator[object]:
        nonlocal rendered
        rendered += 1
        return collect(self)

    monkeypatch.setattr(FindingsCollector, "collect", counting)
    await asyncio.gather(*(page.render(compressed=bool(n % 2)) for n in range(20)))
    assert rendered == 1
    await world.publish()
    await asyncio.gather(*(page.render(compressed=bool(n % 2)) for n in range(20)))
    assert rendered == 2


async def test_who_takes_gzip_gets_it_and_nobody_else() -> None:
    world = await busy()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        health.serve(
            Ports(),
            "127.0.0.1",
            0,
            world.metrics,
            alive=str,
            ready=str,
            bound=port.set_result,
        )
    )
    try:
        url = f"http://127.0.0.1:{await port}/metrics"
        async with ClientSession(auto_decompress=False) as session:
            for asked, encoding in (
                ("gzip", "gzip"),
                ("deflate, GZIP;q=0.5", "gzip"),
                ("identity", None),
                ("gzip;q=0, deflate", None),
                ("gzip;q=0.000", None),
                ("x-gzip-not", None),
            ):
                headers = {"Accept-Encoding": asked}
                async with session.get(url, headers=headers) as answer:
                    body = await answer.read()
                assert answer.headers.get("Content-Encoding") == encoding, asked
                assert "aiohttp" not in answer.headers["Server"]
                plain = gzip.decompress(body) if encoding else body
                assert sorted(plain.decode().splitlines()) == all_metrics(world)
            async with session.head(url) as answer:
                assert await answer.read() == b""
                assert answer.status == 200
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
