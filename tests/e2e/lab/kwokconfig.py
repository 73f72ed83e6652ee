"""What kwokctl is told about a cluster: programs, ports and options in, a document out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.lab.cluster import Options
from tests.e2e.lab.directories import LAB

PORTS = (
    "etcdPort",
    "etcdPeerPort",
    "kubeApiserverPort",
    "kubeControllerManagerPort",
    "kwokControllerPort",
)

# Named in Kubernetes' cmd/kube-controller-manager/names/controller_names.go.
_NO_TYPECHECKS = "*,-validatingadmissionpolicy-status-controller"

_BINARIES = {
    "etcdBinary": "etcd",
    "kubeApiserverBinary": "kube-apiserver",
    "kubeControllerManagerBinary": "kube-controller-manager",
    "kwokControllerBinary": "kwok",
    "kubectlBinary": "kubectl",
}


def configuration(
    binaries: Path, ports: Mapping[str, int], options: Options, *, pki: Path
) -> dict[str, Any]:
    """Compose a KwokctlConfiguration: secure port, certificates, audit log, no scheduler.

    `pki` is where kwokctl will put the cluster's certificates.
    """
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "metadata": {"name": "lab"},
        "options": {
            "runtime": "binary",
            "bindAddress": "127.0.0.1",
            "securePort": True,
            # Left out, so that the flag below is the only word on it: kwokctl's own is a list flag,
            # and two of those add up.
            "kubeAuthorization": False,
            "kubeAdmission": True,
            "kubeAuditPolicy": str(LAB / "audit-policy.yaml"),
            "kubeFeatureGates": _pairs(options.feature_gates),
            "kubeRuntimeConfig": _pairs(options.runtime_config),
            "disable": ["kube-scheduler"],
            **{option: str(binaries / name) for option, name in _BINARIES.items()},
            **ports,
        },
        "componentsPatches": [
            _flags(
                "kube-apiserver",
                {"authorization-mode": options.authorization_mode, **options.apiserver_flags},
            ),
            _flags(
                "kube-controller-manager",
                {
                    # Alone, it has nobody to give way to, and it would exit when it cannot renew
                    # its lease while a test has stopped the API server.
                    "leader-elect": "false",
                    # It begins with some hundred requests, of which it sends twenty a second by
                    # itself: half of the time that a cluster takes to start.
                    "kube-api-qps": "1000",
                    "kube-api-burst": "1000",
                    # Each controller as a ServiceAccount of its own, as on every real cluster; all
                    # of them would be an administrator, and pass where a controller must not.
                    "use-service-account-credentials": "true",
                    **({} if options.typechecks_policies else {"controllers": _NO_TYPECHECKS}),
                    # As every real cluster has it: certificates are signed, and token Secrets
                    # filled. kwokctl does neither without its own flag for authorization.
                    "cluster-signing-cert-file": str(pki / "ca.crt"),
                    "cluster-signing-key-file": str(pki / "ca.key"),
                    "service-account-private-key-file": str(pki / "admin.key"),
                },
            ),
            # A test's data need not survive a power cut, and its writes are to be fast.
            _flags("etcd", {"unsafe-no-fsync": "true"}),
        ],
    }


def ports_in(path: Path) -> dict[str, int]:
    """Read back the ports of a cluster from its configuration."""
    options = yaml.safe_load(path.read_text(encoding="utf-8"))["options"]
    return {name: options[name] for name in PORTS}


def promised(root: Path) -> set[int]:
    """Collect the ports of all clusters here, also of those that are only about to start."""
    paths = root.glob("*/kwokctl.yaml")
    return {port for path in paths for port in ports_in(path).values()}


def _pairs(switches: Mapping[str, bool]) -> str:
    return ",".join(f"{name}={str(on).lower()}" for name, on in switches.items())


def _flags(component: str, flags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": component,
        "extraArgs": [{"key": key, "value": value} for key, value in flags.items()],
    }
