"""Everything the operator knows of its cluster, and snapshots of it.

Reflectors keep the bulk: tens of thousands of small objects that are not ours. Our own two kinds
come through the framework and through lists of our own. A change marks the store, and the next
snapshot takes in all changes at once; what did not change stays the same object.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from responsibility import api_groups
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api import names
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import API_VERSION, KEY_PREFIX, MODELS, RECORDS
from responsibility.api.parse import parse_model, parse_record
from responsibility.api.record import Responsibility
from responsibility.cluster.custom_resources import (
    CustomResourceStore,
    readable,
    unreadable,
)
from responsibility.cluster.knowledge import (
    FAILING,
    Ages,
    Knowledge,
    age_of,
    left_out,
    resource_of,
)
from responsibility.cluster.moment import Moment, Namespace
from responsibility.grants import binding as grants
from responsibility.hub.admins.administrators import HubAdmins
from responsibility.hub.discovery import Deployment, Hub, HubKey, discover, parse_deployment
from responsibility.hub.release.changes import HubRelease
from responsibility.hub.sessions.identities import identities
from responsibility.hub.values.agreed import HubValues, Setting
from responsibility.kube.cache import Budget
from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange, Reflector
from responsibility.ownership.claims import holding, waiting
from responsibility.ownership.terms.access_reviews import Reviews
from responsibility.ownership.terms.managed_namespaces import is_managed
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Rule, Subject
from responsibility.rbac.parse import parse_role
from responsibility.upgrades.versions import ClusterVersions

_RBAC = f"/apis/{api_groups.RBAC}/v1"
_OURS = f"/apis/{API_VERSION}"

# What the objects of one namespace may hold together, so that nobody who may write in one can take
# the memory that all others need. A subject takes about 300 bytes, a rule about a kilobyte.
_SUBJECTS: Budget[Binding] = Budget(lambda binding: 1 + len(binding.subjects), 20_000, "subjects")
_RULES: Budget[Role] = Budget(
    lambda role: 1 + sum(map(_entries, role.rules)), 50_000, "entries of rules"
)
# Lists of our own kinds that may fail in a row before what is known of them is old.
_OWN_LISTS = 3

# Beyond this many changes at once, building the graph anew is quicker than changing it.
_MANY = 2_000

Json = dict[str, Any]


def _role(raw: Json) -> tuple[RoleKey, Role]:
    role = parse_role(raw)
    return role.key, role


def _binding(raw: Json) -> tuple[BindingKey, Binding]:
    binding = grants.parse(raw)
    return binding.key, binding


def _deployment(raw: Json) -> tuple[tuple[str, str], Deployment] | None:
    found = parse_deployment(raw, own_prefix=KEY_PREFIX)
    return None if found is None else ((found.namespace, found.name), found)


def _namespace(raw: Json) -> tuple[str, Namespace]:
    meta = raw["metadata"]
    return meta["name"], Namespace(
        name=meta["name"],
        uid=meta.get("uid", ""),
        deleting=bool(meta.get("deletionTimestamp")),
        keys=NamespaceKeys.of(meta),
        managed=is_managed(meta),
    )


def _entries(rule: Rule) -> int:
    return sum(map(len, (rule.verbs, rule.api_groups, rule.resources, rule.resource_names)))


def _account(raw: Json) -> tuple[tuple[str, str], tuple[Setting, ...]]:
    meta = raw["metadata"]
    return (meta["namespace"], meta["name"]), identities(meta)


class Store:
    """Copies of what ownership depends on; ``changed`` is set when anything in it moves.

    Everything is listed again after ``relist`` seconds, our own kinds after ``own_relist``. Beyond
    ``many`` changes at once, the graph is built anew. ``operator`` is who acts as this operator;
    ``routes`` has ways to rights looked for.
    """

    def __init__(
        self,
        api: Api,
        *,
        relist: float,
        own_relist: float = 30.0,
        many: int = _MANY,
        operator: Subject | None = None,
        routes: bool = False,
    ) -> None:
        self.changed = asyncio.Event()
        self.changed_at: float | None = None
        self.rbac_enforced: bool | None = None
        self.reviews = Reviews()
        self.operator = operator
        # The bindings that are named like those that we grant by.
        self.grants: dict[BindingKey, grants.LiveBinding] = {}
        # Who administers each hub that is asked, by its own word.
        self.hub_admins: Mapping[HubKey, HubAdmins] = {}
        # What is set on each hub of that which is agreed on it.
        self.hub_values: Mapping[HubKey, HubValues] = {}
        # What was changed on each hub outside Helm.
        self.hub_release: Mapping[HubKey, HubRelease] = {}
        # What sessions of each hub run, where that is looked at.
        self.hub_sessions: Mapping[HubKey, HubValues] = {}
        # What Kubernetes the cluster runs; None where nobody looks, or not yet.
        self.versions: ClusterVersions | None = None
        # The names of our admission policies that are in force, as far as they are watched.
        self.policies: frozenset[str] = frozenset()
        # When our own kinds were last listed (seconds of the monotonic clock).
        self.listed_at: float | None = None
        # What else asks the server, or copies of it: its age, beyond which it is old, and why.
        self.parts: dict[str, Callable[[], tuple[float, float, str]]] = {}
        # The kinds that the server says we may not read.
        self.unreadable: frozenset[str] = frozenset()
        self._own_relist = own_relist
        self._many = many
        self._ages = Ages()
        self._routes = routes
        self._api = api
        self._graph = AccessGraph.build()
        self._roles_changed: dict[RoleKey, Role | None] = {}
        self._bindings_changed: dict[BindingKey, Binding | None] = {}
        self._hubs: dict[HubKey, Hub] = {}
        self._hubs_stale = True
        self._accounts: frozenset[tuple[str, str]] = frozenset()
        self._identities: Mapping[tuple[str, str], tuple[Setting, ...]] = {}
        self._accounts_stale = True

        def reflect(
            path: str,
            transform: Callable[[Json], tuple[Any, Any] | None],
            listener: Callable[[CacheChange[Any, Any]], None],
            *,
            metadata_only: bool = False,
            budget: Budget[Any] | None = None,
        ) -> Reflector[Any, Any]:
            return Reflector(
                api,
                path,
                transform,
                listener,
                metadata_only=metadata_only,
                budget=budget,
                relist=relist,
            )

        self.roles = reflect(f"{_RBAC}/roles", _role, self._on_roles, budget=_RULES)
        self.cluster_roles = reflect(f"{_RBAC}/clusterroles", _role, self._on_roles)
        self.bindings = reflect(
            f"{_RBAC}/rolebindings", _binding, self._on_bindings, budget=_SUBJECTS
        )
        self.cluster_bindings = reflect(f"{_RBAC}/clusterrolebindings", _binding, self._on_bindings)
        self.deployments = reflect(
            "/apis/apps/v1/deployments", _deployment, self._on_deployments, metadata_only=True
        )
        self.namespaces: Reflector[str, Namespace] = reflect(
            "/api/v1/namespaces", _namespace, self._on_any, metadata_only=True
        )
        self.accounts = reflect(
            "/api/v1/serviceaccounts", _account, self._on_accounts, metadata_only=True
        )
        self.records: CustomResourceStore[Responsibility] = CustomResourceStore(
            f"{_OURS}/{RECORDS}", "Responsibility", parse_record, self.touch
        )
        self.models: CustomResourceStore[ResponsibilityModel] = CustomResourceStore(
            f"{_OURS}/{MODELS}", "ResponsibilityModel", parse_model, self.touch
        )

    @property
    def reflectors(self) -> tuple[Reflector[Any, Any], ...]:
        """The copies of what is not ours."""
        return (
            self.roles,
            self.cluster_roles,
            self.bindings,
            self.cluster_bindings,
            self.deployments,
            self.namespaces,
            self.accounts,
        )

    @property
    def custom_resources(self) -> tuple[CustomResourceStore[Any], ...]:
        """The copies of what is ours."""
        return (self.models, self.records)

    async def list_own(self) -> None:
        """List both of our kinds; what is not there any more is forgotten. Raises ApiError."""
        for kind in self.custom_resources:
            found: list[Json] = []
            kind.begin_list()
            async for page in self._api.pages(kind.path):
                # The items of a list carry neither kind nor version.
                found.extend(
                    {"apiVersion": page.get("apiVersion"), **item} for item in page["items"]
                )
            kind.replace(found)
        self.listed_at = time.monotonic()

    def touch(self) -> None:
        """Mark the store as changed, so that it is assessed soon."""
        if self.changed_at is None:
            self.changed_at = asyncio.get_running_loop().time()
        self.changed.set()

    def begin(self) -> float | None:
        """Take note that the changes so far are being assessed; return when the first came.

        That is in seconds of the event loop's clock, None if nothing has changed.
        """
        since, self.changed_at = self.changed_at, None
        self.changed.clear()
        return since

    def moment(self, now: datetime) -> Moment:
        """Return everything as it is, with the objects that an assessment of it is about."""
        return Moment(
            snapshot=self.snapshot(now),
            records=dict(self.records.items),
            models=dict(self.models.items),
            deployments=dict(self.deployments.items),
            namespaces=dict(self.namespaces.items),
            grants=tuple(self.grants.values()),
            knowledge=self.knowledge(now),
        )

    def cannot_read(self, resources: frozenset[str]) -> None:
        """Take note of the kinds that the server says we may not read."""
        if resources != self.unreadable:
            self.unreadable = resources
            self.touch()

    def knowledge(self, now: datetime) -> Knowledge:
        """Return what of all this is left out, and what is old."""
        return Knowledge(left_out(self.reflectors), self._ages.stale(self.ages(), now))

    def old(self) -> frozenset[str]:
        """Return the kinds, and parts of the operator, that have heard too little for too long."""
        return frozenset(what for what, (age, bound, _) in self.ages().items() if age > bound)

    def lags(self) -> dict[str, float]:
        """Return for each of our kinds for how many seconds its watch is behind its lists."""
        return {resource_of(kind.path): kind.lag() for kind in self.custom_resources}

    def unfollowed(self) -> frozenset[str]:
        """Return our kinds of which a list has brought what the watch had not told by the next."""
        return frozenset(what for what, lag in self.lags().items() if lag > self._own_relist)

    def ages(self) -> dict[str, tuple[float, float, str]]:
        """Return for each kind, and part, its age in seconds, its bound, and what fails."""
        found = {resource_of(r.path): age_of(r) for r in self.reflectors}
        found.update({part: age() for part, age in self.parts.items()})
        if self.listed_at is not None:
            age = time.monotonic() - self.listed_at
            found[names.RECORDS] = (age, _OWN_LISTS * self._own_relist + FAILING, "")
        # Each watch goes on for a while without the right to it, and then there is none.
        for resource in self.unreadable & found.keys():
            age, _, _ = found[resource]
            found[resource] = (age, -1.0, "the operator may not list or watch them")
        return found

    def snapshot(self, now: datetime) -> Snapshot:
        """Return everything as it is; parts that have not changed are the same objects."""
        self._update_graph()
        if self._hubs_stale:
            found = discover(self.deployments.items.values())
            self._hubs = {
                key: known if (known := self._hubs.get(key)) == hub else hub
                for key, hub in found.items()
            }
            self._hubs_stale = False
        if self._accounts_stale:
            self._accounts = frozenset(self.accounts.items)
            self._identities = {key: own for key, own in self.accounts.items.items() if own}
            self._accounts_stale = False
        statuses = [(name, own.status) for name, own in self.records.items.items()]
        return Snapshot(
            graph=self._graph,
            now=now,
            hubs=self._hubs,
            models=readable(self.models.items),
            records=readable(self.records.items),
            broken_models=unreadable(self.models.items),
            broken_records=unreadable(self.records.items),
            namespaces={name: space.deleting for name, space in self.namespaces.items.items()},
            managed=frozenset(n for n, space in self.namespaces.items.items() if space.managed),
            accounts=self._accounts if self.accounts.synced.is_set() else None,
            identities=self._identities if self.accounts.synced.is_set() else None,
            rbac_enforced=self.rbac_enforced,
            operator=self.operator,
            routes=self._routes,
            policies=self.policies,
            waiting=waiting(statuses),
            holding=holding(statuses),
            reviews=self.reviews,
            hub_admins=self.hub_admins,
            hub_values=self.hub_values,
            hub_release=self.hub_release,
            versions=self.versions,
            hub_sessions=self.hub_sessions,
        )

    def _update_graph(self) -> None:
        roles, bindings = self._roles_changed, self._bindings_changed
        if not roles and not bindings:
            return
        self._roles_changed, self._bindings_changed = {}, {}
        if len(roles) + len(bindings) > self._many:
            self._graph = AccessGraph.build(
                (*self.roles.items.values(), *self.cluster_roles.items.values()),
                (*self.bindings.items.values(), *self.cluster_bindings.items.values()),
            )
            return
        self._graph, _ = self._graph.replace(
            put_bindings=[b for b in bindings.values() if b is not None],
            drop_bindings=[key for key, b in bindings.items() if b is None],
            put_roles=[r for r in roles.values() if r is not None],
            drop_roles=[key for key, r in roles.items() if r is None],
        )

    def _on_roles(self, change: CacheChange[RoleKey, Role]) -> None:
        self._roles_changed.update(change.put)
        self._roles_changed.update(dict.fromkeys(change.dropped))
        self.touch()

    def _on_bindings(self, change: CacheChange[BindingKey, Binding]) -> None:
        self._bindings_changed.update(change.put)
        for key, binding in change.put.items():
            if isinstance(binding, grants.LiveBinding):
                self.grants[key] = binding
        for key in change.dropped:
            self.grants.pop(key, None)
        self._bindings_changed.update(dict.fromkeys(change.dropped))
        self.touch()

    def _on_deployments(self, _change: CacheChange[Any, Any]) -> None:
        self._hubs_stale = True
        self.touch()

    def _on_accounts(self, _change: CacheChange[Any, Any]) -> None:
        self._accounts_stale = True
        self.touch()

    def _on_any(self, _change: CacheChange[Any, Any]) -> None:
        self.touch()
