"""What one rule allows. Each line is a statement about Kubernetes."""

import random
from collections.abc import Callable
from itertools import product

import pytest

from responsibility.rbac.objects import Attributes, Rule
from responsibility.rbac.rules import gives_everything, rule_allows, rule_covers, rules_digest
from tests.unit.rbac import linear

Allows = Callable[[Rule, Attributes], bool]


def rule(verbs: str, groups: str, resources: str, names: str = "") -> Rule:
    """Return a rule from comma-separated lists; the core group is written ``core``."""
    split = [tuple(filter(None, each.split(","))) for each in (verbs, groups, resources, names)]
    return Rule(
        verbs=split[0],
        api_groups=tuple("" if group == "core" else group for group in split[1]),
        resources=split[2],
        resource_names=split[3],
    )


def ask(verb: str, resource: str, name: str = "", group: str = "") -> Attributes:
    resource, _, subresource = resource.partition("/")
    return Attributes(verb, group, resource, subresource, name)


RESOURCE_RULES = [
    ("what is written is allowed", rule("get", "core", "pods"), ask("get", "pods"), True),
    ("and nothing else", rule("get", "core", "pods"), ask("list", "pods"), False),
    ("verbs are case-sensitive", rule("Get", "core", "pods"), ask("get", "pods"), False),
    ("resources are case-sensitive", rule("get", "core", "Pods"), ask("get", "pods"), False),
    ("* covers each verb", rule("*", "core", "pods"), ask("impersonate", "pods"), True),
    ("get* is no pattern", rule("g*", "core", "pods"), ask("get", "pods"), False),
    ("core is core only", rule("get", "core", "pods"), ask("get", "pods", group="apps"), False),
    ("apps is not core", rule("get", "apps", "pods"), ask("get", "pods"), False),
    ("* covers each group", rule("get", "*", "pods"), ask("get", "pods", group="apps"), True),
    ("no group is none at all", rule("get", "", "pods"), ask("get", "pods"), False),
    ("pods is not pods/exec", rule("*", "*", "pods"), ask("create", "pods/exec"), False),
    ("pods/exec is not pods", rule("*", "*", "pods/exec"), ask("create", "pods"), False),
    ("pods/exec is itself", rule("*", "*", "pods/exec"), ask("create", "pods/exec"), True),
    ("* covers subresources", rule("*", "*", "*"), ask("create", "pods/exec"), True),
    ("*/scale covers scale", rule("*", "*", "*/scale"), ask("get", "deployments/scale"), True),
    ("*/scale is only scale", rule("*", "*", "*/scale"), ask("get", "pods/exec"), False),
    ("*/scale is no upscale", rule("*", "*", "*/scale"), ask("get", "pods/upscale"), False),
    ("*/scale is no resource", rule("*", "*", "*/scale"), ask("get", "scale"), False),
    ("*/ covers no plain resource", rule("*", "*", "*/"), ask("get", "pods"), False),
    ("pods/* means nothing", rule("*", "*", "pods/*"), ask("create", "pods/exec"), False),
    ("*/* means nothing", rule("*", "*", "*/*"), ask("create", "pods/exec"), False),
    ("a name is allowed", rule("get", "core", "pods", "hub"), ask("get", "pods", "hub"), True),
    ("another isn't", rule("get", "core", "pods", "hub"), ask("get", "pods", "proxy"), False),
    ("names are literal", rule("get", "core", "pods", "*"), ask("get", "pods", "hub"), False),
    ("even *", rule("get", "core", "pods", "*"), ask("get", "pods", "*"), True),
    ("names stop lists", rule("list", "core", "pods", "hub"), ask("list", "pods"), False),
    ("names stop creates", rule("create", "core", "pods", "hub"), ask("create", "pods"), False),
    ("but not by apply", rule("create", "core", "pods", "hub"), ask("create", "pods", "hub"), True),
    ("no verbs, no rights", rule("", "*", "*"), ask("get", "pods"), False),
]

PATH_RULES = [
    ("a path is itself", "/metrics", "/metrics", True),
    ("not what is below it", "/metrics", "/metrics/cadvisor", False),
    ("* is every path", "*", "/metrics", True),
    ("/healthz* is a prefix", "/healthz*", "/healthz", True),
    ("which may be longer", "/healthz*", "/healthz/ping", True),
    ("/healthz/* has a slash", "/healthz/*", "/healthz", False),
    ("several stars are one", "/healthz/***", "/healthz/ping", True),
    ("a star within is a literal", "/*/ping", "/healthz/ping", False),
    ("paths are case-sensitive", "/Metrics", "/metrics", False),
]


@pytest.mark.parametrize("allows", [rule_allows, linear.rule_allows])
@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [pytest.param(*case[1:], id=case[0]) for case in RESOURCE_RULES],
)
def test_a_rule_about_resources(
    allows: Allows, given: Rule, asked: Attributes, expected: bool
) -> None:
    assert allows(given, asked) is expected


@pytest.mark.parametrize("allows", [rule_allows, linear.rule_allows])
@pytest.mark.parametrize(
    ("url", "path", "expected"), [pytest.param(*case[1:], id=case[0]) for case in PATH_RULES]
)
def test_a_rule_about_paths(allows: Allows, url: str, path: str, expected: bool) -> None:
    assert (
        allows(Rule(("get",), non_resource_urls=(url,)), Attributes("get", path=path)) is expected
    )


def test_a_path_needs_its_verb_too() -> None:
    given = Rule(("get",), non_resource_urls=("*",))
    assert not rule_allows(given, Attributes("post", path="/metrics"))


def test_rules_about_resources_and_about_paths_do_not_mix() -> None:
    assert not rule_allows(rule("*", "*", "*"), Attributes("get", path="/metrics"))
    assert not rule_allows(Rule(("*",), non_resource_urls=("*",)), ask("get", "pods"))


@pytest.mark.parametrize(
    ("verb", "expected"), [("get", True), ("create", True), ("deletecollection", False)]
)
def test_a_name_is_of_use_for_some_request_of_the_verb(verb: str, expected: bool) -> None:
    given = rule(verb, "core", "pods", "hub")
    assert rule_allows(given, ask(verb, "pods"), any_name=True) is expected
    assert not rule_allows(given, ask(verb, "pods", "proxy"), any_name=True)


@pytest.mark.parametrize(
    ("owners", "covered", "yes"),
    [
        ([rule("get,list", "core", "pods")], rule("get", "core", "pods"), True),
        ([rule("get", "core", "pods")], rule("get,list", "core", "pods"), False),
        ([rule("get", "core", "pods"), rule("list", "core", "pods")],
         rule("get,list", "core", "pods"), True),
        ([rule("get", "core", "pods")], rule("get", "core", "pods/exec"), False),
        ([rule("get", "core", "*/exec")], rule("get", "core", "pods/exec"), True),
        ([rule("get", "core", "*")], rule("get", "core", "pods/exec"), True),
        ([rule("get", "core", "pods")], rule("*", "core", "pods"), False),
        ([rule("*", "*", "*")], rule("*", "*", "*"), True),
        ([rule("get", "core", "pods", "a,b")], rule("get", "core", "pods", "a"), True),
        ([rule("get", "core", "pods", "a")], rule("get", "core", "pods", "a,b"), False),
        ([rule("get", "core", "pods", "a")], rule("get", "core", "pods"), False),
        ([rule("get", "core", "pods")], rule("get", "core", "pods", "a"), True),
    ],
)  # fmt: skip
def test_what_rules_cover_of_another(owners: list[Rule], covered: Rule, yes: bool) -> None:
    assert rule_covers(owners, covered) is yes


@pytest.mark.parametrize("seed", range(200))
def test_a_rule_that_is_covered_allows_nothing_that_its_owners_do_not(seed: int) -> None:
    draw = random.Random(seed)

    def some(words: str) -> tuple[str, ...]:
        return tuple(draw.sample(words.split(), draw.randint(1, 2)))

    def drawn() -> Rule:
        names = some("a b") if draw.random() < 0.4 else ()
        return Rule(some("get list *"), some("x y *"), some("pods pods/exec */exec *"), names)

    owners, one = [drawn() for _ in range(draw.randint(1, 3))], drawn()
    if not rule_covers(owners, one):
        return
    for verb, group, resource, name in product(
        ("get", "list", "watch"),
        ("x", "y", "z"),
        ("pods", "pods/exec", "jobs/exec"),
        ("", "a", "b"),
    ):
        asked = ask(verb, resource, name, group)
        if rule_allows(one, asked):
            assert any(rule_allows(owner, asked) for owner in owners), (seed, asked)


def test_a_digest_is_of_what_rules_allow_not_of_how_they_are_written() -> None:
    first, second = rule("get,list", "core", "pods"), rule("create", "apps", "deployments")
    known = rules_digest((first, second))
    assert known == rules_digest((second, rule("list,get,get", "core", "pods"), second))
    assert known != rules_digest((first,))
    assert known != rules_digest((rule("get,list,watch", "core", "pods"), second))
    # Names and resources are no one list.
    assert rules_digest((rule("get", "core", "a", "b"),)) != rules_digest(
        (rule("get", "core", "a,b"),)
    )
    assert len(known) == 32
    assert set(known) <= set("0123456789abcdef")


def test_everything_is_every_verb_on_every_resource_of_any_name() -> None:
    assert gives_everything(rule("get,*", "*,apps", "*"))
    assert not gives_everything(rule("*", "*", "*", "a"))
    assert not gives_everything(rule("*", "core", "*"))
    assert not gives_everything(rule("*", "*", "*/exec"))
