"""Reading what the API server wrote down about requests.

since = audit.mark(cluster.audit_log)
…
written = [e for e in audit.events(cluster.audit_log, since=since) if audit.is_write(e)]
"""

import json
from pathlib import Path
from typing import Any

Event = dict[str, Any]

_READS = frozenset({"get", "list", "watch"})


def mark(path: Path) -> int:
    """Remember a position in the log: what comes after it happens from now on."""
    return path.stat().st_size if path.exists() else 0


def events(path: Path, *, since: int = 0, user: str | None = None) -> list[Event]:
    """Read the requests logged after `since`, in order; of one user (as impersonated) if given.

    A request is logged when it has been answered, so an answered request is here, or will be in a
    moment; a watch is logged when it begins and again when it ends.
    """
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(max(since - 1, 0))
        lines = log.read().split(b"\n")
    # The first piece is empty, or the rest of a line that was being written at `since`; the last is
    # empty, or a line that is being written now.
    whole = lines[1 if since else 0 : -1]
    # Most are others'; and what others have written may nest too deep to be read.
    about = (user or "").encode()
    found: list[Event] = [json.loads(line) for line in whole if line and about in line]
    return [event for event in found if user is None or acting(event) == user]


def acting(event: Event) -> str:
    """On whose behalf a request was made: the impersonated user, where there is one."""
    who = event.get("impersonatedUser") or event.get("user") or {}
    return str(who.get("username", ""))


def is_write(event: Event) -> bool:
    """Whether a request could change something (a dry run and a review count as well)."""
    return event.get("verb") not in _READS and "objectRef" in event
