"""Charts that are in use everywhere become of files what they become on a live server.

Each is rendered by Helm and applied, and then both are asked what everybody who is bound in it may
do. The charts are those of the Helm repositories that are configured where this runs, or of folders
that ``CHARTS`` names (as ``PATH`` names several), where each lies in a folder of its name; a folder
without a ``Chart.yaml`` holds manifests. What is nowhere is skipped, and said. ``CHARTS_NAMED``
takes others than these.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from responsibility.cli.main import main
from responsibility.cli.sources import live
from responsibility.cli.sources.options import Where
from responsibility.kube.protocol import Client
from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.seeds import SEED

pytestmark = pytest.mark.long

NAMED = (
    *("kyverno", "knative-serving", "cert-manager", "kube-prometheus-stack", "ingress-nginx"),
    *("gpu-operator", "dask-gateway", "binderhub", "jupyterhub"),
)
MOST = 6_000
NAMESPACES = ("charted", "elsewhere", "")
SET_CONTEXT = ("config", "set-context", "--current")
# A document whose text says that it is of RBAC: kubectl reads it, and nothing of ours.
OF_RBAC = re.compile(r"^\"?apiVersion\"?: *[\"']?rbac\.authorization\.k8s\.io/", re.MULTILINE)
# Some that nobody is likely to have been given.
SURPRISING = [("delete", "", "secrets", "x"), ("create", "", "pods", ""), ("*", "*", "*", "")]
Json = dict[str, Any]
Thing = tuple[str, str, str, str]


@dataclass
class Applied:
    """A chart as it was applied: its text, and what the server has of it."""

    file: Path
    objects: list[Json] = field(default_factory=list)


def _text(name: str, helm: Path) -> str:
    """Return the manifests of a chart; skips the test where there is none of this name."""
    for folder in filter(None, os.environ.get("CHARTS", "").split(os.pathsep)):
        chart = Path(folder) / name
        if (chart / "Chart.yaml").is_file():
            return _rendered(helm, name, str(chart))
        if chart.is_dir():
            every = sorted(file for file in chart.rglob("*.yaml") if file.is_file())
            return "\n---\n".join(file.read_text(encoding="utf-8") for file in every)
    found = subprocess.run(
        [helm, "search", "repo", name, "-o", "json"], capture_output=True, text=True, check=False
    )
    listed = json.loads(found.stdout or "[]") if not found.returncode else []
    named = [each["name"] for each in listed if each["name"].rpartition("/")[2] == name]
    if not named:
        pytest.skip(
            f"there is no chart {name} here: no Helm repository that is configured has it "
            "(`helm repo add`), and no folder of CHARTS"
        )
    return _rendered(helm, name, named[0])


def _rendered(helm: Path, name: str, chart: str) -> str:
    done = subprocess.run(
        [helm, "template", name, chart, "-n", NAMESPACES[0], "--include-crds"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"{name} can't be rendered here: {done.stderr.strip()[:400]}")
    return done.stdout


@pytest.fixture(scope="module")
def inside(demo: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the namespaces that are asked about; return a kubeconfig that is in the first.

    With ``-n`` kubectl refuses what names another namespace.
    """
    for namespace in filter(None, NAMESPACES):
        demo.kubectl("create", "namespace", namespace)
    file = tmp_path_factory.mktemp("inside") / "kubeconfig"
    file.write_text(demo.kubeconfig.read_text(encoding="utf-8"), encoding="utf-8")
    file.chmod(0o600)
    demo.kubectl(*SET_CONTEXT, f"--namespace={NAMESPACES[0]}", kubeconfig=file)
    return file


@pytest.fixture(params=os.environ.get("CHARTS_NAMED", "").split() or NAMED)
def applied(
    request: pytest.FixtureRequest, demo: Cluster, inside: Path, tmp_path: Path
) -> Iterator[Applied]:
    """Apply what a chart has of RBAC, and take it away again: others could be extended by it."""
    text = _text(request.param, programs.helm())
    whole, part = tmp_path / "chart.yaml", tmp_path / "rbac.yaml"
    whole.write_text(text, encoding="utf-8")
    documents = re.split(r"^---.*$", text, flags=re.MULTILINE)
    chosen = [each for each in documents if OF_RBAC.search(each)]
    assert chosen, "there is nothing of RBAC in it"
    part.write_text("\n---\n".join(chosen), encoding="utf-8")
    named = re.findall(r"^ +namespace: *[\"']?([\w.-]+)", part.read_text("utf-8"), re.MULTILINE)
    for namespace in sorted({*named} - {*NAMESPACES, "kube-system", "default"}):
        demo.kubectl("create", "namespace", namespace)
    told = demo.kubectl("apply", "-f", str(part), "-o", "json", kubeconfig=inside).stdout
    listed = json.loads(told)
    yield Applied(whole, listed.get("items", [listed]))
    demo.kubectl("delete", "--wait=false", "-f", str(part), kubeconfig=inside)


def _users(objects: list[Json]) -> list[tuple[str, tuple[str, ...]]]:
    found: dict[tuple[str, tuple[str, ...]], None] = {}
    everybody = "system:authenticated"
    for raw in objects:
        for each in raw.get("subjects") or ():
            if each["kind"] == "ServiceAccount":
                where = each.get("namespace") or raw["metadata"]["namespace"]
                groups = ("system:serviceaccounts", f"system:serviceaccounts:{where}", everybody)
                found[f"system:serviceaccount:{where}:{each['name']}", groups] = None
            elif each["kind"] == "User":
                found[each["name"], (everybody,)] = None
            else:
                found["somebody", (each["name"], everybody)] = None
    return [*found, ("nobody", (everybody,))]


def _things(objects: list[Json]) -> list[Thing]:
    """Return what rules speak of, and a little beside each."""
    found: dict[Thing, None] = dict.fromkeys(SURPRISING)
    for rule in itertools.chain.from_iterable(raw.get("rules") or () for raw in objects):
        for group, resource in itertools.product(
            rule.get("apiGroups", ()), rule.get("resources", ())
        ):
            names = rule.get("resourceNames", ())
            for verb in (*rule["verbs"], "get", "delete"):
                for name in (*names, "other", ""):
                    found[verb, group, resource, name] = None
    return list(found)


def _questions(objects: list[Json]) -> list[Json]:
    drawn = random.Random(SEED)
    every = list(itertools.product(_users(objects), _things(objects), NAMESPACES))
    chosen = drawn.sample(every, min(MOST, len(every)))
    asked = []
    for (user, groups), (verb, group, resource, name), namespace in chosen:
        plural, _, sub = resource.partition("/")
        what = {"verb": verb, "group": group, "resource": plural, "subresource": sub, "name": name}
        attributes = {**what, "namespace": namespace}
        asked.append({"user": user, "groups": [*groups], "resourceAttributes": attributes})
    paths = {url for raw in objects for r in raw.get("rules") or () for url in _urls(r)}
    for (user, groups), path in itertools.product(_users(objects), sorted({*paths, "/other"})):
        attributes = {"verb": "get", "path": path}
        asked.append({"user": user, "groups": [*groups], "nonResourceAttributes": attributes})
    return asked


def _urls(rule: Json) -> list[str]:
    return [url.replace("*", "deeper") for url in rule.get("nonResourceURLs", ())]


def test_a_chart_in_use_is_what_the_server_makes_of_it(
    applied: Applied,
    kubeconfig: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = tmp_path / "asked.json"

    def ours(*options: str) -> list[bool | None]:
        capsys.readouterr()
        assert main(["can-i", "--requests", str(asked), *options]) == 0
        return [answer["allowed"] for answer in json.loads(capsys.readouterr().out)]

    specs = _questions(applied.objects)
    asked.write_text(json.dumps(specs), encoding="utf-8")
    files = ours("-f", str(applied.file), "-n", NAMESPACES[0])

    def differing(theirs: list[bool | None]) -> list[tuple[Json, bool | None, bool | None]]:
        rows = zip(specs, files, theirs, strict=True)
        return [(s, f, t) for s, f, t in rows if f is not None and f is not t]

    # The controller fills aggregates one after the other; this is one request, the rest is ours.
    wait_until(lambda: not differing(ours()), 60, "the aggregates to be filled", interval=0.5)

    async def ask(api: Client) -> list[bool | None]:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        several = asyncio.Semaphore(16)

        async def one(spec: Json) -> bool:
            async with several:
                return bool((await api.create(path, {**body, "spec": spec}))["status"]["allowed"])

        return list(await asyncio.gather(*map(one, specs)))

    theirs = live.run(Where(kubeconfig=kubeconfig), ask)
    assert not differing(theirs), f"SEED={SEED}"
    unknown = sum(answer is None for answer in files)
    said = f"{len(specs)} questions, {sum(map(bool, theirs))} yes, {unknown} unknown, 0 differences"
    print(f"{said}; SEED={SEED}")
    # By what others may extend only, and something of both has to be asked.
    assert unknown < len(specs) / 2
    assert 0 < sum(map(bool, theirs)) < len(specs)
