"""The access graph as it would be after changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from responsibility.plans.change import Action, PlannedChange
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import canonical, is_somebody
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Subject


def simulate(graph: AccessGraph, changes: Iterable[PlannedChange]) -> AccessGraph:
    """Return the graph as it will be once all changes are made."""
    return Simulation(graph).after(changes)


@dataclass(slots=True)
class Simulation:
    """Tries one set of changes after the other on the same graph.

    Each trial is made from the last one, so that what is the same in both is the same object:
    whoever compares by identity does only the difference anew.
    """

    graph: AccessGraph
    _after: AccessGraph = field(init=False)
    _bindings: dict[BindingKey, Binding | None] = field(init=False, default_factory=dict)
    _roles: dict[RoleKey, Role] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no change."""
        self._after = self.graph

    def after(self, changes: Iterable[PlannedChange]) -> AccessGraph:
        """Return the graph as it will be once all these changes are made, and no others."""
        graph = self.graph
        bindings: dict[BindingKey, Binding | None] = {}
        roles: dict[RoleKey, Role] = {}
        for change in changes:
            if isinstance(change.key, RoleKey):
                former = graph.roles.get(change.key, Role(change.key, ()))
                roles[change.key] = replace(former, rules=change.rules_after)
            elif change.action is Action.DELETE_BINDING:
                # What is made anew under the same name is there.
                bindings.setdefault(change.key, None)
            else:
                bindings[change.key] = _bound(graph, change)
        # What the last trial changed, and this one does not, is put back.
        back = {key: graph.bindings.get(key) for key in self._bindings}
        put = {k: b for k, b in (back | bindings).items() if b != self._after.bindings.get(k)}
        former_roles = {key: graph.roles.get(key) for key in self._roles}
        turned = {k: r for k, r in (former_roles | roles).items() if r != self._after.roles.get(k)}
        if put or turned:
            self._after, _ = self._after.replace(
                put_bindings=[binding for binding in put.values() if binding is not None],
                drop_bindings=[key for key, binding in put.items() if binding is None],
                put_roles=[role for role in turned.values() if role is not None],
                drop_roles=[key for key, role in turned.items() if role is None],
            )
        self._bindings, self._roles = bindings, roles
        return self._after


def _bound(graph: AccessGraph, change: PlannedChange) -> Binding:
    assert isinstance(change.key, BindingKey)  # noqa: S101 - by its caller
    assert change.role is not None  # noqa: S101 - bindings have one
    former = graph.bindings.get(change.key)
    if former is None or change.action is Action.CREATE_BINDING:
        return Binding(change.key, change.role, change.after)
    removed = frozenset(change.removes)
    kept = tuple(s for s in former.subjects if canonical(s) not in removed)
    return replace(former, subjects=kept)


def somebodies(binding: Binding) -> tuple[Subject, ...]:
    """Return whom a binding really binds, in canonical form, each once."""
    return tuple(dict.fromkeys(map(canonical, filter(is_somebody, binding.subjects))))
