"""The page ``/metrics``: what a pass has found is rendered once, and sent to all who scrape.

That is thousands of lines where there are hundreds of hubs: made for every scrape, they took more
of a processor than the passes themselves, and the memory of a page for everybody who asked at
once. What the operator counts of itself differs from one moment to the next and is a few lines; it
is rendered each time and comes last. For who takes gzip, the large part is compressed once as
well: it ends at the boundary of a byte (``Z_FULL_FLUSH``, zlib's manual), so that each answer goes
on from there and is one stream.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import generate_latest

from responsibility.controller.reporting.metrics import Metrics

# Of zlib: what makes a stream of gzip, and as good as it gets before it becomes slow.
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6
# Bytes that are handed over at a time; the peer takes them before there are more.
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class _Rendered:
    """What passes have found, at a revision of the state; ``compressor`` goes on behind it."""

    revision: int
    plain: bytes
    compressed: bytes
    compressor: Any


@dataclass(frozen=True, slots=True)
class RenderedMetrics:
    """One answer, of the same parts as others'."""

    parts: tuple[bytes, ...]

    def __len__(self) -> int:
        """Return its bytes."""
        return sum(map(len, self.parts))

    def chunks(self) -> Iterator[memoryview]:
        """Yield it in pieces, none of which is a copy."""
        for part in self.parts:
            view = memoryview(part)
            for start in range(0, len(part), _CHUNK):
                yield view[start : start + _CHUNK]


class MetricsPage:
    """Renders metrics for those who scrape; in a thread, so that nothing else waits."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._rendered: _Rendered | None = None
        self._rendering = asyncio.Lock()

    async def render(self, *, compressed: bool) -> RenderedMetrics:
        """Return the page as it is now, in the text format of Prometheus, maybe as gzip."""
        async with self._rendering:
            rendered = self._rendered
            if rendered is None or rendered.revision != self._metrics.state.revision:
                # One at a time: whoever comes meanwhile gets the same.
                rendered = self._rendered = await asyncio.to_thread(self._render)
        counted = await asyncio.to_thread(generate_latest, self._metrics.counted)
        if not compressed:
            return RenderedMetrics((rendered.plain, counted))
        compressor = rendered.compressor.copy()
        return RenderedMetrics(
            (rendered.compressed, compressor.compress(counted) + compressor.flush())
        )

    def _render(self) -> _Rendered:
        # Before it is read: what changes meanwhile is rendered with the next scrape.
        revision = self._metrics.state.revision
        plain = generate_latest(self._metrics.found)
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        compressed = compressor.compress(plain) + compressor.flush(zlib.Z_FULL_FLUSH)
        return _Rendered(revision, plain, compressed, compressor)
