"""A Lease on a fake API server, in the namespace `ours`; there when somebody has made it."""

from typing import Any, Self

from responsibility.kube.leadership.lease_seal import with_seal
from tests.apiserver.requests import Json
from tests.apiserver.server import ApiServer

# It lasts longer than any test, whatever the day is.
_FOR_EVER = {
    "leaseDurationSeconds": 3_600,
    "renewTime": "2030-01-01T00:00:00.000000Z",
    "acquireTime": "2030-01-01T00:00:00.000000Z",
}


class Lease:
    """One Lease, and what others do to it."""

    def __init__(self, server: ApiServer, name: str = "operator") -> None:
        collection = "/apis/coordination.k8s.io/v1/namespaces/ours/leases"
        server.collections.add(collection)
        self.path = f"{collection}/{name}"
        self._server = server

    @classmethod
    def given_back(cls, server: ApiServer, name: str = "operator") -> Self:
        """Return one that is there, and that nobody has: the next one leads at once."""
        lease = cls(server, name)
        lease.hold("")
        lease.spec["leaseDurationSeconds"] = 1
        lease.seal()
        return lease

    @property
    def stored(self) -> Json | None:
        """The object, where there is one."""
        return self._server.objects.get(self.path)

    @property
    def spec(self) -> dict[str, Any]:
        """What is stored."""
        assert self.stored is not None
        spec: dict[str, Any] = self.stored["spec"]
        return spec

    @property
    def version(self) -> int:
        """Its resource version: more with each write."""
        assert self.stored is not None
        return int(self.stored["metadata"]["resourceVersion"])

    def hold(self, identity: str) -> None:
        """Let somebody have it who never gives it back."""
        spec = {"holderIdentity": identity, **_FOR_EVER}
        if self.stored is None:
            folder, _, name = self.path.rpartition("/")
            self._server.create(folder, {"metadata": {"name": name}, "spec": spec}, "another")
        else:
            self._server.replace(self.path, {"metadata": self.stored["metadata"], "spec": spec})

    def touch(self) -> None:
        """Let somebody have written it, as it was."""
        renewed = {**self.spec, "leaseTransitions": self.spec["leaseTransitions"] + 1}
        self._server.merge(self.path, {"spec": renewed})
        self.seal()

    def edit(self, **fields: Any) -> None:
        """Let somebody have edited it by hand."""
        self._server.merge(self.path, {"spec": fields})

    def seal(self) -> None:
        """Let what it says have been written by a candidate."""
        assert self.stored is not None
        self._server.replace(self.path, with_seal(self.stored))

    def delete(self) -> None:
        """Let somebody have deleted it."""
        self._server.delete(self.path, {})
