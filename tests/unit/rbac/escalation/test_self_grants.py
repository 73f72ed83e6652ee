"""Which role somebody would take who may take any: one that grants everything, paths too."""

from __future__ import annotations

from responsibility.rbac.escalation.self_grants import strongest_role_of
from responsibility.rbac.objects import Role, RoleKey, Rule

ALL = ("*",)
EVERYTHING = Rule(verbs=ALL, api_groups=ALL, resources=ALL)
PATHS = Rule(verbs=ALL, non_resource_urls=ALL)
# Each lacks one thing of everything.
LESS = {
    "verbs": Rule(verbs=("get",), api_groups=ALL, resources=ALL),
    "groups": Rule(verbs=ALL, api_groups=("apps",), resources=ALL),
    "resources": Rule(verbs=ALL, api_groups=ALL, resources=("pods",)),
    "names": Rule(verbs=ALL, api_groups=ALL, resources=ALL, resource_names=("one",)),
    "paths": PATHS,
}


def roles(**rules: tuple[Rule, ...]) -> dict[RoleKey, Role]:
    keys = {name: RoleKey("", name) for name in rules}
    return {keys[name]: Role(keys[name], each) for name, each in rules.items()}


def strongest(**rules: tuple[Rule, ...]) -> str | None:
    found = strongest_role_of(roles(**rules))
    return found.key.name if found is not None else None


def test_a_role_that_lacks_anything_is_not_the_strongest() -> None:
    less = {name: (rule,) for name, rule in LESS.items()}
    assert strongest(**less) is None
    # Not even all of them together, in one role.
    assert strongest(all=tuple(LESS.values())) is None
    assert strongest(**less, zoo=(EVERYTHING,)) == "zoo"


def test_one_that_grants_paths_too_comes_first_and_else_the_first_by_name() -> None:
    assert strongest(a=(EVERYTHING,), b=(EVERYTHING, PATHS)) == "b"
    assert strongest(b=(EVERYTHING,), a=(EVERYTHING,)) == "a"
    some = Rule(verbs=("get",), non_resource_urls=ALL)
    few = Rule(verbs=ALL, non_resource_urls=("/healthz",))
    assert strongest(a=(EVERYTHING, some, few), b=(EVERYTHING, PATHS)) == "b"
