"""What the API sends becomes our values, or an error that says where to look."""

from typing import Any

import pytest

from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Binding,
    BindingKey,
    RoleKey,
    Rule,
    Subject,
)
from responsibility.rbac.parse import parse_binding, parse_role, parse_subject
from responsibility.subject_kinds import UnknownKind


def test_a_role() -> None:
    raw = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"namespace": "prod", "name": "hub", "uid": "u1", "labels": {"app": "hub"}},
        "rules": [
            {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}
        ],
    }
    role = parse_role(raw)
    assert role.key == RoleKey("prod", "hub")
    assert role.rules == (Rule(("get",), ("",), ("pods",), ("a",)),)
    assert (role.uid, dict(role.labels)) == ("u1", {"app": "hub"})


def test_a_cluster_role_of_a_list_has_no_kind() -> None:
    role = parse_role(
        {
            "metadata": {"name": "view"},
            "rules": [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}],
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
        }
    )
    assert role.key == RoleKey("", "view")
    assert role.rules == (Rule(("get",), non_resource_urls=("/metrics",)),)
    assert role.aggregation == ({"matchLabels": {"a": "b"}},)


@pytest.mark.parametrize("rules", [{}, {"rules": None}, {"rules": []}])
def test_no_rules_may_be_written_in_several_ways(rules: dict[str, Any]) -> None:
    assert parse_role({"metadata": {"name": "x", "labels": None}, **rules}).rules == ()


def test_null_lists_in_a_rule_are_empty() -> None:
    raw = {"verbs": ["get"], "apiGroups": None, "resources": None, "resourceNames": []}
    assert parse_role({"metadata": {"name": "x"}, "rules": [raw]}).rules == (Rule(("get",)),)


def test_a_role_binding_finds_roles_in_its_own_namespace() -> None:
    assert binding("prod", kind="Role").role == RoleKey("prod", "edit")
    assert binding("prod", kind="ClusterRole").role == RoleKey("", "edit")
    assert binding("", kind="ClusterRole").role == RoleKey("", "edit")


def test_a_binding_with_its_key_and_subjects() -> None:
    parsed = binding("prod", subjects=[{"kind": "Group", "name": "engineers"}])
    assert parsed.key == BindingKey("prod", "b")
    assert parsed.subjects == (Subject(GROUP, "engineers"),)
    assert binding("prod", subjects=None).subjects == ()


@pytest.mark.parametrize(
    ("raw", "namespace", "expected"),
    [
        ({"kind": "User", "name": "ann"}, "prod", Subject(USER, "ann")),
        ({"kind": "User", "name": "ann", "namespace": "x"}, "prod", Subject(USER, "ann")),
        (
            {"kind": "ServiceAccount", "name": "hub"},
            "prod",
            Subject(SERVICE_ACCOUNT, "hub", "prod"),
        ),
        (
            {"kind": "ServiceAccount", "name": "hub", "namespace": "x"},
            "prod",
            Subject(SERVICE_ACCOUNT, "hub", "x"),
        ),
        ({"kind": "ServiceAccount", "name": "hub"}, "", Subject(SERVICE_ACCOUNT, "hub")),
        ({"kind": "Robot", "name": "hub"}, "prod", Subject(UnknownKind("Robot"), "hub")),
        ({"name": "hub"}, "prod", Subject(UnknownKind(""), "hub")),
    ],
)
def test_a_subject(raw: dict[str, Any], namespace: str, expected: Subject) -> None:
    assert parse_subject(raw, namespace) == expected


def test_equal_rules_and_subjects_become_one_object() -> None:
    raw = {"metadata": {"name": "x"}, "rules": [{"verbs": ["g" + "et"], "resources": ["pods"]}]}
    assert parse_role(raw).rules[0] is parse_role(raw).rules[0]
    subject = {"kind": "User", "name": "ann"}
    assert parse_subject(subject, "a") is parse_subject(subject, "b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roleRef": None}, r"RoleBinding prod/b: roleRef\.kind is None"),
        ({"roleRef": {"kind": "Rule", "name": "x"}}, r"roleRef\.kind is 'Rule', not Role or"),
        ({"roleRef": {"kind": "Role"}}, r"roleRef\.name is empty"),
        ({"roleRef": {"kind": "Role", "name": 7}}, r"roleRef\.name is 7, not a string"),
        ({"subjects": "ann"}, r"RoleBinding prod/b: subjects is 'ann', not a list"),
        ({"subjects": ["ann"]}, r"subjects\[0\] is 'ann', not an object"),
        ({"subjects": [{"name": 1}]}, r"subjects\[0\]\.name is 1, not a string"),
        ({"kind": "ClusterRoleBinding"}, r"kind is 'ClusterRoleBinding', but metadata.namespace"),
        ({"kind": "Role"}, r"kind is 'Role'"),
        ({"metadata": {"namespace": "prod"}}, r"metadata\.name is empty"),
    ],
)
def test_nonsense_in_a_binding_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_binding({**raw_binding("prod"), **changes})


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"a": "b"}, r"ClusterRole x: rules is .*, not a list"),
        (["get"], r"ClusterRole x: rules\[0\] is 'get', not an object"),
        ([{}, {"verbs": "get"}], r"ClusterRole x: rules\[1\]\.verbs is 'get', not a list"),
        ([{"verbs": [1]}], r"ClusterRole x: rules\[0\]\.verbs is 1, not a string"),
        ([{"verbs": {}}], r"ClusterRole x: rules\[0\]\.verbs is {}, not a list"),
    ],
)
def test_nonsense_in_a_role_is_named(rules: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_role({"metadata": {"name": "x"}, "rules": rules})


def test_a_cluster_role_binding_cannot_bind_a_role() -> None:
    with pytest.raises(ValueError, match=r"ClusterRoleBinding b: roleRef\.kind is Role"):
        binding("", kind="Role")


def raw_binding(namespace: str, *, kind: str = "Role", subjects: object = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": "b"} | ({"namespace": namespace} if namespace else {}),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "edit"},
        "subjects": list(subjects) if isinstance(subjects, tuple) else subjects,
    }


def binding(namespace: str, *, kind: str = "Role", subjects: object = ()) -> Binding:
    return parse_binding(raw_binding(namespace, kind=kind, subjects=subjects))


@pytest.mark.parametrize("subject", [Subject(USER, "ada"), Subject(SERVICE_ACCOUNT, "ci", "prod")])
def test_what_was_made_here_is_read_as_what_was_sent(subject: Subject) -> None:
    """A body that is to be written holds a kind as a member of its enum, not as JSON's text."""
    made = {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
    assert parse_subject(made, "prod") == parse_subject({**made, "kind": str(subject.kind)}, "prod")
