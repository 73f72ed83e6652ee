"""Drawn worlds of ownership as snapshots, with all that plans must look out for."""

import random
from dataclasses import replace
from itertools import count

from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Binding, Subject
from tests.unit.ownership import building, worlds
from tests.unit.rbac import worlds as rbac


def drawn(seed: int, *, routes: bool = False, listed: bool = False) -> tuple[Snapshot, Aim]:
    """Return the world of a seed, and what a plan is to end there.

    ``listed`` has it known which ServiceAccounts there are; some that are bound are not there.
    """
    draw = random.Random(seed)
    world = worlds.world(seed)
    bindings = [_sorted_out(draw, binding) for binding in world.bindings]
    snapshot = building.snapshot(
        records=world.records,
        models=[world.model],
        hubs=worlds.HUBS,
        operator=draw.choice((None, Subject(SERVICE_ACCOUNT, "hub", "ns-b"))),
        routes=routes,
    )
    graph = AccessGraph.build(world.roles, bindings)
    names = [record.name for record in world.records]
    aim = draw.choice(
        (
            Aim(),
            Aim(),
            Aim(cluster=True),
            Aim(record=draw.choice(names)) if names else Aim(),
            Aim(subjects=(draw.choice(worlds.PEOPLE),)),
        )
    )
    accounts = None
    if listed:
        every = sorted((ns, name) for ns in rbac.NAMESPACES for name in rbac.SERVICE_ACCOUNTS)
        accounts = frozenset(draw.sample(every, draw.randrange(1, len(every) + 1)))
    return replace(snapshot, graph=graph, accounts=accounts), aim


def aimed(seed: int, *, routes: bool = False) -> tuple[Snapshot, Aim]:
    """Return the first world from a seed on in which there is something to end."""
    for number in count(seed):
        snapshot, aim = drawn(number, routes=routes)
        if aim.findings(Assessor().assess(snapshot)):
            return snapshot, aim
    raise AssertionError("unreachable")


def _sorted_out(draw: random.Random, binding: Binding) -> Binding:
    """Return the binding, or one of Kubernetes' own like it."""
    if draw.random() < 0.1:
        return replace(binding, labels={"kubernetes.io/bootstrapping": "rbac-defaults"})
    if draw.random() < 0.1:
        return replace(binding, autoupdate="false")
    return binding
