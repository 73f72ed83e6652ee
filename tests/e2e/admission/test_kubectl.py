"""What owners do with kubectl passes, and what is said to others is what the policies say."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub, text
from tests.e2e.admission.tools import as_person
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

COMMANDS = [
    (15, ["apply", "-f", "-"], "configured"),
    (15, ["apply", "--server-side", "--force-conflicts", "-f", "-"], "serverside-applied"),
    (15, ["patch", "deployment/hub", "-p", '{"metadata":{"labels":{"x":"y"}}}'], "patched"),
    (15, ["edit", "deployment/hub"], "edited"),
    (14, ["scale", "deployment/hub", "--replicas=2"], "scaled"),
    (19, ["scale", "deployment/hub", "--replicas=3"], "scaled"),
    (14, ["set", "resources", "deployment/hub", "--limits=memory=3Gi"], "updated"),
    (15, ["set", "image", "deployment/hub", "main=hub:9"], "updated"),
    (19, ["rollout", "restart", "deployment/hub"], "restarted"),
    (19, ["delete", "pod", "jupyter-ann", "--dry-run=server"], "deleted"),
    (15, ["create", "configmap", "x"], "created"),
]


def test_kubectl_by_owners(guarded: Cluster, make_hub: MakeHub, tmp_path: Path) -> None:
    name = make_hub("typed", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("typed"))
    changed = hubs.workload("Deployment", "hub")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/hub:1/hub:8/' \"$1\"\n", encoding="utf-8")
    editor.chmod(0o700)
    for turn, (number, command, said) in enumerate(COMMANDS):
        changed["metadata"]["annotations"] = {"turn": str(turn)}
        refused = _kubectl(
            guarded, Person("stranger"), name, tmp_path, command, document=changed, editor=editor
        )
        assert "ValidatingAdmissionPolicy" in refused.stderr + refused.stdout, command
        done = _kubectl(
            guarded, hubs.owner(number), name, tmp_path, command, document=changed, editor=editor
        )
        assert said in done.stdout + done.stderr, (command, done.stderr)
        assert "Validation failed" not in done.stderr, (command, done.stderr)


# What connects ends at the kubelet, which this node does not have; before that, policies decide.
# `port-forward` connects only when somebody connects to it; test_guards sends what it would send.
CONNECTING = [
    ["exec", "jupyter-ann", "--", "ls"],
    ["cp", "jupyter-ann:/etc/hosts", "hosts"],
    ["attach", "jupyter-ann"],
]


@pytest.mark.parametrize("command", CONNECTING, ids=lambda c: c[0])
def test_kubectl_into_pods(guarded: Cluster, prod: str, tmp_path: Path, command: list[str]) -> None:
    command = [part.replace("hosts", str(tmp_path / "hosts")) if part == "hosts" else part
               for part in command]  # fmt: skip
    wait_until(
        lambda: "Running" in guarded.kubectl("get", "pod", "jupyter-ann", "-n", prod).stdout,
        PATIENCE,
        "the pod to run",
    )
    refused = _kubectl(guarded, Person("stranger"), prod, tmp_path, command)
    assert "item 19" in refused.stderr, refused.stderr
    passed = _kubectl(guarded, hubs.owner(19), prod, tmp_path, command)
    assert "ValidatingAdmissionPolicy" not in passed.stderr, passed.stderr


def test_kubectl_drain(guarded: Cluster, make_hub: MakeHub, asker: Asker, tmp_path: Path) -> None:
    name = make_hub("drained", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("drained"))
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "drained",
            "annotations": {"kwok.x-k8s.io/node": "fake"}}}  # fmt: skip
    assert asker.ask(None, "POST", "/api/v1/nodes", node, dry=False).code == 201
    there = hubs.pod("jupyter-there")
    there["spec"]["nodeName"] = "drained"
    done = asker.ask(hubs.owner(15), "POST", f"/api/v1/namespaces/{name}/pods", there, dry=False)
    assert done.code == 201, done.message
    drain = ["drain", "drained", "--force", "--ignore-daemonsets", "--timeout=20s"]
    refused = _kubectl(guarded, Person("stranger"), name, tmp_path, drain)
    assert "ValidatingAdmissionPolicy" in refused.stderr
    passed = _kubectl(guarded, hubs.owner(18), name, tmp_path, drain)
    assert passed.returncode == 0, passed.stderr
    assert "evicted" in passed.stdout


def _kubectl(
    cluster: Cluster,
    person: Person,
    namespace: str,
    folder: Path,
    command: list[str],
    *,
    document: Any = None,
    editor: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    kubeconfig = as_person(cluster, person, namespace, folder)
    return subprocess.run(
        [str(cluster.kubectl_program()), f"--kubeconfig={kubeconfig}", *command],
        input=text([document]) if "-" in command else None,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KUBE_EDITOR": str(editor), "EDITOR": str(editor)},
    )
