"""Drawn worlds, planned and applied: the API server says what the simulation said.

A failure names the seed. To see it again: ``SEED=… PLANS_WORLDS=1``.
"""

import asyncio
import itertools
import json
import random
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from responsibility.api.names import PLAN_LABEL
from responsibility.api.parse import parse_model, parse_record
from responsibility.cluster import apply_plan
from responsibility.hub.discovery import Deployment, Hub, HubKey
from responsibility.kube.client import Api
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import Plan
from responsibility.plans.planner import make_plan
from responsibility.plans.proof import expectations
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import is_node, user_and_groups
from tests.e2e import drawn_rbac
from tests.e2e.lab.cluster import Cluster
from tests.e2e.seeds import seeds
from tests.unit.ownership import worlds as ownership
from tests.unit.rbac import near
from tests.unit.rbac import worlds as rbac

SEEDS = seeds("PLANS_WORLDS", usually=2)
QUESTIONS = 600
NOW = datetime(2030, 6, 15, 12, 0, tzinfo=UTC)

M = TypeVar("M")


def _agreed(seed: int, manifests: drawn_rbac.Manifests) -> tuple[Any, list[Any], list[Hub]]:
    """Return a model, records and hubs whose namespaces are those of the drawn world."""
    draw = random.Random(seed)
    source = ownership.Agreements(draw)

    def real(raw: Any) -> Any:
        return json.loads(manifests.real(json.dumps(raw)))

    def dumped(own: Any) -> Any:
        return own.model_dump(mode="json", by_alias=True, exclude_unset=True)

    model = parse_model(real(dumped(source.model())))
    records = [parse_record(real(dumped(source.record(hub)))) for hub in ownership.HUBS]
    hubs = []
    for hub in ownership.HUBS:
        namespace = manifests.real(hub.key.namespace)
        main = Deployment(namespace, f"{hub.prefix}hub", "u", "hub", hub.key.release, "4.3.1", {})
        hubs.append(Hub(HubKey(namespace, hub.key.release), hub.prefix, "4.3.1", (main,)))
    return model, records, hubs


async def _snapshot(
    api: drawn_rbac.Api, agreed: tuple[Any, list[Any], list[Hub]], *, routes: bool
) -> Snapshot:
    model, records, hubs = agreed
    return Snapshot(
        graph=AccessGraph.build(*await api.snapshot()),
        now=NOW,
        hubs={hub.key: hub for hub in hubs},
        models={model.name: model},
        records={record.name: record for record in records},
        namespaces={hub.key.namespace: False for hub in hubs},
        routes=routes,
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_server_says_what_was_simulated(plans_cluster: Cluster, seed: int) -> None:
    run = f"plan-{seed}"
    source = rbac.seeded(seed, most_bindings=30, valid=True)
    async with (
        drawn_rbac.connect(plans_cluster.kubeconfig) as asker,
        Api.connect(plans_cluster.kubeconfig) as api,
    ):
        manifests = drawn_rbac.Manifests(run, source.world())
        agreed = _agreed(seed, manifests)
        try:
            await drawn_rbac.create(asker, manifests)
            before = await _snapshot(asker, agreed, routes=bool(seed % 2))
            aim = _aim(seed, before)
            plan = make_plan(before, aim)
            journal = await apply_plan.prepare(api, plan)
            await apply_plan.go_on(api, journal, lambda _: None)
            await _confirmed(asker, before, plan, manifests, random.Random(seed))
            after = await _snapshot(asker, agreed, routes=bool(seed % 2))
            given_up = _ids([obstacle.finding for obstacle in plan.obstacles])
            promised = _ids(aim.findings(Assessor().assess(before))) - given_up
            assert not promised & _ids(aim.findings(Assessor().assess(after))), f"seed {seed}"
            again = make_plan(after, aim)
            assert not again.changes, f"{seed}, {aim}: {[str(change) for change in again]}"
            await apply_plan.take_back(api, journal, lambda _: None)
            back = await _snapshot(asker, agreed, routes=False)
            assert _granted(back.graph) == _granted(before.graph), f"seed {seed}"
        finally:
            await manifests.delete(asker)
            await _drop_made(asker)


def _aim(seed: int, snapshot: Snapshot) -> Aim:
    """Return what the plan of a seed is to end: mostly everything."""
    hubs = [Aim(record=name) for name in sorted(snapshot.records)]
    return random.Random(f"aim {seed}").choice([Aim()] * 3 + [Aim(cluster=True), *hubs])


def _ids(findings: Iterable[Finding]) -> set[tuple[str, bool]]:
    """Return what findings are known by; a direct right may end though a way to it stays."""
    return {(finding.id, bool(finding.route)) for finding in findings}


def _granted(graph: AccessGraph) -> set[Any]:
    """Return all that rights depend on."""
    bindings = {(b.key, b.role, frozenset(b.subjects)) for b in graph.bindings.values()}
    return bindings | {(r.key, r.rules) for r in graph.roles.values()}


async def _drop_made(asker: drawn_rbac.Api) -> None:
    for kind in drawn_rbac.KINDS:
        if kind.startswith("cluster"):
            path = f"{drawn_rbac.RBAC}/{kind}"
            await asker.request("DELETE", path, labelSelector=PLAN_LABEL)


async def _confirmed(
    asker: drawn_rbac.Api,
    before: Snapshot,
    plan: Plan,
    manifests: drawn_rbac.Manifests,
    draw: random.Random,
) -> None:
    """Ask for everything that ended or must hold, and for much else that the plan may touch."""
    after = simulate(before.graph, plan)
    assessment = Assessor().assess(before)
    wanted = {
        drawn_rbac.Question(*user_and_groups(each.subject), each.asked): each.allowed
        for each in expectations(before, assessment, plan)
        if not is_node(each.subject)
    }
    namespaces = [*map(manifests.real, rbac.NAMESPACES)]
    own = [b for b in before.graph.bindings.values() if b.key.namespace in namespaces]
    ask = near.Near(draw, before.graph.roles, own, namespaces, ["ann", "bob"]).questions()
    # A world in which hardly anything is granted has no more than a few.
    for asked in itertools.islice(ask, 50 * QUESTIONS):
        if len(wanted) >= QUESTIONS:
            break
        question = drawn_rbac.Question(*asked)
        if drawn_rbac.is_fair(question):
            decided = after.decide(question.user, question.groups, question.attributes)
            wanted.setdefault(question, bool(decided))

    async def agreed() -> bool:
        answers = await asyncio.gather(*(asker.allows(question) for question in wanted))
        for question, answer in zip(list(wanted), answers, strict=True):
            if answer is wanted[question]:
                del wanted[question]
        return not wanted

    count = len(wanted)
    assert count or not own
    await asker.until(agreed, f"the server to agree on {len(wanted)} of {count}: {_some(wanted)}")


def _some(wanted: dict[Any, bool]) -> str:
    return re.sub(r"\s+", " ", str(list(wanted.items())[:3]))
