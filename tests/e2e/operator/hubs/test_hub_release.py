"""What Helm deployed and what is there, held against each other by a real operator.

Both Helms deploy a whole hub, and people change it by what people have: kubectl.
"""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.release import release
from responsibility.cli.main import main
from tests.e2e.lab import programs
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, record_path

CANARY = "canary-77b2c0"
# Hubs by the Helm that deploys them; of `reef` nothing may be read.
HELMS = {"bay": "helm", "cove": "helm3"}
HUBS = (*HELMS, "reef")
KIND = "changed-out-of-band"


class Deployer:
    """The charts of hubs, and the Helms that deploy them."""

    def __init__(self, world: World, directory: Path) -> None:
        self._world = world
        self._charts = directory
        for name in HELMS:
            self.write(name)

    def write(self, name: str, *, cpu: object = 0.05) -> None:
        """Write a chart with all objects of a hub, some of them in an odd way."""
        objects = json.loads(json.dumps(release(name, name)))
        [deployed] = [o for o in objects if o["kind"] == "Deployment" and _name(o) == "hub"]
        [container] = deployed["spec"]["template"]["spec"]["containers"]
        container["resources"] = {"requests": {"cpu": cpu, "memory": "1024Mi"}}
        container["env"] = [{"name": "A", "value": "1"}, {"name": "PASSWORD", "value": CANARY}]
        container["securityContext"] = {"allowPrivilegeEscalation": False, "privileged": False}
        [secret] = [o for o in objects if o["kind"] == "Secret" and _name(o) == "hub"]
        secret["stringData"] = {"hub.services.x.apiToken": CANARY}
        chart = self._charts / name
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        about = {"apiVersion": "v2", "name": "jupyterhub", "version": "4.3.3"}
        (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
        (chart / "templates" / "all.yaml").write_text(yaml.safe_dump_all(objects))

    def helm(self, name: str, *arguments: str) -> None:
        """Run the Helm of a hub."""
        command = [str(programs.helm(HELMS[name])), *arguments, f"--namespace={name}"]
        command.append(f"--kubeconfig={self._world.cluster.kubeconfig}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def deploy(self, name: str) -> None:
        """Install or upgrade a hub."""
        self.helm(name, "upgrade", "--install", name, str(self._charts / name))


def _name(found: dict[str, Any]) -> str:
    return str(found["metadata"]["name"])


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    names = ",".join(HELMS)
    bare_world.admin.apply(*hub("reef"))
    for name in HELMS:
        bare_world.cluster.kubectl("create", "namespace", name)
    bare_world.install("--set", f"hubRelease.enabled=true,hubRelease.namespaces={{{names}}}")
    bare_world.admin.apply(*(record(name) for name in HUBS))
    return bare_world


@pytest.fixture(scope="module")
def deployer(world: World, tmp_path_factory: pytest.TempPathFactory) -> Deployer:
    made = Deployer(world, tmp_path_factory.mktemp("charts"))
    for name in HELMS:
        made.deploy(name)
    return made


@pytest.fixture(scope="module")
def operator(world: World, deployer: Deployer) -> Iterator[Operator]:
    del deployer
    with world.operator(settings={"HUB_RELEASE": "true", "HUB_RELEASE_SECONDS": "1"}) as running:
        yield running


def found(world: World, name: str) -> list[str]:
    """Return what was changed of a hub, by the status of its record."""
    return sorted(cause["subject"]["name"] for cause in world.causes(name, kind=KIND))


def another_look(world: World, operator: Operator) -> None:
    """Wait until each hub was looked at, from its beginning, and that was published."""

    def looks() -> float:
        return operator.metrics().total("hub_release_looks_total", result="compared")

    until = looks() + 2 * len(HELMS) + 1
    world.until(lambda: looks() >= until, "looks at all hubs")
    world.another_pass(operator)


def test_untouched_releases_differ_in_nothing(
    world: World, deployer: Deployer, operator: Operator
) -> None:
    another_look(world, operator)
    assert [found(world, name) for name in HELMS] == [[], []]
    for name in HELMS:
        deployer.write(name, cpu="0.5")
        deployer.deploy(name)
    # As others do: an annotation of their own, and a restart.
    world.cluster.kubectl("annotate", "deployment", "hub", "-n=bay", "example.org/x=y")
    world.cluster.kubectl("rollout", "restart", "deployment", "hub", "-n=bay")
    another_look(world, operator)
    assert [found(world, name) for name in HELMS] == [[], []]
    for name in HELMS:
        deployer.helm(name, "rollback", name)
    another_look(world, operator)
    assert [found(world, name) for name in HELMS] == [[], []]
    assert world.annotations("bay", "hub"), "the operator's own are there"


def test_what_people_change_is_told_until_it_is_as_it_was(
    world: World, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl = world.cluster.kubectl
    kubectl("scale", "deployment", "hub", "-n=bay", "--replicas=0")
    kubectl("set", "image", "deployment/hub", "-n=bay", "hub=example.org/evil:1")
    kubectl("set", "env", "deployment/hub", "-n=bay", f"PASSWORD={CANARY}-2", "LD_PRELOAD=x")
    kubectl("delete", "service", "proxy-api", "-n=bay")
    token = base64.b64encode(f"{CANARY}-3".encode()).decode()
    secret = {"data": {"hub.services.x.apiToken": token}}
    kubectl("patch", "secret", "hub", "-n=bay", "--type=merge", f"-p={json.dumps(secret)}")
    # By whoever calls itself Helm, and who takes something away, which leaves no name.
    spy = {"spec": {"template": {"spec": {"containers": [{"name": "spy", "image": "x"}]}}}}
    as_helm = ("--field-manager=helm", f"-p={json.dumps(spy)}")
    world.until(lambda: _is_over(world), "a moment after Helm's last")
    kubectl("patch", "deployment", "proxy", "-n=bay", *as_helm)
    place = "/spec/template/spec/containers/0/securityContext"
    gone = json.dumps([{"op": "remove", "path": place}])
    kubectl("patch", "deployment", "hub", "-n=cove", "--type=json", f"-p={gone}")
    pod = "spec.template.spec"
    bay = sorted(
        (
            "Deployment/hub spec.replicas",
            f"Deployment/hub {pod}.containers[hub].image",
            f"Deployment/hub {pod}.containers[hub].env[LD_PRELOAD]",
            f"Deployment/hub {pod}.containers[hub].env[PASSWORD].value",
            f"Deployment/proxy {pod}.containers[spy]",
            'Secret/hub data["hub.services.x.apiToken"]',
            "Service/proxy-api",
        )
    )
    cove = [f"Deployment/hub {pod}.containers[hub].securityContext"]
    world.until(
        lambda: (found(world, "bay"), found(world, "cove")) == (bay, cove),
        lambda: f"the changes; they are {found(world, 'bay')} and {found(world, 'cove')}",
    )
    [image] = [c for c in world.causes("bay", kind=KIND) if "image" in c["subject"]["name"]]
    assert image["items"] == ["deploy-configure-hub"]
    assert " to example.org/evil:1 by kubectl-set at " in image["message"]
    [replicas] = [c for c in world.causes("bay", kind=KIND) if "replicas" in c["subject"]["name"]]
    assert replicas["items"] == ["kubernetes-configuration"]
    assert operator.metrics().total("drift", hub="bay", kind=KIND) >= len(bay)
    # The command line can't look, and says what the operator has found.
    assert main(["drift", "bay", f"--kubeconfig={world.cluster.kubeconfig}"]) == 0
    assert KIND in capsys.readouterr().out
    nowhere(world, operator)
    kubectl("scale", "deployment", "hub", "-n=bay", "--replicas=1")
    kubectl("patch", "deployment", "hub", "-n=cove", "--type=json", f"-p={_back(place)}")
    world.until(lambda: found(world, "cove") == [], "the end of it")
    world.until(lambda: bay[0] not in found(world, "bay"), "the end of one")


def _is_over(world: World) -> bool:
    """Whether it is later than what may be Helm's own writing, by the API server's clock."""
    made = world.admin.items("/api/v1/namespaces/bay/secrets")
    last = max(o["metadata"]["creationTimestamp"] for o in made if "helm" in o["type"])
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "now-"}}
    path = "/api/v1/namespaces/default/configmaps"
    now = world.admin.create(path, probe)["metadata"]["creationTimestamp"]
    return _seconds(now) - _seconds(last) > 6


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _back(place: str) -> str:
    value = {"allowPrivilegeEscalation": False, "privileged": False}
    return json.dumps([{"op": "add", "path": place, "value": value}])


@pytest.mark.usefixtures("operator")
def test_what_the_operator_may_not_read_is_unknown(world: World) -> None:
    world.until(lambda: world.causes("reef", kind="release-unknown"), "the reason")
    [cause] = world.causes("reef", kind="release-unknown")
    assert "the operator may not read it (hubRelease.namespaces)" in cause["message"]
    assert world.items("reef")["deploy-configure-hub"]["state"] in {"unknown", "drift"}


def _revisions(world: World, name: str) -> list[dict[str, Any]]:
    """Return the Secrets of a release, the oldest first."""
    made = world.admin.items(f"/api/v1/namespaces/{name}/secrets")
    found = [o for o in made if o.get("type") == "helm.sh/release.v1"]
    return sorted(found, key=lambda o: int(o["metadata"]["labels"]["version"]))


def _made_up(world: World, name: str, ahead: int) -> str:
    """Write a revision that Helm is said to be at, so far after the last one; its path."""
    last = _revisions(world, name)[-1]
    labels = last["metadata"]["labels"]
    number = int(labels["version"]) + ahead
    of_it = labels | {"version": str(number), "status": "pending-upgrade"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{number}", "labels": of_it},
        "type": last["type"],
        "data": last["data"],
    }
    path = f"/api/v1/namespaces/{name}/secrets"
    return f"{path}/{world.admin.create(path, secret)['metadata']['name']}"


def test_a_made_up_revision_hides_nothing_but_for_a_while_if_it_comes_next(
    world: World, operator: Operator
) -> None:
    kubectl = world.cluster.kubectl
    replicas = ["Deployment/hub spec.replicas"]
    far = _made_up(world, "cove", ahead=5)
    kubectl("scale", "deployment", "hub", "-n=cove", "--replicas=0")
    world.until(lambda: found(world, "cove") == replicas, "it, whoever is said to be at it")
    world.admin.delete(far)
    near = _made_up(world, "cove", ahead=1)

    def at_work() -> float:
        return operator.metrics().total("hub_release_looks_total", result="helm-at-work")

    world.until(lambda: at_work() > 0, "Helm at work")
    kubectl("scale", "deployment", "hub", "-n=cove", "--replicas=1")
    until = at_work() + 2
    world.until(lambda: at_work() >= until, "looks while it is")
    # As it was: neither told to be over nor forgotten.
    assert found(world, "cove") == replicas
    world.admin.delete(near)
    world.until(lambda: found(world, "cove") == [], "what is there")


@pytest.mark.usefixtures("operator")
def test_a_release_by_an_api_version_that_is_gone_is_told_to_whoever_upgrades(
    world: World,
) -> None:
    """As an old Helm left it: no API server of today would let one deploy it."""
    last = _revisions(world, "cove")[-1]
    held = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(last["data"]["release"]))))
    held["manifest"] += """
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: hub}
"""
    packed = base64.b64encode(gzip.compress(json.dumps(held).encode()))
    about = {key: last["metadata"][key] for key in ("name", "namespace")}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": about}
    world.admin.merge({**secret, "data": {"release": base64.b64encode(packed).decode()}})
    world.until(lambda: world.causes("cove", kind="api-removed"), "it")
    [cause] = world.causes("cove", kind="api-removed")
    assert cause["items"] == ["kubernetes-upgrades"]
    assert "PodDisruptionBudget by policy/v1beta1" in cause["message"]
    assert "1.25" in cause["message"]
    world.admin.merge({**secret, "data": last["data"]})
    world.until(lambda: not world.causes("cove", kind="api-removed"), "the end of it")


def nowhere(world: World, operator: Operator) -> None:
    """See that nothing of what is secret is anywhere, in whatever form."""
    everywhere = [operator.log, operator.page("/metrics")[1]]
    everywhere += [json.dumps(world.admin.get(record_path(name))) for name in HUBS]
    everywhere += [json.dumps(event) for name in HUBS for event in world.events(name)]
    told = "\n".join(everywhere)
    assert CANARY not in told
    assert base64.b64encode(CANARY.encode()).decode()[:16] not in told
