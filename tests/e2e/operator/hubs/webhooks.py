"""An operator whose webhooks the API server reaches on this machine."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.ports import pick_one
from tests.e2e.operator import chart, patient
from tests.e2e.operator.api import Manifest


class Listening:
    """Where the operator listens, and its certificate."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self._directory = directory
        self._address = cluster.neighbour
        self._port = pick_one()
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=webhook"]
        command += ["-addext", f"subjectAltName=IP:{self._address}"]
        command += ["-keyout", str(directory / "tls.key"), "-out", str(directory / "tls.crt")]
        subprocess.run(command, check=True, capture_output=True)

    @property
    def bundle(self) -> str:
        """The certificate, as a configuration has it."""
        return base64.b64encode((self._directory / "tls.crt").read_bytes()).decode()

    @property
    def client_config(self) -> dict[str, str]:
        """How the API server gets there."""
        return {"url": f"https://{self._address}:{self._port}", "caBundle": self.bundle}

    @property
    def settings(self) -> dict[str, str]:
        """What the operator is told of it."""
        return {
            "WEBHOOK_LISTEN": f"{self._address}:{self._port}",
            "WEBHOOK_CERTIFICATES": str(self._directory),
        }

    def configuration(self, name: str, *options: str) -> Manifest:
        """Return a configuration as the chart has it, but for the operator's place and time."""
        (found,) = (
            o
            for o in chart.rendered(*options)
            if o["kind"] == "ValidatingWebhookConfiguration" and o["metadata"]["name"] == name
        )
        for hook in found["webhooks"]:
            config: dict[str, Any] = hook["clientConfig"]
            path = config.pop("service")["path"]
            config["url"] = self.client_config["url"] + path
            hook["timeoutSeconds"] = patient.TIMEOUT
            assert config["caBundle"] == self.bundle
        return found
