"""An administrator's HTTP connection: quicker than a process for each question.

A kubeconfig may name its certificates' files (kwok) or hold them (kind); here both are files.
"""

import ssl
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from tests.e2e.lab.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Connection:
    """Where an API server is (``https://host:port``), and how the administrator gets there."""

    host: str
    _files: dict[str, Any]

    def pool(self, connections: int) -> urllib3.PoolManager:
        """Return a pool of so many connections at a time, which says itself who asks."""
        # Policies are compiled when they are written, and the machine may be busy.
        return urllib3.PoolManager(maxsize=connections, retries=False, timeout=120.0, **self._files)

    def tls(self) -> ssl.SSLContext:
        """Return the same for a connection that is made otherwise."""
        context = ssl.create_default_context(cafile=self._files["ca_certs"])
        context.load_cert_chain(self._files["cert_file"], self._files["key_file"])
        return context

    def anonymous_tls(self) -> ssl.SSLContext:
        """Return it for somebody who says by something else who asks, or not at all."""
        return ssl.create_default_context(cafile=self._files["ca_certs"])


def administrator(cluster: Cluster) -> Connection:
    """Read where a cluster is, and the administrator's certificate."""
    settings = Configuration()
    load_kube_config(str(cluster.kubeconfig), client_configuration=settings)
    files = {
        "cert_file": settings.cert_file,
        "key_file": settings.key_file,
        "ca_certs": settings.ssl_ca_cert,
    }
    return Connection(settings.host, files)
