"""Audit logs as they lie about: JSON lines, plain or gzip, of any size, in several wrappings.

Nothing is held but one line at a time. A log may hold tokens and Secrets, so nothing of a line is
ever shown: what is broken is named by file and line number.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from responsibility.cli.sources.folders import STDIN
from responsibility.cli.terminal.errors import CliError
from responsibility.replay import log_forms

# What is longer is no event: the API server takes no object of more than 3 MB.
LONGEST = 64 * 1024 * 1024
_STEP = 1 << 20
_MOST_NAMED = 10
# Wrappings in wrappings.
_DEEPEST = 4
_GZIP = b"\x1f\x8b"

# The beginning of an event as the API server writes it, which says whether it is worth reading.
_HEAD = re.compile(
    rb'\{"kind":"Event","apiVersion":"audit\.k8s\.io/v1","level":"(?P<level>\w+)",'
    rb'"auditID":"[^"]*","stage":"(?P<stage>\w+)","requestURI":"(?P<uri>(?:[^"\\]|\\.)*)",'
    rb'"verb":"(?P<verb>\w+)"'
)
_NAMESPACE = re.compile(rb"/namespaces/([^/?]+)")
_CONNECTION = re.compile(rb"/(?:exec|attach|portforward|proxy)(?:[/?]|\Z)")
_READS = frozenset({b"get", b"list", b"watch"})

# What begins a value that goes on over several lines: at the very beginning, or behind what a
# program that follows logs puts before it.
_GOES_ON = re.compile(rb"(?:\d\S*\s(?:\S+\s)?)?\{\s*\Z")


@dataclass(slots=True)
class Counts:
    """What there was in a log; ``broken`` are places, as far as they are named.

    ``elsewhere`` are events of namespaces without a record, ``reads`` others that only read, and
    ``unfinished`` what of either says nothing of the end of its request. ``columns`` are events
    that were rows of a table, without a column for whom a request was made as.
    """

    lines: int = 0
    events: int = 0
    elsewhere: int = 0
    reads: int = 0
    unfinished: int = 0
    columns: int = 0
    foreign: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    broken_total: int = 0

    def note_broken(self, place: str, why: str) -> None:
        """Count something that can't be read."""
        self.broken_total += 1
        if len(self.broken) < _MOST_NAMED:
            self.broken.append(f"{place}: {why}")


@dataclass(slots=True)
class AuditLog:
    """Audit events of files; ``-`` is standard input.

    ``concerns`` says whether events of a namespace are of interest; others need not be read.
    A line of more than ``longest`` bytes is passed over, and counted as broken.
    """

    concerns: Callable[[str], bool]
    progress: Callable[[int], None] = lambda _: None
    counts: Counts = field(default_factory=Counts)
    longest: int = LONGEST

    def events(self, paths: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each event with its place, in order. Raises CliError for a missing file."""
        for path in paths:
            name = "standard input" if path == STDIN else path
            try:
                with _opened(path) as raw:
                    yield from self._lines(name, raw)
            except (IsADirectoryError, FileNotFoundError, PermissionError) as error:
                raise CliError(f"{path}: {error.strerror}") from None

    def _lines(self, name: str, raw: io.BufferedReader) -> Iterator[tuple[str, dict[str, Any]]]:
        counted = _Counted(raw, self.progress)
        source = io.BufferedReader(counted, _STEP)
        packed = source.peek(2)[:2] == _GZIP
        lines: BinaryIO = gzip.GzipFile(fileobj=source) if packed else source  # type: ignore[assignment]  # it reads bytes, which is all
        number = 0
        try:
            while line := lines.readline(self.longest):
                number += 1
                self.counts.lines += 1
                place = f"{name}, line {number}"
                if number == 1 and line.strip() == b"[":
                    line += lines.read(self.longest)
                elif _GOES_ON.match(line):
                    line, more = _whole(line, lines, self.longest)
                    number += more
                    self.counts.lines += more
                elif number == 1 and log_forms.is_csv(line):
                    self.counts.foreign[log_forms.CSV] += 1
                    return
                if not line.endswith(b"\n") and len(line) >= self.longest:
                    self.counts.note_broken(place, "longer than any event")
                    _skip(lines)
                    continue
                yield from self._line(place, line)
        except (OSError, EOFError, zlib.error) as error:
            self.counts.note_broken(f"{name}, after line {number}", f"not readable: {error}")

    def _line(self, place: str, line: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        head = _HEAD.match(line)
        if head is not None and line.rstrip().endswith(b"}") and not self._wanted(head):
            self.counts.events += 1
            if head["stage"] != b"ResponseComplete":
                self.counts.unfinished += 1
            elif self._concerns(head["uri"]):
                self.counts.reads += 1
            else:
                self.counts.elsewhere += 1
            return
        if not line.strip():
            return
        try:
            values = _values(line)
        except (ValueError, RecursionError):
            self.counts.note_broken(place, "not JSON")
            return
        yield from ((place, event) for found in values for event in self._unwrapped(place, found))

    def _wanted(self, head: re.Match[bytes]) -> bool:
        """Return whether an event has to be read; what is seen here is never a refused request."""
        uri = head["uri"]
        if head["verb"] in _READS and not _CONNECTION.search(uri):
            return False
        return self._concerns(uri)

    def _concerns(self, uri: bytes) -> bool:
        """Return whether a request is about a hub's namespace, or none in particular."""
        namespace = _NAMESPACE.search(uri)
        return namespace is None or self.concerns(namespace[1].decode("utf-8", "replace"))

    def _unwrapped(self, place: str, found: Any, depth: int = 0) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - whatever JSON holds
        if isinstance(found, list):
            for entry in found:
                yield from self._unwrapped(place, entry, depth)
        elif not isinstance(found, dict):
            self.counts.note_broken(place, "no object")
        elif "auditID" not in found or "stage" not in found:
            yield from self._wrapped(place, found, depth)
        elif str(found.get("apiVersion", "audit.k8s.io/v1")).startswith("audit.k8s.io/"):
            self.counts.events += 1
            yield found
        else:
            self.counts.foreign["objects of another API"] += 1

    def _wrapped(self, place: str, found: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        row = log_forms.from_columns(found)
        if row is not None:
            self.counts.events += 1
            self.counts.columns += 1
            yield row
            return
        inner = log_forms.inner(found) if depth <= _DEEPEST else None
        if inner is None:
            self.counts.foreign[log_forms.kind(found)] += 1
            return
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except (ValueError, RecursionError):
                self.counts.foreign[log_forms.kind_of_text(inner)] += 1
                return
        yield from self._unwrapped(place, inner, depth + 1)


def _values(line: bytes) -> list[Any]:
    """Return the values of a line: one, or several without a space. Raises ValueError."""
    try:
        return [json.loads(line)]
    except ValueError:
        text = line.decode()
    # Programs that follow logs put a time and the name of the stream before each line.
    start = 0 if text.startswith("{") else max(0, text.find(" {"))
    found, decode = [], json.JSONDecoder().raw_decode
    while text[start:].strip():
        start += len(text[start:]) - len(text[start:].lstrip())
        value, start = decode(text, start)
        found.append(value)
    return found


class _Counted(io.RawIOBase):
    """A stream that tells how many bytes have been read of it."""

    def __init__(self, raw: io.BufferedReader, progress: Callable[[int], None]) -> None:
        self._raw = raw
        self._progress = progress

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as io has it
        """Read on."""
        data = self._raw.read1(len(buffer))
        buffer[: len(data)] = data
        self._progress(len(data))
        return len(data)


def _opened(path: str) -> io.BufferedReader:
    if path == STDIN:
        return sys.stdin.buffer  # type: ignore[return-value]  # it is one unless replaced
    return Path(path).open("rb")


def _whole(line: bytes, lines: BinaryIO, longest: int) -> tuple[bytes, int]:
    """Return a value that goes on up to a closing bracket of its own, and how many lines more."""
    parts, size = [line], len(line)
    while size < longest and (more := lines.readline(longest)):
        parts.append(more)
        size += len(more)
        if more.rstrip() == b"}":
            break
    return b"".join(parts), len(parts) - 1


def _skip(lines: BinaryIO) -> None:
    while (rest := lines.readline(_STEP)) and not rest.endswith(b"\n"):
        pass
