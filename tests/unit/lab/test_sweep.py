"""What a killed run has left is torn down by the next one, and never keeps that from its work."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.lab import clusters
from tests.e2e.lab.directories import clusters_root


def test_a_cluster_whose_tool_is_gone_stays_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    left = clusters_root() / "e2e-1-pods"
    left.mkdir(parents=True)
    (left / "owner").write_text(f"{gone.pid} kind", encoding="utf-8")
    clusters.sweep()
    assert left.is_dir()
    assert "cluster e2e-1-pods is left: kind is not on PATH" in capfd.readouterr().err
