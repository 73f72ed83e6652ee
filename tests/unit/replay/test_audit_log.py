"""Audit logs as they lie about."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from responsibility.cli.sources.audit_log import AuditLog
from responsibility.cli.terminal.errors import CliError
from tests.unit.replay.events import event

Json = dict[str, Any]

COMPACT = (",", ":")


def line(raw: Any) -> bytes:
    return json.dumps(raw, separators=COMPACT).encode() + b"\n"


def read(path: Path, *, concerns: str = "coast") -> tuple[list[Json], AuditLog]:
    log = AuditLog(lambda namespace: namespace == concerns)
    return [found for _, found in log.events([str(path)])], log


def write(folder: Path, *lines: bytes, packed: bool = False) -> Path:
    path = folder / "audit.log"
    data = b"".join(lines)
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_lines_are_events(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path, line(event("a")), b"\n", line(event("b")), packed=packed)
    found, log = read(path)
    assert [each["user"]["username"] for each in found] == ["a", "b"]
    assert log.counts.events == 2
    assert not log.counts.broken


@pytest.mark.parametrize(
    "wrapped",
    [
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event()]},
        [event()],
        {"@timestamp": "t", "@message": json.dumps(event())},
        {"logEvents": [{"id": "1", "message": json.dumps(event())}]},
        {"records": [{"category": "kube-audit", "properties": {"log": json.dumps(event())}}]},
        {"log": json.dumps(event()), "stream": "stdout"},
        {"message": event()},
    ],
)
def test_wrappings_are_taken_off(tmp_path: Path, wrapped: Any) -> None:
    found, log = read(write(tmp_path, line(wrapped)))
    assert found == [event()]
    assert not log.counts.foreign


def test_a_list_over_many_lines_is_read(tmp_path: Path) -> None:
    document = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event()]}
    found, _ = read(write(tmp_path, json.dumps(document, indent=2).encode()))
    assert found == [event()]


def test_what_is_broken_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    secret = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","hush'
    path = write(tmp_path, secret + b"\n", line(event()), b"17\n", line(event())[:-20])
    found, log = read(path)
    assert len(found) == 1
    assert log.counts.broken == [
        f"{path}, line 1: not JSON",
        f"{path}, line 3: no object",
        f"{path}, line 4: not JSON",
    ]
    assert "hush" not in str(log.counts)


def test_what_is_foreign_is_counted(tmp_path: Path) -> None:
    entry = {"protoPayload": {"methodName": "io.k8s.core.v1.pods.create"}}
    _, log = read(write(tmp_path, line(entry), line({"a": 1}), line({"message": "hello"})))
    assert sum(log.counts.foreign.values()) == 3
    assert any("Google" in what for what in log.counts.foreign)


def test_a_packed_file_that_ends_early_is_not_fatal(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(line(event(str(n))) for n in range(200)))
    path = tmp_path / "audit.log.gz"
    path.write_bytes(data[:-20])
    _, log = read(path)
    assert log.counts.broken_total == 1
    assert "not readable" in log.counts.broken[0]


def test_a_line_without_end_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, b"x" * 5_000 + b"\n", line(event()))
    log = AuditLog(lambda _: True, longest=1_000)
    found = list(log.events([str(path)]))
    assert len(found) == 1
    assert log.counts.broken == [f"{path}, line 1: longer than any event"]


def test_events_of_no_concern_are_not_even_parsed(tmp_path: Path) -> None:
    foreign = line(event()).replace(b"coast", b"other")
    listed = event(verb="list")
    connected = event(verb="get", requestURI="/api/v1/namespaces/coast/pods/p/exec?command=a")
    cluster = event(requestURI="/api/v1/nodes/n")
    found, log = read(write(tmp_path, foreign, line(listed), line(connected), line(cluster)))
    assert found == [connected, cluster]
    assert (log.counts.elsewhere, log.counts.reads, log.counts.events) == (1, 1, 4)


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, *[line(event())] * 50, packed=True)
    told: list[int] = []
    list(AuditLog(lambda _: True, told.append).events([str(path)]))
    assert sum(told) == path.stat().st_size


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="gone"):
        list(AuditLog(lambda _: True).events([str(tmp_path / "gone")]))
    with pytest.raises(CliError, match=r"directory"):
        list(AuditLog(lambda _: True).events([str(tmp_path)]))


@pytest.mark.parametrize(
    "before", [b"2026-11-01T00:00:00 kube-apiserver-audit-abc ", b"2026-11-01T00:00:00.1Z "]
)
def test_what_a_program_that_follows_logs_puts_before_a_line_is_passed_over(
    tmp_path: Path, before: bytes
) -> None:
    found, log = read(write(tmp_path, before + line(event("a"))))
    assert [each["user"]["username"] for each in found] == ["a"]
    assert not log.counts.broken_total
