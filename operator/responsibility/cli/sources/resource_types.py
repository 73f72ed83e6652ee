"""Names of kinds of objects: ``deploy``, ``Deployment.apps``, ``deployments.v1.apps``.

As ``kubectl`` resolves it: short names first, then plural and singular, in the order in which the
server lists its API groups. A cluster is asked for its kinds; for files there is a table of the
built-in ones, and CustomResourceDefinitions among the files extend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from responsibility.cli.sources.builtin_resource_types import BUILTIN


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind of object that the API serves."""

    group: str
    resource: str
    kind: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    def named(self, name: str) -> bool:
        """Return whether it is called that, in lower case, plural or singular."""
        return name in (self.resource, self.singular or self.kind.lower())


@dataclass(slots=True)
class ResourceTypes:
    """All kinds, in the order of preference."""

    known: list[ResourceType] = field(default_factory=list)

    @classmethod
    def builtin(cls) -> ResourceTypes:
        """Return those that every cluster has."""
        return cls([_builtin(group, line) for group, lines in BUILTIN.items() for line in lines])

    @classmethod
    def discovered(cls, groups: Iterable[Mapping[str, Any]]) -> ResourceTypes:
        """Return those of an ``APIGroupDiscoveryList``'s items."""
        found: dict[tuple[str, str], ResourceType] = {}
        for group in groups:
            name = group["metadata"].get("name") or ""
            versions = group.get("versions") or []
            for version in versions:
                for raw in version.get("resources") or []:
                    known = found.get((name, raw["resource"]))
                    earlier = known.versions if known else ()
                    found[name, raw["resource"]] = ResourceType(
                        group=name,
                        resource=raw["resource"],
                        kind=(raw.get("responseKind") or {}).get("kind") or "",
                        namespaced=raw.get("scope") == "Namespaced",
                        singular=raw.get("singularResource") or "",
                        short_names=tuple(raw.get("shortNames") or ()),
                        versions=(*earlier, version.get("version") or ""),
                    )
        return cls(list(found.values()))

    def define(self, raw: Mapping[str, Any]) -> None:
        """Take in a CustomResourceDefinition."""
        spec = raw.get("spec") or {}
        names = spec.get("names") or {}
        versions = spec.get("versions") or []
        self.known.append(
            ResourceType(
                group=str(spec.get("group") or ""),
                resource=str(names.get("plural") or ""),
                kind=str(names.get("kind") or ""),
                namespaced=spec.get("scope") == "Namespaced",
                singular=str(names.get("singular") or ""),
                short_names=tuple(names.get("shortNames") or ()),
                versions=tuple(str(v.get("name")) for v in versions if isinstance(v, Mapping)),
            )
        )

    def find(self, text: str) -> ResourceType | None:
        """Return what ``TYPE``, ``TYPE.GROUP`` or ``TYPE.VERSION.GROUP`` means; None if nothing.

        As the RESTMapper of kubectl does: a group may be abbreviated (``ingresses.networking``).
        """
        name, _, rest = text.lower().partition(".")
        version, _, group = rest.partition(".")
        if version and group:
            for known in self._called(name):
                if known.group == group and version in known.versions:
                    return known
        candidates = self._called(name)
        if not rest:
            return next(iter(candidates), None)
        exact = [known for known in candidates if known.group == rest]
        alike = [known for known in candidates if known.group.startswith(rest)]
        return next(iter(exact or alike), None)

    def of(self, group: str, resource: str) -> ResourceType | None:
        """Return the kind with exactly this group and plural name."""
        for known in self.known:
            if known.group == group and known.resource == resource:
                return known
        return None

    def _called(self, name: str) -> list[ResourceType]:
        short = next((known.resource for known in self.known if name in known.short_names), name)
        return [known for known in self.known if known.named(short)]


def _builtin(group: str, line: str) -> ResourceType:
    name, _, versions = group.partition("/")
    resource, kind, scope, *short = line.split()
    return ResourceType(
        group="" if name == "core" else name,
        resource=resource,
        kind=kind,
        namespaced=scope == "namespaced",
        short_names=tuple(short),
        versions=(versions,),
    )
