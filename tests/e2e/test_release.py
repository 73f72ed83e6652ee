"""The plugin as a release packs it, installed by krew itself, and run by kubectl."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from responsibility.api.names import PLUGIN
from tests.e2e.lab import binaries
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.directories import REPOSITORY
from tools.generate.versions import VERSION
from tools.release.__main__ import build_plugins, homepage
from tools.release.krew_manifest import FILE, NAME, manifest
from tools.release.plugin_archive import PLATFORMS


@pytest.mark.long
def test_krew_installs_it_and_kubectl_runs_it(cluster: Cluster, tmp_path: Path) -> None:
    wheels = tmp_path / "wheel"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, REPOSITORY],
        check=True,
    )
    (wheel,) = wheels.glob("*.whl")
    here = [p for p in PLATFORMS if p.name == "linux_amd64"]
    built = build_plugins(VERSION, wheel, tmp_path, here)
    (tmp_path / FILE).write_text(yaml.safe_dump(manifest(VERSION, homepage(), built)), "utf-8")
    ((name, _),) = built.values()
    # Nothing of this environment: no virtual environment, and the Python of the machine.
    root = tmp_path / "krew"
    base = Path(sys.base_prefix) / "bin"
    kubectl = cluster.kubectl_program()
    path = (root / "bin", kubectl.parent, base, "/usr/bin", "/bin")
    environment = {
        "PATH": os.pathsep.join(map(str, path)),
        "HOME": str(tmp_path),
        "KREW_ROOT": str(root),
        "KUBECONFIG": str(cluster.kubeconfig),
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    krew = str(binaries.build_releasing("krew"))
    run(krew, "install", f"--manifest={FILE}", f"--archive={name}")
    assert (root / "bin" / PLUGIN).is_symlink()
    assert run(str(kubectl), NAME, "--version") == f"{VERSION}\n"
    # A question to a cluster, and one about files: the client, and libyaml.
    assert run(str(kubectl), NAME, "can-i", "get", "pods", "-n", "default") == "yes\n"
    shipped = REPOSITORY / "operator/responsibility/api/models/2i2c.yaml"
    assert "yours is the shipped model" in run(str(kubectl), NAME, "model", "diff", f"-f={shipped}")
    run(krew, "uninstall", NAME)
    assert not (root / "bin" / PLUGIN).exists()
