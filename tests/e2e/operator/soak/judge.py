"""What has to hold once it is quiet, and at any time."""

from __future__ import annotations

import statistics
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from responsibility.controller.reporting.metrics_table import METRICS
from tests.e2e.lab import audit
from tests.e2e.operator.samples import Samples
from tests.e2e.operator.soak.replicas import Exit

# Of gauges those that tell of the process, and not of the cluster.
_OWN = frozenset(
    {
        "input_age_seconds",
        "last_evaluation_timestamp_seconds",
        "leader",
        "memory_limit_bytes",
        "memory_used_bytes",
        "watch_lag_seconds",
    }
)
# Findings are remembered in statuses, the worst of them: since when the others are there, a new
# start can't know.
_REMEMBERED = frozenset({"drift_oldest_timestamp_seconds"})
_STATE = sorted(m.name for m in METRICS if m.type == "gauge" and m.name not in _OWN | _REMEMBERED)
# Asked, not written; or by every replica, whoever leads.
_HARMLESS = frozenset({"subjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectreviews"})
_EVERYBODYS = frozenset({"leases", "events"})
# MiB beyond which, and by what part, memory has grown.
_NOISE, _GROWTH = 24.0, 1.25
_ENOUGH = 6


def differences(running: Samples, fresh: Samples) -> list[str]:
    """Return in which of the cluster's metrics two operators differ."""
    found = []
    for name in _STATE:
        one, other = ({str(sorted(k.items())): v for k, v in s.of(name)} for s in (running, fresh))
        found += [
            f"{name}{series}: {one.get(series)}, but of a fresh one {other.get(series)}"
            for series in sorted(one.keys() | other.keys())
            if one.get(series) != other.get(series)
        ]
    return found


def writes(events: Iterable[audit.Event], credential: str = "") -> list[str]:
    """Return what was written, by one if named; trials and questions left out."""
    return [
        f"{e['requestReceivedTimestamp']} {e['verb']} {e['requestURI']}"
        for e in events
        if _writes(e) and credential in ("", _credential(e))
    ]


def disputed(events: Iterable[audit.Event]) -> list[str]:
    """Return what differs between the last two writes of an object, where there are two."""
    bodies: dict[str, list[dict[str, str]]] = {}
    for event in events:
        if _writes(event) and isinstance(event.get("requestObject"), dict):
            path = event["requestURI"].partition("?")[0]
            bodies.setdefault(path, []).append(dict(_leaves(event["requestObject"])))
    return [
        f"{path} {key}: {written[-2].get(key)}, then {written[-1].get(key)}"
        for path, written in bodies.items()
        if len(written) > 1
        for key in sorted(written[-2].keys() | written[-1].keys())
        if written[-2].get(key) != written[-1].get(key)
    ]


def _leaves(body: Any, path: str = "") -> Iterator[tuple[str, str]]:
    below = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in below:
        if isinstance(value, dict | list):
            yield from _leaves(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", repr(value)[:300]


def intruders(events: Sequence[audit.Event], candidates: Container[str]) -> list[str]:
    """Return what was written by a candidate for the Lease after another had taken it.

    Whoever was the last to write the Lease, successfully and as its holder, has it: a claim names
    none. A write counts from when it came; a Lease is taken when that was answered.
    """
    taken = sorted(
        (_time(e["stageTimestamp"]), _credential(e))
        for e in events
        if audit.is_write(e)
        and e["objectRef"]["resource"] == "leases"
        and _succeeded(e)
        and (e.get("requestObject") or {}).get("spec", {}).get("holderIdentity")
    )
    found = []
    for event in events:
        if not _writes(event) or event["objectRef"]["resource"] in _EVERYBODYS:
            continue
        came, writer = _time(event["requestReceivedTimestamp"]), _credential(event)
        before = [holder for when, holder in taken if when < came]
        if writer in candidates and before and before[-1] != writer:
            found.append(
                f"{event['requestReceivedTimestamp']} {event['verb']} {event['requestURI']}"
            )
    return found


def unmeant(exits: Iterable[Exit], *, lead_may_be_lost: bool) -> list[str]:
    """Return which ends nobody has meant."""
    return [
        f"{e.replica} ended with {e.code}: {e.words}"
        for e in exits
        if not e.asked and not (lead_may_be_lost and e.orderly)
    ]


def grown(memory: Sequence[float]) -> str:
    """Return by how much a process has grown, if it has; empty if not, or if that is too early."""
    if len(memory) < _ENOUGH:
        return ""
    # What the first passes take is taken once.
    early, late = memory[len(memory) // 3 : 2 * len(memory) // 3], memory[2 * len(memory) // 3 :]
    before, now = statistics.median(early), statistics.median(late)
    return f"{before:.0f} MiB, later {now:.0f}" if now > before * _GROWTH + _NOISE else ""


def _writes(event: audit.Event) -> bool:
    return (
        audit.is_write(event)
        and event["objectRef"]["resource"] not in _HARMLESS | {"leases"}
        and "dryRun=All" not in event["requestURI"]
    )


def _succeeded(event: audit.Event) -> bool:
    code: int = event.get("responseStatus", {}).get("code", 0)
    return 200 <= code < 300


def _credential(event: audit.Event) -> str:
    extra = event["user"].get("extra") or {}
    return "".join(extra.get("authentication.kubernetes.io/credential-id") or ())


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
