"""One pass: a snapshot of the cluster in, everything that can be said about ownership out.

The result depends on the snapshot alone. An :class:`Assessor` remembers the parts of its last
pass and uses them again where what they were made from is the very same object: an access graph
shares all that a change did not touch, so after one changed RoleBinding one hub is worked out.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import TypeVar

from responsibility.api.model import ResponsibilityModel
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.hub.sessions.aspects import IDENTITY
from responsibility.ownership.access.escalation_cache import EscalationCache
from responsibility.ownership.access.escalation_findings import NO_GAINS
from responsibility.ownership.access.escalations import Escalations, HubAccess
from responsibility.ownership.access.grant_masks import Holdings, collect
from responsibility.ownership.access.hub_service_accounts import bound_at_home
from responsibility.ownership.access.policy_bypass import record_writers
from responsibility.ownership.access.refusals import RefusalTables
from responsibility.ownership.assess_cluster import assess_cluster, assess_direct
from responsibility.ownership.assess_hub import HubRbac, assess_hub
from responsibility.ownership.cache import PassCache
from responsibility.ownership.claims import Claim, claims
from responsibility.ownership.hub_values import KnownSettings, identities_of
from responsibility.ownership.item_results import cluster_result, hub_own, hub_result
from responsibility.ownership.results.assessment import (
    Assessment,
    ClusterAssessment,
    HubAssessment,
    Refused,
)
from responsibility.ownership.results.states import kinds_by_item
from responsibility.ownership.terms.agreement import Agreement, Terms
from responsibility.ownership.terms.entitlement import Entitlement
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.permission_index import Names
from responsibility.ownership.terms.resolve import resolve_defaults, resolve_model, resolve_record
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject

_T = TypeVar("_T")
_NO_RBAC = HubRbac((), (), ())
_NO_SETTINGS = KnownSettings()


class Assessor:
    """Assesses snapshots, one after the other."""

    def __init__(self) -> None:
        self._cache = PassCache()
        self._routes = EscalationCache()
        self._gone: frozenset[Subject] = frozenset()
        self._confined: dict[str, frozenset[Subject]] = {}
        self._own_rights: Permissions | None = None
        # Filled as they are asked, and true of any cluster: forks have the same.
        self._tables = RefusalTables()
        self._last: tuple[Snapshot, Assessment] | None = None

    def fork(self) -> Assessor:
        """Return another that knows what this one knows: for trials that this one may forget."""
        other = Assessor()
        vars(other).update(vars(self))
        other._cache, other._routes = self._cache.fork(), self._routes.fork()
        return other

    def assess(self, snapshot: Snapshot) -> Assessment:
        """Return everything that can be said of ``snapshot``.

        Where nothing has changed since the last one, no hub is looked at.
        """
        if self._last is not None:
            former, said = self._last
            if former.differs_in_time_only(snapshot) and self._cache.goes_on(snapshot.now):
                return said if said.now == snapshot.now else replace(said, now=snapshot.now)
        # What follows may fail half way.
        self._last = None
        with _no_garbage_collection():
            said = self._assess(snapshot)
        self._last = snapshot, said
        return said

    def _assess(self, snapshot: Snapshot) -> Assessment:
        self._cache.begin(snapshot.now)
        self._routes.begin(snapshot)
        accepted, refused = claims(snapshot)
        terms = {name: self._terms(model) for name, model in snapshot.models.items()}
        agreements = {
            name: self._agreement(claim, terms[claim.record.spec.model])
            for name, claim in accepted.items()
        }
        self._gone = _same(self._gone, _gone(agreements.values(), snapshot))
        routes = {
            name: self._routes.find(
                t,
                self._holdings(t, "", snapshot),
                {
                    record: self._place(a, snapshot)
                    for record, a in agreements.items()
                    if a.terms is t and accepted[record].hub is not None
                },
            )
            for name, t in terms.items()
        }
        clusters = {
            name: self._cluster(t, agreements, routes[name], snapshot) for name, t in terms.items()
        }
        hubs = {
            name: self._hub(agreement, accepted[name], clusters, routes, snapshot)
            for name, agreement in agreements.items()
        }
        claimed = {claim.key for claim in accepted.values()}
        deadline = self._next_deadline(agreements.values(), snapshot.now)
        self._cache.until(deadline)
        return Assessment(
            now=snapshot.now,
            rbac_enforced=snapshot.rbac_enforced,
            hubs=hubs,
            clusters=clusters,
            refused_records=refused,
            refused_models={
                name: Refused(name, "Malformed", broken.message, broken.generation)
                for name, broken in snapshot.broken_models.items()
            },
            unrecorded=tuple(sorted(set(snapshot.hubs) - claimed)),
            next_deadline=deadline,
            versions=snapshot.versions,
        )

    def _terms(self, model: ResponsibilityModel) -> Terms:
        return self._cache.get(("terms", model.name), (model,), lambda: resolve_model(model))

    def _agreement(self, claim: Claim, terms: Terms) -> Agreement:
        record = claim.record
        return self._cache.get(
            ("agreement", record.name, claim.key),
            (record, terms, claim.hub),
            lambda: resolve_record(record, terms, claim.hub, key=claim.key),
        )

    def _next_deadline(self, agreements: Iterable[Agreement], now: datetime) -> datetime | None:
        """Return the next moment at which something changes without anybody changing it."""
        moments = (
            moment
            for agreement in agreements
            for moment in self._cache.get(
                ("deadlines", agreement.record), (agreement,), agreement.deadlines
            )
        )
        return min((moment for moment in moments if moment > now), default=None)

    def _holdings(self, terms: Terms, namespace: str, snapshot: Snapshot) -> Holdings:
        scope = snapshot.graph.scope(namespace)
        return self._cache.get(
            ("holdings", terms.name, namespace),
            (terms, scope),
            lambda: collect(scope, terms.permissions),
        )

    def _place(self, agreement: Agreement, snapshot: Snapshot) -> HubAccess:
        holdings = self._holdings(agreement.terms, agreement.hub.namespace, snapshot)
        rights = self._routes.rights
        if rights is None or all(item.rbac is RbacMode.AUDIT for item in agreement.items):
            return HubAccess(agreement.names, holdings)
        scopes = [snapshot.graph.scope(place) for place in ("", agreement.hub.namespace)]
        asked = self._cache.get(
            ("commands", agreement.record),
            (agreement, *scopes, snapshot.policies, snapshot.operator, self._cache.epoch),
            lambda: record_writers(
                agreement,
                Entitlement.of(agreement, snapshot.now),
                rights,
                policies=snapshot.policies,
                operator=snapshot.operator,
            ),
        )
        return HubAccess(agreement.names, holdings, asked)

    def _rights(self, snapshot: Snapshot) -> Permissions:
        """Return who holds what it takes for a step, also where no routes are looked for."""
        if self._routes.rights is not None:
            return self._routes.rights
        known, graph = self._own_rights, snapshot.graph
        if known is None or known.graph.scope("") is not graph.scope(""):
            known = Permissions(graph)
        elif known.graph is not graph:
            same = {n for n in known.asked_local if known.graph.scope(n) is graph.scope(n)}
            known = known.over(graph, same)
        self._own_rights = known
        return known

    def _cluster(
        self,
        terms: Terms,
        agreements: Mapping[str, Agreement],
        routes: Escalations,
        snapshot: Snapshot,
    ) -> ClusterAssessment:
        agreements_of_model = tuple(a for _, a in sorted(agreements.items()) if a.terms is terms)
        holdings = self._holdings(terms, "", snapshot)
        fixed = {
            n: self._holdings(terms, n, snapshot) for n in terms.permissions.fixed_namespaces()
        }
        alone = self._confined[terms.name] = _same(
            self._confined.get(terms.name, frozenset()),
            bound_at_home(routes.cluster.subjects(), snapshot.graph),
        )
        named = {agreement.names: agreement.names for agreement in agreements_of_model}
        # A model that nobody uses, beside one that is in use, has nothing to say of subjects.
        idle = bool(agreements) and not agreements_of_model
        inputs = (
            terms,
            *agreements_of_model,
            holdings,
            *fixed.values(),
            *(snapshot.hubs[key] for key in sorted(snapshot.hubs)),
            self._gone,
            snapshot.reviews,
            snapshot.rbac_enforced,
            snapshot.operator,
            idle,
            self._cache.epoch,
        )

        direct = self._cache.get(
            ("direct", terms.name),
            inputs,
            lambda: assess_direct(
                Fleet(terms, agreements_of_model or (resolve_defaults(terms),), snapshot.now),
                cluster=holdings,
                fixed=fixed,
                # What agreements have made of theirs is used again.
                own_names=[
                    named.get(names := Names(hub.key.namespace, hub.key.release, hub.prefix), names)
                    for hub in snapshot.hubs.values()
                ],
                gone=self._gone,
                reviews=snapshot.reviews,
                operator=snapshot.operator,
                checked=snapshot.rbac_enforced is not False and not idle,
            ),
        )
        checked = snapshot.rbac_enforced is True and not idle
        versions = None if idle else snapshot.versions
        # Whether what a step takes is exempt is asked of the rule, which may stand in a Role.
        roles = snapshot.graph.roles.parts
        homes = {subject.namespace for subject in routes.cluster.subjects()}
        return self._cache.get(
            ("cluster", terms.name),
            (
                direct,
                routes.cluster,
                alone,
                self._cache.epoch,
                versions,
                *(roles.get(namespace) for namespace in sorted(homes)),
            ),
            lambda: cluster_result(
                direct.fleet,
                assess_cluster(
                    direct,
                    gains=routes.cluster,
                    graph=snapshot.graph,
                    bound_at_home=alone,
                ),
                checked=checked,
                now=snapshot.now,
                versions=versions,
            ),
        )

    def _hub(
        self,
        agreement: Agreement,
        claim: Claim,
        clusters: Mapping[str, ClusterAssessment],
        routes: Mapping[str, Escalations],
        snapshot: Snapshot,
    ) -> HubAssessment:
        terms = agreement.terms
        cluster = clusters[terms.name]
        namespace = self._holdings(terms, agreement.hub.namespace, snapshot)
        everywhere = self._holdings(terms, "", snapshot)
        gains = routes[terms.name].hubs.get(agreement.record, NO_GAINS)
        time_and_world = (
            agreement,
            self._gone,
            snapshot.reviews,
            snapshot.rbac_enforced,
            snapshot.operator,
            self._cache.epoch,
        )

        # Whoever may end what is enforced may do so by a right over the Namespace, too.
        enders = (
            (snapshot.graph.scope(""), snapshot.graph.scope(agreement.hub.namespace))
            if any(item.admission is AdmissionStage.DENY for item in agreement.items)
            else ()
        )

        def rbac() -> HubRbac:
            if claim.hub is None or snapshot.rbac_enforced is False:
                return _NO_RBAC
            return assess_hub(
                agreement,
                namespace=namespace,
                cluster=everywhere,
                gains=gains,
                rights=self._routes.rights,
                enforcing=self._rights(snapshot) if enders else None,
                policies=snapshot.policies,
                gone=self._gone,
                reviews=snapshot.reviews,
                operator=snapshot.operator,
                now=snapshot.now,
                tables=self._tables,
            )

        by_rbac = self._cache.get(
            ("rbac", agreement.record),
            (*time_and_world, namespace, everywhere, gains, snapshot.policies, *enders),
            rbac,
        )
        scope = snapshot.graph.scope(agreement.hub.namespace)
        admins = snapshot.hub_admins.get(agreement.hub) if claim.hub is not None else None
        settings = self._settings(agreement, claim, snapshot)
        release = snapshot.hub_release.get(agreement.hub) if claim.hub is not None else None
        cluster_kinds = self._cache.get(
            ("kinds", terms.name), (cluster,), lambda: kinds_by_item(cluster.findings)
        )
        # The hub's part holds whatever changes about the cluster.
        own = self._cache.get(
            ("own", agreement.record, claim.releases),
            (
                *time_and_world,
                by_rbac,
                claim.hub,
                claim.state,
                scope,
                admins,
                settings,
                release,
                snapshot.versions,
            ),
            lambda: hub_own(
                agreement,
                claim,
                by_rbac,
                snapshot=snapshot,
                gone=self._gone,
                admins=admins,
                settings=settings,
                release=release,
            ),
        )
        return self._cache.get(
            ("hub", agreement.record, claim.releases),
            (own, cluster),
            lambda: hub_result(
                agreement,
                claim,
                by_rbac,
                own,
                cluster=cluster,
                cluster_kinds=cluster_kinds,
                now=snapshot.now,
            ),
        )

    def _settings(self, agreement: Agreement, claim: Claim, snapshot: Snapshot) -> KnownSettings:
        if claim.hub is None:
            return _NO_SETTINGS
        values, known = snapshot.hub_values.get(agreement.hub), snapshot.identities
        sessions = snapshot.hub_sessions.get(agreement.hub)
        # Of each account the same object, as long as it is the same.
        held = None if known is None else identities_of(agreement, known, sessions)
        return self._cache.get(
            ("settings", agreement.record),
            (agreement, values, sessions, *(held if held is not None else (None,))),
            lambda: KnownSettings(
                values,
                sessions,
                None if held is None else {IDENTITY: tuple(chain.from_iterable(held))},
            ),
        )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep the collector from looking for cycles: a pass makes many objects, and none.

    Looking through all of them again and again takes half of the time of a large pass. Afterwards
    they are old at once, unless somebody else has put objects aside: looking through them
    when the next object is made would take an eighth.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _gone(agreements: Iterable[Agreement], snapshot: Snapshot) -> frozenset[Subject]:
    """Return the declared ServiceAccounts that do not exist."""
    if snapshot.accounts is None:
        return frozenset()
    return frozenset(
        subject
        for agreement in agreements
        for subject in agreement.members
        if subject.kind == SERVICE_ACCOUNT
        and (subject.namespace, subject.name) not in snapshot.accounts
    )


def _same(old: frozenset[Subject], new: frozenset[Subject]) -> frozenset[Subject]:
    return old if old == new else new
