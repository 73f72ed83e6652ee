"""An Alertmanager of our own, with the routes of the documentation and the inhibitions we ship."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
import yaml

from tests.e2e.lab import ports, programs
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.lab.waiting import STRETCH, wait_until

Json = dict[str, Any]
_PATIENCE = 60.0
_SHIPPED = REPOSITORY / "helm/hub-responsibility/files/alerts/alertmanager.yaml"


def configuration() -> Json:
    """Return what the documentation has, with what the chart has, and where to send mail to."""
    page = (REPOSITORY / "docs/monitoring.md").read_text(encoding="utf-8")
    (written,) = re.findall(
        r"^```yaml\n(# alertmanager\.yml\n.*?)^```", page, re.MULTILINE | re.DOTALL
    )
    return {
        # Nobody is written to: nothing listens there.
        "global": {"smtp_smarthost": "127.0.0.1:1", "smtp_from": "alerts@x.example"},
        **yaml.safe_load(written),
        **yaml.safe_load(_SHIPPED.read_text(encoding="utf-8")),
    }


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)

    def get(self, path: str) -> Any:
        """Ask its API."""
        return json.loads(self._http.request("GET", f"http://{self.address}{path}").data)

    def alerts(self, name: str, **labels: str) -> list[Json]:
        """Return the alerts of a name with these labels, whatever their state."""
        return [
            alert
            for alert in self.get("/api/v2/alerts")
            if {"alertname": f"Responsibility{name}", **labels}.items() <= alert["labels"].items()
        ]

    def groups(self) -> list[Json]:
        """Return what is told together: the labels of each group, its receiver, its alerts."""
        found: list[Json] = self.get("/api/v2/alerts/groups")
        return found

    def put(self, name: str, labels: Mapping[str, str]) -> None:
        """Have an alert fire."""
        body = [{"labels": {"alertname": f"Responsibility{name}", **labels}}]
        answer = self._http.request("POST", f"http://{self.address}/api/v2/alerts", json=body)
        assert answer.status == 200, answer.data

    def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            return self._http.request("GET", f"http://{self.address}/-/ready").status == 200
        except urllib3.exceptions.HTTPError:
            return False


def held_back(alerts: list[Json]) -> list[bool]:
    """Return for each alert whether another keeps it from being told."""
    return [bool(alert["status"]["inhibitedBy"]) for alert in alerts]


@contextmanager
def telling(directory: Path) -> Iterator[Alertmanager]:
    """Run an Alertmanager until the block ends."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(configuration()), encoding="utf-8")
    port = ports.pick_one()
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(programs.alertmanager()),
                f"--config.file={file}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    started = Alertmanager(port)
    try:
        wait_until(
            started.is_ready, _PATIENCE, lambda: (directory / "log").read_text("utf-8")[-3_000:]
        )
        yield started
    finally:
        process.terminate()
        process.wait(STRETCH * 30)
