"""The fake API server, as for the client's own tests."""

from tests.unit.kube.conftest import api, server

__all__ = ["api", "server"]
