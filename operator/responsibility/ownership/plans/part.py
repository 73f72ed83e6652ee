"""A part of a cluster, in which a question about a few subjects is quickly answered.

RBAC only adds. Whoever exceeds its due in a part of the cluster, with all records that speak of
it, does so in the whole. What is not found in the part has to be looked for in the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from responsibility.ownership.assess import Assessor
from responsibility.ownership.assessment import Assessment
from responsibility.ownership.entitlement import selves
from responsibility.ownership.plans.basis import Basis
from responsibility.ownership.plans.change import Change
from responsibility.ownership.plans.simulate import somebodies
from responsibility.ownership.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Binding, BindingKey, RoleKey, Subject


@dataclass(slots=True)
class Parts:
    """Cuts parts out of a cluster: what some subjects hold, and what the ways lead to from there.

    The bindings of those that a subject may act as by its RoleBindings belong to it too: of the
    ServiceAccounts in each of their namespaces. ``record`` is the hub that is asked about, if it
    is one: its ServiceAccounts can be reached from everywhere.
    """

    basis: Basis
    # Knows the models and records from part to part.
    assessor: Assessor
    record: str = ""
    _bare: AccessGraph = field(init=False)
    _keys: dict[Subject, list[BindingKey]] = field(init=False, default_factory=dict)
    _accounts: dict[str, list[Subject]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the bindings by whom they bind."""
        bindings = self.basis.graph.bindings
        # The roles stay, and all that is known of their rules.
        self._bare, _ = self.basis.graph.replace(drop_bindings=list(bindings))
        for key, binding in bindings.items():
            for subject in somebodies(binding):
                self._keys.setdefault(subject, []).append(key)
        for subject in self._keys:
            if subject.kind == SERVICE_ACCOUNT:
                self._accounts.setdefault(subject.namespace, []).append(subject)

    def snapshot(self, subjects: Iterable[Subject]) -> Snapshot:
        """Return the cluster with no other records than those that matter to the subjects.

        What is found of them in the hub is the same with it, and of the cluster's findings,
        whether they touch the hub. Only of one hub that can be said.
        """
        assessment = self.basis.assessment
        hub = assessment.hubs.get(self.record)
        if hub is None or not _names_everything(assessment):
            return self.basis.snapshot
        wanted = {self.record}
        for place in self.basis.places:
            if not place.namespace:
                wanted.update(a.record for s in subjects for a in place.fleet.special(s))
        records = self.basis.snapshot.records
        return replace(
            self.basis.snapshot, records={name: records[name] for name in records if name in wanted}
        )

    def assess(
        self, after: AccessGraph, changes: Iterable[Change], subjects: Iterable[Subject]
    ) -> Assessment:
        """Assess the part that is about some subjects, of the cluster ``after`` the changes.

        Nothing follows from what is said of others.
        """
        subjects, keys = tuple(subjects), {change.key for change in changes}
        some, _ = self._bare.replace(
            put_bindings=self._reached(after, keys, subjects),
            put_roles=[after.roles[key] for key in keys if isinstance(key, RoleKey)],
        )
        return self.assessor.assess(replace(self.snapshot(subjects), graph=some))

    def _reached(
        self,
        after: AccessGraph,
        changed: Iterable[BindingKey | RoleKey],
        subjects: Iterable[Subject],
    ) -> list[Binding]:
        """Return the bindings of the subjects and of whom they may act as, and of nobody else."""
        made: dict[Subject, list[BindingKey]] = {}
        for key in changed:
            if isinstance(key, BindingKey) and key not in self.basis.graph.bindings:
                for subject in somebodies(after.bindings[key]):
                    made.setdefault(subject, []).append(key)
        hub = self.basis.assessment.hubs.get(self.record)
        namespaces: set[str] = set()
        found: dict[BindingKey, list[Subject]] = {}
        queue: list[Subject] = []
        known: set[Subject] = set()

        def reach(more: Iterable[Subject]) -> None:
            new = dict.fromkeys(who for each in more for who in selves(each))
            queue.extend(who for who in new if who not in known)
            known.update(new)

        def enter(namespace: str) -> None:
            if namespace and namespace not in namespaces:
                namespaces.add(namespace)
                reach(self._accounts.get(namespace, ()))

        reach(subjects)
        enter(hub.agreement.hub.namespace if hub else "")
        for who in queue:
            for key in (*self._keys.get(who, ()), *made.get(who, ())):
                binding = after.bindings.get(key)
                if binding is not None and who in somebodies(binding):
                    found.setdefault(key, []).append(who)
                    enter(key.namespace)
        return [replace(after.bindings[key], subjects=tuple(who)) for key, who in found.items()]


def _names_everything(assessment: Assessment) -> bool:
    """Return whether all models say who may do everything.

    Where none of a model's items does, the first one that such a subject exceeds on some hub
    speaks for all of them, so it takes all hubs to know which that is.
    """
    return all(
        any(item.reserved & cluster.terms.questions.everything for item in cluster.terms.items)
        for cluster in assessment.clusters.values()
    )
