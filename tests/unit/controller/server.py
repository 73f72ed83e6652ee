"""A process of the operator, and an API server just good enough for it to start."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
from aiohttp import test_utils, web

GROUP = "responsibility.2i2c.org"


@dataclass(slots=True)
class EmptyCluster:
    """Lists nothing, watches nothing, allows the operator everything."""

    holder: str = ""
    has_kinds: bool = True
    broken: str = ""
    lease: dict[str, Any] | None = None
    url: str = ""
    seen: set[str] = field(default_factory=set)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.seen.add(f"{request.method} {path}")
        if request.query.get("watch"):
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.sleep(60)
            return response
        body = await request.json() if request.can_read_body else {}
        if "/leases" in path:
            return self._leases(request, body)
        return web.json_response(self._answer(path))

    def _answer(self, path: str) -> dict[str, Any]:  # noqa: PLR0911 - a path a branch
        if path == "/readyz":
            return {}
        version = {"groupVersion": f"{GROUP}/v1alpha1", "version": "v1alpha1"}
        group = {"name": GROUP, "versions": [version], "preferredVersion": version}
        if path == f"/apis/{GROUP}":
            return group
        if path == f"/apis/{GROUP}/v1alpha1":
            kinds = [
                ("responsibilities", "responsibility", "Responsibility"),
                ("responsibilitymodels", "responsibilitymodel", "ResponsibilityModel"),
            ]
            return {
                "resources": [
                    {
                        "name": plural,
                        "singularName": singular,
                        "kind": kind,
                        "namespaced": False,
                        "verbs": ["list", "watch", "patch"],
                    }
                    for plural, singular, kind in kinds
                    if self.has_kinds
                ]
            }
        if path in {"/api", "/apis"}:
            return {"versions": ["v1"], "groups": [group]}
        if path.endswith("selfsubjectreviews"):
            return {"status": {"userInfo": {"username": "system:serviceaccount:ours:operator"}}}
        if path.endswith("selfsubjectaccessreviews"):
            return {"status": {"allowed": True}}
        if path.endswith("subjectaccessreviews"):
            return {"status": {"allowed": False}}
        items: Any = "no list" if self.broken and self.broken in path else []
        return {"metadata": {"resourceVersion": "1"}, "items": items}

    def _leases(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if self.holder:
            spec = {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": 3_600,
                "renewTime": "2030-01-01T00:00:00.000000Z",
                "acquireTime": "2030-01-01T00:00:00.000000Z",
            }
            return web.json_response({"metadata": {"resourceVersion": "1"}, "spec": spec})
        if request.method != "GET":
            self.lease = {**body, "metadata": {"resourceVersion": "1"}}
        if self.lease is None:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return web.json_response(self.lease)


@asynccontextmanager
async def empty_cluster(**settings: Any) -> AsyncIterator[EmptyCluster]:
    """Serve an empty cluster on some port."""
    cluster = EmptyCluster(**settings)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cluster.serve)
    server = test_utils.TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    cluster.url = str(server.make_url("")).rstrip("/")
    try:
        yield cluster
    finally:
        await server.close()


@dataclass(slots=True)
class Process:
    """The operator as a process of its own."""

    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)
    port: str = ""

    async def read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log.append(line.decode().rstrip())
            if "listening on port" in self.log[-1]:
                self.port = self.log[-1].rpartition(" ")[2]

    async def page(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def until(self, status: int, words: str) -> None:
        """Wait until /readyz answers so."""
        async with asyncio.timeout(20):
            while not self.port or await self.page("/readyz") != (status, f"{words}\n"):
                assert self.process.returncode is None, "\n".join(self.log)
                await asyncio.sleep(0.02)

    async def end(self) -> tuple[int, float]:
        """Wait for its end; return its exit code and the seconds that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(20):
            code = await self.process.wait()
        return code, loop.time() - began


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
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "responsibility.controller.main",
        stderr=asyncio.subprocess.PIPE,
        env={
            **inherited,
            **{f"RESPONSIBILITY_{n}": v for n, v in (given | settings).items()},
            **environ,
        },
    )
    running = Process(process)
    reading = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
