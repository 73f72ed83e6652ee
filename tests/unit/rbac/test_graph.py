"""Who holds what. Each test is a statement about Kubernetes."""

import pytest

from responsibility.rbac.graph import MASTERS_SOURCE, MASTERS_SUBJECT, AccessGraph, Affected
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Source,
    Subject,
    Truth,
)
from responsibility.subject_kinds import UnknownKind

ANN = Subject(USER, "ann")
ENGINEERS = Subject(GROUP, "engineers")
HUB = Subject(SERVICE_ACCOUNT, "hub", "prod")

GET_PODS = Rule(("get",), ("",), ("pods",))
EVERYTHING = Rule(("*",), ("*",), ("*",))
METRICS = Rule(("get",), non_resource_urls=("/metrics",))

IN_PROD = Attributes("get", "", "pods", namespace="prod")


def role(key: str, *rules: Rule) -> Role:
    """Return ``view``, a ClusterRole, or ``prod/view``, a Role."""
    namespace, _, name = key.rpartition("/")
    return Role(RoleKey(namespace, name), rules)


def bind(key: str, to: str, *subjects: Subject) -> Binding:
    """Return ``b``, a ClusterRoleBinding, or ``prod/b``, a RoleBinding."""
    namespace, _, name = key.rpartition("/")
    role_namespace, _, role_name = to.rpartition("/")
    return Binding(BindingKey(namespace, name), RoleKey(role_namespace, role_name), subjects)


def source(binding: str, to: str, rule: int = 0, names: tuple[str, ...] = ()) -> Source:
    bound = bind(binding, to)
    return Source(bound.key, bound.role, rule, names)


def by_rbac(graph: AccessGraph, attributes: Attributes, **options: bool) -> set[Subject]:
    return set(graph.holders(attributes, **options)) - {MASTERS_SUBJECT}


def test_nobody_holds_anything_but_the_masters() -> None:
    graph = AccessGraph.build()
    assert dict(graph.holders(IN_PROD)) == {MASTERS_SUBJECT: (MASTERS_SOURCE,)}
    assert graph.decide("ann", ["system:authenticated"], IN_PROD) == ()
    assert graph.decide("ann", ["system:masters"], IN_PROD) == (MASTERS_SOURCE,)
    assert graph.decide("ann", ["system:masters"], Attributes("get", path="/x"))


def test_a_cluster_role_binding_holds_in_every_namespace_and_outside_of_them() -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "view", ANN)])
    for namespace in ("prod", "staging", ""):
        asked = Attributes("get", "", "pods", namespace=namespace)
        assert graph.decide("ann", [], asked) == (source("b", "view"),)
        assert by_rbac(graph, asked) == {ANN}
    assert by_rbac(graph, Attributes("get", "", "secrets")) == set()


@pytest.mark.parametrize("to", ["view", "prod/view"])
def test_a_role_binding_holds_in_its_namespace_only(to: str) -> None:
    graph = AccessGraph.build([role(to, GET_PODS)], [bind("prod/b", to, ANN)])
    assert by_rbac(graph, IN_PROD) == {ANN}
    assert by_rbac(graph, Attributes("get", "", "pods", namespace="staging")) == set()
    assert by_rbac(graph, Attributes("get", "", "pods")) == set()
    assert graph.cluster_holders(IN_PROD).keys() == {MASTERS_SUBJECT}
    assert graph.namespace_holders(IN_PROD) == {ANN: (source("prod/b", to),)}


def test_a_role_of_another_namespace_is_not_found() -> None:
    binding = bind("prod/b", "staging/view", ANN)
    graph = AccessGraph.build([role("staging/view", GET_PODS)], [binding])
    assert by_rbac(graph, IN_PROD) == set()
    assert graph.dangling() == (binding,)


def test_a_namespace_is_asked_about_within_itself() -> None:
    graph = AccessGraph.build([role("admin", EVERYTHING)], [bind("prod/b", "admin", ANN)])
    inside = Attributes("delete", "", "namespaces", name="prod", namespace="prod")
    assert graph.decide("ann", [], inside)
    assert not graph.decide("ann", [], Attributes("list", "", "namespaces"))


def test_paths_are_granted_by_cluster_role_bindings_only() -> None:
    roles = [role("metrics", METRICS)]
    asked = Attributes("get", path="/metrics", namespace="prod")
    assert by_rbac(AccessGraph.build(roles, [bind("b", "metrics", ANN)]), asked) == {ANN}
    graph = AccessGraph.build(roles, [bind("prod/b", "metrics", ANN)])
    assert by_rbac(graph, asked) == set()
    assert graph.decide("ann", [], asked) == ()


def test_all_sources_are_told_not_just_the_first() -> None:
    graph = AccessGraph.build(
        [role("view", GET_PODS, EVERYTHING), role("prod/view", GET_PODS)],
        [
            bind("prod/b", "prod/view", ANN),
            bind("prod/c", "view", ANN),
            bind("prod/a", "view", ANN, ENGINEERS),
            bind("z", "view", ANN),
        ],
    )
    own = (
        source("z", "view", 0),
        source("z", "view", 1),
        source("prod/a", "view", 0),
        source("prod/a", "view", 1),
        source("prod/b", "prod/view"),
        source("prod/c", "view", 0),
        source("prod/c", "view", 1),
    )
    assert graph.decide("ann", [], IN_PROD) == own
    assert graph.holders(IN_PROD)[ANN] == own
    # One binding that fits twice is still one source for each of its rules.
    assert graph.decide("ann", ["engineers"], IN_PROD) == own
    assert graph.holders(IN_PROD)[ENGINEERS] == own[2:4]


def test_the_masters_may_be_bound_as_well() -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "view", MASTERS_SUBJECT)])
    both = (MASTERS_SOURCE, source("b", "view"))
    assert graph.holders(IN_PROD)[MASTERS_SUBJECT] == both
    assert graph.decide("", ["system:masters"], IN_PROD) == both
    assert graph.holds(MASTERS_SUBJECT, IN_PROD) == (Truth.YES, both)


def test_two_bindings_never_add_up_to_a_third_right() -> None:
    graph = AccessGraph.build(
        [
            role("a", Rule(("get",), ("",), ("secrets",))),
            role("b", Rule(("list",), ("",), ("pods",))),
        ],
        [bind("a", "a", ANN), bind("b", "b", ANN)],
    )
    assert graph.decide("ann", [], IN_PROD) == ()


def test_a_service_account_is_also_a_user() -> None:
    as_user = Subject(USER, "system:serviceaccount:prod:hub")
    graph = AccessGraph.build(
        [role("view", GET_PODS)], [bind("a", "view", as_user), bind("b", "view", HUB)]
    )
    both = (source("a", "view"), source("b", "view"))
    assert graph.holders(IN_PROD)[HUB] == both
    assert as_user not in graph.holders(IN_PROD)
    assert graph.decide(as_user.name, [], IN_PROD) == both
    assert graph.subjects() == {HUB}
    assert [binding.key.name for binding in graph.bindings_of(as_user)] == ["a", "b"]


def test_nobodies_hold_nothing() -> None:
    nobodies = [
        Subject(SERVICE_ACCOUNT, "hub"),
        *(Subject(UnknownKind(kind), "ann") for kind in ("Robot", "")),
    ]
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "view", *nobodies)])
    assert by_rbac(graph, IN_PROD) == set()
    assert graph.subjects() == frozenset()
    assert all(graph.holds(nobody, IN_PROD) == (Truth.NO, ()) for nobody in nobodies)
    assert graph.decide("system:serviceaccount::hub", [], IN_PROD) == ()


def test_a_review_adds_no_groups() -> None:
    everyone = Subject(GROUP, "system:authenticated")
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "view", everyone)])
    assert graph.decide("ann", [], IN_PROD) == ()
    assert graph.decide("ann", ["system:authenticated"], IN_PROD)


def test_names() -> None:
    named = Rule(("get", "create", "deletecollection"), ("",), ("pods",), ("hub", "proxy"))
    graph = AccessGraph.build([role("view", named)], [bind("b", "view", ANN)])
    granted = source("b", "view", 0, ("hub", "proxy"))

    def holders(verb: str, name: str = "", **options: bool) -> tuple[Source, ...]:
        return graph.holders(Attributes(verb, "", "pods", name=name), **options).get(ANN, ())

    assert holders("get", "hub") == (granted,)
    assert holders("get", "other") == ()
    assert holders("get") == ()
    assert holders("get", any_name=True) == (granted,)
    assert holders("get", "other", any_name=True) == ()
    # A create that comes as an apply carries a name; a deletecollection never does.
    assert holders("create", any_name=True) == (granted,)
    assert holders("deletecollection", any_name=True) == ()


def test_a_name_that_a_later_role_mentions_is_told_from_others() -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "named", ANN)])
    named = role("named", Rule(("get",), ("",), ("pods",), ("hub",)))
    later, _ = graph.replace(put_roles=[named])
    assert not later.decide("ann", [], Attributes("get", "", "pods", name="other"))
    assert later.decide("ann", [], Attributes("get", "", "pods", name="hub"))


def test_names_that_no_rule_mentions_share_what_is_remembered() -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "view", ANN)])
    for number in range(100):
        assert by_rbac(graph, Attributes("get", "", "pods", name=f"pod-{number}")) == {ANN}
    assert len(graph.scope("").answers) == 1


def test_a_role_with_a_billion_combinations_is_no_burden() -> None:
    many = tuple(f"x{number}" for number in range(1_000))
    wide = Rule(("get", *many), ("", *many), ("pods", *many))
    graph = AccessGraph.build([role("wide", wide)], [bind("b", "wide", ANN)])
    assert by_rbac(graph, IN_PROD) == {ANN}
    assert by_rbac(graph, Attributes("list", "", "pods")) == set()


def test_a_role_that_does_not_exist_grants_nothing_until_it_does() -> None:
    binding = bind("prod/b", "view", ANN)
    graph = AccessGraph.build([], [binding, bind("prod/c", "prod/edit", ENGINEERS)])
    assert by_rbac(graph, IN_PROD) == set()
    assert [each.key.name for each in graph.dangling()] == ["b", "c"]
    assert graph.bindings_of(ANN) == (binding,)

    later, affected = graph.replace(put_roles=[role("view", GET_PODS)])
    assert affected == Affected(namespaces=frozenset({"prod"}))
    assert by_rbac(later, IN_PROD) == {ANN}
    assert [each.key.name for each in later.dangling()] == ["c"]
    assert by_rbac(graph, IN_PROD) == set(), "the former graph stays as it was"


HELD = [bind("b", "view", ENGINEERS)]
BY_EVERYONE = [bind("b", "view", Subject(GROUP, "system:authenticated"))]
BY_SERVICE_ACCOUNTS = [bind("b", "view", Subject(GROUP, "system:serviceaccounts:prod"))]
BY_STRANGERS = [bind("b", "view", Subject(GROUP, "system:unauthenticated"))]
NODE = Subject(USER, "system:node:n1")
ANONYMOUS = Subject(USER, "system:anonymous")


@pytest.mark.parametrize(
    ("statement", "bindings", "subject", "expected"),
    [
        ("a user that is bound", [bind("b", "view", ANN)], ANN, Truth.YES),
        ("a user among all", BY_EVERYONE, ANN, Truth.YES),
        ("a user who may be an engineer", HELD, ANN, Truth.UNKNOWN),
        ("a user where only ServiceAccounts may", BY_SERVICE_ACCOUNTS, ANN, Truth.NO),
        ("a user where nobody may but masters", [], ANN, Truth.NO),
        ("a user where strangers may", BY_STRANGERS, ANN, Truth.NO),
        ("a stranger among strangers", BY_STRANGERS, ANONYMOUS, Truth.YES),
        ("a stranger is no engineer", HELD, ANONYMOUS, Truth.NO),
        ("a stranger isn't authenticated", BY_EVERYONE, ANONYMOUS, Truth.NO),
        ("a ServiceAccount among all", BY_EVERYONE, HUB, Truth.YES),
        ("a ServiceAccount in its namespace", BY_SERVICE_ACCOUNTS, HUB, Truth.YES),
        ("a ServiceAccount is no engineer", HELD, HUB, Truth.NO),
        ("a group that is bound", HELD, ENGINEERS, Truth.YES),
        ("a group's members are authenticated", BY_EVERYONE, ENGINEERS, Truth.YES),
        ("a group that isn't bound", HELD, Subject(GROUP, "students"), Truth.NO),
        ("the masters", [], MASTERS_SUBJECT, Truth.YES),
        ("a node, of which another authorizer knows more", [], NODE, Truth.UNKNOWN),
        ("all nodes", [], Subject(GROUP, "system:nodes"), Truth.UNKNOWN),
        ("a node that is bound", [bind("b", "view", NODE)], NODE, Truth.YES),
    ],
)
def test_an_answer_is_yes_no_or_unknown(
    statement: str, bindings: list[Binding], subject: Subject, expected: Truth
) -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], bindings)
    truth, sources = graph.holds(subject, IN_PROD)
    assert truth is expected, statement
    assert bool(sources) is (truth is Truth.YES or (truth is Truth.UNKNOWN and bool(bindings)))


def test_a_changed_role_affects_where_it_is_bound() -> None:
    bindings = [bind("prod/b", "view", ANN), bind("staging/b", "edit", ANN), bind("c", "edit", ANN)]
    graph = AccessGraph.build([role("view", GET_PODS), role("edit", GET_PODS)], bindings)

    def affected(**change: list[Role] | list[RoleKey]) -> Affected:
        return graph.replace(**change)[1]  # type: ignore[arg-type]  # any field

    assert affected(put_roles=[role("view", EVERYTHING)]) == Affected(False, frozenset({"prod"}))
    assert affected(put_roles=[role("edit", EVERYTHING)]) == Affected(True, frozenset({"staging"}))
    assert affected(drop_roles=[RoleKey("", "edit")]) == Affected(True, frozenset({"staging"}))
    assert not affected(put_roles=[role("view", GET_PODS)])
    assert not affected(put_roles=[role("unbound", EVERYTHING)])
    assert not affected(drop_roles=[RoleKey("", "unknown")])


def test_a_changed_binding_affects_its_namespace() -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("prod/b", "view", ANN)])
    same, affected = graph.replace(put_bindings=[bind("prod/b", "view", ANN)])
    assert not affected
    assert by_rbac(same, IN_PROD) == {ANN}
    gone, affected = graph.replace(drop_bindings=[BindingKey("prod", "b")])
    assert affected == Affected(namespaces=frozenset({"prod"}))
    assert by_rbac(gone, IN_PROD) == set()
    assert not gone.bindings
    _, affected = graph.replace(put_bindings=[bind("c", "view", ANN)])
    assert affected == Affected(cluster=True)
    assert Affected(True) | Affected(False, frozenset({"prod"})) == Affected(
        True, frozenset({"prod"})
    )


def test_cluster_wide_answers_outlive_a_change_in_a_namespace() -> None:
    graph = AccessGraph.build([role("view", GET_PODS)], [bind("b", "view", ANN)])
    graph.cluster_holders(IN_PROD)
    changed, _ = graph.replace(
        put_bindings=[bind("prod/b", "prod/edit", ENGINEERS)],
        put_roles=[role("prod/edit", EVERYTHING)],
    )
    assert changed.scope("") is graph.scope("")
    assert changed.scope("").answers
    assert by_rbac(changed, IN_PROD) == {ANN, ENGINEERS}


def test_a_scope_stays_the_same_object_while_nothing_in_it_changes() -> None:
    bindings = [bind("prod/b", "view", ANN), bind("staging/b", "view", ANN), bind("b", "view", ANN)]
    graph = AccessGraph.build([role("view", GET_PODS)], bindings)
    changed, _ = graph.replace(
        put_bindings=[bind("prod/b", "view", ANN), bind("staging/b", "view", ENGINEERS)],
        put_roles=[role("unbound", EVERYTHING)],
    )
    assert changed.scope("prod") is graph.scope("prod")
    assert changed.scope("") is graph.scope("")
    assert changed.scope("staging") is not graph.scope("staging")
    assert changed.scope("elsewhere") is graph.scope("elsewhere")


def test_the_objects_can_be_looked_up() -> None:
    view, binding = role("view", GET_PODS), bind("prod/b", "view", ANN)
    graph = AccessGraph.build([view], [binding])
    assert graph.roles[view.key] is view
    assert graph.bindings[binding.key] is binding
    assert graph.roles.get(RoleKey("prod", "view")) is None
    assert (len(graph.bindings), list(graph.bindings)) == (1, [binding.key])
    with pytest.raises(KeyError, match="staging"):
        graph.bindings[BindingKey("staging", "b")]
