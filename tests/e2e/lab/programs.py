"""Programs that tests run beside a cluster: built from pins where Go is, else those on PATH.

What is on PATH may be old, or built for something else; what is built is what was tested.
"""

import shutil
from pathlib import Path

from tests.e2e.lab import binaries, clusters
from tests.e2e.lab.errors import NotSupported
from tests.e2e.lab.kwok import KwokCluster


def can_build() -> bool:
    """Whether they are built: with kwok always, since its control plane is built, too."""
    return clusters.choose() is KwokCluster or shutil.which("go") is not None


def helm(name: str = "helm") -> Path:
    """Find Helm 4, or Helm 3 by its name `helm3`.

    Raises:
        NotSupported: it can't be built and is not on PATH.
    """
    return binaries.build_helm() / name if can_build() else _on_path(name)


def monitoring(name: str) -> Path:
    """Find `prometheus` or `promtool`.

    Raises:
        NotSupported: it can't be built and is not on PATH.
    """
    return binaries.build_monitoring() / name if can_build() else _on_path(name)


def alertmanager() -> Path:
    """Find `alertmanager`.

    Raises:
        NotSupported: it can't be built and is not on PATH.
    """
    name = "alertmanager"
    return binaries.build_releasing(name) if can_build() else _on_path(name)


def _on_path(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise NotSupported(f"{name} is not on PATH: install it, or Go, with which it is built")
    return Path(found)
