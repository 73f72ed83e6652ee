"""What a pass and a question cost, in CPU time: ``python -m bench.costs``, one row for each.

CPU time of the process, the least of several, since other processes share the machine. Each row is
also given in units of a piece of work that never changes and is done in turns with it: machines
differ in speed, and hardly in that. ``bench.compare`` puts the rows of two revisions side by side.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import yaml

from bench.pass_ import snapshot
from bench.world import LARGE, REFERENCE, PlanningWorld, Size, build
from responsibility import api_groups
from responsibility.api.parse import parse_model
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.objects import USER, Binding, BindingKey, Role, RoleKey, Rule, Subject

# Many hubs and little else: what is left where nothing has changed is by hub.
_MANY = Size(
    hubs=2_000,
    other_namespaces=4,
    role_bindings=6_100,
    cluster_role_bindings=20,
    roles=6_050,
    cluster_roles=40,
    users=100,
    groups=20,
)
# One that lets its holder run pods, and so act as other accounts, and one that does not.
_EDIT = RoleKey("", "edit")
_LEADS_NOWHERE = Role(
    RoleKey("", "leads-nowhere"), (Rule(("delete",), ("",), ("configmaps", "services")),)
)
_QUESTION = ("who-can", "delete", "pods", "-n", "hub-0001")
_NOWHERE = subprocess.DEVNULL
_RUN = "import sys; from responsibility.cli.main import script; sys.exit(script())"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: milliseconds of CPU, or MiB; ``units`` is how many pieces of fixed work."""

    name: str
    value: float
    units: float | None = None


def piece_of_work() -> int:
    """Do what never changes: dictionaries of tuples, and masks of some hundred bits."""
    held: dict[tuple[str, str], int] = {}
    for number in range(40_000):
        key = ("held", f"user-{number % 4_000}")
        held[key] = held.get(key, 0) | 1 << number % 220
    return sum(mask.bit_count() for mask in held.values())


def _cpu(action: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def _row(name: str, action: Callable[[], object], times: int) -> Row:
    """Return the least of several, and as many times the fixed work in turns with it."""
    taken, fixed = [], []
    for _ in range(times):
        fixed.append(_cpu(piece_of_work))
        taken.append(_cpu(action))
    return Row(name, min(taken) * 1e3, min(taken) / min(fixed))


def rows(seed: int = 0, times: int = 5) -> Iterator[Row]:
    """Yield the rows of the reference world, and those of many hubs."""
    world = build(REFERENCE, seed=seed)
    direct = snapshot(world, seed=seed)
    routes = replace(direct, routes=True)
    yield _row("full pass, direct", lambda: Assessor().assess(direct), times)
    yield _row("full pass, with routes", lambda: Assessor().assess(routes), times)
    yield from _changes(routes, times)
    many = replace(snapshot(build(_MANY, seed=seed), seed=seed), routes=True)
    assessor = Assessor()
    assessor.assess(many)
    yield _row(
        "nothing changed, 2,000 hubs",
        lambda: assessor.assess(replace(many, records=dict(many.records))),
        times,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rbac.yaml")
        path.write_text(manifests(world), encoding="utf-8")
        yield _whole_process("who-can from YAML, whole process", path, times)


def _changes(whole: Snapshot, times: int) -> Iterator[Row]:
    """Yield what a change of one object costs, the graph's part included."""
    graph, _ = whole.graph.replace(put_roles=[_LEADS_NOWHERE])
    current = replace(whole, graph=graph)
    assessor = Assessor()
    assessor.assess(current)
    count = 0

    def change(namespace: str, role: RoleKey) -> None:
        nonlocal current, count
        count += 1
        subject = Subject(USER, f"changed-{count}@example.org")
        binding = Binding(BindingKey(namespace, f"changed-{count}"), role, (subject,))
        changed, _ = current.graph.replace(put_bindings=[binding])
        current = replace(current, graph=changed)
        assessor.assess(current)

    for name, namespace, role in (
        ("a RoleBinding that opens no way", "hub-0002", _LEADS_NOWHERE.key),
        ("a RoleBinding that opens a way", "hub-0001", _EDIT),
        ("a ClusterRoleBinding", "", _EDIT),
    ):
        yield _row(name, lambda at=namespace, of=role: change(at, of), times)  # type: ignore[misc]  # defaults


def large(seed: int = 0) -> Iterator[Row]:
    """Yield what 2,000 hubs and 50,000 bindings take, in a process that did nothing else."""
    whole = replace(snapshot(build(LARGE, seed=seed), seed=seed), routes=True)
    before = _peak()
    assessor = Assessor()
    yield _row("2,000 hubs, 50,000 bindings, with routes", lambda: assessor.assess(whole), 1)
    yield Row("    peak memory, MiB", _peak())
    yield Row("    of it before the pass, MiB", before)


def growth(seed: int = 0) -> Iterator[Row]:
    """Yield how a pass with routes grows with hubs, with bindings, and with items."""
    for hubs in (50, 100, 200, 400):
        size = replace(REFERENCE, hubs=hubs, role_bindings=45 * hubs, roles=14 * hubs)
        yield _grown(f"{hubs:>6} hubs, 45 bindings each", size, seed)
    for bindings in (2_500, 5_000, 10_000, 20_000):
        size = replace(REFERENCE, role_bindings=bindings)
        yield _grown(f"{bindings:>6,} bindings, 100 hubs", size, seed)
    whole = replace(snapshot(build(REFERENCE, seed=seed), seed=seed), routes=True)
    for items in (6, 11, 21):
        fewer = _first_items(whole, items)
        yield _row(f"{items:>6} items, 100 hubs", lambda at=fewer: Assessor().assess(at), 2)  # type: ignore[misc]  # a default


def _grown(name: str, size: Size, seed: int) -> Row:
    whole = replace(snapshot(build(size, seed=seed), seed=seed), routes=True)
    return _row(name, lambda: Assessor().assess(whole), 2)


def _first_items(whole: Snapshot, number: int) -> Snapshot:
    """Return the same with a model of fewer items, and records that change none of them."""
    models = {}
    for name, model in whole.models.items():
        raw = model.model_dump(by_alias=True, mode="json", exclude_unset=True)
        raw["spec"]["items"] = raw["spec"]["items"][:number]
        kept = {item["name"] for item in raw["spec"]["items"]}
        for exemption in raw["spec"].get("exemptions", []):
            exemption["items"] = [i for i in exemption["items"] if i in kept or i == "*"]
        raw["spec"]["exemptions"] = [e for e in raw["spec"].get("exemptions", []) if e["items"]]
        models[name] = parse_model(raw)
    records = {
        name: record.model_copy(update={"spec": record.spec.model_copy(update={"items": ()})})
        for name, record in whole.records.items()
    }
    return replace(whole, models=models, records=records)


def manifests(world: PlanningWorld) -> str:
    """Return the world's RBAC as YAML, in the style of kubectl."""
    objects = []
    for role in world.roles:
        rules = [
            {
                key: list(values)
                for key, values in (
                    ("apiGroups", rule.api_groups),
                    ("resources", rule.resources),
                    ("resourceNames", rule.resource_names),
                    ("nonResourceURLs", rule.non_resource_urls),
                    ("verbs", rule.verbs),
                )
                if values
            }
            for rule in role.rules
        ]
        objects.append(_object("Role", role.key, {"rules": rules}))
    for binding in world.bindings:
        kind = "Role" if binding.role.namespace else "ClusterRole"
        subjects = [{"kind": str(s.kind), **_name(s.name, s.namespace)} for s in binding.subjects]
        ref = {"apiGroup": api_groups.RBAC, "kind": kind, "name": binding.role.name}
        objects.append(_object("RoleBinding", binding.key, {"roleRef": ref, "subjects": subjects}))
    return yaml.dump_all(objects, Dumper=yaml.CSafeDumper, default_flow_style=False)


def _object(kind: str, key: RoleKey | BindingKey, contents: dict[str, object]) -> dict[str, object]:
    metadata = _name(key.name, key.namespace)
    version = f"{api_groups.RBAC}/v1"
    whole = kind if key.namespace else f"Cluster{kind}"
    return {"apiVersion": version, "kind": whole, "metadata": metadata, **contents}


def _name(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace} if namespace else {"name": name}


def _whole_process(name: str, path: Path, times: int) -> Row:
    """Return the CPU time of a question as its own process."""
    command = [sys.executable, "-c", _RUN, *_QUESTION, "-f", str(path)]
    taken, fixed = [], []
    for _ in range(times):
        fixed.append(_cpu(piece_of_work))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=_NOWHERE, stderr=_NOWHERE)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Row(name, min(taken) * 1e3, min(taken) / min(fixed))


def _peak() -> float:
    """Return the peak resident memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {"rows": rows, "large": large, "growth": growth}


def main() -> None:
    """Measure and print, for people or as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, default="rows")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for row in PARTS[options.part](options.seed):
        print(json.dumps(asdict(row)) if options.json else _told(row), flush=True)


def _told(row: Row) -> str:
    units = "" if row.units is None else f"{row.units:>12,.2f} units"
    return f"{row.name:<48}{row.value:>12,.1f}{units}"


if __name__ == "__main__":
    main()
