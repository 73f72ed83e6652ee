"""The live API server is the oracle: it and we must answer every question alike.

Each seed draws a world, creates it through the API, reads back *all* RBAC objects of the
cluster, and puts the same questions to both. A failure names the seed. To see it again:
``SEED=… DIFFERENTIAL_WORLDS=1``; more worlds: ``DIFFERENTIAL_WORLDS=50``.
"""

import asyncio
import os
import random
from dataclasses import replace

import pytest

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import service_account_user
from responsibility.rbac.objects import Role, RoleKey, Source
from tests.e2e.drawn_rbac import LABEL, Api, Manifests, Question, connect, create, is_fair
from tests.e2e.lab.cluster import Cluster
from tests.e2e.seeds import seeds
from tests.unit.rbac import near, worlds

SEEDS = seeds("DIFFERENTIAL_WORLDS", usually=2)
QUESTIONS = 2_000


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_api_server_and_the_graph_give_the_same_answers(
    cluster: Cluster, seed: int
) -> None:
    draw = random.Random(seed)
    run = f"diff-{seed}-{os.getpid()}"
    async with connect(cluster.kubeconfig) as api:
        bootstrap, _ = await api.snapshot()
        manifests = Manifests(run, _draw_world(draw, bootstrap))
        try:
            await create(api, manifests)
            differences, yes = await _compare(api, manifests, draw)
        finally:
            await manifests.delete(api)
    assert not differences, f"seed {seed}: {len(differences)} of {QUESTIONS} answers differ:\n" + (
        "\n".join(differences[:20])
    )
    assert 0.4 < yes / QUESTIONS < 0.6, "questions that all have the same answer test nothing"


def _draw_world(draw: random.Random, live: list[Role]) -> worlds.World:
    """Return a world, some of whose bindings refer to ClusterRoles that the cluster has."""
    names = sorted(role.key.name for role in live if not role.key.namespace)
    numbered = tuple(f"role-{number}" for number in range(12))
    source = worlds.Worlds(draw, valid=True, role_names=(*worlds.ROLE_NAMES, *numbered))
    world = source.world()
    more = [source.binding(f"more-{number}") for number in range(120)]
    for number in range(15):
        more[number] = replace(more[number], role=RoleKey("", f"live:{draw.choice(names)}"))
    return worlds.World(world.roles, (*world.bindings, *more))


async def _compare(api: Api, manifests: Manifests, draw: random.Random) -> tuple[list[str], int]:
    """Return the differences, and how often the answer was yes."""
    roles, bindings = await api.snapshot()
    graph = AccessGraph.build(roles, bindings)
    questions = _questions(graph, manifests, draw)
    answers = await asyncio.gather(*(api.allows(question) for question in questions))
    suspects = [
        question
        for question, answer in zip(questions, answers, strict=True)
        if answer is not bool(_decide(graph, question))
    ]
    if suspects:
        # A cluster that others use may have changed in between. Look once more.
        graph = AccessGraph.build(*await api.snapshot())
    differences = []
    for question in suspects:
        sources, answer = _decide(graph, question), await api.allows(question)
        if answer is not bool(sources):
            differences.append(f"{question}: the API server says {answer}, we say {sources}")
    return differences, sum(answers)


def _decide(graph: AccessGraph, question: Question) -> tuple[Source, ...]:
    return graph.decide(question.user, question.groups, question.attributes)


def _questions(graph: AccessGraph, manifests: Manifests, draw: random.Random) -> list[Question]:
    """Return as many questions that we say yes to as others, about all of the cluster."""
    namespaces = [*map(manifests.real, worlds.NAMESPACES), "kube-system"]
    everything = list(graph.bindings.values())
    own = [each for each in everything if each.labels.get(LABEL) == manifests.run]
    strangers = [
        *map(manifests.real, worlds.USERS),
        *(
            service_account_user(namespace, name)
            for namespace in namespaces
            for name in worlds.SERVICE_ACCOUNTS
        ),
    ]
    drawn = [
        near.Near(draw, graph.roles, bindings, namespaces, strangers).questions()
        for bindings in (own, everything)
    ]
    blind = worlds.Worlds(draw, valid=True, namespaces=tuple(namespaces))
    wanted = {True: QUESTIONS // 2, False: QUESTIONS - QUESTIONS // 2}
    questions: dict[Question, None] = {}
    while any(wanted.values()):
        if draw.random() < 0.2:
            user, groups = blind.identity()
            question = Question(manifests.real(user), groups, blind.attributes())
        else:
            question = Question(*next(draw.choice(drawn)))
        expected = bool(_decide(graph, question))
        if question not in questions and is_fair(question) and wanted[expected]:
            wanted[expected] -= 1
            questions[question] = None
    return list(questions)
