"""The webhook that is told when somebody breaks the glass, and which of our items a use is about.

Policies can warn, and write to the audit log, but tell nobody. So the API server may also send
what break-glass subjects do in enforced namespaces to the operator, which makes an Event of it and
counts. It never decides: the answer is always yes, and none is waited for longer than a second.
Only requests of the subjects that the model names are sent, and Secrets never.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility import api_groups
from responsibility.admission.annotation_entries import entry
from responsibility.admission.policies import cel, field_paths
from responsibility.admission.policies.guards import (
    ANY_NAME,
    UPDATE,
    Field,
    Guards,
    ItemGuards,
    Target,
)
from responsibility.admission.policies.kinds import SCALE
from responsibility.admission.policies.manifests import Manifest
from responsibility.admission.policies.matched_requests import changes_lifetime
from responsibility.admission.webhooks.repeats import metadata
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import API_GROUP, BREAK_GLASS_WEBHOOK, STAGE_LABEL
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.terms.permission_index import Names
from responsibility.rbac.identity import MASTERS

PATH = "/break-glass/"
_SECRETS = "secrets"


def webhook_configuration(
    model: ResponsibilityModel,
    client_config: Mapping[str, Any],
    *,
    users: str | None = None,
    groups: str | None = None,
) -> Manifest:
    """Return the configuration; ``client_config`` says where the operator is, without the path.

    It holds a ``url`` or a ``service``, and the ``caBundle`` of its certificate. ``users`` and
    ``groups`` take the place of the model's break-glass subjects, as CEL.
    """
    guards = Guards.of(model)
    listed = sorted({f"group:{MASTERS}", *map(entry, guards.terms.break_glass)})
    users, groups = users or _named("user:", listed), groups or _named("group:", listed)
    glass = cel.any_of(
        [
            f"request.userInfo.?username.orValue('') in {users}",
            f"request.userInfo.?groups.orValue([]).exists(g, g in {groups})",
        ]
    )
    hooks = [_hook(item, glass, client_config) for item in guards.items()]
    return {
        "apiVersion": f"{api_groups.ADMISSION_REGISTRATION}/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": BREAK_GLASS_WEBHOOK},
        "webhooks": [hook for hook in hooks if hook["rules"]],
    }


@dataclass(frozen=True, slots=True)
class Use:
    """A request that a break-glass subject got through with."""

    namespace: str
    item: str
    user: str
    groups: tuple[str, ...]
    what: str
    target: Target
    name: str


def read_use(item: str, review: Mapping[str, Any]) -> Use | None:
    """Return what an AdmissionReview tells; of its objects only the name is looked at.

    None where it is none, or about something that is not stored.
    """
    request = review.get("request")
    if not isinstance(request, Mapping) or request.get("dryRun"):
        return None
    resource, user = request.get("resource") or {}, request.get("userInfo") or {}
    plural = "/".join(filter(None, (resource.get("resource"), request.get("subResource"))))
    operation = str(request.get("operation", ""))
    # Where a collection is deleted, the request of each object names none.
    name = str(request.get("name") or metadata(request.get("oldObject")).get("name") or "")
    namespace = str(request.get("namespace") or "")
    if resource.get("resource") == "namespaces":
        namespace = namespace or name
    return Use(
        namespace=namespace,
        item=item,
        user=str(user.get("username") or ""),
        groups=tuple(str(g) for g in user.get("groups") or ()),
        what=f"{operation.lower()} {plural} {name}".rstrip(),
        target=Target(str(resource.get("group") or ""), plural, operation),
        name=name,
    )


def concerns(use: Use, guards: ItemGuards, names: Names) -> bool:
    """Return whether an item guards the object of a use, by its name."""
    guarded = {
        name for guard in guards.objects if guard.concerns(use.target) for name in guard.names
    } | {field.name for field in guards.fields if use.target in _targets_of(field)}
    return ANY_NAME in guarded or use.name in {names.fill(name) for name in guarded}


def is_listed(lines: Iterable[str], user: str, groups: Iterable[str]) -> bool:
    """Return whether a request's user is on a list of a Namespace: its own, not the glass's."""
    requester_lines = {f"user:{user}", *(f"group:{group}" for group in groups)}
    for line in lines:
        kind, _, text = line.partition(":")
        if line in requester_lines or (kind == "like" and re.fullmatch(text, user)):
            return True
        if kind == "like-group" and any(re.fullmatch(text, group) for group in groups):
            return True
    return False


def _named(kind: str, lines: Iterable[str]) -> str:
    return cel.texts(line.removeprefix(kind) for line in lines if line.startswith(kind))


def _hook(item: ItemGuards, glass: str, client_config: Mapping[str, Any]) -> Manifest:
    name = item.item.name
    path = f"{PATH}{name}"
    where = dict(client_config)
    if "service" in where:
        where["service"] = {**where["service"], "path": path}
    else:
        where["url"] = f"{where['url'].rstrip('/')}{path}"
    return {
        "name": f"{name}.break-glass.{API_GROUP}",
        "admissionReviewVersions": ["v1"],
        "clientConfig": where,
        "failurePolicy": "Ignore",
        "matchPolicy": "Equivalent",
        "sideEffects": "NoneOnDryRun",
        "timeoutSeconds": 1,
        "namespaceSelector": {
            "matchExpressions": [
                {
                    "key": f"{STAGE_LABEL}{name}",
                    "operator": "In",
                    "values": [AdmissionStage.WARN.value, AdmissionStage.DENY.value],
                }
            ]
        },
        "rules": _rules(item),
        "matchConditions": [
            {"name": "breaks-the-glass", "expression": glass},
            {"name": "is-no-trial", "expression": "!request.?dryRun.orValue(false)"},
            {"name": "is-of-the-item", "expression": _is_of(item)},
        ],
    }


def _rules(item: ItemGuards) -> list[Manifest]:
    operations: dict[tuple[str, str], set[str]] = {}
    for target in item.targets:
        if target.resource.partition("/")[0] != _SECRETS:
            operations.setdefault((target.group, target.resource), set()).add(target.operation)
    return [
        {
            "apiGroups": [group],
            "apiVersions": ["*"],
            "resources": [resource],
            "operations": sorted(asked),
            "scope": "*",
        }
        for (group, resource), asked in sorted(operations.items())
    ]


def _is_of(item: ItemGuards) -> str:
    """Return that a request changes what is the item's, names of objects left aside."""
    parts = []
    for guard in item.objects:
        if guard.by_metadata:
            parts.append(_changes_lifetime(guard.target))
            continue
        asked = _asked(guard.target)
        if guard.excluded:
            asked = f"{asked} && {field_paths.rest_differs([f.steps for f in guard.excluded])}"
        parts.append(asked)
    for field in item.fields:
        asked = cel.any_of(_asked(target) for target in _targets_of(field))
        new, old = (
            field_paths.value(field_paths.NEW, field.steps),
            field_paths.value(field_paths.OLD, field.steps),
        )
        parts.append(f"({asked}) && {field_paths.differs(old, new, field.steps)}")
    return cel.any_of(parts)


def _changes_lifetime(target: Target) -> str:
    return cel.all_of(
        [
            f"request.resource.group == {cel.text(target.group)}",
            f"request.resource.resource == {cel.text(target.resource)}",
            changes_lifetime(),
        ]
    )


def _targets_of(field: Field) -> list[Target]:
    where = field.where
    found = [Target(where.group, where.resource, UPDATE)]
    if field.scalable:
        found.append(Target(where.group, f"{where.resource}/{SCALE}", UPDATE))
    return found


def _asked(target: Target) -> str:
    resource, _, subresource = target.resource.partition("/")
    return cel.all_of(
        [
            f"request.resource.group == {cel.text(target.group)}",
            f"request.resource.resource == {cel.text(resource)}",
            f"request.?subResource.orValue('') == {cel.text(subresource)}",
            f"request.operation == {cel.text(target.operation)}",
        ]
    )
