"""What a pod has for its log-in: files that are mounted, and two variables."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes.aio.config import incluster_config


@dataclass(frozen=True, slots=True)
class Pod:
    """Its token's and its authority's file."""

    token: Path
    authority: Path

    def rotate(self, token: str) -> None:
        """Write another token, as the kubelet does; a file often ends with a line break."""
        self.token.write_text(f"{token}\n", encoding="utf-8")

    def lose(self) -> None:
        """Take the token away."""
        self.token.unlink()


def in_pod(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    """Make this process one that runs in a pod."""
    pod = Pod(directory / "token", directory / "ca.crt")
    pod.rotate("first")
    pod.authority.write_text("a certificate", encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(pod.token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(pod.authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return pod
