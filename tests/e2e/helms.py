"""The Helms that the chart is tried with, and the way it is installed by one.

Helm 4 in every run, Helm 3 in long ones and by `test_helm3`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Final

import pytest

from tests.e2e.lab.waiting import wait_until

# For a fixture's `params`; see `lab.programs` for the programs of these names.
BOTH: Final = ("helm", pytest.param("helm3", marks=pytest.mark.long))
# What Helm and kubectl say of the model where its kind is not served yet: docs/quickstart.md.
TOO_EARLY: Final = 'no matches for kind "ResponsibilityModel"'
# Seconds; a busy API server may take its time with new kinds.
_PATIENCE = 120.0
# Seconds between two tries, each of which is a process.
_BETWEEN = 0.5


def installed(attempt: Callable[[], subprocess.CompletedProcess[str]]) -> str:
    """Install as the quick start says: the same again while the model comes too early.

    `attempt` is `helm upgrade --install …`, or an apply; what it has printed in the end is
    returned. Anything else that goes wrong is a failure at once.
    """

    def done() -> subprocess.CompletedProcess[str] | None:
        tried = attempt()
        told = f"{tried.args}\n{tried.stdout[-4000:]}{tried.stderr[-4000:]}"
        assert not tried.returncode or TOO_EARLY in tried.stderr, told
        return None if tried.returncode else tried

    made = wait_until(done, _PATIENCE, "the model's kind to be served", interval=_BETWEEN)
    assert made is not None
    return made.stdout
