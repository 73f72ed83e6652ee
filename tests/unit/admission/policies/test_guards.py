"""Which item guards what, and for whom: from the model alone."""

from typing import Any

import pytest

from responsibility.admission.policies import field_paths
from responsibility.admission.policies.guards import ANY_NAME, Guards, ItemGuards, Target, target_of
from responsibility.admission.policies.rendered import item_policies
from responsibility.api.names import policy_name
from responsibility.api.parse import load_shipped_model
from responsibility.ownership.terms.permission_index import Permission
from tests.unit.admission.policies.small_models import small, writes

DEPLOYMENTS = {"verbs": ["update", "patch"], "apiGroups": ["apps"], "resources": ["deployments"]}
SCALE = {"verbs": ["update", "patch"], "apiGroups": ["apps"], "resources": ["deployments/scale"]}


def guards(*items: dict[str, Any]) -> dict[str, ItemGuards]:
    return {g.item.name: g for g in Guards.of(small(*items)).items()}


def field(path: str, kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "path": path, **more}


@pytest.mark.parametrize(
    ("verb", "resource", "subresource", "operation"),
    [
        ("create", "secrets", "", "CREATE"),
        ("update", "secrets", "", "UPDATE"),
        ("patch", "secrets", "", "UPDATE"),
        ("delete", "secrets", "", "DELETE"),
        ("deletecollection", "secrets", "", "DELETE"),
        ("create", "pods", "exec", "CONNECT"),
        ("get", "pods", "exec", "CONNECT"),
        ("get", "pods", "portforward", "CONNECT"),
        ("create", "pods", "eviction", "CREATE"),
        ("update", "pods", "ephemeralcontainers", "UPDATE"),
        ("create", "serviceaccounts", "token", "CREATE"),
        ("get", "secrets", "", None),
        ("list", "secrets", "", None),
        ("watch", "secrets", "", None),
        ("get", "pods", "log", None),
        ("impersonate", "users", "", None),
        ("bind", "roles", "", None),
        ("escalate", "roles", "", None),
        ("assign", "responsibilities", "", None),
        ("*", "secrets", "", None),
        ("create", "*", "", None),
    ],
)
def test_what_a_right_is_to_admission(
    verb: str, resource: str, subresource: str, operation: str | None
) -> None:
    target = target_of(Permission(verb, "", resource, subresource))
    assert (target and target.operation) == operation


def test_items_that_reserve_the_same_share_it() -> None:
    found = guards(
        {"name": "a", "reserved": [writes("secrets")]},
        {"name": "b", "required": [writes("secrets")]},
        {"name": "c", "reserved": [writes("configmaps")]},
    )
    # What is only required is nobody's to guard.
    assert set(found) == {"a", "c"}
    allowed = {g.target.resource: g.allowed[ANY_NAME] for g in found["a"].objects}
    assert allowed == {"secrets": {"a", "b"}}


def test_a_wildcard_entitles_nobody() -> None:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "scope": "Cluster"}
    found = guards(
        {"name": "a", "reserved": [writes("secrets")]}, {"name": "b", "reserved": [everything]}
    )
    assert set(found) == {"a"}
    assert all(g.allowed[ANY_NAME] == {"a"} for g in found["a"].objects)


def test_a_right_in_the_whole_cluster_is_one_in_each_hub() -> None:
    found = guards(
        {"name": "a", "reserved": [writes("secrets")]},
        {"name": "b", "required": [writes("secrets", scope="Cluster")]},
    )
    assert all(g.allowed[ANY_NAME] == {"a", "b"} for g in found["a"].objects)


def test_a_name_narrows_what_is_guarded_and_who_may() -> None:
    named = {"verbs": ["update"], "apiGroups": [""], "resources": ["secrets"]}
    found = guards(
        {"name": "a", "reserved": [{**named, "resourceNames": ["$(prefix)hub"]}]},
        {"name": "b", "reserved": [writes("secrets")]},
    )
    (only,) = found["a"].objects
    assert only.names == {"$(prefix)hub"}
    update = next(
        g for g in found["b"].objects if g.target.operation == "UPDATE" and not g.by_metadata
    )
    assert update.names == {ANY_NAME}
    assert update.allowed == {ANY_NAME: {"b"}, "$(prefix)hub": {"a", "b"}}


def test_a_rule_has_names_only_for_what_never_comes_without_one() -> None:
    verbs = {"verbs": ["update", "delete"], "apiGroups": [""], "resources": ["secrets"]}
    model = small({"name": "a", "reserved": [{**verbs, "resourceNames": ["fixed"]}]})
    (policy,) = (m for m in item_policies(model) if m["metadata"]["name"] == policy_name("a"))
    rules = policy["spec"]["matchConstraints"]["resourceRules"]
    found = {
        tuple(r["operations"]): r.get("resourceNames")
        for r in rules
        if any(resource.startswith("secrets") for resource in r["resources"])
    }
    # Of a collection that is deleted, no object's name is known to a rule.
    assert found == {("DELETE",): None, ("UPDATE",): ["fixed"]}


def test_fields_divide_an_object() -> None:
    found = guards(
        {"name": "a", "reserved": [DEPLOYMENTS], "fields": [field("spec.replicas")]},
        {"name": "b", "reserved": [writes("deployments", "apps")]},
    )
    # a has its field and nothing else of the object; b has all but that field.
    assert found["a"].objects == ()
    assert [f.allowed for f in found["a"].fields] == [{ANY_NAME: {"a"}}]
    update = next(
        g for g in found["b"].objects if g.target.operation == "UPDATE" and not g.by_metadata
    )
    assert update.allowed == {ANY_NAME: {"b"}}
    assert [f.path for f in update.excluded] == ["spec.replicas"]


def test_who_may_not_delete_may_not_have_it_deleted() -> None:
    named = {"verbs": ["delete"], "apiGroups": [""], "resources": ["secrets"]}
    found = guards(
        {"name": "a", "reserved": [{**named, "resourceNames": ["$(prefix)hub"]}]},
        {"name": "b", "reserved": [writes("secrets")]},
    )
    (lifetime,) = (g for g in found["a"].objects if g.by_metadata)
    # Those who may delete, whoever else may update.
    assert lifetime.names == {"$(prefix)hub"}
    assert lifetime.allowed == {ANY_NAME: {"b"}, "$(prefix)hub": {"a", "b"}}
    targets = {(t.resource, t.operation) for t in found["a"].targets}
    assert targets == {("secrets", "DELETE"), ("secrets", "UPDATE"), ("secrets/*", "UPDATE")}
    for resource, about in (("secrets", True), ("secrets/status", True), ("pods/status", False)):
        assert lifetime.concerns(Target("", resource, "UPDATE")) is about
    assert not lifetime.concerns(Target("", "secrets", "DELETE"))


def test_where_all_have_fields_only_the_rest_is_for_who_reserves_the_object() -> None:
    found = guards({"name": "a", "reserved": [DEPLOYMENTS], "fields": [field("spec.replicas")]})
    (update,) = found["a"].objects
    assert update.allowed == {ANY_NAME: {"a"}}


def test_who_may_scale_may_change_the_replicas() -> None:
    found = guards(
        {"name": "a", "reserved": [SCALE], "fields": [field("spec.replicas")]},
        {"name": "b", "required": [{**SCALE, "resourceNames": ["hub"]}]},
    )
    (replicas,) = found["a"].fields
    assert replicas.allowed == {ANY_NAME: {"a"}, "hub": {"a", "b"}}
    targets = {t.resource for t in found["a"].targets}
    assert targets == {"deployments", "deployments/scale"}


def test_without_the_field_scale_is_a_resource_like_any_other() -> None:
    found = guards({"name": "a", "reserved": [SCALE]})
    (scale,) = found["a"].objects
    assert scale.target == Target("apps", "deployments/scale", "UPDATE")


def test_a_field_that_two_list_is_for_both() -> None:
    found = guards(
        {"name": "a", "reserved": [DEPLOYMENTS], "fields": [field("spec.paused")]},
        {"name": "b", "reserved": [DEPLOYMENTS], "fields": [field("spec.paused", name="hub")]},
    )
    assert found["a"].fields[0].allowed == {ANY_NAME: {"a"}, "hub": {"a", "b"}}
    assert found["b"].fields[0].allowed == {ANY_NAME: {"a"}, "hub": {"a", "b"}}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (field("spec..x"), r"item a, fields\[0\].path: 'spec..x' is no path"),
        (field("spec.x[0]"), "is no path"),
        (field("[*].x"), "is no path"),
        (field("spec.x[*]"), "is no path"),
        (field("spec.x", kind="Widget"), r"fields\[0\].kind: .* Widget; use one of ConfigMap"),
    ],
)
def test_a_field_without_a_policy_is_refused_with_its_place(
    entry: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        guards({"name": "a", "reserved": [DEPLOYMENTS], "fields": [entry]})


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("spec.containers[*].image", ("spec", "containers", "[*]", "image")),
        ('metadata.annotations["a.b/c"]', ("metadata", "annotations", "a.b/c")),
        ('spec.hard["limits.memory"]', ("spec", "hard", "limits.memory")),
        ("a-b.c_d", ("a-b", "c_d")),
    ],
)
def test_paths(path: str, steps: tuple[str, ...]) -> None:
    assert field_paths.parse(path) == steps


def test_the_shipped_model_guards_what_it_should() -> None:
    numbers = [g.item.number for g in Guards.of(load_shipped_model()).items()]
    assert numbers == [4, 6, 7, 10, 14, 15, 16, 19, 20]


def test_what_no_policy_can_see_is_told() -> None:
    all_guards = Guards.of(load_shipped_model())
    items = {item.number: item for item in all_guards.terms.items}
    assert all_guards.unenforceable(items[15]) == [
        "bind roles",
        "escalate roles",
        "get secrets",
        "impersonate serviceaccounts",
        "list secrets",
        "watch secrets",
    ]
    assert all_guards.unenforceable(items[19]) == []
