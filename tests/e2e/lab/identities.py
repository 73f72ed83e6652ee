"""Being somebody else: the operator's ServiceAccount, a hub's administrator, nobody at all.

An administrator's kubeconfig passes before RBAC is asked, so a test that uses it proves nothing
about rights. These make kubeconfigs for those whom a test is about.
"""

import base64
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

_SIGNED = 30.0
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


def certificate_kubeconfig(cluster: Cluster, subject: str, path: Path) -> Path:
    """Write a kubeconfig with a certificate that the cluster itself has signed.

    `subject` is as openssl has it: `/O=group/CN=user`.
    """
    key = path.with_suffix(".key")
    make = ("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", subject)
    done = subprocess.run((*make, "-keyout", str(key)), check=True, capture_output=True)
    name = f"e2e-{uuid4().hex[:8]}"
    asked = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": base64.b64encode(done.stdout).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "expirationSeconds": 24 * 60 * 60,
            "usages": ["client auth"],
        },
    }
    cluster.kubectl("create", "-f=-", input=yaml.safe_dump(asked))
    cluster.kubectl("certificate", "approve", name)
    show = ("get", "certificatesigningrequest", name, "-o=jsonpath={.status.certificate}")
    certificate = wait_until(
        lambda: cluster.kubectl(*show).stdout, _SIGNED, f"{subject!r} to be signed"
    )
    data = {
        "client-certificate-data": certificate,
        "client-key-data": base64.b64encode(key.read_bytes()).decode(),
    }
    return _write(cluster, path, "default", lambda _: data)


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
