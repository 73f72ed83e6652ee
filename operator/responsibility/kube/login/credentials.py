"""Address of the API server and credentials for it: the official loaders, kept fresh.

The kubeconfig loader of ``kubernetes.aio`` (37.0.2) reads a ``tokenFile`` once and runs a
credential helper once, so a long-lived process would be locked out when the token expires. Its
in-cluster loader re-reads the token each minute, but by a hook of another form, and sends the line
break that a token's file may end with. Here both kinds are read again each minute, and at once when
the server refuses what they hold, as client-go does. Whom a kubeconfig says to act as, the loader
ignores.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml
from kubernetes.aio import config as loaders
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import incluster_config

from responsibility.kube.login import credential_helper
from responsibility.kube.login import kubeconfig as kubeconfigs
from responsibility.kube.login.credential_helper import HelperCredential
from responsibility.kube.login.impersonation import NOBODY_ELSE, Impersonation
from responsibility.kube.login.kubeconfig import ConfigurationError, own_namespace

__all__ = ["RENEWAL", "ConfigurationError", "Credentials", "load", "own_namespace"]

# Seconds after which credentials are read again.
RENEWAL = 60.0
_TOKEN = "BearerToken"  # noqa: S105 - no secret: the client's name for one

Reader = Callable[[Configuration], Awaitable[None]]


class Credentials(Configuration):  # type: ignore[misc]  # the client has no types
    """The server's address, as whom to log in there, and as whom to act then."""

    acting_as: Impersonation = NOBODY_ELSE

    async def renew(self) -> bool:
        """Read them again now, since they were refused; return whether they are others.

        Raises ConfigException where they can't be read.
        """
        hook = self.refresh_api_key_hook
        return isinstance(hook, _Renewal) and await hook.renew(self)


class _Renewal:
    """The hook that ``kubernetes.aio`` awaits before each request."""

    def __init__(self, read: Reader, clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._due = clock() + RENEWAL

    async def __call__(self, configuration: Configuration) -> None:
        if self._clock() >= self._due:
            await self.renew(configuration)

    async def renew(self, configuration: Configuration) -> bool:
        # Moved first: requests that come meanwhile go on with the token they have.
        self._due = self._clock() + RENEWAL
        before = configuration.api_key.get(_TOKEN)
        await self._read(configuration)
        return bool(configuration.api_key.get(_TOKEN) != before)


async def load(
    kubeconfig: Path | None = None,
    context: str | None = None,
    *,
    acting_as: Impersonation = NOBODY_ELSE,
    cluster: str = "",
    user: str = "",
    clock: Callable[[], float] = time.monotonic,
) -> Credentials:
    """Return the client configuration of the cluster to use.

    In a pod that is the pod's ServiceAccount, unless a kubeconfig or a context is named.
    Otherwise ``kubeconfig``, else ``$KUBECONFIG`` (several files are merged), else
    ``~/.kube/config``. ``cluster`` and ``user`` name other entries than the context does, and
    ``acting_as`` takes the place of whom the kubeconfig says to act as. Raises ConfigurationError.
    """
    if problem := acting_as.problem():
        raise ConfigurationError(problem)
    configuration = Credentials()
    configuration.acting_as = acting_as
    # The loaders build their own copies of it; ours must not become the process's default.
    files = ""
    try:
        if kubeconfigs.in_pod(kubeconfig, context or cluster or user):
            await _read_in_pod(configuration)
            configuration.refresh_api_key_hook = _Renewal(_read_in_pod, clock)
            return configuration
        # Reading small files once, before anything else runs on the loop.
        found = kubeconfigs.Kubeconfig.read_strictly(kubeconfig, context, cluster, user)
        files = found.files
        loader = _Loader(found)
        await loader.load_and_set(configuration)
    except loaders.ConfigException as error:
        raise ConfigurationError(str(error)) from error
    except OSError as error:
        raise ConfigurationError(_why(error)) from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        # Not with its words: a parser quotes the line it fell over, and a token may stand there.
        raise ConfigurationError(
            f"{files} is not a usable kubeconfig ({type(error).__name__}); "
            "see whether `kubectl config view` can read it"
        ) from None
    configuration.refresh_api_key_hook = _Renewal(_kubeconfig_reader(loader), clock)
    configuration.acting_as = acting_as or found.acting_as()
    return configuration


class _Loader(loaders.kube_config.KubeConfigLoader):  # type: ignore[misc]  # it has no types
    """The official loader, on what has been merged; helpers are run as client-go does."""

    def __init__(self, kubeconfig: kubeconfigs.Kubeconfig) -> None:
        super().__init__(kubeconfig.as_loaded(), config_base_path="")
        self._kubeconfig = kubeconfig
        self._helped = HelperCredential()

    async def load_from_exec_plugin(self) -> bool:
        """Take the credential of a helper. Raises ConfigException."""
        user, cluster = self._kubeconfig.user, self._kubeconfig.cluster
        if user is None or self._helped.is_fresh(datetime.now(UTC)):
            return True
        try:
            fields = cluster.fields if cluster is not None else {}
            self._helped = await credential_helper.run(user.fields["exec"], user.folder, fields)
        except ConfigurationError as error:
            raise loaders.ConfigException(str(error)) from None
        if self._helped.token:
            self.token = f"Bearer {self._helped.token}"
        else:
            data = {"certificate": self._helped.certificate, "key": self._helped.key}
            self.cert_file, self.key_file = (
                loaders.kube_config.FileOrData(
                    data, None, data_key_name=name, base64_file_content=False
                ).as_file()
                for name in data
            )
        return True


def _kubeconfig_reader(loader: _Loader) -> Reader:
    """Return what reads the token file again.

    It runs a credential helper again only when the credential that it gave is about to expire (or
    has no expiry).
    """

    async def read(configuration: Configuration) -> None:
        try:
            await loader.load_and_set(configuration)
        except OSError as error:
            raise loaders.ConfigException(_why(error)) from error

    return read


async def _read_in_pod(configuration: Configuration) -> None:
    """Read what a pod is given: the server from its environment, token and authority from files.

    Raises ConfigException.
    """
    token = incluster_config.SERVICE_TOKEN_FILENAME
    loader = incluster_config.InClusterConfigLoader(
        token_filename=token,
        cert_filename=incluster_config.SERVICE_CERT_FILENAME,
        try_refresh_token=False,
    )
    try:
        loader.load_and_set(configuration)
    except loaders.ConfigException as error:
        raise loaders.ConfigException(f"{error} {_MOUNT.format(token)}") from error
    except OSError as error:
        raise loaders.ConfigException(f"{_why(error)}. {_MOUNT.format(token)}") from error
    except UnicodeDecodeError as error:
        raise loaders.ConfigException(f"{token} holds no token. {_MOUNT.format(token)}") from error
    configuration.api_key[_TOKEN] = configuration.api_key[_TOKEN].strip()


_MOUNT = (
    "In a pod, {} has to hold the token of its ServiceAccount, and ca.crt beside it who has signed "
    "for the API server: set automountServiceAccountToken to true, or name a kubeconfig"
)


def _why(error: OSError) -> str:
    return f"{error.filename} can't be read: {error.strerror or type(error).__name__}"
