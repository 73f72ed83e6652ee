"""Where the API server is and as whom to speak to it: the official loaders, kept fresh.

The kubeconfig loader of ``kubernetes.aio`` reads a ``tokenFile`` once and runs an exec plugin
once, so a long-lived process would be locked out when the token expires. Its in-cluster loader
does re-read the token each minute. Here both do. It also ignores as whom a kubeconfig says to act.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml
from kubernetes.aio import config as loaders
from kubernetes.aio.client.configuration import Configuration

from responsibility.kube import kubeconfig as kubeconfigs
from responsibility.kube.impersonation import NOBODY_ELSE, Impersonation
from responsibility.kube.kubeconfig import ConfigurationError, own_namespace

__all__ = ["RENEWAL", "ConfigurationError", "Credentials", "load", "own_namespace"]

RENEWAL = 60.0


class Credentials(Configuration):  # type: ignore[misc]  # the client has no types
    """Where the server is, as whom to log in, and as whom to act then."""

    acting_as: Impersonation = NOBODY_ELSE


async def load(
    kubeconfig: Path | None = None,
    context: str | None = None,
    *,
    acting_as: Impersonation = NOBODY_ELSE,
    clock: Callable[[], float] = time.monotonic,
) -> Credentials:
    """Return the client configuration of the cluster to use.

    In a pod that is the pod's ServiceAccount, unless a kubeconfig or a context is named.
    Otherwise ``kubeconfig``, else ``$KUBECONFIG`` (several files are merged), else
    ``~/.kube/config``. ``acting_as`` takes the place of whom the kubeconfig says to act as. Raises
    ConfigurationError.
    """
    if problem := acting_as.problem():
        raise ConfigurationError(problem)
    configuration = Credentials()
    configuration.acting_as = acting_as
    # The loaders build their own copies of it; ours must not become the process's default.
    try:
        if kubeconfigs.in_pod(kubeconfig, context):
            loaders.load_incluster_config(client_configuration=configuration)
            return configuration
        files = str(kubeconfig or os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        # Reading a small file once, before anything else runs on the loop.
        if not any(Path(name).expanduser().is_file() for name in files.split(os.pathsep)):  # noqa: ASYNC240 - see above
            raise ConfigurationError(
                f"there is no kubeconfig at {files}: name one with --kubeconfig or $KUBECONFIG"
            )
        loader = await loaders.load_kube_config(
            config_file=files,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except loaders.ConfigException as error:
        raise ConfigurationError(str(error)) from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        # Not with its words: a parser quotes the line it fell over, and a token may stand there.
        raise ConfigurationError(
            f"{files} is not a usable kubeconfig ({type(error).__name__}); "
            "see whether `kubectl config view` can read it"
        ) from None
    configuration.refresh_api_key_hook = _renewal(loader, clock)
    configuration.acting_as = acting_as or kubeconfigs.current(kubeconfig, context).acting_as
    return configuration


def _renewal(
    loader: loaders.kube_config.KubeConfigLoader, clock: Callable[[], float]
) -> Callable[[Configuration], Awaitable[None]]:
    """Return the hook that ``kubernetes.aio`` awaits before each request.

    Loading again reads the token file again, and runs the exec plugin again only when the
    credential it gave is about to expire (or has no expiry).
    """
    due = clock() + RENEWAL

    async def renew(configuration: Configuration) -> None:
        nonlocal due
        if clock() < due:
            return
        # Moved first: requests that come meanwhile go on with the token they have.
        due = clock() + RENEWAL
        await loader.load_and_set(configuration)

    return renew
