"""The page about support: each version that it works with, and what has tried that.

Versions are read where the tests have them from, so that the page says what is tried and nothing
else; what is not tried is said as well, with what speaks for it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from demo import labels
from tools.release.plugin_archive import PLATFORMS
from tools.release.plugin_launcher import SUPPORTED

ROOT = Path(__file__).parents[2]
PAGE: Final = Path("docs/support.md")
_PINS = ROOT / "tests/e2e/lab/gomods"


@dataclass(frozen=True, slots=True)
class Row:
    """One version: tried by what, a command or a test; or not, and why it may work all the same."""

    version: str
    by: str = ""
    why_not: str = ""
    note: str = ""

    def line(self) -> str:
        """Return it as a line of a table."""
        tried = f"tried: {self.by}" if self.by else "not tried"
        return f"| {self.version} | {tried} | {self.note or self.why_not} |"


def pinned(module: str, dependency: str) -> str:
    """Return the version of a program that the tests build, such as ``1.37.2``."""
    text = (_PINS / module / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^\s*(?:require )?{re.escape(dependency)} v(\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"gomods/{module}/go.mod pins no {dependency}")
    return found[1]


def _oldest_kubernetes() -> str:
    chart = yaml.safe_load((ROOT / "helm/hub-responsibility/Chart.yaml").read_text("utf-8"))
    (oldest,) = re.findall(r"^>=(\d+\.\d+)\.0-0$", chart["kubeVersion"])
    return str(oldest)


def _before(version: str) -> str:
    major, minor = version.split(".")[:2]
    return f"{major}.{int(minor) - 1}"


def _prometheus(module: str) -> str:
    """Return the version of a release, whose Go module says 0.316.0 for 3.16.0."""
    _, minor, patch = module.split(".")
    return f"{minor[0]}.{int(minor[1:])}.{patch}"


def _base_python() -> str:
    (found,) = re.findall(r"^ARG BASE=\S*python:(\d+\.\d+)", _containerfile(), re.MULTILINE)
    return str(found)


def _containerfile() -> str:
    return (ROOT / "Containerfile").read_text(encoding="utf-8")


def tables() -> dict[str, tuple[Row, ...]]:
    """Return the rows by what they are versions of."""
    kubernetes = pinned("kubernetes", "k8s.io/kubernetes")
    oldest = _oldest_kubernetes()
    prometheus = _prometheus(pinned("prometheus", "github.com/prometheus/prometheus"))
    operator = pinned("prometheus-operator", "github.com/prometheus-operator/prometheus-operator")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first = project["requires-python"].removeprefix(">=")
    pythons = ["{}.{}".format(*version) for version in SUPPORTED]
    return {
        "Kubernetes": (
            Row(
                kubernetes,
                by="`make test`",
                note="its own API server, controllers and etcd; nodes and pods are simulated",
            ),
            Row(
                "that of kind's node image",
                by="`make e2e-pods`",
                note="where Docker and kind are: the image in pods, by a kubelet; not part of "
                "`make test`. `E2E_KIND_IMAGE` chooses another version",
            ),
            Row(
                f"{oldest} to {_before(kubernetes)}",
                why_not="all that is used is stable from "
                f"{oldest} on; the chart renders for it (`tests/e2e/test_chart_options.py`)",
            ),
            Row(
                f"older than {oldest}",
                by="`tests/e2e/test_chart_options.py`",
                note="refused by the chart: ValidatingAdmissionPolicy is not stable there",
            ),
            Row(
                "GKE, EKS, AKS, OpenShift, k3s, RKE2",
                why_not="their versions are let in, OpenShift's choice of users is left to it by "
                "values, and names of their control planes are known; none was run",
            ),
        ),
        "Helm": (
            Row(pinned("helm", "helm.sh/helm/v4"), by="`make test`"),
            Row(
                pinned("helm3", "helm.sh/helm/v3"),
                by="`make test-long`",
                note="in short by `tests/e2e/test_helm3.py` in each `make test`",
            ),
            Row("3.17 to 3.20, 4.0 to 4.2", why_not="have all that docs/upgrade.md asks for"),
            Row("older than 3.17", why_not="has no `--take-ownership`"),
        ),
        "JupyterHub chart (Zero to JupyterHub)": (
            Row(
                labels.Release(name="x", namespace="x").chart_version,
                by="`make test`",
                note="by objects as the chart makes them, of the demo; its pods are not run",
            ),
            Row(
                "3.3",
                by="`tests/unit/hub/test_discovery.py`",
                note="its labels, which had other names, in the demo as well",
            ),
            Row("4.0 to 4.3", why_not="their labels are among those of that test"),
            Row("older than 3.3", why_not="nobody has looked"),
        ),
        "Python": (
            Row(
                f"{first} and what `make venv` finds",
                by="`make test`",
                note=f"{first} is what types and style are checked for",
            ),
            Row(
                f"{pythons[1]} to {pythons[-1]}",
                why_not="`.github/workflows/test.yaml` runs `make unit` on each, and has not been "
                f"run yet. The images have {_base_python()}; the plugin's archive has libraries "
                "for all of them",
            ),
            Row(f"newer than {pythons[-1]}", why_not="the plugin's archive refuses it"),
        ),
        "Platforms": (
            Row(
                "Linux on amd64",
                by="`make test`, `make e2e-pods`",
                note="operator, images and command line",
            ),
            Row(
                "Linux on arm64, images",
                why_not="`.github/workflows/release.yaml` builds them; every package that they "
                "hold has a wheel for it",
            ),
            Row(
                ", ".join(p.name.replace("_", "/") for p in PLATFORMS[1:]) + ", plugin",
                why_not="packed from wheels of these platforms as that of linux/amd64, which "
                "`make test-long` has krew install",
            ),
            Row("Windows", why_not="nothing is packed for it"),
        ),
        "Looking inside hubs, and at the cluster's versions": (
            Row(
                "`hubAdmins`",
                by="`tests/e2e/operator/hubs/test_hub_admins.py`",
                note="needs a token of each hub, and the way to its port 8081. JupyterHub 5.5 is "
                "run; 4.1 and 6.1 by `make hubs`",
            ),
            Row(
                "`hubValues`",
                by="`tests/e2e/operator/hubs/test_hub_values.py`",
                note="needs `get` on the Secrets of hubs, by name. Values of the JupyterHub chart, "
                "2 to 4",
            ),
            Row(
                "`hubRelease`",
                by="`tests/e2e/operator/hubs/test_hub_release.py`",
                note="needs `get` and `list` on Secrets in the namespaces named, and `get` on what "
                "is deployed there. Releases of Helm 3 and 4 that are kept in Secrets",
            ),
            Row(
                "`hubSessions`",
                by="`tests/e2e/operator/hubs/test_hub_values.py`",
                note="needs `list` on pods and claims to storage in the namespaces named. Sessions "
                "of KubeSpawner; a cloud identity (EKS, GKE, AKS) needs nothing more, and no cloud "
                "was asked",
            ),
            Row(
                "`clusterVersions`",
                by="`tests/e2e/operator/hubs/test_hub_values.py`",
                note="needs `list` on nodes",
            ),
            Row(
                "`hubPages`",
                by="`tests/unit/hub_page/test_real_hub.py`, `tests/e2e/test_chart_hub_pages.py`",
                note="needs `page.enabled`, a service of the hub, and a pod in its namespace. "
                "JupyterHub 5.5 is run, with a browser where one is; 4.1 and 6.1 by `make hubs`",
            ),
        ),
        "Beside it": (
            Row(
                f"Prometheus {prometheus}",
                by="`tests/e2e/monitoring/test_alerts.py`",
                note="rules, queries of dashboards, and how it finds what to scrape",
            ),
            Row(
                f"Prometheus Operator {operator}",
                by="`tests/e2e/monitoring/test_chart.py`",
                note="its definitions on the API server; the operator itself is not run",
            ),
            Row(
                "cert-manager",
                why_not="its objects are rendered, and nobody has made a certificate of them",
            ),
            Row(
                "Argo CD, Flux, Terraform", why_not="kubectl and Helm in their ways: docs/gitops.md"
            ),
        ),
    }


_HEAD = """# What it works with

<!-- Generated by `python -m tools.generate` from what the tests are pinned to. -->

*Tried* means by the command or test that is named, on the version that is named. What is not tried
may work; what speaks for it is said. Bug reports about all of it are welcome.
"""


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for name, rows in tables().items():
        lines = "\n".join(row.line() for row in rows)
        parts.append(f"## {name}\n\n| version | | |\n|---|---|---|\n{lines}\n")
    return "\n".join(parts)
