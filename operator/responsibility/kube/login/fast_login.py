"""Logins so plain that the standard library can do them: a certificate or a token.

Whatever else a kubeconfig may ask for – a program that gives credentials, a proxy, another name in
the certificate – is for the official loader, and so is telling what is wrong with one: ``login``
answers None to all of that.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from responsibility.kube.login.impersonation import Impersonation
from responsibility.kube.login.kubeconfig import Entry, Kubeconfig, in_pod

_CLUSTER = frozenset(
    {
        *("server", "certificate-authority", "certificate-authority-data"),
        *("insecure-skip-tls-verify", "extensions"),
    }
)
_USER = frozenset(
    {
        *("client-certificate", "client-certificate-data", "client-key", "client-key-data"),
        *("token", "tokenFile", "as", "as-groups", "as-uid", "as-user-extra", "extensions"),
    }
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Login:
    """The server's address, how its certificate is checked, and what each request says of us."""

    server: SplitResult
    tls: ssl.SSLContext | None
    headers: tuple[tuple[str, str], ...]


def login(
    kubeconfig: Path | None,
    context: str | None,
    acting_as: Impersonation,
    *,
    cluster: str = "",
    user: str = "",
) -> Login | None:
    """Return how to log in; None where that is not plain. Raises ConfigurationError.

    ``cluster`` and ``user`` name other entries of the kubeconfig than the context does.
    """
    if in_pod(kubeconfig, context or cluster or user) or any(
        os.environ.get(n) or os.environ.get(n.upper()) for n in _PROXIES
    ):
        return None
    found = Kubeconfig.read(kubeconfig, context, cluster, user)
    if found.cluster is None or found.user is None:
        return None
    acting = acting_as or found.acting_as()
    if set(found.cluster.fields) - _CLUSTER or set(found.user.fields) - _USER:
        return None
    try:
        return _login(found.cluster, found.user, acting)
    except (OSError, ValueError, TypeError, AttributeError):
        # Not readable, not base64, no certificate: the official loader says which.
        return None


def _login(cluster: Entry, user: Entry, acting_as: Impersonation) -> Login | None:
    server = urlsplit(cluster.fields["server"].rstrip("/"))
    if server.scheme not in ("http", "https") or not server.hostname or server.username:
        return None
    token = user.fields.get("token") or ""
    if file := user.fields.get("tokenFile"):
        if token:
            return None
        token = (user.folder / file).read_text(encoding="utf-8").strip()
    headers = list(acting_as.headers())
    if not token.isprintable():
        return None
    if token:
        headers.append(("Authorization", f"Bearer {token}"))
    tls = _tls(cluster, user) if server.scheme == "https" else None
    return Login(server, tls, tuple(headers))


def _tls(cluster: Entry, user: Entry) -> ssl.SSLContext:
    authority = _content(cluster, "certificate-authority")
    tls = ssl.create_default_context(cadata=authority or None)
    if cluster.fields.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    if certificate:
        # OpenSSL wants a file. It is gone at once, and nobody else can read it meanwhile.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as both:
            both.write(f"{certificate}\n{key}\n")
            both.flush()
            tls.load_cert_chain(both.name)
    return tls


def _content(entry: Entry, field: str) -> str:
    """Return the text of a field that is there as data, or as a file's name."""
    fields: Mapping[str, Any] = entry.fields
    if data := fields.get(f"{field}-data"):
        return base64.b64decode(data, validate=True).decode()
    if file := fields.get(field):
        return Path(entry.folder, file).read_text(encoding="utf-8")
    return ""
