"""Credential helpers: programs that a kubeconfig names under ``exec`` to answer a credential.

The loader of ``kubernetes.aio`` (37.0.2) goes on as nobody where a helper is missing or fails, and
takes no notice of where the kubeconfig lies or when a certificate ends. Here a helper is run as
client-go runs it (``plugin/pkg/client/auth/exec``), and what goes wrong ends with the reason. What
a helper answers is never repeated: a token may stand there.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from responsibility.kube.login.kubeconfig import ConfigurationError

_GROUP: Final = "client.authentication.k8s.io/"
_LONGEST: Final = 200
# A credential that ends within this isn't used for another request.
_MARGIN: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class HelperCredential:
    """A helper's answer: a token, or a certificate with its key (PEM), and until when."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    until: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Return whether it can be used on; without an end it is asked for again each time."""
        return self.until is not None and now + _MARGIN < self.until


async def run(
    fields: Mapping[str, Any], folder: Path, cluster: Mapping[str, Any]
) -> HelperCredential:
    """Run the helper of a user and return its credential. Raises ConfigurationError.

    ``folder`` is that of the kubeconfig; a command with a slash in it is relative to that.
    """
    command, version = fields.get("command"), fields.get("apiVersion")
    if not isinstance(command, str) or not isinstance(version, str) or not command:
        raise ConfigurationError("the credential helper of the kubeconfig has no command")
    program = str(folder / command) if os.sep in command else command
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *map(str, fields.get("args") or ()),
            env=_environment(fields, version, cluster),
            stdin=None if _interactive(fields) else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error_output = await process.communicate()
    except OSError as error:
        hint = str(fields.get("installHint") or "").strip()
        raise ConfigurationError(
            f"the credential helper {command} can't be run: {error.strerror}"
            + (f" ({' '.join(hint.split())[:_LONGEST]})" if hint else "")
        ) from None
    if process.returncode:
        lines = error_output.decode("utf-8", "replace").strip().splitlines()
        why = f": {lines[-1][:_LONGEST]}" if lines else ""
        raise ConfigurationError(
            f"the credential helper {command} ended with {process.returncode}{why}"
        )
    return _credential(command, version, out)


def _environment(
    fields: Mapping[str, Any], version: str, cluster: Mapping[str, Any]
) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": _interactive(fields)}
    if fields.get("provideClusterInfo"):
        known = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")
        spec["cluster"] = {key: cluster[key] for key in known if key in cluster}
        if data := cluster.get("certificate-authority-data"):
            spec["cluster"]["certificate-authority-data"] = data
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    more = {
        str(entry["name"]): str(entry.get("value") or "")
        for entry in fields.get("env") or ()
        if isinstance(entry, Mapping) and entry.get("name")
    }
    return {**os.environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _interactive(fields: Mapping[str, Any]) -> bool:
    return fields.get("interactiveMode") != "Never" and sys.stdin is not None and sys.stdin.isatty()


def _credential(command: str, version: str, out: bytes) -> HelperCredential:
    try:
        answer = json.loads(out)
        status = answer["status"]
        token, certificate, key = (
            str(status.get(name) or "")
            for name in ("token", "clientCertificateData", "clientKeyData")
        )
        end = status.get("expirationTimestamp")
        until = datetime.fromisoformat(end) if end else None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConfigurationError(
            f"the credential helper {command} answers something that is no ExecCredential"
        ) from None
    if answer.get("apiVersion") != version or not version.startswith(_GROUP):
        raise ConfigurationError(
            f"the credential helper {command} answers in another version than {version}, which "
            "the kubeconfig asks for"
        )
    if not token and not (certificate and key):
        raise ConfigurationError(f"the credential helper {command} answers no credential")
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return HelperCredential(token, certificate, key, until)
