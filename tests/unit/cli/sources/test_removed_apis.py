"""API versions that a Kubernetes doesn't have are told of files, before it is upgraded to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

BUDGET = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: hub}\n"
FLOW = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: hub}\n"


def _told(run: Run, text: str, *options: str) -> str:
    Path("given.yaml").write_text(text, encoding="utf-8")
    done = run("check", "-f", "reef", "-f", "given.yaml", *options)
    assert done.code in (0, 1), done.err
    return done.err


@pytest.mark.usefixtures("files")
def test_what_is_gone_is_told_with_since_when_and_where(run: Run) -> None:
    told = _told(run, f"{BUDGET}---\n{BUDGET}---\n{FLOW}")
    assert (
        "doesn't have PodDisruptionBudget by policy/v1beta1 (since 1.25; given.yaml, document 1, "
        "line 1), FlowSchema by flowcontrol.apiserver.k8s.io/v1beta3 (since 1.32; "
    ) in told
    assert "Helm can't upgrade once the cluster is" in told


@pytest.mark.usefixtures("files")
def test_of_versions_that_are_there_nothing_is_said(run: Run) -> None:
    assert "doesn't have" not in _told(run, BUDGET.replace("v1beta1", "v1"))
    Path("given.yaml").write_text(BUDGET, encoding="utf-8")
    # A question about rights has nothing to do with it.
    ask = ("can-i", "get", "secrets", "--as", "ann", "-n", "reef", "-f", "given.yaml")
    assert "doesn't have" not in run(*ask).err
