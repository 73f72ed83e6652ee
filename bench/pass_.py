"""How long a whole pass takes: all records of the shipped model against all RBAC objects.

``python -m bench.pass_`` measures the reference world, ``python -m bench.pass_ --large`` one with
2,000 hubs and 50,000 bindings. The same questions are put to a loop over all bindings in the same
run, for a sample of the hubs.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import statistics
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from bench.timing import best, once, show
from bench.world import LARGE, REFERENCE, PlanningWorld, Size, build
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import API_VERSION
from responsibility.api.parse import load_shipped_model, parse_model, parse_record
from responsibility.api.record import Responsibility
from responsibility.hub.discovery import Deployment, Hub, HubKey
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import HOLLOW
from responsibility.ownership.terms.permission_index import bits
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)
from tests.unit.rbac import linear

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_LINEAR_HUBS = 2
# One that lets its holder run pods, and so act as other accounts, and one that does not.
_EDIT = RoleKey("", "edit")
_LEADS_NOWHERE = Role(
    RoleKey("", "leads-nowhere"), (Rule(("delete",), ("",), ("configmaps", "services")),)
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="2,000 hubs and 50,000 bindings")
    parser.add_argument("--direct", action="store_true", help="do not look for indirect routes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    measure(LARGE if options.large else REFERENCE, seed=options.seed, routes=not options.direct)


def measure(size: Size, *, seed: int, routes: bool = True) -> None:
    """Print every figure of a world of that size."""
    world = build(size, seed=seed)
    whole = snapshot(world, seed=seed)
    print(f"seed {seed}: {size}")
    print(f"{len(world.bindings):,} bindings, {len(whole.records):,} records of the shipped model")
    before = _peak()
    assessor = Assessor()
    first = once(lambda: assessor.assess(whole))
    show("full pass, the very first in the process", first)
    print(f"peak resident memory: {_peak():.0f} MiB, {before:.0f} of it before the pass")

    print("direct rights only:")
    full, assessment = best(lambda: Assessor().assess(whole), 5 if len(world.hubs) < 500 else 2)
    show("full pass with findings and sources", full)
    _tell(assessment)
    show("nothing has changed", best(lambda: assessor.assess(whole), 5)[0])
    _changes(assessor, whole, world)
    _linear(world, whole, full)
    _refusing(whole, world, full)
    if routes:
        _routes(whole, world)
    print(f"peak resident memory at the end: {_peak():.0f} MiB")


def snapshot(world: PlanningWorld, *, seed: int) -> Snapshot:
    """Return the world with a hub and a record in each of its hub namespaces."""
    draw = random.Random(seed + 1)
    model = _model()
    hubs = {}
    records = {}
    for name in world.hubs:
        key = HubKey(name, name)
        parts = tuple(
            Deployment(name, part, f"{name}-{part}", part, name, "4.3.1", {})
            for part in ("hub", "proxy", "user-scheduler")
        )
        hubs[key] = Hub(key, "", "4.3.1", parts)
        records[name] = _record(draw, name)
    return Snapshot(
        graph=AccessGraph.build(world.roles, world.bindings),
        now=_NOW,
        hubs=hubs,
        models={model.name: model},
        records=records,
        namespaces=dict.fromkeys(world.hubs, False),
        accounts=None,
        operator=Subject(SERVICE_ACCOUNT, "responsibility", "responsibility"),
    )


def _model() -> ResponsibilityModel:
    model = load_shipped_model()
    raw = model.model_dump(by_alias=True, mode="json", exclude_unset=True)
    provider = raw["spec"]["parties"][0]
    provider["contact"] = {"email": "support@example.org"}
    provider["subjects"] = [
        {"kind": GROUP, "name": "group-1"},
        {"kind": USER, "name": "user-1@example.org"},
        {"kind": SERVICE_ACCOUNT, "name": "deployer", "namespace": "hub-0000"},
    ]
    return parse_model(raw)


def _record(draw: random.Random, name: str) -> Responsibility:
    """Return a record; half of the communities have subjects, some own or share more."""
    community: dict[str, object] = {"name": "community", "contact": {"email": f"{name}@x.example"}}
    if draw.random() < 0.5:
        community["subjects"] = [
            {"kind": GROUP, "name": f"group-{draw.randrange(200)}"},
            {"kind": USER, "name": f"user-{draw.randrange(800)}@example.org"},
        ]
    items: list[dict[str, object]] = []
    if draw.random() < 0.3:
        items.append({"name": "kubernetes-configuration", "owner": "community"})
    if draw.random() < 0.3:
        until = {"party": "community", "until": "2030-06-01T00:00:00Z"}
        items.append({"name": "deploy-configure-hub", "delegates": [until]})
    return parse_record(
        {
            "apiVersion": API_VERSION,
            "kind": "Responsibility",
            "metadata": {"name": name, "creationTimestamp": "2029-01-01T00:00:00Z"},
            "spec": {
                "hub": {"namespace": name, "release": name},
                "model": "2i2c",
                "parties": [community],
                "items": items,
            },
        }
    )


def _tell(assessment: Assessment) -> None:
    findings = assessment.findings()
    kinds = Counter(finding.kind for finding in findings)
    sources = sum(len(finding.sources) for finding in findings)
    print(f"    {len(findings):,} findings with {sources:,} sources: {dict(kinds.most_common())}")
    clusters = assessment.clusters.values()
    print(f"    of these {sum(len(c.findings) for c in clusters):,} about the cluster as a whole")


def _changes(assessor: Assessor, whole: Snapshot, world: PlanningWorld, *, times: int = 50) -> None:
    """Time one changed object: the graph's part and the pass together."""
    graph, _ = whole.graph.replace(put_roles=[_LEADS_NOWHERE])
    current = replace(whole, graph=graph)
    assessor.assess(current)
    for what, role, namespaces, most in (
        ("RoleBinding to edit", _EDIT, world.hubs, times),
        ("RoleBinding that opens no way", _LEADS_NOWHERE.key, world.hubs, times),
        ("ClusterRoleBinding", _EDIT, ("",), min(times, 5)),
    ):
        seconds = []
        for number in range(most):
            namespace = namespaces[number % len(namespaces)]
            subject = Subject(USER, f"{role.name}-{number}@example.org")
            key = BindingKey(namespace, f"{role.name}-{number}")
            binding = Binding(key, role, (subject,))
            gc.collect()
            start = time.perf_counter()
            graph, _ = current.graph.replace(put_bindings=[binding])
            current = replace(current, graph=graph)
            assessment = assessor.assess(current)
            seconds.append(time.perf_counter() - start)
            assert any(f.subject == subject for f in assessment.findings())
        show(f"one changed {what}, median", statistics.median(seconds))
        show(f"    slowest of {most}", max(seconds))
    fresh = Assessor().assess(current)
    assert fresh.findings() == assessor.assess(current).findings()


def _refusing(whole: Snapshot, world: PlanningWorld, observed: float) -> None:
    """Time the same where items are at deny, so that it is asked whether they are hollow."""
    names = [item.name for item in whole.models["2i2c"].spec.items]
    for what, refused in (("one item", names[6:7]), ("every item", names)):
        print(f"with {what} of every hub at deny:")
        records = {name: _denying(record, refused) for name, record in whole.records.items()}
        wanted = replace(whole, records=records)
        full, assessment = best(lambda at=wanted: Assessor().assess(at), 3)  # type: ignore[misc]  # a default argument
        show("full pass", full)
        hollow = sum(finding.kind == HOLLOW for finding in assessment.findings())
        print(f"    {full / observed:.2f} times as long as if it only looked; {hollow} hollow")
        assessor = Assessor()
        assessor.assess(wanted)
        _changes(assessor, wanted, world, times=8)


def _denying(record: Responsibility, names: list[str]) -> Responsibility:
    raw = record.model_dump(by_alias=True, mode="json", exclude_unset=True)
    items = {item["name"]: item for item in raw["spec"].get("items", [])}
    for name in names:
        items.setdefault(name, {"name": name})["enforcement"] = {"admission": "deny"}
    raw["spec"]["items"] = list(items.values())
    return parse_record(raw)


def _routes(whole: Snapshot, world: PlanningWorld) -> None:
    """Time the same with indirect routes."""
    print("with indirect routes:")
    wanted = replace(whole, routes=True)
    full, assessment = best(lambda: Assessor().assess(wanted), 3)
    show("full pass with findings, sources and routes", full)
    steps = sum(bool(finding.route) for finding in assessment.findings())
    print(f"    {steps:,} of {len(assessment.findings()):,} findings are indirect")
    assessor = Assessor()
    assessor.assess(wanted)
    show("nothing has changed", best(lambda: assessor.assess(wanted), 5)[0])
    _changes(assessor, wanted, world, times=8)


def _linear(world: PlanningWorld, whole: Snapshot, full: float) -> None:
    assessment = Assessor().assess(whole)
    agreements = [hub.agreement for hub in assessment.hubs.values()][:_LINEAR_HUBS]
    permissions = agreements[0].terms.permissions
    asked = list(
        bits(permissions.hub_mask & (agreements[0].terms.required | agreements[0].terms.reserved))
    )
    sample = asked[:: max(1, len(asked) // 10)]
    seconds = once(
        lambda: [
            linear.holders(
                (world.roles, world.bindings),
                permissions.by_bit[bit].attributes(agreement.names),
                any_name=True,
            )
            for agreement in agreements
            for bit in sample
        ]
    )
    number = len(agreements) * len(sample)
    scaled = seconds / number * len(asked) * len(whole.records)
    show(f"linear holders() of {number} of the pass's questions", seconds)
    total = len(asked) * len(whole.records)
    print(f"    scaled to all {total:,}: {scaled:,.1f} s, without findings; ", end="")
    print(f"the pass is {scaled / full:,.0f} times as fast")


def _peak() -> float:
    """Return the peak resident memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
