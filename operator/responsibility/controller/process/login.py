"""The framework's credentials, taken from the same configuration as our own client's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import kopf

from responsibility.controller.process.settings import Settings
from responsibility.kube import credentials

# Tokens of ServiceAccounts rotate, so they are read again well before the shortest one ends.
_RENEW = timedelta(minutes=5)


async def connection(settings: Settings) -> kopf.ConnectionInfo:
    """Return how the framework reaches the API server, and as whom."""
    loaded = await credentials.load(settings.kubeconfig, settings.context)
    if loaded.refresh_api_key_hook is not None:
        await loaded.refresh_api_key_hook(loaded)
    scheme, _, token = (loaded.api_key.get("BearerToken") or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=loaded.host,
        ca_path=loaded.ssl_ca_cert,
        insecure=not loaded.verify_ssl,
        certificate_path=loaded.cert_file,
        private_key_path=loaded.key_file,
        scheme=scheme or None,
        token=token or None,
        proxy_url=loaded.proxy,
        expiration=datetime.now(UTC) + _RENEW if token else None,
    )
