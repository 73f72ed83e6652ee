"""Processes beside this one that are asked by frames, and can be ended whatever they do."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

from responsibility.controller.process.frames import HEAD


async def start(module: ModuleType) -> asyncio.subprocess.Process:
    """Start a process that runs a module's ``main``. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        # By its name, so that what it sends has the names that we know.
        f"from {module.__name__} import main; main()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def ask(process: asyncio.subprocess.Process, framed: bytes) -> bytes:
    """Send one frame and return what is in the answer's.

    Raises OSError, EOFError or asyncio.IncompleteReadError (one of them) where it has ended.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(framed)
    await process.stdin.drain()
    (length,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
    return await process.stdout.readexactly(length)


async def end(process: asyncio.subprocess.Process | None) -> None:
    """End a process, whatever it is doing, and wait until it has, also if that is cancelled."""
    if process is None:
        return
    if process.returncode is None:
        process.kill()
    ended = asyncio.ensure_future(process.wait())
    try:
        await asyncio.shield(ended)
    except asyncio.CancelledError:
        # Killed, it takes no time. Left alone, it would be told to a loop that may be closed by
        # then, when the operator ends.
        await ended
        raise
