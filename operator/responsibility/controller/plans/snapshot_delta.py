"""Deltas between two states of a cluster, as they are sent to the process that plans.

What is the same in both keeps its identity there: whoever compares by identity does only the
difference anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.by_namespace import ByNamespace
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey

_V = TypeVar("_V", Role, Binding)


@dataclass(frozen=True, slots=True)
class SnapshotDelta:
    """Another state: ``snapshot`` without its graph, and how the graph differs from the last."""

    snapshot: Snapshot
    put_roles: tuple[Role, ...] = ()
    put_bindings: tuple[Binding, ...] = ()
    drop_roles: tuple[RoleKey, ...] = ()
    drop_bindings: tuple[BindingKey, ...] = ()

    @classmethod
    def between(cls, before: AccessGraph, after: Snapshot) -> SnapshotDelta:
        """Return what makes one state of the other."""
        graph = after.graph
        return cls(
            replace(after, graph=AccessGraph.build()),
            tuple(_put(before.roles, graph.roles)),
            tuple(_put(before.bindings, graph.bindings)),
            tuple(_dropped(before.roles, graph.roles)),
            tuple(_dropped(before.bindings, graph.bindings)),
        )

    def __len__(self) -> int:
        """Return how many objects are sent."""
        return len(self.put_roles) + len(self.put_bindings)

    def applied(self, before: Snapshot) -> Snapshot:
        """Return the new state, with all of the old that is the same in it."""
        graph, _ = before.graph.replace(
            put_roles=self.put_roles,
            put_bindings=self.put_bindings,
            drop_roles=self.drop_roles,
            drop_bindings=self.drop_bindings,
        )
        now = {each.name: getattr(self.snapshot, each.name) for each in fields(Snapshot)}
        kept = {name: _kept(getattr(before, name), value) for name, value in now.items()}
        return Snapshot(**{**kept, "graph": graph})


def _put(before: ByNamespace[Any, _V], after: ByNamespace[Any, _V]) -> Iterator[_V]:
    for namespace, part in after.parts.items():
        old = before.parts.get(namespace, {})
        if old is not part:
            yield from (
                value
                for key, value in part.items()
                if (known := old.get(key)) is not value and known != value
            )


def _dropped(before: ByNamespace[Any, _V], after: ByNamespace[Any, _V]) -> Iterator[Any]:
    for namespace, part in before.parts.items():
        new = after.parts.get(namespace, {})
        if new is not part:
            yield from (key for key in part if key not in new)


def _kept(old: Any, new: Any) -> Any:  # noqa: ANN401 - whatever a snapshot has
    """Return the new value, made of what is equal in the old one."""
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        return {k: old[k] if k in old and old[k] == v else v for k, v in new.items()}
    return old if old == new else new
