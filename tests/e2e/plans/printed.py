"""What a handover prints, taken apart, and run in a shell as somebody would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.lab.cluster import Cluster


def steps(told: str) -> dict[str, str]:
    """Return by step, as it is headed, what is printed for it."""
    found = {}
    for part in re.split(r"^Step \d+, ", told, flags=re.MULTILINE)[1:]:
        head, *lines = part.splitlines()
        indented = [line[2:] for line in lines if line.startswith("  ")]
        found[head.partition(": ")[2]] = "\n".join(indented)
    return found


def scripts(told: str) -> dict[str, str]:
    """Return by step what can be pasted into a shell: all of it, but that nothing is to do."""
    return {what: "" if text == "nothing is to do" else text for what, text in steps(told).items()}


def shell(cluster: Cluster, directory: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run commands as they were printed."""
    tools = directory / "bin"
    if not tools.is_dir():
        tools.mkdir()
        (tools / "kubectl").symlink_to(cluster.kubectl_program())
        (tools / "kubectl-responsibility").write_text(
            f"#!/bin/sh\nexec {sys.executable} -c "
            "'from responsibility.cli.main import script; script()' \"$@\"\n",
            encoding="utf-8",
        )
        (tools / "kubectl-responsibility").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
