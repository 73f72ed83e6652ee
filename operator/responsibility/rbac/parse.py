"""The API's raw JSON, parsed into the values of ``objects``.

Lenient where the API is (absent and null lists are empty, unknown fields are ignored), strict
where an object makes no sense: the error names the object and the field.

Thousands of bindings repeat the same few strings, rules and subjects; equal ones become one
object, which also makes later comparisons cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any

from responsibility.rbac.objects import (
    SERVICE_ACCOUNT,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)
from responsibility.subject_kinds import subject_kind

_ROLE_KINDS = ("Role", "ClusterRole")
_BINDING_KINDS = ("RoleBinding", "ClusterRoleBinding")
_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


def parse_role(raw: Mapping[str, Any]) -> Role:
    """Return the Role or ClusterRole; one with a namespace is a Role.

    Items of a list carry no ``kind``, so it is looked at only where it is there.

    Raises:
        ValueError: the object is not a role, or a field has the wrong type.

    """
    where, namespace, name, metadata = _identify(raw, _ROLE_KINDS)
    aggregation = _mapping(raw.get("aggregationRule"), where, "aggregationRule")
    selectors = _list(
        aggregation.get("clusterRoleSelectors"), where, "aggregationRule.clusterRoleSelectors"
    )
    return Role(
        key=RoleKey(namespace, name),
        rules=tuple(
            _parse_rule(rule, where, f"rules[{number}]")
            for number, rule in enumerate(_list(raw.get("rules"), where, "rules"))
        ),
        uid=_string(metadata.get("uid"), where, "metadata.uid"),
        labels=_parse_labels(metadata, where),
        aggregation=tuple(
            _mapping(selector, where, f"aggregationRule.clusterRoleSelectors[{number}]")
            for number, selector in enumerate(selectors)
        ),
        autoupdate=_parse_autoupdate(metadata, where),
    )


def parse_binding(raw: Mapping[str, Any]) -> Binding:
    """Return the RoleBinding or ClusterRoleBinding; one with a namespace is a RoleBinding.

    Raises:
        ValueError: the object is not a binding, or a field has the wrong type or value.

    """
    where, namespace, name, metadata = _identify(raw, _BINDING_KINDS)
    reference = _mapping(raw.get("roleRef"), where, "roleRef")
    kind = reference.get("kind")
    role_name = _string(reference.get("name"), where, "roleRef.name")
    if kind not in _ROLE_KINDS:
        raise ValueError(f"{where}: roleRef.kind is {kind!r}, not Role or ClusterRole")
    if kind == "Role" and not namespace:
        raise ValueError(f"{where}: roleRef.kind is Role, which a ClusterRoleBinding can't bind")
    if not role_name:
        raise ValueError(f"{where}: roleRef.name is empty")
    return Binding(
        key=BindingKey(namespace, name),
        role=RoleKey(namespace if kind == "Role" else "", role_name),
        subjects=tuple(
            _parse_subject(subject, namespace, where, f"subjects[{number}]")
            for number, subject in enumerate(_list(raw.get("subjects"), where, "subjects"))
        ),
        uid=_string(metadata.get("uid"), where, "metadata.uid"),
        labels=_parse_labels(metadata, where),
        autoupdate=_parse_autoupdate(metadata, where),
    )


def parse_subject(raw: Mapping[str, Any], namespace: str) -> Subject:
    """Return one subject of a binding in the namespace (empty for a ClusterRoleBinding).

    A ServiceAccount without namespace gets the RoleBinding's (``appliesToUser`` in
    ``pkg/registry/rbac/validation/rule.go``). Unknown kinds are kept; they match nobody.

    Raises:
        ValueError: a field has the wrong type.

    """
    return _parse_subject(raw, namespace, "subject", "")


def _parse_subject(raw: object, namespace: str, where: str, field: str) -> Subject:
    fields = _mapping(raw, where, field)
    prefix = f"{field}." if field else ""
    kind = subject_kind(_string(fields.get("kind"), where, f"{prefix}kind"))
    name = _string(fields.get("name"), where, f"{prefix}name")
    account_namespace = ""
    if kind == SERVICE_ACCOUNT:
        # The authorizer doesn't look at the namespace of any other kind.
        account_namespace = (
            _string(fields.get("namespace"), where, f"{prefix}namespace") or namespace
        )
    return _subject(kind, name, account_namespace)


def _parse_rule(raw: object, where: str, field: str) -> Rule:
    fields = _mapping(raw, where, field)
    return _rule(
        _strings(fields, "verbs", where, field),
        _strings(fields, "apiGroups", where, field),
        _strings(fields, "resources", where, field),
        _strings(fields, "resourceNames", where, field),
        _strings(fields, "nonResourceURLs", where, field),
    )


def _identify(
    raw: Mapping[str, Any], kinds: tuple[str, str]
) -> tuple[str, str, str, Mapping[str, Any]]:
    """Return how to call the object in errors, its namespace, its name, its metadata."""
    namespaced, clusterwide = kinds
    raw = _mapping(raw, namespaced, "object")
    metadata = _mapping(raw.get("metadata"), namespaced, "metadata")
    namespace = _string(metadata.get("namespace"), namespaced, "metadata.namespace")
    name = _string(metadata.get("name"), namespaced, "metadata.name")
    expected = namespaced if namespace else clusterwide
    where = f"{expected} {namespace}/{name}" if namespace else f"{expected} {name}"
    if not name:
        raise ValueError(f"{where}: metadata.name is empty")
    kind = raw.get("kind") or expected
    if kind != expected:
        raise ValueError(f"{where}: kind is {kind!r}, but metadata.namespace is {namespace!r}")
    return where, namespace, name, metadata


def _parse_labels(metadata: Mapping[str, Any], where: str) -> Mapping[str, str]:
    labels = _mapping(metadata.get("labels"), where, "metadata.labels")
    return _labels(
        tuple((key, _string(labels[key], where, f"metadata.labels[{key}]")) for key in labels)
    )


def _parse_autoupdate(metadata: Mapping[str, Any], where: str) -> str:
    annotations = _mapping(metadata.get("annotations"), where, "metadata.annotations")
    return _string(annotations.get(_AUTOUPDATE), where, f"metadata.annotations[{_AUTOUPDATE}]")


def _mapping(value: object, where: str, field: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    # A dictionary is seen at once to be one, where the abstract class asks around.
    if not isinstance(value, (dict, Mapping)):
        raise _wrong(where, field, value, "an object")
    return value


def _list(value: object, where: str, field: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(where, field, value, "a list")
    return value


def _string(value: object, where: str, field: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(where, field, value, "a string")
    # What was made here, and not read, may hold a kind of subject, which only counts as a text.
    return intern(str(value))


def _wrong(where: str, field: str, value: object, expected: str) -> ValueError:
    return ValueError(f"{where}: {field} is {value!r}, not {expected}")


def _strings(fields: Mapping[str, Any], key: str, where: str, field: str) -> tuple[str, ...]:
    value = fields.get(key)
    if value is None:
        return ()
    if type(value) is list:
        try:
            return tuple(map(intern, value))
        except TypeError:
            # Not all of them are strings; null is an empty one.
            pass
    path = f"{field}.{key}"
    return tuple(_string(item, where, path) for item in _list(value, where, path))


# Sharing: bounded, and safe because the values are immutable.
_rule = lru_cache(maxsize=16_384)(Rule)
_subject = lru_cache(maxsize=65_536)(Subject)


@lru_cache(maxsize=16_384)
def _labels(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return MappingProxyType(dict(items))
