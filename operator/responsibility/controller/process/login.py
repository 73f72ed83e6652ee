"""The framework's credentials, taken from the same configuration as our own client's.

They are read anew at each log-in. It logs in at start, when they expire, and when the server has
refused them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import kopf

from responsibility.controller.process.settings import Settings
from responsibility.kube.backoff import Backoff
from responsibility.kube.login import credentials

# Tokens of ServiceAccounts rotate, so they are read again well before the shortest one ends; and
# so are files of certificates.
_RENEW = timedelta(minutes=5)
# Seconds after which a log-in has nothing to do with the one before.
_APART = 60.0


class FrameworkLogin:
    """Logs the framework in; the quicker it comes back, the longer it waits."""

    def __init__(
        self, settings: Settings, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._backoff = Backoff(base=0.05, cap=5.0)
        self._last: float | None = None

    async def __call__(self) -> kopf.ConnectionInfo:
        """Return how to reach the API server, and as whom.

        Raises TemporaryError where the credentials can't be read: they may be there soon.
        """
        now = asyncio.get_running_loop().time()
        if self._last is not None and now - self._last < _APART:
            await self._sleep(self._backoff.next())
        else:
            self._backoff.reset()
        self._last = asyncio.get_running_loop().time()
        try:
            return await connection(self._settings)
        except credentials.ConfigurationError as error:
            raise kopf.TemporaryError(str(error), delay=1.0) from error


async def connection(settings: Settings) -> kopf.ConnectionInfo:
    """Return how the framework reaches the API server, and as whom.

    It takes what it was refused with for useless for ever, so no two of these are equal. Raises
    ConfigurationError.
    """
    loaded = await credentials.load(settings.kubeconfig, settings.context)
    key = await loaded.get_api_key_with_prefix("BearerToken")
    scheme, _, token = (key or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=loaded.host,
        ca_path=loaded.ssl_ca_cert,
        insecure=not loaded.verify_ssl,
        certificate_path=loaded.cert_file,
        private_key_path=loaded.key_file,
        scheme=scheme or None,
        token=token or None,
        proxy_url=loaded.proxy,
        expiration=datetime.now(UTC) + _RENEW,
    )
