"""New roles and bindings that give somebody just what is meant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from responsibility.api.names import KEPT_PREFIX
from responsibility.ownership.terms.permission_index import bits
from responsibility.plans.change import Action, PlannedChange, rule_json
from responsibility.plans.scopes import EntitlementScope, HeldPermissions
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import BindingKey, RoleKey, Rule, Subject


def rules_for(
    held: HeldPermissions, scope: EntitlementScope, *, nameless: int = 0
) -> tuple[Rule, ...]:
    """Return rules that give exactly this, as few as is simple.

    The ``nameless`` bits are for requests without a name alone.
    """
    by_bit = scope.permissions.by_bit
    wanted = [
        (bit, "" if nameless >> bit & 1 else scope.names.fill(by_bit[bit].name) or None)
        for bit in bits(held.mask)
    ]
    verbs: dict[tuple[str, str, str | None], set[str]] = {}
    for bit, name in (*wanted, *held.some):
        permission = by_bit[bit]
        verbs.setdefault((permission.group, permission.full_resource, name), set()).add(
            permission.verb
        )
    names: dict[tuple[str, str, tuple[str, ...], bool], list[str]] = {}
    for (group, resource, name), words in sorted(
        verbs.items(), key=lambda e: (*e[0][:2], e[0][2] or "")
    ):
        kind = (group, resource, tuple(sorted(words)), name is not None)
        names.setdefault(kind, []).append(name or "")
    resources: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, allowed, named), called in names.items():
        only = tuple(called) if named else ()
        resources.setdefault((group, allowed, only), []).append(resource)
    return tuple(
        Rule(allowed, (group,), tuple(kinds), only)
        for (group, allowed, only), kinds in sorted(resources.items())
    )


def grant(
    namespace: str,
    rules: tuple[Rule, ...],
    subjects: Iterable[Subject],
    graph: AccessGraph,
    *,
    now: AccessGraph | None = None,
) -> Iterable[PlannedChange]:
    """Yield a role with these rules, unless it is there, and its binding to the subjects.

    Names are such as ``graph`` has none of, nor the cluster as it is ``now``.
    """
    role = RoleKey(namespace, KEPT_PREFIX + _hash([rule_json(rule) for rule in rules]))
    known = graph.roles.get(role)
    if known is None or known.rules != rules:
        if known is not None:
            # Somebody has changed a role of ours: it is left alone, and another one made.
            role = RoleKey(role.namespace, f"{role.name}-{_hash([known.uid])}")
        yield PlannedChange(Action.CREATE_ROLE, role, rules_after=rules)
    who = tuple(sorted(subjects))
    key = BindingKey(namespace, f"{role.name}-{_hash(list(map(str, who)))}")
    for each in (graph, now):
        if each is not None and key in each.bindings:
            key = beside(key, each.bindings[key].uid)
    yield PlannedChange(Action.CREATE_BINDING, key, role=role, after=who)


def beside(key: BindingKey, uid: str) -> BindingKey:
    """Return a name for a binding beside one that has its name, and a UID."""
    return BindingKey(key.namespace, f"{key.name}-{_hash([uid])}")


def _hash(content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
