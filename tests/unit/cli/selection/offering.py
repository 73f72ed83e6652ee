"""What is offered where a line is completed."""

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
source <(kubectl-responsibility completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
_kubectl_responsibility_completion kubectl-responsibility
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(*words: str, **environment: str) -> list[str]:
    """Return what bash has to offer after these words, of which the last is begun."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", _SCRIPT, "bash", "kubectl-responsibility", *words],
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()
