"""A process of the operator, and an API server just good enough for it to start.

Like those of end-to-end tests, it is forked from one that has done its imports.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import aiohttp
from aiohttp import web

from responsibility.api.names import OPERATOR
from tests.apiserver.lease import Lease
from tests.apiserver.over_http import HttpApiServer
from tests.apiserver.requests import Json, Request
from tests.e2e.lab import fork_server
from tests.e2e.lab.fork_server import ForkedProcess

GROUP = "responsibility.2i2c.org"


# Seconds; a machine that has more to do starts a process late.
_PATIENCE = 240
_BETWEEN = 0.02
_PROGRAM = "tests.unit.controller.unhurried"
_KINDS = (
    ("responsibilities", "responsibility", "Responsibility"),
    ("responsibilitymodels", "responsibilitymodel", "ResponsibilityModel"),
)
_VERSION = {"groupVersion": f"{GROUP}/v1alpha1", "version": "v1alpha1"}
_GROUP = {"name": GROUP, "versions": [_VERSION], "preferredVersion": _VERSION}
_EMPTY = {"metadata": {"resourceVersion": "1"}, "items": []}
_REVIEWS = {
    "selfsubjectreviews": {"userInfo": {"username": "system:serviceaccount:ours:operator"}},
    "selfsubjectaccessreviews": {"allowed": True},
    "subjectaccessreviews": {"allowed": False},
}


@dataclass(slots=True)
class EmptyCluster:
    """Lists nothing, watches nothing, allows the operator everything."""

    server: HttpApiServer
    lease: Lease

    @property
    def url(self) -> str:
        """Where it is."""
        return self.server.url

    @property
    def seen(self) -> set[str]:
        """What it was asked, as verb and path."""
        return {f"{request.method} {request.path}" for request in self.server.requests}

    def mend(self, path: str) -> None:
        """Have a collection answer as it should again."""
        del self.server.answers[path]


def _elsewhere(request: Request) -> Json:
    plural = request.path.rpartition("/")[2]
    return {"status": _REVIEWS[plural]} if plural in _REVIEWS else _EMPTY


def _resource(plural: str, singular: str, kind: str) -> Json:
    named = {"name": plural, "singularName": singular, "kind": kind}
    return {**named, "namespaced": False, "verbs": ["list", "watch", "patch"]}


@asynccontextmanager
async def empty_cluster(
    *, holder: str = "", has_kinds: bool = True, broken: str = "", event: bytes = b""
) -> AsyncIterator[EmptyCluster]:
    """Serve an empty cluster on some port.

    Somebody may hold the Lease, our kinds may not be served, what one collection answers may be
    broken, until ``mend``, and their watches may say an odd ``event``.
    """
    server = HttpApiServer(elsewhere=_elsewhere)
    lease = Lease.given_back(server, OPERATOR)
    if holder:
        lease.hold(holder)
    root = f"/apis/{GROUP}"
    resources = [_resource(*names) for names in _KINDS if has_kinds]
    served: dict[str, Json] = {
        "/readyz": {},
        "/api": {"versions": ["v1"]},
        "/apis": {"groups": [_GROUP]},
        # The framework waits for them, though it watches the whole cluster.
        "/api/v1": {"resources": [_resource("namespaces", "namespace", "Namespace")]},
        root: _GROUP,
        f"{root}/v1alpha1": {"resources": resources},
    }
    server.answers |= {path: partial(_always, body) for path, body in served.items()}
    if broken:
        server.answers[broken] = partial(_always, {"items": "no list"})
    if event:
        server.answers |= {
            f"{root}/v1alpha1/{names[0]}": partial(_watched, event) for names in _KINDS
        }
    await server.start()
    try:
        yield EmptyCluster(server, lease)
    finally:
        await server.stop()


def _always(body: Json, _: Request) -> Json:
    return body


def _watched(event: bytes, request: Request) -> Json | web.Response:
    return web.Response(body=event) if request.query.get("watch") else _EMPTY


@dataclass(slots=True)
class Process:
    """The operator as a process of its own, whose output is a file."""

    process: ForkedProcess | subprocess.Popen[bytes]
    file: Path

    @property
    def log(self) -> list[str]:
        """The lines that it has written so far."""
        return self.file.read_text(encoding="utf-8", errors="replace").splitlines()

    @property
    def port(self) -> str:
        """Where it serves its pages; empty until it does."""
        listening = [line for line in self.log if "listening on port" in line]
        return listening[-1].rpartition(" ")[2] if listening else ""

    async def page(self, path: str) -> tuple[int, str]:
        """Return status and text of one of its pages."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def until(self, status: int, words: str) -> None:
        """Wait until /readyz answers so."""
        await self.until_so(lambda: bool(self.port))
        async with asyncio.timeout(_PATIENCE):
            while await self.page("/readyz") != (status, f"{words}\n"):
                self._assert_running()
                await asyncio.sleep(_BETWEEN)

    async def until_logged(self, words: str) -> None:
        """Wait until it has said so."""
        await self.until_so(lambda: any(words in line for line in self.log))

    async def until_so(self, reached: Callable[[], bool]) -> None:
        """Wait for something while it runs."""
        async with asyncio.timeout(_PATIENCE):
            while not reached():
                self._assert_running()
                await asyncio.sleep(_BETWEEN)

    async def end(self) -> int:
        """Wait for its end; return its exit code."""
        async with asyncio.timeout(_PATIENCE):
            while (code := self.process.poll()) is None:  # noqa: ASYNC110 - a process ends it
                await asyncio.sleep(_BETWEEN)
        return code

    def _assert_running(self) -> None:
        assert self.process.poll() is None, "\n".join(self.log)


@asynccontextmanager
async def operator(
    directory: Path,
    url: str,
    *,
    environ: Mapping[str, str] = MappingProxyType({}),
    **settings: str,
) -> AsyncIterator[Process]:
    """Run the operator against an API server, with settings, and other variables beside them."""
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
users: [{{name: u, user: {{token: secret-token}}}}]
""",
        encoding="utf-8",
    )
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KUBE", "RESPONSIBILITY_"))
    }
    given = {"KUBECONFIG": str(kubeconfig), "LISTEN": "127.0.0.1:0", "NAMESPACE": "ours"}
    environment = {
        **inherited,
        **{f"RESPONSIBILITY_{n}": v for n, v in (given | settings).items()},
        **environ,
    }
    log = directory / "operator.log"
    running = Process(_started(environment, log), log)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        await running.end()


def _started(environment: Mapping[str, str], log: Path) -> ForkedProcess | subprocess.Popen[bytes]:
    if "PYTHONPATH" not in environment:
        return fork_server.shared().start(_PROGRAM, environment=environment, log=log)
    # What stands there is found when an interpreter starts.
    with log.open("wb") as sink:
        return subprocess.Popen([sys.executable, "-m", _PROGRAM], env=environment, stderr=sink)
