"""A JupyterHub, the real one, as a process of its own; only its proxy and its sessions are not.

It is configured as the chart does it: the values that the operator's command drafts are put where
the chart's ``jupyterhub_config.py`` puts them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from responsibility.controller.hub_admins.address import Address
from responsibility.hub.admins import registration

# The variable that names a Python with another JupyterHub: `make hubs`.
INTERPRETER = "HUB_PYTHON"
# Seconds for a hub to start; on a machine with much else to do.
_START = 120.0

_CONFIG = """
import json, sys
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {}

given = json.loads(GIVEN)
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.base_url = given["base_url"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{given['port']}{given['base_url']}"
c.JupyterHub.db_url = f"sqlite:///{given['directory']}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{given['directory']}/cookie_secret"
c.JupyterHub.authenticator_class = given["authenticator"]
c.JupyterHub.log_level = "WARN"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = set(given["admins"])
c.JupyterHub.load_groups = given["groups"]
c.JupyterHub.services = [
    {"name": "setup", "admin": True, "api_token": given["setup"]},
    {"name": "responsibility", "api_token": given["token"], "display": False},
    *given["services"],
]
c.JupyterHub.load_roles = [
    *([{"name": "responsibility", "services": ["responsibility"], "scopes": given["scopes"]}]
      if given["scopes"] else []),
    *given["roles"],
]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealHub:
    """A hub that runs: where it is, the token of our service, and one that may do everything."""

    address: Address
    base: str
    token: str
    setup: str

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Make a request of the hub's API as an admin."""
        headers = {"Authorization": f"token {self.setup}"}
        url = f"{self.address.origin}{self.base}hub/api{path}"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, headers=headers, json=body) as answer,
        ):
            answer.raise_for_status()
            return await answer.json(content_type=None)


@asynccontextmanager
async def real_hub(
    directory: Path,
    *,
    base: str = "/",
    authenticator: str = "null",
    admins: tuple[str, ...] = (),
    groups: Mapping[str, Any] | None = None,
    roles: tuple[Mapping[str, Any], ...] = (),
    services: tuple[Mapping[str, Any], ...] = (),
    scopes: tuple[str, ...] = registration.SCOPES,
    telling: bool = True,
) -> AsyncIterator[RealHub]:
    """Run a hub; ``telling`` is whether it has the extraConfig of the registration."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hub = RealHub(
        address=Address("127.0.0.1", port),
        base=base,
        token=secrets.token_hex(32),
        setup=secrets.token_hex(32),
    )
    given = {
        "base_url": base,
        "port": port,
        "directory": str(directory),
        "authenticator": authenticator,
        "admins": admins,
        "groups": groups or {},
        "roles": roles,
        "services": services,
        "scopes": scopes,
        "token": hub.token,
        "setup": hub.setup,
    }
    config = directory / "jupyterhub_config.py"
    told = registration.TELLING if telling else ""
    config.write_text(f"GIVEN = {json.dumps(given)!r}\n{_CONFIG}\n{told}")
    log = (directory / "log").open("wb")
    process = await asyncio.create_subprocess_exec(
        os.environ.get(INTERPRETER) or sys.executable,
        *("-m", "jupyterhub", "-f", str(config)),
        cwd=directory,
        stdout=log,
        stderr=log,
        env={**os.environ, "JUPYTERHUB_CRYPT_KEY": ""},
    )
    try:
        await _started(hub, process, directory / "log")
        yield hub
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        log.close()


async def _started(hub: RealHub, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(_START):
        while True:
            if process.returncode is not None:
                raise AssertionError(f"the hub has ended: see {log}")
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await hub.ask("GET", "/user")
                return
            await asyncio.sleep(0.1)
