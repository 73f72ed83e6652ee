"""Reviews answered from files, held against a second opinion about RBAC."""

import json
from pathlib import Path
from typing import Any

import pytest

from responsibility.rbac.objects import (
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)
from tests.unit.cli.conftest import Run
from tests.unit.rbac import linear
from tests.unit.rbac.worlds import World, seeded

_GROUP = "rbac.authorization.k8s.io"


def role(it: Role) -> dict[str, Any]:
    """Return the manifest of a role."""
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Role" if it.key.namespace else "ClusterRole",
        "metadata": _metadata(it.key.namespace, it.key.name),
        "rules": [_rule(rule) for rule in it.rules],
    }


def binding(it: Binding) -> dict[str, Any]:
    """Return the manifest of a binding."""
    kind = "Role" if it.role.namespace else "ClusterRole"
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding" if it.key.namespace else "ClusterRoleBinding",
        "metadata": _metadata(it.key.namespace, it.key.name),
        "roleRef": {"apiGroup": _GROUP, "kind": kind, "name": it.role.name},
        "subjects": [
            {"kind": s.kind, "name": s.name, **({"namespace": s.namespace} if s.namespace else {})}
            for s in it.subjects
        ],
    }


def _metadata(namespace: str, name: str) -> dict[str, str]:
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "verbs": list(rule.verbs),
        "apiGroups": list(rule.api_groups),
        "resources": list(rule.resources),
        "resourceNames": list(rule.resource_names),
        "nonResourceURLs": list(rule.non_resource_urls),
    }


def review(user: str, groups: tuple[str, ...], asked: Attributes) -> dict[str, Any]:
    """Return the spec of a SubjectAccessReview."""
    if asked.path:
        about = {"nonResourceAttributes": {"verb": asked.verb, "path": asked.path}}
    else:
        fields = ("verb", "group", "resource", "subresource", "name", "namespace")
        about = {"resourceAttributes": {name: getattr(asked, name) for name in fields}}
    return {"user": user, "groups": list(groups), **about}


def expected(
    world: World, user: str, groups: tuple[str, ...], asked: Attributes
) -> tuple[bool | None, int]:
    """Return the answer and the number of sources, by the second opinion."""
    sources = linear.decide(world.objects, user, groups, asked)
    if sources:
        return True, len(set(sources))
    there = {role.key for role in world.roles}
    for each in world.bindings:
        here = each.key.namespace in ("", asked.namespace) and not (
            each.key.namespace and asked.path
        )
        bound = any(linear.applies_to_user(s, user, groups) for s in each.subjects)
        if here and bound and each.role not in there:
            return None, 0
    node = user.startswith("system:node:") and "system:nodes" in groups
    return (None if node else False), 0


@pytest.mark.parametrize("seed", range(12))
def test_reviews_are_answered_as_the_api_server_would(seed: int, run: Run, files: Path) -> None:
    draw = seeded(seed, valid=True)
    world = draw.world()
    manifests = [*map(role, world.roles), *map(binding, world.bindings)]
    listed = {"apiVersion": "v1", "kind": "List", "items": manifests}
    Path("world.json").write_text(json.dumps(listed), encoding="utf-8")
    asked = [(*draw.identity(), draw.attributes()) for _ in range(150)]
    asked = [each for each in asked if each[0] or each[1]]
    specs = [review(*each) for each in asked]
    Path("asked.json").write_text(json.dumps(specs), encoding="utf-8")
    done = run("can-i", "--requests", "asked.json", "-f", "world.json", "--no-default-roles")
    assert done.code == 0, done.err
    answers = [(a["allowed"], len(a["sources"])) for a in json.loads(done.out)]
    assert files.is_dir()
    assert answers == [expected(world, *each) for each in asked]


def test_every_source_is_told_with_its_rule(run: Run, files: Path) -> None:
    asked = review("leaver", (), Attributes("get", "", "secrets", name="hub", namespace="reef"))
    Path("asked.yaml").write_text(json.dumps([{"spec": asked}]), encoding="utf-8")
    assert files.is_dir()
    done = run("can-i", "--requests", "asked.yaml", "-f", "reef")
    assert json.loads(done.out) == [
        {
            "allowed": True,
            "sources": [
                {
                    "binding": {"kind": "RoleBinding", "namespace": "reef", "name": "engineers"},
                    "role": {"kind": "Role", "namespace": "reef", "name": "operate"},
                    "rule": 2,
                    "names": ["hub"],
                }
            ],
        }
    ]


BAD = {
    "not a list": ("a: b", "entry 1: at least one of user and groups must be there"),
    "text": ("hello", "this is not a list of SubjectAccessReview specs"),
    "neither": ('[{"user": "a"}]', "entry 1: exactly one of resourceAttributes and"),
    "a number": (
        "[{user: a, resourceAttributes: {verb: get, resource: 1}}]",
        "entry 1: resourceAttributes.resource is not text",
    ),
    "groups": ("[{user: a, groups: b}]", "entry 1: groups is not a list of names"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_review_is_named_by_its_number(name: str, run: Run, files: Path) -> None:
    text, message = BAD[name]
    Path("asked.yaml").write_text(text, encoding="utf-8")
    assert files.is_dir()
    done = run("can-i", "--requests", "asked.yaml", "-f", "reef")
    assert done.code == 2
    assert message in done.err


def test_an_empty_path_is_covered_by_all_urls_only(run: Run, files: Path) -> None:
    assert files.is_dir()
    rules = [Rule(("get",), non_resource_urls=("/*",)), Rule(("get",), non_resource_urls=("*",))]
    for rule, allowed in zip(rules, (False, True), strict=True):
        bound = Binding(BindingKey("", "b"), RoleKey("", "r"), (Subject(USER, "ann"),))
        items = [role(Role(RoleKey("", "r"), (rule,))), binding(bound)]
        Path("world.json").write_text(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8"
        )
        Path("asked.yaml").write_text(
            "[{user: ann, nonResourceAttributes: {verb: get}}]", encoding="utf-8"
        )
        done = run("can-i", "--requests", "asked.yaml", "-f", "world.json")
        assert json.loads(done.out)[0]["allowed"] is allowed
