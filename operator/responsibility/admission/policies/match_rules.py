"""Resource rules of an item's policies: what they are asked about, in as few as possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from responsibility import api_groups
from responsibility.admission.policies.guards import (
    ANY_NAME,
    CREATE,
    DELETE,
    EVERY_SUBRESOURCE,
    ItemGuards,
)
from responsibility.admission.policies.kinds import KINDS
from responsibility.admission.policies.manifests import CLUSTER, NAMESPACED, ResourceRule

EVENTS = "events"
_NAMESPACES = "namespaces"
# Operations of which a request may come without a name.
_NAMELESS = frozenset({CREATE, DELETE})


def rules(guards: ItemGuards) -> list[ResourceRule]:
    """Return the rules of an item's policies."""
    versions = {(k.group, k.resource): (k.version,) for k in KINDS.values()}
    exact = {(f.where.group, f.where.resource) for f in guards.fields} | {
        (f.where.group, f.where.resource) for g in guards.objects for f in g.excluded
    }
    named = _literal_names(guards)
    operations: dict[tuple[str, str], set[str]] = {}
    for target in guards.targets:
        operations.setdefault((target.group, target.resource), set()).add(target.operation)
    alike: dict[ResourceRule, list[str]] = {}
    for (group, resource), asked in operations.items():
        # What is said of a resource holds for all its subresources: its names, and the version in
        # which its fields are read. A rule of any version would have it seen unconverted.
        main = group, resource.removesuffix(EVERY_SUBRESOURCE)
        names = named.get(main, ())
        # A rule with names never sees a request that has none, such as of a whole collection.
        nameless = frozenset(asked & _NAMELESS if names else asked)
        for some, only in ((nameless, ()), (frozenset(asked) - nameless, names)):
            if not some:
                continue
            rule = ResourceRule(
                groups=(group,),
                resources=(),
                operations=tuple(sorted(some)),
                scope=CLUSTER if resource.partition("/")[0] == _NAMESPACES else NAMESPACED,
                names=only,
                versions=versions[main] if main in exact else ("*",),
            )
            alike.setdefault(rule, []).append(resource)
    return [
        ResourceRule(
            r.groups, tuple(distinct(resources)), r.operations, r.scope, r.names, r.versions
        )
        for r, resources in sorted(alike.items())
    ]


def distinct(resources: Iterable[str]) -> Iterator[str]:
    """Yield them without what others cover: all subresources, and the resource itself."""
    listed = set(resources)
    for resource in sorted(listed):
        every = resource.partition("/")[0] + EVERY_SUBRESOURCE
        if resource == every or every not in listed:
            yield resource


def _literal_names(guards: ItemGuards) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the names that a rule itself can hold, by resource: the same for every hub."""
    names: dict[tuple[str, str], set[str]] = {}
    for guard in guards.objects:
        key = (guard.target.group, guard.target.resource)
        names.setdefault(key, set()).update(guard.names)
    for owned in guards.fields:
        names.setdefault((owned.where.group, owned.where.resource), set()).add(owned.name)
    return {
        key: tuple(sorted(found))
        for key, found in names.items()
        if not any(name == ANY_NAME or "$(" in name for name in found)
    }


def probe_rule(name: str) -> ResourceRule:
    """Return the rule about the Event that is refused to everyone."""
    return ResourceRule(
        (api_groups.CORE, api_groups.EVENTS), (EVENTS,), (CREATE,), NAMESPACED, (name,)
    )
