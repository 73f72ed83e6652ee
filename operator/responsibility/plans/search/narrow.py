"""Narrowed roles, without what they give too much of: possible where their rules name that.

RBAC only adds, so nothing can be taken from a wildcard, nor one name from a rule for all names.
"""

from __future__ import annotations

from collections.abc import Iterable

from responsibility import api_groups
from responsibility.ownership.terms.permission_index import bits
from responsibility.plans.scopes import EntitlementScope
from responsibility.rbac.escalation.selectors import selects
from responsibility.rbac.objects import Role, Rule
from responsibility.rbac.rules import ALL

_AGGREGATE = f"{api_groups.RBAC}/aggregate-to-"

# A permission to drop: verb, API group, resource/subresource, name (empty: all names).
Drop = tuple[str, str, str, str]


def drops(mask: int, scope: EntitlementScope) -> set[Drop]:
    """Return the permissions of a mask, as a role in that scope writes them."""
    by_bit = (scope.permissions.by_bit[bit] for bit in bits(mask))
    return {(a.verb, a.group, a.full_resource, scope.names.fill(a.name)) for a in by_bit}


def aggregated(role: Role, aggregates: Iterable[Role]) -> bool:
    """Return whether other roles are made of it (those of ``aggregates``), or it of others."""
    return (
        bool(role.aggregation)
        or any(key.startswith(_AGGREGATE) for key in role.labels)
        or any(
            not role.key.namespace and selects(selector, role.labels)
            for aggregate in aggregates
            for selector in aggregate.aggregation
        )
    )


def narrowed(rules: Iterable[Rule], dropped: Iterable[Drop]) -> tuple[Rule, ...] | None:
    """Return the rules without these permissions; None where rules can't say that."""
    wanted = sorted(dropped)
    found: list[Rule] = []
    for rule in rules:
        hit = [drop for drop in wanted if _grants(rule, drop)]
        if not hit:
            found.append(rule)
            continue
        if any(not _names(rule, drop) for drop in hit):
            return None
        found.extend(_split(rule, hit))
    return tuple(found)


def _grants(rule: Rule, drop: Drop) -> bool:
    verb, group, resource, name = drop
    sub = resource.partition("/")[2]
    return (
        not {ALL, verb}.isdisjoint(rule.verbs)
        and not {ALL, group}.isdisjoint(rule.api_groups)
        and not {ALL, resource, f"{ALL}/{sub}" if sub else ALL}.isdisjoint(rule.resources)
        and (not rule.resource_names or not name or name in rule.resource_names)
    )


def _names(rule: Rule, drop: Drop) -> bool:
    """Return whether the rule grants it by its name, and by no wildcard."""
    verb, group, resource, _ = drop
    sub = resource.partition("/")[2]
    wild = ALL in rule.verbs or ALL in rule.api_groups or ALL in rule.resources
    return (
        not wild
        and not (sub and f"{ALL}/{sub}" in rule.resources)
        and bool(verb and resource)
        and group in rule.api_groups
    )


def _split(rule: Rule, hit: Iterable[Drop]) -> Iterable[Rule]:
    hit = list(hit)
    parts: dict[tuple[tuple[str, ...], str, tuple[str, ...]], list[str]] = {}
    for group in rule.api_groups:
        for resource in rule.resources:
            here = [d for d in hit if d[1] == group and d[2] == resource]
            by_names: dict[tuple[str, ...], list[str]] = {}
            for verb in rule.verbs:
                gone = {d[3] for d in here if d[0] == verb}
                if not gone:
                    by_names.setdefault(rule.resource_names, []).append(verb)
                    continue
                left = tuple(n for n in rule.resource_names if n not in gone)
                if left and "" not in gone:
                    by_names.setdefault(left, []).append(verb)
            for names, verbs in by_names.items():
                parts.setdefault((tuple(verbs), group, names), []).append(resource)
    return [
        Rule(verbs, (group,), tuple(resources), names)
        for (verbs, group, names), resources in parts.items()
    ]
