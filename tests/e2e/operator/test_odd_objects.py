"""What a tenant may put into a namespace of their own costs that tenant only."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, role_binding

# Deeper than Python's parser goes, and less deep than the API server stores.
DEPTH = 4_000
STRANGER = "stranger@example.org"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings"


def deep_binding() -> bytes:
    """Return a RoleBinding of a tenant, to a real person, whose managedFields nest deep."""
    nested = '{"f:a":' * DEPTH + "{}" + "}" * DEPTH
    fields = {
        "manager": "odd",
        "operation": "Update",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": "@",
    }
    binding = role_binding("team", "odd", "admin", STRANGER)
    binding["metadata"]["managedFields"] = [fields]
    return json.dumps(binding).replace('"@"', nested).encode()


@pytest.mark.usefixtures("operator")
def test_a_binding_nested_too_deep_hides_no_other(world: World, operator: Operator) -> None:
    team = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    world.admin.apply(*hub("reef"), record("reef"), team)
    world.until_condition("reef", "Ready", "True")
    stored = world.admin.post(BINDINGS, deep_binding())
    try:
        depth = stored.count(b'"f:a":')
        say(f"the API server has stored {depth} levels")
        assert depth >= DEPTH
        # Another one is seen as before, by the watch and after a restart.
        world.admin.apply(role_binding("reef", "help", "admin", STRANGER))
        wait_until(lambda: excess(operator) > 0, 20, "the other binding to be seen")
        assert operator.metrics().value("left_out_objects", resource="rolebindings") == 0
        with world.operator() as another:
            another.until_ready()
            wait_until(lambda: excess(another) > 0, 20, "an operator that starts to see it")
        for command in (["who-can", "update", "secrets", "-n", "team"], ["drift"]):
            answer = cli(world, *command)
            assert STRANGER in answer.stdout, answer
            assert "Traceback" not in answer.stderr
    finally:
        # Whoever uses the cluster next has a parser like everybody's.
        world.admin.delete(f"{BINDINGS}/odd")


def excess(operator: Operator) -> float:
    return operator.metrics().total("drift", hub="reef", kind="excess-access")


def cli(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-c", "from responsibility.cli.main import script; script()"),
            *(*arguments, "--kubeconfig", str(world.cluster.kubeconfig)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
