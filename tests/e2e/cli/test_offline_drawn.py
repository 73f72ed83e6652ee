"""Odd documents at random become of files what they become of them on a live server.

A document that the server refuses is refused, one that it takes is read; and in the end the same
objects are there, with the same rules, subjects and labels. More worlds: ``OFFLINE_WORLDS=30``.
"""

import json
import random
from pathlib import Path

import pytest

from responsibility.cli.sources import offline
from responsibility.cli.sources.cluster_view import Need
from responsibility.cli.terminal.errors import CliError
from responsibility.rbac.objects import Binding, Role
from responsibility.rbac.parse import parse_binding, parse_role
from tests.e2e.cli.odd_documents import Drawn
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.seeds import seeds

DOCUMENTS = 24
# What kubectl itself has against a file, before it asks a server.
OF_KUBECTL = ("error validating", "error parsing", "unable to decode")
IMMUTABLE = "field is immutable"
KINDS = "roles,clusterroles,rolebindings,clusterrolebindings"
State = dict[tuple[str, object], object]


def _kept(each: Role | Binding) -> object:
    """Return what of an object both sides know."""
    if isinstance(each, Role):
        return each.rules, dict(each.labels), bool(each.aggregation)
    return each.role, each.subjects, dict(each.labels)


def _of_files(files: list[Path]) -> State:
    view = offline.load([str(file) for file in files], Need.ACCESS, assume_roles=False)
    every: list[Role | Binding] = [*view.roles, *view.bindings]
    return {(type(each).__name__, each.key): _kept(each) for each in every}


def _of_cluster(cluster: Cluster, prefix: str) -> State:
    found: State = {}
    for raw in json.loads(cluster.kubectl("get", KINDS, "-A", "-o", "json").stdout)["items"]:
        if raw["metadata"]["name"].startswith(f"{prefix}-"):
            parse = parse_role if raw["kind"].endswith("Role") else parse_binding
            each = parse(raw)
            found[type(each).__name__, each.key] = _kept(each)
    return found


def _refusal(files: list[Path]) -> str:
    try:
        _of_files(files)
    except CliError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", seeds("OFFLINE_WORLDS", 1))
def test_files_become_what_the_server_makes_of_them(
    seed: int, demo: Cluster, tmp_path: Path
) -> None:
    prefix = f"odd-{seed}"
    namespaces = (f"{prefix}-a", f"{prefix}-b")
    for namespace in namespaces:
        demo.kubectl("create", "namespace", namespace)
    taken: list[Path] = []
    drawn = Drawn(random.Random(seed), prefix, namespaces)
    for number, text in enumerate(drawn.documents(DOCUMENTS)):
        file = tmp_path / f"{number:03}.yaml"
        file.write_text(text, encoding="utf-8")
        done = demo.kubectl("apply", "-f", str(file), check=False)
        told = done.stderr if done.returncode else ""
        where = f"SEED={seed}, document {number}:\n{text}\n"
        if not told:
            assert not _refusal([file]), where
            taken.append(file)
        elif not any(mark in told for mark in OF_KUBECTL):
            assert _refusal([*taken, file] if IMMUTABLE in told else [file]), where + told
    ours = _of_files(taken)

    def wrong() -> list[object]:
        theirs = _of_cluster(demo, prefix)
        every = sorted({*ours, *theirs}, key=str)
        return [(k, ours.get(k), theirs.get(k)) for k in every if ours.get(k) != theirs.get(k)]

    # The controller fills aggregates one after the other.
    wait_until(lambda: not wrong(), 30, lambda: f"SEED={seed}: {wrong()}", interval=0.5)
    assert len(ours) > DOCUMENTS / 4
