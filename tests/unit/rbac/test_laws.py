"""What is true of every RBAC world. The index must answer as the loop over all bindings does."""

import random
from collections.abc import Mapping, Set
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.identity import canonical, is_somebody, service_account_user
from responsibility.rbac.index import IndexLimits, RuleIndex
from responsibility.rbac.objects import SERVICE_ACCOUNT, Attributes, Binding, Role, Subject, Truth
from tests.unit.deciding import Decided
from tests.unit.rbac import linear, near, worlds
from tests.unit.rbac.worlds import World

ANY_NAME = st.booleans()
ASKED = worlds.asked_worlds()


def bound(holders: Mapping[Subject, object]) -> Set[Subject]:
    """Return those who hold something because they are bound to it."""
    return holders.keys() - {MASTERS_SUBJECT}


Asked = tuple[World, str, tuple[str, ...], Attributes]


def build(world: World) -> AccessGraph:
    return AccessGraph.build(*world.objects)


def check(graph: AccessGraph, world: World, asked: Attributes, *, any_name: bool) -> None:
    expected = linear.holders(world.objects, asked, any_name=any_name)
    assert {s: list(sources) for s, sources in graph.holders(asked, any_name=any_name).items()} == {
        subject: sorted(sources, key=_order) for subject, sources in expected.items()
    }


def _order(source: object) -> tuple[bool, str]:
    binding = getattr(source, "binding")  # noqa: B009 - so that mypy does not know
    return binding is not None, repr((binding and (binding.namespace, binding.name), source))


def test_a_decision_is_that_of_the_loop() -> None:
    count = Decided()

    @given(ASKED)
    def law(drawn: Asked) -> None:
        world, user, groups, asked = drawn
        sources = set(build(world).decide(user, groups, asked))
        count.note(sources)
        assert sources == set(linear.decide(world.objects, user, groups, asked))

    law()
    count.held()


def test_the_holders_are_those_of_the_loop() -> None:
    count = Decided()

    @given(ASKED, ANY_NAME)
    def law(drawn: Asked, any_name: bool) -> None:
        world, *_, asked = drawn
        graph = build(world)
        count.note(bound(graph.holders(asked, any_name=any_name)))
        check(graph, world, asked, any_name=any_name)

    law()
    count.held()


@pytest.mark.parametrize("seed", range(20))
def test_larger_worlds_too(seed: int) -> None:
    source = worlds.seeded(seed)
    world = source.world()
    graph = build(world)
    answers = []
    aimed = near.Near(random.Random(seed), graph.roles, world.bindings, worlds.NAMESPACES)
    blind = ((*source.identity(), source.attributes()) for _ in range(150))
    for number, (user, groups, asked) in enumerate([*blind, *islice(aimed.questions(), 150)]):
        check(graph, world, asked, any_name=bool(number % 2))
        sources = graph.decide(user, groups, asked)
        assert set(sources) == set(linear.decide(world.objects, user, groups, asked))
        assert len(set(sources)) == len(sources)
        answers.append(bool(sources))
    assert 15 < sum(answers) < 285, "questions that all have the same answer test nothing"


@given(worlds.worlds(), st.lists(worlds.questions(), max_size=5), st.randoms())
def test_the_order_of_objects_never_matters(
    world: World, asked: list[Attributes], shuffle: random.Random
) -> None:
    roles, bindings = list(world.roles), list(world.bindings)
    shuffle.shuffle(roles)
    shuffle.shuffle(bindings)
    one, other = build(world), AccessGraph.build(roles, bindings)
    for question in asked:
        assert dict(one.holders(question)) == dict(other.holders(question))
    assert one.dangling() == other.dangling()


def test_adding_a_binding_never_removes_access() -> None:
    count = Decided()

    @given(ASKED, worlds.new_bindings(name="new"), ANY_NAME)
    def law(drawn: Asked, binding: Binding, any_name: bool) -> None:
        world, *_, asked = drawn
        before = build(world)
        after, _ = before.replace(put_bindings=[binding])
        holders = before.holders(asked, any_name=any_name)
        count.note(bound(holders))
        for subject, sources in holders.items():
            assert set(sources) <= set(after.holders(asked, any_name=any_name)[subject])

    law()
    count.held()


def test_the_two_halves_make_the_whole() -> None:
    count = Decided()

    @given(ASKED, ANY_NAME)
    def law(drawn: Asked, any_name: bool) -> None:
        world, *_, asked = drawn
        graph = build(world)
        everywhere = graph.cluster_holders(asked, any_name=any_name)
        here = graph.namespace_holders(asked, any_name=any_name)
        whole = graph.holders(asked, any_name=any_name)
        count.note(bound(whole))
        assert set(whole) == set(everywhere) | set(here)
        assert len(whole) == len(list(whole)) == len(set(whole))
        for subject, sources in whole.items():
            assert sources == everywhere.get(subject, ()) + here.get(subject, ())

    law()
    count.held()


def test_holders_are_those_who_get_a_yes_for_themselves() -> None:
    count = Decided()

    @given(ASKED)
    def law(drawn: Asked) -> None:
        world, *_, asked = drawn
        graph = build(world)
        holders = graph.holders(asked)
        count.note(bound(holders))
        for subject in {*graph.subjects(), MASTERS_SUBJECT}:
            user, groups = subject.name, tuple[str, ...]()
            if subject.kind == "ServiceAccount":
                user = service_account_user(subject.namespace, subject.name)
            if subject.kind == "Group":
                user, groups = "", (subject.name,)
            assert graph.decide(user, groups, asked) == holders.get(subject, ())

    law()
    count.held()


@given(worlds.worlds(), worlds.questions())
def test_every_somebody_is_a_subject_in_one_form(world: World, asked: Attributes) -> None:
    named = {subject for binding in world.bindings for subject in binding.subjects}
    graph = build(world)
    assert graph.subjects() == {canonical(subject) for subject in named if is_somebody(subject)}
    assert set(graph.holders(asked)) <= graph.subjects() | {MASTERS_SUBJECT}


def test_what_is_held_directly_is_held() -> None:
    count = Decided()

    @given(ASKED)
    def law(drawn: Asked) -> None:
        world, *_, asked = drawn
        graph = build(world)
        holders = graph.holders(asked)
        count.note(bound(holders))
        for subject, sources in holders.items():
            truth, found = graph.holds(subject, asked)
            assert truth is Truth.YES
            assert set(sources) <= set(found)

    law()
    count.held()


@given(worlds.worlds())
def test_dangling_bindings_are_those_of_the_loop(world: World) -> None:
    expected = sorted(linear.dangling(world.objects), key=lambda binding: binding.key)
    assert list(build(world).dangling()) == expected


@settings(max_examples=60)
@given(
    worlds.worlds(),
    st.lists(worlds.new_bindings() | worlds.new_roles() | st.integers(0, 100), max_size=8),
    st.lists(worlds.questions(), min_size=1, max_size=4),
)
def test_a_replaced_graph_is_the_graph_of_what_is_there(
    world: World, changes: list[Binding | Role | int], asked: list[Attributes]
) -> None:
    graph = build(world)
    roles = {role.key: role for role in world.roles}
    bindings = {binding.key: binding for binding in world.bindings}
    for change in changes:
        before = graph
        namespaces = [*worlds.NAMESPACES, ""]
        answers = {
            (question, namespace): dict(graph.holders(_within(question, namespace)))
            for question in asked
            for namespace in namespaces
        }
        if isinstance(change, Role):
            roles[change.key] = change
            graph, affected = graph.replace(put_roles=[change])
        elif isinstance(change, Binding):
            bindings[change.key] = change
            graph, affected = graph.replace(put_bindings=[change])
        else:
            doomed = sorted(roles)[change:][:1]
            ended = sorted(bindings)[change:][:1]
            roles = {key: role for key, role in roles.items() if key not in doomed}
            bindings = {key: each for key, each in bindings.items() if key not in ended}
            graph, affected = graph.replace(drop_roles=doomed, drop_bindings=ended)
        now = World(tuple(roles.values()), tuple(bindings.values()))
        for (question, namespace), former in answers.items():
            here = _within(question, namespace)
            check(graph, now, here, any_name=False)
            if not affected.cluster and namespace not in affected.namespaces:
                assert dict(graph.holders(here)) == former, "unaffected, but not the same"
            assert dict(before.holders(here)) == former, "the former graph has changed"
    assert dict(graph.roles) == roles
    assert dict(graph.bindings) == bindings
    fresh = AccessGraph.build(roles.values(), bindings.values())
    assert graph.subjects() == fresh.subjects()
    assert graph.dangling() == fresh.dangling()


def _within(asked: Attributes, namespace: str) -> Attributes:
    return Attributes(
        asked.verb,
        asked.group,
        asked.resource,
        asked.subresource,
        asked.name,
        namespace,
        asked.path,
    )


@settings(max_examples=50)
@given(worlds.worlds(), st.lists(worlds.questions(), min_size=1, max_size=5), ANY_NAME)
@pytest.mark.parametrize("widest", [0, 2, 10, 10_000])
def test_a_rule_too_wide_to_enter_is_found_all_the_same(
    widest: int, world: World, asked: list[Attributes], any_name: bool
) -> None:
    limits = IndexLimits(entries=widest)
    rules = RuleIndex.build((role.rules for role in world.roles), limits=limits)
    for attributes in asked:
        question = rules.question(attributes, any_name=any_name)
        matches = rules.matches(question, attributes)
        for role in world.roles:
            assert matches.get(rules.rule_set(role.rules), ()) == tuple(
                number
                for number, rule in enumerate(role.rules)
                if linear.rule_allows(rule, attributes, any_name=any_name)
            )


def test_many_changed_roles_rebuild_the_index() -> None:
    source = worlds.seeded(7)
    world = source.world()
    graph = AccessGraph.build(*world.objects, limits=IndexLimits(latecomers=3, answers=5))
    roles = {role.key: role for role in world.roles}
    for _ in range(60):
        role = source.role(source.draw.choice(world.roles).key)
        roles[role.key] = role
        graph, _ = graph.replace(put_roles=[role])
        now = World(tuple(roles.values()), world.bindings)
        for _ in range(10):
            check(graph, now, source.attributes(), any_name=False)


def test_subjects_of_a_world_are_of_all_kinds() -> None:
    world = worlds.seeded(1, most_bindings=300).world()
    kinds = {subject.kind for binding in world.bindings for subject in binding.subjects}
    assert kinds == {"User", "Group", "ServiceAccount", "Robot"}
    assert Subject(SERVICE_ACCOUNT, "hub") in {
        subject for binding in world.bindings for subject in binding.subjects
    }
