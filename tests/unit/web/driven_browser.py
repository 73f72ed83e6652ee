"""A real browser that is driven: it visits, types and clicks as a person does, on real servers.

It is spoken to by the DevTools protocol, so that nothing has to run in the pages themselves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.unit.web.browser import browser

# Seconds for a page; on a machine with much else to do.
_PATIENCE = 120.0


@dataclass
class Driven:
    """One window of a browser."""

    socket: aiohttp.ClientWebSocketResponse
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Have the browser do something; its answer."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": given})
        async with asyncio.timeout(_PATIENCE):
            while True:
                answer = await self.socket.receive_json()
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    result: dict[str, Any] = answer["result"]
                    return result

    async def visit(self, url: str) -> None:
        """Type an address."""
        await self.call("Page.navigate", url=url)

    async def run(self, program: str) -> Any:
        """Run a program in the page; its value."""
        found = await self.call("Runtime.evaluate", expression=program, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def shown(self) -> str:
        """Return the document as it stands."""
        root = (await self.call("DOM.getDocument"))["root"]
        html: str = (await self.call("DOM.getOuterHTML", nodeId=root["nodeId"]))["outerHTML"]
        return html

    async def address(self) -> str:
        """Return the address that is shown."""
        history = await self.call("Page.getNavigationHistory")
        url: str = history["entries"][history["currentIndex"]]["url"]
        return url

    async def until(self, text: str) -> str:
        """Wait for a text in the document; the document."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                # Between two pages there is no document.
                with contextlib.suppress(AssertionError):
                    html = await self.shown()
                    if text in html:
                        return html
                await asyncio.sleep(0.1)

    async def click(self, selector: str) -> None:
        """Click in the middle of an element, with a mouse."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        x0, y0, _, _, x1, y1, *_ = (await self.call("DOM.getContentQuads", nodeId=node))["quads"][0]
        at = {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, **at)

    async def picture(self, width: int) -> tuple[int, bytes]:
        """Take a picture of the whole page, so wide; how wide its contents are, and the PNG."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        contents = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
        taken = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return int(contents["width"]), base64.b64decode(taken["data"])


@asynccontextmanager
async def driven() -> AsyncIterator[Driven]:
    """Open a browser without a past."""
    program = browser()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            program,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-popup-blocking"),
            *("--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await _port(Path(folder) / "DevToolsActivePort", process)
            async with aiohttp.ClientSession() as http:
                async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [each for each in await answer.json() if each["type"] == "page"]
                url = pages[0]["webSocketDebuggerUrl"]
                async with http.ws_connect(url, max_msg_size=0) as socket:
                    window = Driven(socket)
                    await window.call("Page.enable")
                    yield window
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(_PATIENCE):
        while True:
            assert process.returncode is None, "the browser has ended"
            # It is there before it is written.
            with contextlib.suppress(OSError, ValueError):
                return await asyncio.to_thread(_first_number, file)
            await asyncio.sleep(0.1)


def _first_number(file: Path) -> int:
    return int((file.read_text(encoding="ascii").splitlines() or [""])[0])
