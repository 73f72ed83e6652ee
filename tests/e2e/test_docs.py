"""Every command that the documents for adopters propose is run, in order, on a real cluster.

A block of commands in them says before it whether it is run here: ``<!-- run -->``, or ``<!-- not
run: why -->``. The operator's pod cannot run on a cluster without nodes, so it runs beside it, as
the chart's own ServiceAccount with the settings of the chart's Deployment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from demo import organisation
from tests.e2e import helms
from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator import chart
from tests.e2e.operator.world import World

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("quickstart", "first-week", "uninstall", "security")
BLOCK = re.compile(
    r"(?:^<!-- ([^\n]*) -->\n)?^```(?:bash|console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL
)
PATIENCE = 300
KEYS = "responsibility.2i2c.org/"


def blocks(document: str) -> list[tuple[str, str]]:
    """Return the commands of a document, each block with what is said about running it."""
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    return [(mark, body) for mark, body in BLOCK.findall(text)]


def to_run(document: str, mark: str = "run") -> list[str]:
    return [body for said, body in blocks(document) if said == mark]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_says_whether_it_is_run(document: str) -> None:
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * len(blocks(document)), "commands are blocks of bash"
    for mark, body in blocks(document):
        assert mark.startswith(("run", "not run: ")), f"{document}.md: mark this block:\n{body}"


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#:]+)", text):
            assert (ROOT / "docs" / link).exists(), f"{document}.md links to {link}"


class Shell:
    """A shell of somebody who follows a document, with the cluster's kubeconfig."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        tools = directory / "bin"
        tools.mkdir()
        self.helm = _helm()
        (tools / "helm").symlink_to(self.helm)
        (tools / "kubectl").symlink_to(cluster.kubectl_program())
        own = Path(sys.executable).parent
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "HELM"))},
            "PATH": f"{tools}:{own}:{os.environ['PATH']}",
            "KUBECONFIG": str(cluster.kubeconfig),
        }
        self.directory = directory
        # What a document writes goes where the test may write; the chart is found there as well.
        (directory / "helm").symlink_to(ROOT / "helm")

    def run(self, body: str) -> str:
        """Run a block of commands; the first that fails ends it."""
        done = self._try(body)
        assert done.returncode == 0, f"{body}\n--- it said\n{done.stdout}{done.stderr}"
        return done.stdout

    def install(self, body: str) -> None:
        """Run the installation as its document says: again while the model comes too early."""
        helms.installed(lambda: self._try(body))

    def _try(self, body: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", body],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def _helm() -> Path:
    return programs.helm()


@pytest.fixture(scope="module")
def world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Have the demo's hubs on a cluster, of which nobody has written down who owns what."""
    stream = yaml.safe_dump_all(organisation.manifests())
    cluster.kubectl("apply", "--server-side", "--field-manager=demo", "-f=-", input=stream)
    return World(cluster, tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def shell(world: World, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(world.cluster, tmp_path_factory.mktemp("shell"))


def test_from_the_quick_start_to_the_end(world: World, shell: Shell) -> None:
    """Installed, looked at for a week, and removed without a trace."""
    install, *rest = to_run("quickstart")
    document = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    assert helms.TOO_EARLY in " ".join(document.split())
    shell.install(install)
    with ExitStack() as stack:
        stack.enter_context(world.operator(settings=_settings(world)))
        said = [shell.run(body) for body in rest]
        assert "coast/coast" in said[1]
        assert "excess-access" in said[2]
        assert KEYS in said[2]
        week = [shell.run(body) for body in to_run("first-week")]
        assert "former-engineer@example.org" in week[1]
        assert "leap-prod" in (shell.directory / "leap-prod.yaml").read_text(encoding="utf-8")
        assert _settings(world)["ENFORCEMENT_LIMIT"] == "warn", "the last step was taken"
        *steps, end = to_run("uninstall")
        for step in steps:
            shell.run(step)
    assert _traces(world) == []
    shell.run(end)
    world.admin.gone(f"/api/v1/namespaces/{chart.NAMESPACE}")
    names = world.cluster.kubectl(
        "get",
        "crd,clusterroles,clusterrolebindings,validatingadmissionpolicies,"
        "validatingadmissionpolicybindings,validatingwebhookconfigurations",
        "-o=name",
    ).stdout
    assert not [name for name in names.split() if "responsib" in name]
    everywhere = world.cluster.kubectl("get", "roles,rolebindings,leases", "-A", "-o=name").stdout
    assert not [name for name in everywhere.split() if "responsib" in name]


def test_what_an_operator_that_went_first_has_left_can_be_removed(
    world: World, shell: Shell
) -> None:
    """Leftovers as the operator writes them, beside what others have written in the same places."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "coast",
            "labels": {f"enforce.{KEYS}data": "deny"},
            "annotations": {f"owners.{KEYS}data": "user:somebody"},
        },
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hub", "namespace": "coast", "annotations": {f"{KEYS}record": "x"}},
    }
    binding = organisation.binding(
        "coast", "responsibility-grant-x", "responsibility-item-x", organisation.SUPPORT
    )
    binding["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "responsibility-operator"}
    world.cluster.kubectl("label", "namespace", "coast", "example.org/ours=yes")
    before = world.cluster.kubectl(
        "get", "deployment/hub", "-n=coast", "-o=jsonpath={.spec}"
    ).stdout
    world.admin.apply(namespace, deployment, binding, manager="responsibility-operator")
    assert len(_traces(world)) == 3
    (body,) = to_run("uninstall", "run: leftovers")
    shell.run(body)
    assert _traces(world) == []
    kept = world.cluster.kubectl("get", "namespace/coast", "-o=jsonpath={.metadata.labels}").stdout
    assert "example.org/ours" in kept
    after = world.cluster.kubectl("get", "deployment/hub", "-n=coast", "-o=jsonpath={.spec}").stdout
    assert after == before


def _settings(world: World) -> dict[str, str]:
    """Return the settings of the chart's Deployment as it is on the cluster."""
    path = f"/apis/apps/v1/namespaces/{chart.NAMESPACE}/deployments/{chart.RELEASE}"
    (container,) = world.admin.get(path)["spec"]["template"]["spec"]["containers"]
    given = {e["name"].removeprefix("RESPONSIBILITY_"): e.get("value") for e in container["env"]}
    return {k: v for k, v in given.items() if v and k not in ("LISTEN", "NAMESPACE")}


def _traces(world: World) -> list[str]:
    """Return the objects of others on which there are keys of ours, and our bindings."""
    found = []
    for path in ("/api/v1/namespaces", "/apis/apps/v1/deployments"):
        for each in world.admin.items(path):
            meta = each["metadata"]
            ours = [*(meta.get("labels") or {}), *(meta.get("annotations") or {})]
            found += [meta["name"]] if any(KEYS in key for key in ours) else []
    bindings = world.admin.items("/apis/rbac.authorization.k8s.io/v1/rolebindings")
    begin = "responsibility-grant-"
    found += [n for b in bindings if (n := str(b["metadata"]["name"])).startswith(begin)]
    return found
