"""``replay`` never takes a log that it can't read for one in which nothing happened."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.replay.events import event

GOOGLE = {"protoPayload": {"@type": "type.googleapis.com/google.cloud.audit.AuditLog"}}
ASK = ("replay", "audit.log", "-f", "reef")


def quiet() -> dict[str, Any]:
    """Return an event that changes nothing."""
    return {**event("ann"), "verb": "get"}


def as_written(namespace: str, verb: str = "delete") -> str:
    """Return an event with its fields in the order in which the API server writes them."""
    path = f"/api/v1/namespaces/{namespace}/configmaps/x"
    whole = {**event("ann"), "verb": verb, "requestURI": path}
    first = ("kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb")
    fields = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", **whole}
    rest = {key: value for key, value in fields.items() if key not in first}
    return json.dumps({**{key: fields[key] for key in first}, **rest}, separators=(",", ":"))


# The lines of a log, the exit code, and what must be said.
LOGS: dict[str, tuple[list[Any], int, str]] = {
    "nothing": ([], 2, "no audit event of the API server (audit.k8s.io/v1) in 0 lines"),
    "Google's form": ([[GOOGLE]], 2, "in 1 line, but 1 entries of Google's own form"),
    "no JSON": (["plain text"], 2, "in 1 line, but 1 line that can't be read"),
    "other objects": ([{"a": 1}], 2, "but 1 objects that are no audit events"),
    "only what reads": ([quiet()], 0, ""),
    "no end of a request": (
        [{**event("ann"), "stage": "RequestReceived"}],
        3,
        "1 of an earlier stage of the same request",
    ),
    "another cluster's": ([as_written("elsewhere")], 3, "1 of namespaces without a record"),
    "only what reads, as the server writes it": ([as_written("reef", "get")], 0, "1 that read"),
    "no end, as the server writes it": (
        [as_written("reef", "get").replace("ResponseComplete", "RequestReceived")],
        3,
        "1 of an earlier stage",
    ),
    "in part": ([quiet(), "plain text"], 3, "audit.log, line 2: not JSON"),
    "in part of another form": ([quiet(), GOOGLE], 3, "not understood: 1 entries"),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_says_nothing_is_not_fine(name: str, run: Run, files: Path) -> None:
    lines, code, told = LOGS[name]
    assert files.is_dir()
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    Path("audit.log").write_text(text, encoding="utf-8")
    done = run(*ASK)
    assert done.code == code, done.err
    assert told in done.err
