"""Whoever is bound to an item's role can do what the item requires, and nothing else at all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from itertools import product

import pytest

from demo import organisation
from responsibility.api.parse import load_shipped_model
from responsibility.api.permission import Scope
from responsibility.grants.item_roles import ItemRole, render
from responsibility.kube import access_reviews
from responsibility.kube.access_reviews import AccessQuestion
from responsibility.kube.client import Api
from responsibility.ownership.terms.permission_index import HUB
from responsibility.rbac.objects import Attributes
from tests.e2e.lab.lifetime import say
from tests.e2e.operator.api import RBAC, Manifest
from tests.e2e.operator.world import World
from tests.e2e.seeds import SEED

MODEL = load_shipped_model()
PREFIX = "leap-"
ROLES = {role.name: role for role in render(MODEL, ("", PREFIX)).roles}
HERE, THERE = "here", "there"
VERBS = (
    *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
    *("bind", "escalate", "impersonate", "use", "approve", "*"),
)
# Questions whose answer is no, in a short run: of all, and of the resources of the role.
REFUSED = 150
NAMES = ("", "hub", "leap-hub", "other")


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Bind somebody to each role, as the operator would."""
    bare_world.admin.apply(organisation.namespace(HERE), organisation.namespace(THERE))
    bare_world.admin.apply(*(role.manifest() for role in ROLES.values()))
    bare_world.admin.apply(*(binding(role) for role in ROLES.values()))
    return bare_world


def somebody(role: ItemRole) -> str:
    return f"user-of-{role.name}"


def binding(role: ItemRole) -> Manifest:
    meta = {"name": role.name} | ({"namespace": HERE} if role.place == HUB else {})
    return {
        "apiVersion": RBAC,
        "kind": "RoleBinding" if role.place == HUB else "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role.name,
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": somebody(role)}
        ],
    }


def resources() -> Iterator[tuple[str, str]]:
    """Yield every resource that the model speaks of, and some that it does not."""
    for item in MODEL.spec.all_items:
        for permission in (*item.required, *item.reserved):
            yield from product(permission.api_groups, permission.resources)
    yield from (("", "pods"), ("", "nodes"), ("", "secrets"), ("apps", "deployments"))
    yield from (("", "pods/attach"), ("", "serviceaccounts/token"), ("apps", "replicasets"))
    yield from (("", "podtemplates"), ("batch", "cronjobs"), ("", "namespaces"), ("*", "*"))


def expected(role: ItemRole, asked: Attributes) -> bool:
    """Return what the model says, read as plainly as it can be."""
    (item,) = [i for i in MODEL.spec.all_items if i.name == role.item]
    whole = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    prefix = PREFIX if ":prefix:" in role.name else ""
    if role.place == HUB and asked.namespace != HERE:
        return False
    return any(
        (permission.scope is Scope.CLUSTER) == (role.place == "")
        and asked.verb in permission.verbs
        and asked.group in permission.api_groups
        and whole in permission.resources
        and (
            not permission.resource_names
            or asked.name in [n.replace("$(prefix)", prefix) for n in permission.resource_names]
        )
        for permission in item.required
    )


def grid(role: ItemRole) -> list[Attributes]:
    wide = product(VERBS, sorted(set(resources())), NAMES, (HERE,))
    known = [r for r in sorted(set(resources())) if r[1] in str(role.rules)]
    elsewhere = product(VERBS, known, ("", "hub"), (THERE, ""))
    return [
        Attributes(
            verb=verb,
            group=group,
            resource=resource.partition("/")[0],
            subresource=resource.partition("/")[2],
            name=name,
            namespace=namespace,
        )
        for verb, (group, resource), name, namespace in (*wide, *elsewhere)
    ]


def some(role: ItemRole, whole: list[Attributes]) -> list[Attributes]:
    """Return what a role gives, and of the rest some: all of it is thousands of questions."""
    draw = random.Random(f"{SEED} {role.name}")
    given = [each for each in whole if expected(role, each)]
    others = [each for each in whole if not expected(role, each)]
    known = [a for a in others if a.namespace == HERE and a.resource in str(role.rules)]
    drawn = [draw.sample(each, min(REFUSED, len(each))) for each in (others, known)]
    return [*given, *drawn[0], *drawn[1]]


@pytest.mark.parametrize("how", ["some", pytest.param("all", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ROLES)
def test_exactly_what_is_required(world: World, name: str, how: str) -> None:
    role = ROLES[name]
    asked = grid(role) if how == "all" else some(role, grid(role))

    async def ask() -> list[bool]:
        async with Api.connect(world.cluster.kubeconfig) as api:
            questions = [AccessQuestion(somebody(role), (), each) for each in asked]
            return await access_reviews.subject_access_many(api, questions)

    answers = asyncio.run(ask())
    wrong = [
        (each, allowed)
        for each, allowed in zip(asked, answers, strict=True)
        if allowed is not expected(role, each)
    ]
    assert wrong == []
    say(f"{name}: {sum(answers)} of {len(asked)} are allowed")
    assert any(answers)
