"""Subclusters, in which a question about a few subjects is quickly answered.

RBAC only adds. Whoever exceeds its due in a part of the cluster, with all records that speak of
it, does so in the whole. What is not found in the part has to be looked for in the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.change import PlannedChange
from responsibility.plans.context import PlanContext
from responsibility.plans.simulate import somebodies
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Binding, BindingKey, RoleKey, Subject


@dataclass(slots=True)
class Subcluster:
    """Cuts parts out of a cluster: what some subjects hold, and what the ways lead to from there.

    The bindings of those that a subject may act as by its RoleBindings belong to it too: of the
    ServiceAccounts in each of their namespaces. ``record`` is the hub that is asked about, if it
    is one: its ServiceAccounts can be reached from everywhere.

    Each part is made from the last one, so that whoever compares by identity does only the
    difference anew.
    """

    context: PlanContext
    # Knows the models and records from part to part.
    assessor: Assessor
    record: str = ""
    _last: AccessGraph = field(init=False)
    _roles: set[RoleKey] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Begin with no binding at all."""
        self._last = self.context.roles_only

    def snapshot(self, subjects: Iterable[Subject]) -> Snapshot:
        """Return the cluster with no other records than those that matter to the subjects.

        What is found of them in the hub is the same with it, and of the cluster's findings,
        whether they touch the hub. Only of one hub that can be said.
        """
        assessment = self.context.assessment
        hub = assessment.hubs.get(self.record)
        if hub is None or not _names_everything(assessment):
            return self.context.snapshot
        wanted = {self.record}
        for scope in self.context.scopes:
            if not scope.namespace:
                wanted.update(a.record for s in subjects for a in scope.fleet.special(s))
        records = self.context.snapshot.records
        return replace(
            self.context.snapshot,
            records={name: records[name] for name in records if name in wanted},
        )

    def assess(
        self, after: AccessGraph, changes: Iterable[PlannedChange], subjects: Iterable[Subject]
    ) -> Assessment:
        """Assess the part that is about some subjects, of the cluster ``after`` the changes.

        Nothing follows from what is said of others.
        """
        subjects, keys = tuple(subjects), {change.key for change in changes}
        some = self._cut(
            {binding.key: binding for binding in self._reached(after, keys, subjects)},
            {key for key in keys if isinstance(key, RoleKey)},
            after,
        )
        return self.assessor.assess(replace(self.snapshot(subjects), graph=some))

    def _cut(
        self,
        bindings: Mapping[BindingKey, Binding],
        roles: set[RoleKey],
        after: AccessGraph,
    ) -> AccessGraph:
        """Return the graph of just these bindings, with the changed ``roles`` as they are then."""
        last, base = self._last, self.context.graph.roles
        now = {
            key: after.roles[key] if key in roles else base.get(key) for key in roles | self._roles
        }
        turned = {key: role for key, role in now.items() if role != last.roles.get(key)}
        self._last, _ = last.replace(
            put_bindings=[b for key, b in bindings.items() if b != last.bindings.get(key)],
            drop_bindings=[key for key in last.bindings if key not in bindings],
            put_roles=[role for role in turned.values() if role is not None],
            drop_roles=[key for key, role in turned.items() if role is None],
        )
        self._roles = roles
        return self._last

    def _reached(
        self,
        after: AccessGraph,
        changed: Iterable[BindingKey | RoleKey],
        subjects: Iterable[Subject],
    ) -> list[Binding]:
        """Return the bindings of the subjects and of whom they may act as, and of nobody else."""
        made: dict[Subject, list[BindingKey]] = {}
        for key in changed:
            if isinstance(key, BindingKey) and key not in self.context.graph.bindings:
                for subject in somebodies(after.bindings[key]):
                    made.setdefault(subject, []).append(key)
        hub = self.context.assessment.hubs.get(self.record)
        namespaces: set[str] = set()
        found: dict[BindingKey, list[Subject]] = {}
        queue: list[Subject] = []
        known: set[Subject] = set()

        def reach(more: Iterable[Subject]) -> None:
            new = dict.fromkeys(who for each in more for who in with_implied_groups(each))
            queue.extend(who for who in new if who not in known)
            known.update(new)

        def enter(namespace: str) -> None:
            if namespace and namespace not in namespaces:
                namespaces.add(namespace)
                reach(self.context.accounts(namespace))

        reach(subjects)
        enter(hub.agreement.hub.namespace if hub else "")
        for who in queue:
            keys = (*self.context.bindings_of(who), *made.get(who, ()))
            still = {
                grant.binding.key
                for namespace in {key.namespace for key in keys}
                for grant in after.scope(namespace).by_subject.get(who, ())
            }
            for key in keys:
                if key in still:
                    found.setdefault(key, []).append(who)
                    enter(key.namespace)
        return [
            replace(after.bindings[key], subjects=tuple(sorted(who))) for key, who in found.items()
        ]


def _names_everything(assessment: Assessment) -> bool:
    """Return whether all models say who may do everything.

    Where none of a model's items does, the first one that such a subject exceeds on some hub
    speaks for all of them, so it takes all hubs to know which that is.
    """
    return all(
        any(item.reserved & cluster.terms.permissions.everything for item in cluster.terms.items)
        for cluster in assessment.clusters.values()
    )
