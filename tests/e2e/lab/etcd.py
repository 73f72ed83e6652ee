"""Compaction of a cluster's etcd, over the JSON gateway that etcd serves beside gRPC."""

import base64
import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.e2e.lab.errors import LabError

# Outside the API server's prefix, so it never becomes an object.
_KEY = base64.b64encode(b"/lab/revision").decode()


def compact_all(port: int) -> int:
    """Forget every revision up to now; the revision that history begins with.

    Two revisions are added first. The API server watches from the revision after a client's, and
    etcd still serves the one it was compacted at: without them, the latest resource version that a
    client may have seen would stay watchable.
    """
    revision = 0
    for _ in range(2):
        answer = _call(port, "put", {"key": _KEY, "value": ""})
        revision = int(answer["header"]["revision"])
    _call(port, "compaction", {"revision": str(revision), "physical": True})
    return revision


def _call(port: int, method: str, body: dict[str, Any]) -> dict[str, Any]:
    request = Request(
        f"http://127.0.0.1:{port}/v3/kv/{method}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=10) as response:  # noqa: S310 - the address is ours
            answer: dict[str, Any] = json.load(response)
    except URLError as error:
        raise LabError(
            f"etcd on port {port} refused {method}: {error}; is the cluster up?"
        ) from error
    return answer
