"""Items' policies as files of the API server: never to be seen through it, proved all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from demo import organisation
from responsibility.api.names import policy_name
from responsibility.cli.main import cli
from tests.e2e.lab.cluster import Options
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, STRANGER
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, owners

PATIENCE = 60.0
CONFIGURATION = "deploy-configure-hub"
DEPLOYER = ("deployer@example.org", ["deployers"])
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
STATIC = {**enforcing.ENABLED, "STATIC_POLICIES": "true"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the policies to where the API server reads them."""
    # Beside the file that names it: clusters in containers are given its directory.
    folder = tmp_path_factory.mktemp("admission") / "policies"
    folder.mkdir()
    done = CliRunner().invoke(cli, ["render", "policies", "--static"])
    assert done.exit_code == 0, done.output
    (folder / "hubs.yaml").write_text(done.output, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def options(folder: Path) -> Options:
    plugin = {
        "name": "ValidatingAdmissionPolicy",
        "configuration": {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyConfiguration",
            "staticManifestsDir": str(folder),
        },
    }
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [plugin],
    }
    path = folder.parent / "admission.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return Options(apiserver_flags={"admission-control-config-file": str(path)})


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    # Without the chart's own policies of items, so that nothing else can be what is proved.
    bare_world.install("--set", "enforcement.enabled=true,enforcement.staticPolicies=true")
    engineers = organisation.cluster_binding("engineers", "cluster-admin", organisation.PLATFORM)
    bare_world.admin.apply(engineers)
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=STATIC) as running:
        yield running


def test_trials_prove_what_nobody_can_see(world: World, operator: Operator) -> None:
    assert all(policy_name(ITEM) not in p["metadata"]["name"] for p in policies(world))
    enforcing.deploy(world, "reef")
    for stage, met in (("warn", "warned"), ("deny", "refused")):
        world.admin.apply(enforcing.staged("reef", items=[enforcing.item(stage=stage)]))
        world.until(lambda s=stage: enforcing.stage(world, "reef") == s, stage, PATIENCE)  # type: ignore[misc]  # a default argument
        world.until_condition("reef", "Enforced", "True", "Proved", seconds=PATIENCE)
        assert enforcing.outcome(world, STRANGER, "reef") == met
        assert enforcing.outcome(world, ENGINEER, "reef") == "passed"
        assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 1
    assert operator.metrics().value("missing_rights") == 0, operator.log


def test_what_is_a_file_nobody_is_said_to_end(world: World) -> None:
    """Deployers may write Deployments for an item of theirs; a policy keeps them from another."""
    world.admin.apply(*deployers("reef"), owned_by_deployers("reef"))
    world.until(lambda: reserved_of(world, "reef") == "deployers", "15 to be theirs", PATIENCE)
    world.until_condition("reef", "Enforced", "True", "Proved", seconds=PATIENCE)
    assert enforcing.outcome(world, DEPLOYER, "reef") == "refused"
    world.until(lambda: not ending(world, "reef"), "nobody to be said to end it", PATIENCE)


def of_item(document: Manifest) -> bool:
    """Return whether a document is of the item's policies."""
    return f"{policy_name(ITEM)}" in yaml.safe_dump(document["metadata"])


def deployers(namespace: str) -> list[Manifest]:
    """Return what deployers have: a hub's Deployments, and the right to delete policies."""
    group = {"kind": "Group", "name": DEPLOYER[1][0]}
    delete = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
        "verbs": ["delete"],
    }
    deploy = {
        "apiGroups": ["apps"],
        "resources": ["deployments"],
        "verbs": ["get", "update", "patch"],
    }
    return [
        organisation.cluster_role("deploy", deploy),
        organisation.binding(namespace, "deployers", "deploy", group),
        organisation.cluster_role("sweeper", delete),
        organisation.cluster_binding("sweepers", "sweeper", group),
    ]


def owned_by_deployers(name: str) -> Manifest:
    """Return a record by which hub configuration is the deployers', and not the enforced item."""
    party = {
        "name": "deployers",
        "contact": {"email": "deployers@example.org"},
        "subjects": [{"kind": "Group", "name": DEPLOYER[1][0]}],
    }
    items = [enforcing.item(), {"name": CONFIGURATION, "owner": "deployers"}]
    return enforcing.staged(name, items=items, parties=[party])


def reserved_of(world: World, record: str) -> str:
    """Return whose hub configuration is, as its status has it."""
    return owners(world.status(record)).get(CONFIGURATION, "")


def ending(world: World, record: str) -> list[Manifest]:
    """Return the causes by which deployers can end what keeps them from the item."""
    found = world.causes(record, kind="excess-access", item=ITEM, route="policy")
    return [c for c in found if c["subject"]["name"] == DEPLOYER[1][0]]


def test_without_the_setting_it_is_not_relied_on(world: World, operator: Operator) -> None:
    operator.stop()
    with world.operator(settings=enforcing.ENABLED):
        enforcing.deploy(world, "dune")
        world.admin.apply(enforcing.staged("dune", items=[enforcing.item()]))
        world.until_condition("dune", "Enforced", "False", "PolicyNotReliable", seconds=PATIENCE)
        assert enforcing.namespace_keys(world, "dune") == ({}, {})
        assert enforcing.outcome(world, STRANGER, "reef") == "refused", "it is not lifted"
        # What is not known to be a file could be deleted.
        world.until(lambda: ending(world, "reef"), "deployers to be said to end it", PATIENCE)


def test_files_that_are_changed_show_by_trials(world: World, folder: Path) -> None:
    """The API server looks for changes by itself; there is nothing for the operator to watch."""
    path = folder / "hubs.yaml"
    whole = path.read_text(encoding="utf-8")
    documents = [d for d in yaml.safe_load_all(whole) if d]
    kept = [d for d in documents if not of_item(d)]
    assert len(kept) < len(documents)
    with world.operator(settings=STATIC) as operator:
        world.until_condition("reef", "Enforced", "True", "Proved", seconds=PATIENCE)
        try:
            path.write_text(yaml.safe_dump_all(kept), encoding="utf-8")
            # The API server looks once a minute, and the operator tries in turn.
            told = world.until_condition("reef", "Enforced", "False", seconds=180)
            assert "let through in silence" in told
            assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 0
        finally:
            path.write_text(whole, encoding="utf-8")


@pytest.mark.long
def test_files_that_come_back_are_proved_again(world: World) -> None:
    """Another minute."""
    with world.operator(settings=STATIC):
        world.until_condition("reef", "Enforced", "True", "Proved", seconds=180)


def policies(world: World) -> list[Manifest]:
    found: list[Manifest] = world.admin.items(POLICIES)
    return found
