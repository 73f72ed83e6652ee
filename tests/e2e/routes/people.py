"""Real identities: each request is made with a credential of its own, never impersonated."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import kubernetes

from tests.e2e.lab import waiting
from tests.e2e.lab.cluster import Cluster

Object = dict[str, Any]
PATIENCE = 20.0


class Refused(Exception):  # noqa: N818 - a word of this test
    """The API server said no."""


@dataclass(slots=True)
class Person:
    """Somebody with a credential."""

    http: aiohttp.ClientSession
    host: str
    tls: ssl.SSLContext
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: object = None, *, kind: str = "application/json"
    ) -> Any:
        """Make a request.

        Raises:
            Refused: the API server answered 401 or 403.
        """
        headers = {"Content-Type": kind, **self.headers}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        async with self.http.request(
            method,
            self.host + path,
            data=None if body is None else json.dumps(body),
            headers=headers,
            ssl=self.tls,
        ) as response:
            text = await response.text()
            if response.status in {401, 403}:
                raise Refused(f"{method} {path}: {text}")
            assert response.ok, f"{method} {path} {json.dumps(body)}: {response.status} {text}"
            return json.loads(text)

    async def patch(self, path: str, body: object) -> Any:
        """Merge a patch."""
        return await self.ask("PATCH", path, body, kind="application/merge-patch+json")

    async def apply(self, path: str, body: object) -> Any:
        """Apply an object, which creates it if need be."""
        path += "?fieldManager=test&force=true"
        return await self.ask("PATCH", path, body, kind="application/apply-patch+yaml")

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait for something that a controller or an informer has to do."""
        await waiting.until(condition, PATIENCE, what, interval=0.05)

    def with_token(self, token: str) -> Person:
        """Return somebody else, who has a token."""
        return Person(self.http, self.host, _context(self.tls), token)

    def impersonating(self, user: str, group: str = "") -> Person:
        """Return this person, acting as a user: the headers are its own, and so is the right."""
        headers = {"Impersonate-User": user}
        if group:
            headers["Impersonate-Group"] = group
        return Person(self.http, self.host, self.tls, self.token, headers)

    def with_certificate(self, certificate: str, key: str) -> Person:
        """Return somebody else, who has a client certificate."""
        context = _context(self.tls)
        with TemporaryDirectory() as directory:
            path = Path(directory) / "pair.pem"
            path.touch(mode=0o600)
            path.write_text(base64.b64decode(certificate).decode() + key, encoding="utf-8")
            context.load_cert_chain(path)
        return Person(self.http, self.host, context)


def _context(known: ssl.SSLContext) -> ssl.SSLContext:
    """Return a context with the same authorities and no client certificate."""
    context = ssl.create_default_context()
    for authority in known.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=authority)
    return context


def administrator(cluster: Cluster, http: aiohttp.ClientSession) -> Person:
    """Return who sets the scenes."""
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    token = (configuration.api_key.get("authorization") or "").removeprefix("Bearer ")
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return Person(http, configuration.host, context, token)


async def certificate_request(common_name: str, *organizations: str) -> tuple[str, str]:
    """Return a request for a certificate as the API takes it, and its private key."""
    subject = "".join(f"/O={each}" for each in organizations) + f"/CN={common_name}"
    process = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-keyout", "-", "-subj", subject),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    text = out.decode()
    begin = text.index("-----BEGIN CERTIFICATE REQUEST")
    key = text[:begin] if begin else text[text.index("-----BEGIN PRIVATE") :]
    return base64.b64encode(text[begin:].encode()).decode(), key
