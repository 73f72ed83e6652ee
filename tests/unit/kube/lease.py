"""A Lease as an API server keeps it, with optimistic locking."""

from typing import Any

from aiohttp import web

from tests.unit.kube.fake import FakeServer, Json, Request, refusal

# It lasts longer than any test, whatever the day is.
_FOR_EVER = {
    "leaseDurationSeconds": 3_600,
    "renewTime": "2030-01-01T00:00:00.000000Z",
    "acquireTime": "2030-01-01T00:00:00.000000Z",
}


class Lease:
    """One Lease of a fake server, in the namespace `ours`; there when somebody has made it."""

    def __init__(self, server: FakeServer, name: str = "operator") -> None:
        self.collection = "/apis/coordination.k8s.io/v1/namespaces/ours/leases"
        self.path = f"{self.collection}/{name}"
        self.stored: Json | None = None
        self.versions = 0
        server.answers |= {self.collection: self._create, self.path: self._get_or_replace}

    def hold(self, identity: str) -> None:
        """Let somebody have it who never gives it back."""
        self._store({"metadata": {}, "spec": {"holderIdentity": identity, **_FOR_EVER}})

    def touch(self) -> None:
        """Let somebody have written it, as it was."""
        assert self.stored is not None
        self._store(self.stored)

    @property
    def spec(self) -> dict[str, Any]:
        """What is stored."""
        assert self.stored is not None
        spec: dict[str, Any] = self.stored["spec"]
        return spec

    def _create(self, request: Request) -> Json | web.Response:
        if self.stored is not None:
            return refusal(409, "AlreadyExists")
        return self._store(request.body)

    def _get_or_replace(self, request: Request) -> Json | web.Response:
        if self.stored is None:
            return refusal(404, "NotFound")
        if request.method == "GET":
            return self.stored
        if request.body["metadata"]["resourceVersion"] != str(self.versions):
            return refusal(409, "Conflict")
        return self._store(request.body)

    def _store(self, body: Json) -> Json:
        self.versions += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.versions)}
        self.stored = {**body, "metadata": metadata}
        return self.stored
