"""The fake API server for each test that asks for one."""

from tests.apiserver.fixtures import api, server

__all__ = ["api", "server"]
