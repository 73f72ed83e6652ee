"""Certificates of the operator's ports: read from a directory, and again when they are renewed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from responsibility.controller.process.ports import ListenError

logger = logging.getLogger(__name__)

# Seconds after which a certificate that was renewed is used.
_RELOAD = 60.0


def server_context(directory: Path, *, setting: str) -> ssl.SSLContext:
    """Return what serves TLS with ``tls.crt`` and ``tls.key`` of a directory. Raises ListenError.

    ``setting`` is the variable that names the directory.
    """
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(found, directory, setting)
    return found


async def keep_fresh(served: ssl.SSLContext, directory: Path, *, setting: str) -> None:
    """Use what is renewed, until cancelled."""
    while True:
        await asyncio.sleep(_RELOAD)
        try:
            _load(served, directory, setting)
        except ListenError as error:
            logger.warning("the old certificate is used on: %s", error)


def _load(served: ssl.SSLContext, directory: Path, setting: str) -> None:
    certificate, key = directory / "tls.crt", directory / "tls.key"
    try:
        served.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the certificate cannot be used: {certificate}, {key}: "
            f"{error.strerror or type(error).__name__}; set {setting} to a directory with tls.crt "
            "and tls.key"
        ) from error
