"""An administrator's hands on a cluster: quick enough to build a hundred hubs in seconds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.connection import administrator
from tests.e2e.lab.waiting import wait_until

Manifest = dict[str, Any]

RBAC = "rbac.authorization.k8s.io/v1"
OURS = "responsibility.2i2c.org/v1alpha1"
_PLURALS = {
    "NetworkPolicy": "networkpolicies",
    "Responsibility": "responsibilities",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}
# What others stand on is applied before them.
_FIRST = ("Namespace", "CustomResourceDefinition")
_TOGETHER = 8
_ATTEMPTS = 4
_TOO_LATE, _CONFLICT = 504, 409
# As every client of Kubernetes, which asks again as often when it is told that it is too early: a
# kind whose definition is new answers 429, "storage is (re)initializing", on a busy machine.
_LATER = urllib3.Retry(
    total=10,
    connect=3,
    read=3,
    status_forcelist={429},
    allowed_methods=None,
    raise_on_status=False,
    backoff_factor=0.1,
    backoff_max=2,
)


class RefusedError(AssertionError):
    """The API server said no; the text is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Admin:
    """Requests of the administrator, as JSON in and out."""

    def __init__(self, cluster: Cluster) -> None:
        connection = administrator(cluster)
        self._host, self._pool = connection.host, connection.pool(_TOGETHER)

    def get(self, path: str) -> Manifest:
        """Read an object or a list."""
        return self._send("GET", path)

    def find(self, path: str) -> Manifest | None:
        """Read an object that may not be there."""
        try:
            return self.get(path)
        except RefusedError as refused:
            if refused.status == 404:
                return None
            raise

    def items(self, path: str) -> list[Manifest]:
        """Read the objects of a collection."""
        found: list[Manifest] = self.get(path)["items"]
        return found

    def apply(self, *manifests: Manifest, manager: str = "test") -> None:
        """Apply objects, many at a time; namespaces first."""
        first = [m for m in manifests if m["kind"] in _FIRST]
        rest = [m for m in manifests if m["kind"] not in _FIRST]
        query = urlencode({"fieldManager": manager, "force": "true"})
        for group in (first, rest):
            self.together(
                (
                    "PATCH",
                    f"{path_of(manifest)}?{query}",
                    manifest,
                    "application/apply-patch+yaml",
                )
                for manifest in group
            )

    def create(self, path: str, body: Manifest) -> Manifest:
        """Post an object, or a question that is one, and return the answer."""
        return self._send("POST", path, body)

    def post(self, path: str, body: bytes) -> bytes:
        """Post a text as it is, and return the answer's: for what no parser of ours could read."""
        headers = {"Content-Type": "application/json"}
        answer = self._pool.request("POST", self._host + path, body=body, headers=headers)
        if answer.status >= 400:
            raise RefusedError(answer.status, answer.data[:300].decode(errors="replace"))
        return answer.data

    def merge(self, manifest: Manifest, *, as_user: str = "") -> Manifest:
        """Change some fields of an object by a merge patch, maybe in somebody else's name."""
        path = path_of(manifest)
        return self._send("PATCH", path, manifest, "application/merge-patch+json", as_user)

    def replace(self, path: str, body: Manifest) -> Manifest:
        """Write an object, over whatever somebody has written there meanwhile."""
        while True:
            try:
                return self._send("PUT", path, body)
            except RefusedError as refused:
                if refused.status != _CONFLICT:
                    raise
            newest = self.get(path)["metadata"]["resourceVersion"]
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": newest}}

    def delete(self, *paths: str, propagation: str = "Background") -> None:
        """Delete objects, many at a time; one that is gone is all right."""
        body = {"propagationPolicy": propagation}
        self.together(("DELETE", path, body, "application/json") for path in paths)

    def gone(self, *paths: str, seconds: float = 60.0) -> None:
        """Wait until objects do not exist any more."""
        for path in paths:
            wait_until(partial(self._lacks, path), seconds, f"{path} to be gone")

    def _lacks(self, path: str) -> bool:
        return self.find(path) is None

    def together(self, requests: Iterable[tuple[str, str, Manifest | None, str]]) -> None:
        """Send requests, some at a time, and fail if one of them fails."""
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for done in [pool.submit(self._send, *request) for request in requests]:
                try:
                    done.result()
                except RefusedError as refused:
                    if refused.status != 404:
                        raise

    def _send(
        self,
        verb: str,
        path: str,
        body: Manifest | None = None,
        content_type: str = "application/json",
        as_user: str = "",
    ) -> Manifest:
        for _ in range(_ATTEMPTS):
            answer = self._request(verb, path, body, content_type, as_user)
            # A policy is compiled when it is written, which takes a busy machine too long at first.
            if answer.status != _TOO_LATE:
                break
        if answer.status >= 400:
            raise RefusedError(answer.status, _reason(answer.data))
        read: Manifest = json.loads(answer.data)
        return read

    def _request(
        self, verb: str, path: str, body: Manifest | None, content_type: str, as_user: str
    ) -> urllib3.BaseHTTPResponse:
        return self._pool.request(
            verb,
            self._host + path,
            body=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
            retries=_LATER,
            headers={
                "Content-Type": content_type,
                # As a ServiceAccount's token has it.
                **({"Impersonate-User": as_user, "Impersonate-Uid": "any"} if as_user else {}),
            },
        )


def _reason(data: bytes) -> str:
    try:
        return str(json.loads(data).get("message"))
    except ValueError:
        # Of a kind that is not served yet, or no more: "404 page not found".
        return data[:300].decode(errors="replace")


def path_of(manifest: Manifest) -> str:
    """Return where an object is to be found."""
    meta = manifest["metadata"]
    return where(manifest["apiVersion"], manifest["kind"], meta["name"], meta.get("namespace"))


def where(api_version: str, kind: str, name: str = "", namespace: str | None = None) -> str:
    """Return the path of an object, or of its collection."""
    root = "/api" if "/" not in api_version else "/apis"
    scope = f"/namespaces/{namespace}" if namespace else ""
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    return f"{root}/{api_version}{scope}/{plural}" + (f"/{name}" if name else "")


def paths(manifests: Sequence[Manifest]) -> list[str]:
    """Return where objects are to be found."""
    return [path_of(manifest) for manifest in manifests]
