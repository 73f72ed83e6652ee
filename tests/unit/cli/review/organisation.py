"""An organisation's repository in the public shape: clusters, hubs, values in layers, records.

30 clusters with 171 hubs, of which one has 95; most are made of an umbrella chart, some of an older
one around that, so that the hub's chart is under ``jupyterhub`` or ``basehub.jupyterhub``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CLUSTERS, HUBS, LARGEST = 30, 171, 95
Files = dict[str, str]

UMBRELLA = """\
apiVersion: v2
name: basehub
version: 0.1.0
dependencies:
- {name: jupyterhub, version: 4.3.3, repository: https://hub.example}
- {name: dask-gateway, version: 2026.3.0, repository: https://dask.example}
"""
WRAPPER = """\
apiVersion: v2
name: daskhub
version: 0.1.0
dependencies:
- {name: basehub, version: 0.1.0, repository: "file://../basehub"}
"""
CHART_VALUES = """\
jupyterhub:
  singleuser:
    memory: {limit: 1G, guarantee: 256M}
    cpu: {guarantee: 0.05}
  hub:
    config:
      JupyterHub: {admin_access: true}
userServiceAccount: {enabled: true}
"""
MODEL = """\
apiVersion: responsibility.2i2c.org/v1alpha1
kind: ResponsibilityModel
metadata: {name: 2i2c}
spec:
  parties:
  - name: provider
    displayName: Provider
    contact: {email: support@provider.example}
    subjects: [{kind: Group, name: engineers}]
"""


@dataclass(frozen=True, slots=True)
class HubLine:
    """One hub: its cluster, its name, and under which keys the hub's chart is."""

    cluster: str
    name: str
    chart: str

    @property
    def record(self) -> str:
        """Return the name of its record."""
        return f"{self.cluster}-{self.name}"

    def values(self, inside: dict[str, Any]) -> dict[str, Any]:
        """Return values of the hub's chart, under the keys that lead there."""
        within = {"jupyterhub": inside}
        return within if self.chart == "basehub" else {"basehub": within}


def hubs() -> list[HubLine]:
    """Return the hubs: one cluster has most of them, the others have few, of the same names."""
    names = ("staging", "prod", "workshop", "binder")
    left = HUBS - LARGEST
    sizes = [left // (CLUSTERS - 1) + (n < left % (CLUSTERS - 1)) for n in range(CLUSTERS - 1)]
    found = [HubLine("c00", f"college-{n:02}", "basehub") for n in range(LARGEST)]
    for number, size in enumerate(sizes, 1):
        chart = "daskhub" if number % 5 == 0 else "basehub"
        found += [HubLine(f"c{number:02}", names[n], chart) for n in range(size)]
    return found


def record(hub: HubLine, **spec: Any) -> dict[str, Any]:
    """Return the record of a hub, as the organisation has them."""
    about = {"namespace": hub.name, "release": hub.name, "cluster": hub.cluster}
    community = {
        "name": "community",
        "displayName": f"{hub.cluster} people",
        "contact": {"email": f"leads@{hub.cluster}.example"},
        "subjects": [{"kind": "Group", "name": f"{hub.cluster}-leads"}],
    }
    return {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": hub.record},
        "spec": {"hub": about, "parties": [community], **spec},
    }


def files(chosen: Callable[[HubLine], bool] = lambda _: True) -> Files:
    """Return the repository, of the hubs that are chosen."""
    found = {
        "helm-charts/basehub/Chart.yaml": UMBRELLA,
        "helm-charts/basehub/values.yaml": CHART_VALUES,
        "helm-charts/basehub/templates/claim.yaml": "# {{ .Values.x }}\n",
        "helm-charts/daskhub/Chart.yaml": WRAPPER,
        "model.yaml": MODEL,
        "README.md": "# Hubs\n",
    }
    by_cluster: dict[str, list[HubLine]] = {}
    for hub in filter(chosen, hubs()):
        by_cluster.setdefault(hub.cluster, []).append(hub)
    for cluster, some in by_cluster.items():
        found.update((f"config/clusters/{cluster}/{n}", t) for n, t in _cluster(cluster, some))
    return found


def _cluster(cluster: str, some: list[HubLine]) -> Iterator[tuple[str, str]]:
    entries = [
        {
            "name": hub.name,
            "display_name": f"{cluster} {hub.name}",
            "domain": f"{hub.name}.{cluster}.example",
            "helm_chart": hub.chart,
            "helm_chart_values_files": [
                "common.values.yaml",
                f"{hub.name}.values.yaml",
                f"enc-{hub.name}.secret.values.yaml",
            ],
        }
        for hub in some
    ]
    about = {
        "name": cluster,
        "provider": "aws",
        "support": {"helm_chart_values_files": ["support.values.yaml"]},
        "hubs": entries,
    }
    yield "cluster.yaml", text(about)
    yield "support.values.yaml", "prometheusIngressAuthSecret: {enabled: true}\n"
    image = {"name": "quay.example/env", "tag": "2026.01"}
    yield "common.values.yaml", text(some[0].values({"singleuser": {"image": image}}))
    for hub in some:
        yield f"{hub.name}.values.yaml", text(hub.values(settings(hub)))
        secret = {"hub": {"config": {"CILogonOAuthenticator": {"client_secret": "ENC[AES256,x]"}}}}
        yield (
            f"enc-{hub.name}.secret.values.yaml",
            text({**hub.values(secret), "sops": {"mac": "ENC[AES256,y]", "version": "3.9.0"}}),
        )
        yield f"records/{hub.name}.yaml", text(record(hub))


def settings(hub: HubLine) -> dict[str, Any]:
    """Return the settings of one hub's own file."""
    admins = {"admin_users": [f"lead@{hub.cluster}.example"]}
    return {
        "custom": {"2i2c": {"add_staff_user_ids_to_admin_users": True}},
        "singleuser": {
            "defaultUrl": "/lab",
            "memory": {"limit": "2G"},
            "profileList": [
                {"slug": "small", "kubespawner_override": {"mem_limit": "1G", "image": "a:1"}},
                {"slug": "large", "kubespawner_override": {"mem_limit": "8G", "image": "a:1"}},
            ],
        },
        "hub": {"config": {"Authenticator": admins}},
    }


def text(value: Any) -> str:
    """Return values as a person would write them."""
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=False)


def write(folder: Path, found: Files) -> Path:
    """Write files into a folder."""
    for name, content in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def edited(found: Files, path: str, old: str, new: str) -> Files:
    """Return the files, with a text in one of them replaced."""
    assert old in found[path], found[path]
    return {**found, path: found[path].replace(old, new)}
