"""Items that a change of one object belongs to, by the same guards that policies are made of.

A field belongs to the items that list it, as precisely as any does. What is in no item's field
belongs to those that may change the rest of the object, and the object itself to those that may
delete it. Where a model says nothing of it, it belongs to whoever may change the hub's Deployment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from responsibility import api_groups
from responsibility.admission.policies.guards import ANY_NAME, DELETE, UPDATE, Guards, Items, Target
from responsibility.hub.release.changes import Act, Change, ObjectName
from responsibility.ownership.terms.permission_index import Names

_HUB = Target(api_groups.APPS, "deployments", UPDATE)
_HUBS_NAME = "$(prefix)hub"


def items_of_change(guards: Guards, names: Names, change: Change) -> tuple[str, ...]:
    """Return the items that a change belongs to, in their order; ``names`` are the hub's."""
    if change.act is Act.DELETED:
        return _ordered(guards, _of_object(guards, names, change.object, DELETE))
    best: tuple[tuple[int, bool], set[str]] = ((0, False), set())
    for field in guards.fields:
        if field.kind != change.object.kind or names.fill(field.name) not in (
            ANY_NAME,
            change.object.name,
        ):
            continue
        if change.steps[: len(field.steps)] != field.steps:
            continue
        worth = (len(field.steps), bool(field.name))
        if worth > best[0]:
            best = (worth, set(field.items))
        elif worth == best[0]:
            best = (worth, best[1] | field.items)
    found = best[1] or _of_object(guards, names, change.object, UPDATE)
    return _ordered(guards, found)


def items_of_object(guards: Guards, names: Names, about: ObjectName) -> tuple[str, ...]:
    """Return the items that may change an object but for fields of others, in their order."""
    return _ordered(guards, _of_object(guards, names, about, UPDATE))


def items_of_release(guards: Guards) -> tuple[str, ...]:
    """Return the items that may change the hub's Deployment, in their order."""
    return _ordered(guards, _of_hub(guards))


def _of_object(guards: Guards, names: Names, about: ObjectName, operation: str) -> Items:
    target = Target(about.group, about.resource, operation)
    known = {
        name
        for rights in guards.rights.values()
        for entitled, name in rights
        if entitled == target and name != ANY_NAME and names.fill(name) == about.name
    }
    found = frozenset[str]().union(
        *(
            guards.whole(target, name) if operation == UPDATE else guards.entitled(target, name)
            for name in known or {ANY_NAME}
        )
    )
    return found or _of_hub(guards)


def _of_hub(guards: Guards) -> Items:
    whole = guards.whole(_HUB, _HUBS_NAME)
    return whole or guards.whole(replace(_HUB, operation=DELETE), ANY_NAME)


def _ordered(guards: Guards, items: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(items)
    return tuple(item.name for item in guards.terms.items if item.name in wanted)
