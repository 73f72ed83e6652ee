"""The view of one cluster: everything a command may ask about, as a cluster or files have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Flag, auto
from functools import cached_property
from typing import TYPE_CHECKING

from responsibility.cli.sources.location import Location
from responsibility.cli.sources.resource_types import ResourceTypes
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Binding, Role, RoleKey, Subject

if TYPE_CHECKING:  # pydantic and all that: imported when a record is read
    from responsibility.api.model import ResponsibilityModel
    from responsibility.api.record import Responsibility
    from responsibility.cluster.leftovers import Traces
    from responsibility.cluster.switches import Switches
    from responsibility.hub.discovery import Deployment, Hub, HubKey
    from responsibility.ownership.results.assessment import Assessment
    from responsibility.ownership.terms.snapshot import Broken, Snapshot


class Need(Flag):
    """The needs of a command; nothing else is listed or read."""

    ACCESS = auto()
    TYPES = auto()
    OWNERSHIP = auto()
    TRACES = auto()


# The name of the operator's chart, and of what it installs.
_CHART = "hub-responsibility"

ALL = Need.ACCESS | Need.OWNERSHIP


# No repr: the signal handling of asyncio.run makes one of its result, twice.
@dataclass(repr=False)
class ClusterView:
    """The cluster, as far as it was read.

    ``live`` says whether a cluster answered. ``assumed`` are roles that files don't have, taken
    as Kubernetes makes them: what they hold *at least*, since others extend those that are
    ``extensible``; ``partly`` are aggregates that took rules from such a role. ``control_plane``
    are bindings that files don't have either, of Kubernetes' own programs. ``denied`` says which
    kinds may not be listed, ``left_out`` which objects can't be read. ``namespace`` is the one to
    use where none is named. ``scope`` is the only namespace whose RoleBindings were read, empty
    for all. ``places`` says where an object of this kind, namespace and name stands in the files.
    ``routes`` has indirect ways looked for. ``traces`` are what is ours in it, ``operators`` what
    each that is installed is to do. ``files`` are what was read, as it was named;
    ``unread`` what there is of charts and kustomizations that nobody made objects of.
    """

    live: bool
    namespace: str = "default"
    scope: str = ""
    roles: list[Role] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    assumed: frozenset[RoleKey] = frozenset()
    extensible: frozenset[RoleKey] = frozenset()
    partly: frozenset[RoleKey] = frozenset()
    control_plane: list[Binding] = field(default_factory=list)
    types: ResourceTypes = field(default_factory=ResourceTypes.builtin)
    namespaces: dict[str, bool] = field(default_factory=dict)
    managed: frozenset[str] | None = None
    accounts: frozenset[tuple[str, str]] | None = None
    deployments: list[Deployment] = field(default_factory=list)
    models: dict[str, ResponsibilityModel] = field(default_factory=dict)
    records: dict[str, Responsibility] = field(default_factory=dict)
    broken_models: dict[str, Broken] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    holding: dict[str, str] = field(default_factory=dict)
    broken_records: dict[str, Broken] = field(default_factory=dict)
    rbac_enforced: bool | None = True
    denied: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    places: dict[tuple[str, str, str], Location] = field(default_factory=dict)
    routes: bool = False
    traces: Traces | None = None
    operators: list[Switches] = field(default_factory=list)
    files: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @cached_property
    def graph(self) -> AccessGraph:
        """Return who can do what."""
        return AccessGraph.build(self.roles, self.bindings)

    @cached_property
    def operator(self) -> Subject | None:
        """Return the ServiceAccount that the operator runs as, by the binding of its chart."""
        for binding in self.bindings:
            if not binding.key.namespace and _CHART in (
                binding.key.name,
                binding.labels.get("app.kubernetes.io/name"),
            ):
                accounts = (s for s in binding.subjects if s.kind == SERVICE_ACCOUNT)
                return next(accounts, None)
        return None

    def hubs(self) -> dict[HubKey, Hub]:
        """Return the hubs that are there, or are taken to be."""
        from responsibility.hub.discovery import discover

        return {**discover(self.deployments), **self.assumed_hubs()}

    def assumed_hubs(self) -> dict[HubKey, Hub]:
        """Return the hubs that records name and files don't have: they may well be elsewhere.

        Their objects are taken to have no prefix. Where there is some hub in the namespace, it is
        another one; and a cluster has all there are.
        """
        from responsibility.hub.discovery import Hub, HubKey, discover

        if self.live:
            return {}
        known = {key.namespace for key in discover(self.deployments)}
        named = [record.spec.hub for record in self.records.values()]
        keys = [
            HubKey(hub.namespace, hub.release or hub.namespace)
            for hub in named
            if hub.namespace not in known
        ]
        return {key: Hub(key, prefix="", chart="", deployments=()) for key in sorted(keys)}

    def snapshot(self, now: datetime) -> Snapshot:
        """Return what an assessment is made from."""
        from responsibility.ownership.terms.snapshot import Snapshot

        return Snapshot(
            graph=self.graph,
            now=now,
            hubs=self.hubs(),
            hubs_known="deployments" not in self.denied,
            models=self.models,
            records=self.records,
            broken_models=self.broken_models,
            broken_records=self.broken_records,
            namespaces={**self.namespaces, **{key.namespace: False for key in self.assumed_hubs()}},
            managed=self.managed,
            accounts=self.accounts,
            rbac_enforced=self.rbac_enforced,
            operator=self.operator,
            waiting=self.waiting,
            holding=self.holding,
            routes=self.routes,
        )

    def assess(self, now: datetime) -> Assessment:
        """Return everything that can be said of it at ``now``."""
        from responsibility.cli.answers.offline_uncertainty import downgrade_uncertain
        from responsibility.ownership.assess import Assessor

        return downgrade_uncertain(Assessor().assess(self.snapshot(now)), self)
