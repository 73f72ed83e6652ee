"""Frames between this process and one beside it: a length, then so many bytes.

Of its own and small, since what is in the other process should be there soon and take little.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Final

HEAD: Final = struct.Struct("!I")


def frame(data: bytes) -> bytes:
    """Return what is sent of these bytes."""
    return HEAD.pack(len(data)) + data


def frames(source: IO[bytes]) -> Iterator[bytes]:
    """Yield what is in each frame, up to the end of what is sent."""
    while len(head := source.read(HEAD.size)) == HEAD.size:
        (length,) = HEAD.unpack(head)
        yield source.read(length)
