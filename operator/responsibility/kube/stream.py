"""The bytes of a watch, cut into events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from responsibility.kube import errors, object_reader


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[list[bytes]]:
    """Yield the complete lines of each chunk; a line may be of any length.

    ``StreamReader.readline`` gives up beyond its buffer's size; one object may have megabytes.
    What stands after the last newline when the stream ends is a cut event, and worthless.
    """
    rest: list[bytes] = []
    async for chunk in content.iter_any():
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest.append(chunk)
            continue
        whole = b"".join([*rest, head])
        rest = [tail] if tail else []
        if lines := [line for line in whole.split(b"\n") if line.strip()]:
            yield lines


def event(line: bytes, path: str) -> dict[str, Any]:
    """Parse one line of a watch. Raises ApiError for an ERROR event, and for what is no event."""
    try:
        read: dict[str, Any] = object_reader.loads(line)
        kind = read["type"]
        thing = read["object"]
    except (ValueError, TypeError, KeyError) as error:
        raise errors.ApiError(0, "BadEvent", "a line that is no event", "WATCH", path) from error
    if kind == "ERROR":
        raise errors.from_status(500, thing, "WATCH", path)
    if not isinstance(thing, dict) or not isinstance(thing.get("metadata"), dict):
        raise errors.ApiError(0, "BadEvent", "an event about no object", "WATCH", path)
    return read
