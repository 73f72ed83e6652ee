"""Being somebody else: the operator's ServiceAccount, a hub's administrator, nobody at all.

An administrator's kubeconfig passes before RBAC is asked, so a test that uses it proves nothing
about rights. These make kubeconfigs for those whom a test is about.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.lab.cluster import Cluster

# From the administrator's user entry in a kubeconfig to somebody else's.
_User = Callable[[dict[str, Any]], dict[str, Any]]


def service_account_token(
    cluster: Cluster, namespace: str, name: str, *, duration: str = "1h"
) -> str:
    """Get a token of a ServiceAccount by TokenRequest, as a pod would be given."""
    done = cluster.kubectl("create", "token", name, f"-n={namespace}", f"--duration={duration}")
    return done.stdout.strip()


def token_kubeconfig(
    cluster: Cluster, token: str, path: Path, *, namespace: str = "default"
) -> Path:
    """Write a kubeconfig that authenticates with a bearer token and nothing else."""
    return _write(cluster, path, namespace, lambda _: {"token": token})


def service_account_kubeconfig(cluster: Cluster, namespace: str, name: str, path: Path) -> Path:
    """Write a kubeconfig of a ServiceAccount, with a token that lives for an hour."""
    token = service_account_token(cluster, namespace, name)
    return token_kubeconfig(cluster, token, path, namespace=namespace)


def impersonating_kubeconfig(
    cluster: Cluster,
    user: str,
    groups: Sequence[str],
    path: Path,
    *,
    namespace: str = "default",
) -> Path:
    """Write a kubeconfig of the administrator acting as `user` in `groups`.

    The API server adds `system:authenticated` to the groups by itself.
    """
    return _write(
        cluster, path, namespace, lambda admin: {**admin, "as": user, "as-groups": list(groups)}
    )


def _write(cluster: Cluster, path: Path, namespace: str, user: _User) -> Path:
    # Flattened: the certificates are in the file itself, so it can be copied anywhere.
    shown = cluster.kubectl("config", "view", "--raw", "--flatten", "--minify")
    config = yaml.safe_load(shown.stdout)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster.context,
        "clusters": [{"name": cluster.name, "cluster": config["clusters"][0]["cluster"]}],
        "users": [{"name": "subject", "user": user(config["users"][0]["user"])}],
        "contexts": [
            {
                "name": cluster.context,
                "context": {"cluster": cluster.name, "user": "subject", "namespace": namespace},
            }
        ],
    }
    # It holds a credential, so nobody else may read it, from the first moment on.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
