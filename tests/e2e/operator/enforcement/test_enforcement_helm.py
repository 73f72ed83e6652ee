"""What the operator has written into the chart's objects outlives an upgrade by a real Helm.

And what an uninstalled chart leaves behind enforces nothing, and goes by the documented command.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import organisation
from responsibility.admission.policies.cluster_policies import TABLES
from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    NAMESPACE_KEYS_POLICY,
    binding_name,
)
from tests.e2e import helms
from tests.e2e.lab import programs
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest, where
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, STRANGER
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, condition

PATIENCE = 60.0
UPGRADES = "kubernetes-upgrades"
POLICY = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"
KEYS = NAMESPACE_KEYS_POLICY
UNINSTALL = Path(__file__).parents[4] / "docs" / "uninstall.md"


def helm(world: World, *arguments: str) -> str:
    """Run Helm 4."""
    done = tried(world, *arguments)
    assert done.returncode == 0, done.stderr[:4000]
    return done.stdout


def tried(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm 4, whatever comes of it."""
    common = (f"--kubeconfig={world.cluster.kubeconfig}", f"--namespace={chart.NAMESPACE}")
    command = [str(programs.helm()), *arguments, *common]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def upgrade(world: World, *options: str, mode: str = "deny") -> None:
    command = ("upgrade", "--install", chart.RELEASE, str(chart.CHART), "--create-namespace")
    helms.installed(lambda: tried(world, *command, f"--set=mode={mode}", *options))


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    upgrade(bare_world)
    engineers = organisation.cluster_binding("engineers", "cluster-admin", organisation.PLATFORM)
    bare_world.admin.apply(engineers)
    bare_world.admin.apply(organisation.provider_subjects(), manager="organisation")
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=enforcing.ENABLED) as running:
        yield running


def tables(world: World) -> dict[str, dict[str, str]]:
    """Return the operator's variables of the two policies of the cluster."""
    return {
        name: {
            v["name"]: v["expression"]
            for v in policy(world, name)["spec"]["variables"]
            if v["name"] in TABLES
        }
        for name in (CLUSTER_WARN_POLICY, CLUSTER_DENY_POLICY)
    }


def policy(world: World, name: str) -> Manifest:
    return world.admin.get(where(*POLICY, name))


def until_of_the_cluster(world: World, *wanted: str) -> None:
    def found() -> tuple[str, ...]:
        return condition(world.model_status(), "Enforced")

    wait_until(lambda: found()[:2] == wanted, PATIENCE, lambda: f"{wanted}; it is {found()}")


def test_an_upgrade_neither_conflicts_with_the_operator_nor_empties_its_tables(
    world: World, operator: Operator
) -> None:
    empty = tables(world)
    enforcing.deploy(world, "reef")
    world.admin.apply(enforcing.staged("reef", items=[enforcing.item(), enforcing.item(UPGRADES)]))
    world.until_condition("reef", "Enforced", "True", "Proved", seconds=PATIENCE)
    until_of_the_cluster(world, "True", "Proved")
    filled = tables(world)
    assert filled != empty
    world.until_at_rest(operator)
    for options in ((), ("--set=replicas=2",), ("--set=mode=deny", "--set=replicas=1")):
        upgrade(world, *options)
        assert tables(world) == filled
    until_of_the_cluster(world, "True", "Proved")


def test_uninstalled_nothing_is_enforced_and_what_is_left_goes(
    world: World, operator: Operator
) -> None:
    # The operator goes first, as its pod does.
    operator.stop()
    assert enforcing.outcome(world, STRANGER, "reef") == "refused"
    helm(world, "uninstall", chart.RELEASE, "--wait")
    for person in (STRANGER, ENGINEER):
        world.until(
            lambda p=person: enforcing.outcome(world, p, "reef") == "passed",  # type: ignore[misc]  # a default argument
            "nothing to be enforced",
            PATIENCE,
        )
    labels, annotations = enforcing.namespace_keys(world, "reef")
    assert ITEM in "".join(labels)
    assert annotations
    world.cluster.kubectl("label", "namespace", "reef", "example.org/ours=yes")
    text = UNINSTALL.read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- run: leftovers -->\n```bash\n(.*?)```", text, re.DOTALL)
    command, *_ = block.splitlines()
    assert "kubectl responsibility leftovers --end" in command
    shell(world, command)
    assert enforcing.namespace_keys(world, "reef") == ({}, {})
    kept = world.admin.get(where("v1", "Namespace", "reef"))["metadata"]["labels"]
    assert kept["example.org/ours"] == "yes"


def shell(world: World, command: str, *, code: int = 0) -> str:
    """Run a command of a person who has kubectl and our plugin."""
    paths = (world.cluster.kubectl_program().parent, Path(sys.executable).parent)
    environment = {
        **os.environ,
        "KUBECONFIG": str(world.cluster.kubeconfig),
        "PATH": ":".join([*map(str, paths), os.environ["PATH"]]),
    }
    done = subprocess.run(
        ["bash", "-euc", command],
        env=environment,
        cwd=world.directory,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def may_patch(world: World, namespace: str) -> bool:
    """Return whether the operator's account may patch a Namespace."""
    question = ("auth", "can-i", "patch", f"namespaces/{namespace}")
    done = world.cluster.kubectl(*question, as_user=chart.ACCOUNT, check=False)
    return done.stdout.split()[:1] == ["yes"]


@pytest.mark.parametrize("mode", [pytest.param("audit", marks=pytest.mark.long), "grant"])
def test_back_in_a_mode_that_enforces_nothing_nothing_stays(world: World, mode: str) -> None:
    """In mode grant the policies are still there, and heed what Namespaces say."""
    upgrade(world)
    world.admin.apply(organisation.provider_subjects(), manager="organisation")
    enforcing.deploy(world, "cove")
    world.admin.apply(enforcing.staged("cove", items=[enforcing.item()]))
    with world.operator(settings=enforcing.ENABLED) as before:
        world.until_condition("cove", "Enforced", "True", "Proved", seconds=PATIENCE)
        assert enforcing.outcome(world, STRANGER, "cove") == "refused"
        upgrade(world, mode=mode)
        assert "is still written on" in helm(world, "get", "notes", chart.RELEASE)
        # The pod of before goes on until the new one is ready.
        assert before.running
        with world.operator(settings={"GRANTS": str(mode == "grant").lower()}) as after:
            world.until(lambda: passes(world, "cove"), "nothing to be enforced", PATIENCE)
            assert before.stop() == 0
            world.until(lambda: said_nothing(world, "cove"), "nothing to be said", PATIENCE)
            world.until_condition("cove", "Enforced", "False", seconds=PATIENCE)
            world.until_at_rest(after)
            assert said_nothing(world, "cove")
            assert passes(world, "cove")
    names = {p["metadata"]["name"] for p in world.admin.items(where(*POLICY))}
    assert ("responsibility-operator-confined" in names) is (mode == "grant")
    assert may_patch(world, "cove"), "the right to take away what was left, by name"
    assert not may_patch(world, "default")
    if mode == "audit":
        upgrade(world, mode=mode)
        assert not may_patch(world, "cove"), "nothing was left"
        assert "is still written on" not in helm(world, "get", "notes", chart.RELEASE)


def passes(world: World, namespace: str) -> bool:
    return enforcing.outcome(world, STRANGER, namespace) == "passed"


def said_nothing(world: World, namespace: str) -> bool:
    return enforcing.namespace_keys(world, namespace) == ({}, {})


def leftovers(world: World, *options: str) -> list[Manifest]:
    """Return what the command lists without an operator."""
    command = " ".join(("kubectl responsibility leftovers -o json", *options))
    found: list[Manifest] = json.loads(shell(world, f"{command} || test $? = 1"))
    return found


def test_what_an_interrupted_rollback_leaves_in_force_is_told_and_ended(world: World) -> None:
    """Helm deletes what a revision leaves out at the end, so all that `deny` brought stays."""
    upgrade(world)
    world.admin.apply(organisation.provider_subjects(), manager="organisation")
    enforcing.deploy(world, "atoll")
    world.admin.apply(enforcing.staged("atoll", items=[enforcing.item()]))
    # Somebody else's, whatever it is called.
    (own, *_) = (p for p in world.admin.items(where(*POLICY)) if p["metadata"]["name"] == KEYS)
    theirs = {"metadata": {"name": "responsibility-of-others"}, "spec": own["spec"]}
    world.admin.apply({"apiVersion": POLICY[0], "kind": POLICY[1], **theirs})
    with world.operator(settings=enforcing.ENABLED) as operator:
        world.until_condition("atoll", "Enforced", "True", "Proved", seconds=PATIENCE)
        world.until_at_rest(operator)
        assert leftovers(world) == []
    # What the other revision has is there, and nothing is deleted yet.
    before = helm(world, "template", chart.RELEASE, str(chart.CHART), "--set=mode=audit")
    world.cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f=-", input=before
    )
    with world.operator(settings={"POLICIES": "false"}) as operator:
        world.until_condition("atoll", "Leftovers", "True", "InForce", seconds=PATIENCE)
        assert enforcing.outcome(world, STRANGER, "atoll") == "refused"
        assert world.condition("atoll", "Enforced")[0] == "False"
        assert world.status("atoll")["enforcement"].startswith("deny")
        found = leftovers(world)
        acting = {each["object"] for each in found if each["inForce"]}
        assert acting >= {
            "namespaces/atoll -n atoll",
            f"validatingadmissionpolicybindings/{binding_name(ITEM, 'deny')}",
            f"validatingadmissionpolicies/{KEYS}",
        }
        assert "responsibility-of-others" not in json.dumps(found)

        def told_as_listed() -> None:
            status, reason, message = condition(world.model_status(), "Leftovers")
            assert (status, reason) == ("True", "InForce")
            assert "kubectl responsibility leftovers" in message
            numbers = {
                (labels["kind"], labels["in_force"]): value
                for labels, value in operator.metrics().of("leftovers")
                if value
            }
            told = Counter((each["kind"], str(each["inForce"]).lower()) for each in found)
            assert numbers == told

        eventually(told_as_listed, PATIENCE)
        world.until_at_rest(operator)
        dump = "namespaces,deployments,rolebindings,clusterrolebindings,validatingadmissionpolicies"
        dump += ",validatingadmissionpolicybindings,responsibilities,responsibilitymodels"
        shell(world, f"kubectl get {dump} -A -o yaml > cluster.yaml")
        assert leftovers(world, "-f cluster.yaml") == found
        shell(world, "kubectl responsibility leftovers --end --dry-run")
        assert leftovers(world) == found
        shell(world, "kubectl responsibility leftovers --end --yes --undo-file=back.json")
        world.until(lambda: passes(world, "atoll"), "nothing to be enforced", PATIENCE)
        world.until(
            lambda: world.condition("atoll", "Leftovers")[0] == "", "nothing left", PATIENCE
        )
        assert world.status("atoll")["enforcement"].startswith("observe")
    assert leftovers(world) == []
    names = {p["metadata"]["name"] for p in world.admin.items(where(*POLICY))}
    assert "responsibility-of-others" in names
    # The way back is what the file has.
    put_back = "kubectl apply --server-side --field-manager=me -f back.json"
    shell(world, put_back)
    world.until(lambda: not passes(world, "atoll"), "what was in force", PATIENCE)
    assert leftovers(world) == found
