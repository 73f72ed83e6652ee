"""A Prometheus of our own: its process, its configuration and what it answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from tests.e2e.lab import ports, programs
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.waiting import STRETCH, wait_until

Json = dict[str, Any]

# What the real one does in half a minute happens here in a second.
INTERVAL = "1s"
_PATIENCE = 60.0
_TRIES = 3


def program(name: str) -> Path:
    """Return `prometheus` or `promtool`: built where Go is, else those on PATH."""
    return programs.monitoring(name)


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one moment."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)

    def query(self, expression: str) -> list[Sample]:
        """Evaluate an expression now. What can't be evaluated fails with Prometheus' own words."""
        data = self.get("/api/v1/query", query=expression)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(found["metric"], float(found["value"][1])) for found in data["result"]]

    def label_values(self, selector: str, label: str) -> list[str]:
        """Return what Grafana offers for a variable."""
        found: list[str] = self.get(f"/api/v1/label/{label}/values", **{"match[]": selector})
        return found

    def rules(self) -> list[Json]:
        """Return all rules, with their health."""
        groups = self.get("/api/v1/rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> list[Json]:
        """Return the alerts that fire, with labels and annotations."""
        alerts: list[Json] = self.get("/api/v1/alerts")["alerts"]
        return [alert for alert in alerts if alert["state"] == "firing"]

    def targets(self) -> list[Json]:
        """Return what is scraped."""
        active: list[Json] = self.get("/api/v1/targets")["activeTargets"]
        return active

    def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            return self._http.request("GET", f"{self.url}/-/ready").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def get(self, path: str, **fields: str) -> Any:
        """Ask its API."""
        answer = self._http.request("GET", self.url + path, fields=fields)
        read = json.loads(answer.data)
        assert read["status"] == "success", f"{fields}: {read.get('error')}"
        return read["data"]


@contextmanager
def running(
    directory: Path, scrape: Sequence[Json], rules: Json | None = None, alertmanager: str = ""
) -> Iterator[Prometheus]:
    """Run a Prometheus with these scrape configurations and rules until the block ends.

    ``alertmanager`` is the address of who is to be told of alerts.
    """
    directory.mkdir(parents=True, exist_ok=True)
    configuration: Json = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "scrape_configs": list(scrape),
    }
    if rules is not None:
        (directory / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
        configuration["rule_files"] = [str(directory / "rules.yaml")]
    if alertmanager:
        told = [{"static_configs": [{"targets": [alertmanager]}]}]
        configuration["alerting"] = {"alertmanagers": told}
    file = directory / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    process, url = _start(directory, file)
    try:
        yield Prometheus(url)
    except BaseException:
        print((directory / "log").read_text("utf-8", "replace")[-5_000:])
        raise
    finally:
        process.terminate()
        process.wait(STRETCH * 30)


def _start(directory: Path, file: Path) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(_TRIES):
        # Whoever is quicker takes the port; then another is tried.
        port = ports.pick_one()
        with (directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [
                    str(program("prometheus")),
                    f"--config.file={file}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    # A busy machine answers late, which is no reason to drop what it says.
                    "--query.lookback-delta=30s",
                ],
                stdout=log,
                stderr=log,
            )
        url = f"http://127.0.0.1:{port}"

        def ended_or_ready(process: subprocess.Popen[bytes] = process, url: str = url) -> bool:
            return process.poll() is not None or Prometheus(url).is_ready()

        try:
            wait_until(ended_or_ready, _PATIENCE, "Prometheus to answer")
        except LabError:
            process.kill()
            process.wait()
            raise
        if process.poll() is None:
            return process, url
    raise LabError((directory / "log").read_text("utf-8", "replace")[-5_000:])
