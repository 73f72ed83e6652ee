"""Refusals of RBAC objects: what no API server takes, though it could be read.

Of files, nothing of this would ever be in a cluster: a binding with a ServiceAccount of no
namespace, a rule without verbs. From ``pkg/apis/rbac/validation/validation.go`` in Kubernetes, and
from ``ValidatePathSegmentName`` and the labels' in apimachinery; a test on a live cluster holds the
two against each other, with objects at random. Names of ServiceAccounts and kinds of subjects that
there can't be are not looked at: they match nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from responsibility.api_groups import RBAC
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER

Json = Mapping[str, Any]

_OPERATORS: Final = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}
_LABEL: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def refusals(raw: Json) -> Iterator[str]:
    """Yield what a server refuses of a role or binding that could be parsed, field by field."""
    kind = str(raw["kind"])
    metadata = raw["metadata"]
    yield from _path_segment(str(metadata["name"]), "metadata.name")
    namespace = metadata.get("namespace")
    if namespace and not _DNS_LABEL.fullmatch(namespace):
        yield f"metadata.namespace: {namespace!r} is no name of a namespace"
    yield from _labels(metadata.get("labels") or {})
    yield from _role(raw, kind) if kind in ("Role", "ClusterRole") else _binding(raw, kind)


def _role(raw: Json, kind: str) -> Iterator[str]:
    for number, rule in enumerate(raw.get("rules") or ()):
        yield from _rule(rule, f"rules[{number}]", namespaced=kind == "Role")
    aggregation = raw.get("aggregationRule")
    if kind == "ClusterRole" and isinstance(aggregation, Mapping):
        selectors = aggregation.get("clusterRoleSelectors") or ()
        if not selectors:
            yield "aggregationRule.clusterRoleSelectors: there is none"
        for number, selector in enumerate(selectors):
            yield from _selector(selector, f"aggregationRule.clusterRoleSelectors[{number}]")


def _rule(rule: Json, field: str, *, namespaced: bool) -> Iterator[str]:
    if not rule.get("verbs"):
        yield f"{field}.verbs: there is none"
    resources = [rule.get(key) for key in ("apiGroups", "resources", "resourceNames")]
    if rule.get("nonResourceURLs"):
        if namespaced:
            yield f"{field}.nonResourceURLs: a Role can't grant them"
        if any(resources):
            yield f"{field}: a rule is about resources or about URLs, not both"
        return
    for key, values in zip(("apiGroups", "resources"), resources, strict=False):
        if not values:
            yield f"{field}.{key}: there is none"


def _selector(selector: Json | None, field: str) -> Iterator[str]:
    for key, value in ((selector or {}).get("matchLabels") or {}).items():
        yield from _label(str(key), value, f"{field}.matchLabels")
    for number, each in enumerate((selector or {}).get("matchExpressions") or ()):
        here = f"{field}.matchExpressions[{number}]"
        valued = _OPERATORS.get(str(each.get("operator")))
        if valued is None:
            yield f"{here}.operator: {each.get('operator')!r} is none"
        elif valued is not bool(each.get("values")):
            yield f"{here}.values: {'there is none' if valued else 'this operator takes none'}"


def _binding(raw: Json, kind: str) -> Iterator[str]:
    reference = raw.get("roleRef") or {}
    group = reference.get("apiGroup")
    if group not in (None, "", RBAC):
        yield f"roleRef.apiGroup: {group!r} is not {RBAC}"
    yield from _path_segment(str(reference.get("name")), "roleRef.name")
    for number, subject in enumerate(raw.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{number}]", namespaced=kind == "RoleBinding")


def _subject(subject: Json, field: str, *, namespaced: bool) -> Iterator[str]:
    kind, group = subject.get("kind"), subject.get("apiGroup")
    name = subject.get("name")
    if not name:
        yield f"{field}.name: it is empty"
    if kind == SERVICE_ACCOUNT:
        if group:
            yield f"{field}.apiGroup: {group!r} is not that of ServiceAccounts, which have none"
        if not namespaced and not subject.get("namespace"):
            yield f"{field}.namespace: a ClusterRoleBinding has none that it could be in"
    elif kind in (USER, GROUP) and group not in (None, "", RBAC):
        # Left out or empty, it is filled in.
        yield f"{field}.apiGroup: {group!r} is not {RBAC}"


def _labels(labels: Json) -> Iterator[str]:
    for key, value in labels.items():
        yield from _label(str(key), value, "metadata.labels")


def _label(key: str, value: Any, field: str) -> Iterator[str]:  # noqa: ANN401 - whatever a file has
    prefix, slash, name = key.rpartition("/")
    if not name or not _LABEL.fullmatch(name) or (slash and not _DNS_NAME.fullmatch(prefix)):
        yield f"{field}: {key!r} is no name of a label"
    if value is not None and not _LABEL.fullmatch(str(value)):
        yield f"{field}[{key}]: {value!r} is no value of a label"


def _path_segment(name: str, field: str) -> Iterator[str]:
    if name in (".", "..") or "/" in name or "%" in name:
        yield f"{field}: {name!r} can't be part of a path"
