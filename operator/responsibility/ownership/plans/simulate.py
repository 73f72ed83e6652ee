"""What the access graph would be after changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from responsibility.ownership.plans.change import Action, Change
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import canonical, is_somebody
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Subject


def simulate(graph: AccessGraph, changes: Iterable[Change]) -> AccessGraph:
    """Return the graph as it will be once all changes are made."""
    put_roles: list[Role] = []
    put_bindings: list[Binding] = []
    dropped: list[BindingKey] = []
    for change in changes:
        if isinstance(change.key, RoleKey):
            former = graph.roles.get(change.key, Role(change.key, ()))
            put_roles.append(replace(former, rules=change.rules_after))
        elif change.action is Action.DELETE_BINDING:
            dropped.append(change.key)
        else:
            assert change.role is not None  # noqa: S101 - bindings have one
            put_bindings.append(_bound(graph, change))
    after, _ = graph.replace(put_bindings=put_bindings, drop_bindings=dropped, put_roles=put_roles)
    return after


def _bound(graph: AccessGraph, change: Change) -> Binding:
    assert isinstance(change.key, BindingKey)  # noqa: S101 - by its caller
    assert change.role is not None  # noqa: S101 - bindings have one
    former = graph.bindings.get(change.key)
    if former is None:
        return Binding(change.key, change.role, change.after)
    kept = tuple(s for s in former.subjects if canonical(s) not in change.removes)
    return replace(former, subjects=kept)


def somebodies(binding: Binding) -> tuple[Subject, ...]:
    """Return whom a binding really binds, in canonical form, each once."""
    return tuple(dict.fromkeys(map(canonical, filter(is_somebody, binding.subjects))))
