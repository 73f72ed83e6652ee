"""How a JupyterHub release names and labels what it installs.

The chart wrote one set of labels until version 3, writes two since version 4, and may drop the
older one later. A tool that looks for hubs has to recognise all three generations, so the demo and
the tests can build each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from responsibility.api.names import MANAGED_BY_LABEL

Manifest = dict[str, Any]
Generation = Literal["current", "legacy", "modern-only"]


@dataclass(frozen=True, slots=True)
class Release:
    """One release of the chart: where it is, and how its objects are called and labelled."""

    namespace: str
    name: str
    prefix: str = ""
    generation: Generation = "current"
    chart_version: str = "4.4.0"

    @property
    def cluster_prefix(self) -> str:
        """The prefix of cluster-scoped names, which must differ between releases."""
        return self.prefix or f"{self.name}-"

    def labels(self, component: str) -> dict[str, str]:
        """Return the labels of an object's own metadata."""
        chart = f"jupyterhub-{self.chart_version}"
        return self._only(
            legacy={
                "app": "jupyterhub",
                "component": component,
                "release": self.name,
                "chart": chart,
                "heritage": "Helm",
            },
            modern={
                "app.kubernetes.io/name": "jupyterhub",
                "app.kubernetes.io/component": component,
                "app.kubernetes.io/instance": self.name,
                "helm.sh/chart": chart,
            },
        ) | {
            # Helm puts this one on everything it installs, whatever the chart says.
            MANAGED_BY_LABEL: "Helm"
        }

    def pod_labels(self, component: str, *access: str) -> dict[str, str]:
        """Return the labels of a pod template; ``access`` names the network it may reach."""
        labels = self._only(
            legacy={"app": "jupyterhub", "component": component, "release": self.name},
            modern={
                "app.kubernetes.io/name": "jupyterhub",
                "app.kubernetes.io/component": component,
                "app.kubernetes.io/instance": self.name,
            },
        )
        return labels | {f"hub.jupyter.org/network-access-{name}": "true" for name in access}

    def selector(self, component: str) -> dict[str, str]:
        """Return a selector; the chart keeps to the legacy labels for as long as it has them.

        A Deployment's selector is immutable, so changing it would break every upgrade.
        """
        if self.generation == "modern-only":
            return self.pod_labels(component)
        return {"app": "jupyterhub", "component": component, "release": self.name}

    def metadata(
        self,
        name: str,
        component: str,
        *,
        cluster: bool = False,
        annotations: dict[str, str] | None = None,
    ) -> Manifest:
        """Return the metadata of an object as it stands in the cluster after an installation."""
        metadata: Manifest = {"name": (self.cluster_prefix if cluster else self.prefix) + name}
        if not cluster:
            metadata["namespace"] = self.namespace
        metadata["labels"] = self.labels(component)
        metadata["annotations"] = (annotations or {}) | {
            "meta.helm.sh/release-name": self.name,
            "meta.helm.sh/release-namespace": self.namespace,
        }
        return metadata

    def _only(self, *, legacy: dict[str, str], modern: dict[str, str]) -> dict[str, str]:
        match self.generation:
            case "legacy":
                return legacy
            case "modern-only":
                return modern
            case "current":
                return legacy | modern
