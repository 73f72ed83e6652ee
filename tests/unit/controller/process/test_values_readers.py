"""The processes that read Secrets: what they answer, and what ends them."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import yaml

from responsibility.controller.process import values_reader as reading
from responsibility.controller.process.values_readers import Reader, TooCostlyError
from responsibility.hub.values.difference import MISSING, UNKNOWN
from responsibility.hub.values.secret import KEY, difference
from tests.unit.hub.values.values import secret

SMALL = {"singleuser": {"memory": {"limit": "1G"}}}


def text(words: str) -> dict[str, Any]:
    return {"data": {KEY: base64.b64encode(words.encode()).decode()}}


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.aclose()


@pytest.mark.parametrize(
    "words",
    [
        yaml.safe_dump({"singleuser": {"memory": {"limit": "2G"}}}),
        "a: [b",
        "a: &x [1]\nb: *x",
        "a: 2021-01-01\nb: 0x1F\nc: .inf\nd: ~",
        "",
    ],
)
async def test_it_answers_what_would_be_found_here(reader: Reader, words: str) -> None:
    old, new = secret(SMALL), text(words)
    here, there = difference(old, new), await reader.difference(old, new)
    assert repr(there) == repr(here)
    signs = (MISSING, UNKNOWN)
    for one, other in zip(there.changes, here.changes, strict=True):
        assert all((one.old is s) == (other.old is s) for s in signs)
        assert all((one.new is s) == (other.new is s) for s in signs)
        assert one.place == other.place


# Each is a legal Secret of less than a megabyte.
COSTLY = {
    "deep": "[" * 300_000,
    "deep and closed": "[" * 30_000 + "]" * 30_000,
    "deep maps": "{a: " * 100_000,
    "a bomb of aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    ),
    "a number of many digits": "a: " + "9" * 700_000,
    "a float of many digits": "a: 0." + "1" * 700_000 + "e99",
    "a sexagesimal number": "a: 1" + ":59" * 200_000,
    "a date of spaces": "a: 2001-01-01" + " " * 600_000 + "x",
    "almost a float": "a: " + "1_" * 350_000 + "x",
    "many small lines": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "one list of equals": "a: [" + "b," * 300_000 + "]",
    "many of one name": "a:\n" + "".join(f"- {{name: n{n % 7}}}\n" for n in range(9_000)),
    "folded": "a: >\n" + "  x\n" * 200_000,
    "a comment": "#" + "x" * 900_000,
    "tags": "a: " + "!x " * 200_000,
    "a key of many words": "? " + "x " * 400_000,
    "escapes": 'a: "' + "\\u00e9" * 120_000 + '"',
}


@pytest.mark.parametrize("words", COSTLY.values(), ids=COSTLY)
async def test_what_is_costly_is_answered_or_said_to_be(reader: Reader, words: str) -> None:
    """Neither is a failure of ours, after which a change would pass; the next has its answer."""
    async with asyncio.timeout(240):
        for old, new in ((secret(SMALL), text(words)), (text(words), text(words + "\nb: 1"))):
            try:
                found = await reader.difference(old, new)
                assert found.changes or found.unreadable
            except TooCostlyError:
                pass
        assert len((await reader.difference(secret(SMALL), secret({}))).changes) == 1


async def test_more_changes_than_anybody_makes_are_one_of_the_whole(reader: Reader) -> None:
    many = {f"k{number}": number for number in range(reading.MOST_CHANGES + 1)}
    found = await reader.difference(secret({}), secret(many))
    ((change),) = found.changes
    assert change.place == ()
    assert change.new is UNKNOWN


@pytest.mark.parametrize("sent", [signal.SIGPROF, signal.SIGKILL, signal.SIGSEGV])
async def test_what_ends_it_while_it_reads_is_the_texts_doing(
    reader: Reader, sent: signal.Signals
) -> None:
    await reader.difference(secret(SMALL), secret({}))
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    asked = asyncio.create_task(reader.difference(secret(SMALL), secret({})))
    await asyncio.sleep(0)
    os.kill(process.pid, sent)
    # A stopped one takes its signal when it goes on; but SIGKILL ends it as it is.
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
    with pytest.raises(TooCostlyError):
        await asked
    assert (await reader.difference(secret(SMALL), secret({}))).changes


async def test_what_the_machine_leaves_without_a_processor_is_not(reader: Reader) -> None:
    await reader.difference(secret(SMALL), secret({}))
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.difference(secret(SMALL), secret({}))
    async with asyncio.timeout(240):
        await process.wait()
    assert (await reader.difference(secret(SMALL), secret({}))).changes


async def test_a_process_that_does_not_start_is_ours(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(OSError, match="does not start"):
        await reader.difference(secret(SMALL), secret({}))
