"""Scopes in which rights count: a hub's namespace, the cluster, the namespaces a model names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from responsibility.hub.discovery import Hub
from responsibility.ownership.access.grant_masks import Holding, Holdings, collect
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.agreement import Agreement, ItemTerms, Terms
from responsibility.ownership.terms.entitlement import ExemptionBook, with_implied_groups
from responsibility.ownership.terms.exemptions import Exemption, exempt_operator
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.permission_index import Names, PermissionIndex
from responsibility.ownership.terms.resolve import resolve_defaults
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.objects import Subject
from responsibility.rbac.scope import BindingScope

# A bit that is held for one name only.
Named = tuple[int, str]


@dataclass(frozen=True, slots=True)
class HeldPermissions:
    """Permissions held in a scope: bits in full, and unnamed ones for some names."""

    mask: int = 0
    some: frozenset[Named] = frozenset()

    def within(self, mask: int) -> HeldPermissions:
        """Return the part that is about some bits."""
        named = frozenset(each for each in self.some if mask >> each[0] & 1)
        return HeldPermissions(self.mask & mask, named)

    def beyond(self, other: HeldPermissions) -> HeldPermissions:
        """Return what this one holds and the other doesn't."""
        return HeldPermissions(
            self.mask & ~other.mask,
            frozenset(e for e in self.some - other.some if not other.mask >> e[0] & 1),
        )

    def plus(self, other: HeldPermissions) -> HeldPermissions:
        """Return what either of them holds."""
        mask = self.mask | other.mask
        return HeldPermissions(
            mask, frozenset(e for e in self.some | other.some if not mask >> e[0] & 1)
        )

    def __bool__(self) -> bool:
        return bool(self.mask or self.some)


_NOTHING_HELD = HeldPermissions()


@dataclass(frozen=True, slots=True)
class EntitlementScope:
    """A scope of rights for one model, and what of it ``mask`` counts.

    ``namespace`` is empty for the cluster.
    """

    fleet: Fleet
    names: Names
    namespace: str
    mask: int
    agreement: Agreement | None = None
    # What is exempt: by this hub's agreement or for the cluster, and on every hub.
    exempt: ExemptionBook = field(default_factory=ExemptionBook)
    shared: ExemptionBook = field(default_factory=ExemptionBook)
    # Who holds what, by which binding, before any plan.
    layers: tuple[Holdings, ...] = ()
    # What was worked out already: of the whole fleet, and of this scope.
    _dues: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)
    _agreed: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)
    _wide: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)
    _entitled: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def terms(self) -> Terms:
        """The model."""
        return self.fleet.terms

    @property
    def permissions(self) -> PermissionIndex:
        """The model's questions."""
        return self.fleet.terms.permissions

    @property
    def items(self) -> Iterable[ItemTerms]:
        """The items that may be spoken of here."""
        out = self.agreement.unresolved if self.agreement else ()
        return (item for item in self.terms.items if item.name not in out)

    def __str__(self) -> str:
        """Return the scope as people say it."""
        return f"in namespace {self.namespace}" if self.namespace else "cluster-wide"

    def declared(self) -> Iterable[Subject]:
        """Return the subjects that are owed anything here, in order."""
        agreements = (self.agreement,) if self.agreement else self.fleet.agreements
        return sorted({s for a in agreements if a is not None for s in a.members})

    def agreed(self, subject: Subject) -> int:
        """Return what a subject may hold here by the agreement, whatever binds it."""
        known = self._agreed.get(subject)
        if known is None:
            due = self._due(subject)
            if due and self.agreement is not None:
                due = self.fleet.entitled(subject, (self.agreement,))
            known = self._agreed[subject] = due & self.mask
        return known

    def entitled_cluster_wide(self, subject: Subject) -> int:
        """Return what it may hold here by a ClusterRoleBinding, if this is a hub.

        That comes with what it is entitled to in the cluster. A RoleBinding is held against the
        hub's own record.
        """
        if self.agreement is None:
            return 0
        known = self._wide.get(subject)
        if known is None:
            known = self._wide[subject] = self.permissions.wide(self._due(subject)) & self.mask
        return known

    def _due(self, subject: Subject) -> int:
        due = self._dues.get(subject)
        if due is None:
            due = self.fleet.entitled(subject, self.fleet.special(subject))
            self._dues[subject] = due
        return due

    def entitled(self, subject: Subject, *, cluster_wide: bool = False) -> int:
        """Return what no plan may take: what was agreed, and what the subject is exempt for.

        With ``cluster_wide``, that is of what it holds by a ClusterRoleBinding.
        """
        return self._entitled_here(subject) | (
            self.entitled_cluster_wide(subject) if cluster_wide else 0
        )

    def _entitled_here(self, subject: Subject) -> int:
        known = self._entitled.get(subject)
        if known is None:
            known = self._entitled[subject] = self._work_out_entitled(subject)
        return known

    def _work_out_entitled(self, subject: Subject) -> int:
        mask = self.agreed(subject)
        exemptions = self.exemptions(subject)
        covered: dict[tuple[Exemption, ...], int] = {}
        for item in self.terms.items if exemptions else ():
            lets = tuple(each for each in exemptions if each.for_item(item.name))
            if lets and lets not in covered:
                covered[lets] = self._covered(subject, lets)
            mask |= covered.get(lets, 0) & item.reserved & self.mask
        return mask

    def exemptions(self, subject: Subject) -> tuple[Exemption, ...]:
        """Return what a subject is exempt for here."""
        found = (*self.exempt.of_subject(subject), *self.shared.of_subject(subject))
        return tuple(dict.fromkeys(found))

    def _covered(self, subject: Subject, exemptions: Sequence[Exemption]) -> int:
        """Return what it holds, be it by a group that it is in by nature, and is exempt."""
        permissions, names = self.permissions, self.names
        mask = 0
        for who in with_implied_groups(subject):
            for holdings in self.layers:
                for grant in holdings[who].grants if who in holdings else ():
                    whole = Holding(grant[1].full, [grant])
                    left = whole.beyond(exemptions, permissions, names)
                    mask |= whole.mask(permissions, names) & ~left.mask(permissions, names)
        return mask


def entitlement_scopes(snapshot: Snapshot, assessment: Assessment) -> list[EntitlementScope]:
    """Return every scope that the assessment speaks of."""
    found: list[EntitlementScope] = []
    for _, cluster in sorted(assessment.clusters.items()):
        terms = cluster.terms
        hubs = [h for _, h in sorted(assessment.hubs.items()) if h.agreement.terms is terms]
        if assessment.hubs and not hubs:
            # A model that nobody uses has nothing to say of subjects.
            continue
        agreements = tuple(hub.agreement for hub in hubs)
        fleet = Fleet(terms, agreements or (resolve_defaults(terms),), snapshot.now)
        permissions = terms.permissions
        dues: dict[Subject, int] = {}
        everywhere = (Names(), *(_names(hub) for hub in snapshot.hubs.values()))
        own_part = exempt_operator(snapshot.operator)
        book = ExemptionBook.of(
            (*(e.fill(names) for e in terms.exemptions for names in everywhere), *own_part)
        )
        shared = ExemptionBook.of(
            e.fill(names) for e in terms.exemptions if e.any_hub for names in everywhere[1:]
        )
        wide = collect(snapshot.graph.scope(""), permissions)
        found.extend(
            EntitlementScope(
                fleet,
                Names(),
                namespace,
                permissions.in_namespace(namespace),
                exempt=book,
                layers=(
                    wide,
                    *(
                        collect(snapshot.graph.scope(each), permissions)
                        for each in filter(None, (namespace,))
                    ),
                ),
                _dues=dues,
            )
            for namespace in ("", *permissions.fixed_namespaces())
        )
        found.extend(
            EntitlementScope(
                fleet,
                h.agreement.names,
                h.agreement.hub.namespace,
                permissions.hub_mask,
                h.agreement,
                ExemptionBook.of((*h.agreement.exemptions, *own_part)),
                shared,
                (wide, collect(snapshot.graph.scope(h.agreement.hub.namespace), permissions)),
                dues,
            )
            for h in hubs
            if h.hub is not None
        )
    return found


def _names(hub: Hub) -> Names:
    return Names(hub.key.namespace, hub.key.release, hub.prefix)


@dataclass(slots=True)
class HoldingsReader:
    """A reader of holders in scopes, by one graph after the other; scopes are read once."""

    _read: dict[tuple[str, BindingScope], Holdings] = field(default_factory=dict)
    # By the identity of holdings: them, and what is to be asked in their place.
    _by_people: dict[int, tuple[Holdings, list[Holding]]] = field(default_factory=dict)

    def holdings(self, graph: AccessGraph, scope: EntitlementScope, namespace: str) -> Holdings:
        """Return what the bindings of a namespace give."""
        bindings = graph.scope(namespace)
        key = (scope.terms.name, bindings)
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = collect(bindings, scope.permissions)
        return found

    def layers(self, graph: AccessGraph, scope: EntitlementScope) -> list[Holdings]:
        """Return the holdings that count together in a scope."""
        return [
            self.holdings(graph, scope, namespace)
            for namespace in dict.fromkeys(("", scope.namespace))
        ]

    def held(
        self, graph: AccessGraph, scope: EntitlementScope, subject: Subject
    ) -> HeldPermissions:
        """Return what a subject holds in a scope, be it by a group that it is in by nature."""
        if subject == MASTERS_SUBJECT:
            return HeldPermissions(scope.mask)
        return self._of(graph, scope, with_implied_groups(subject))

    def held_cluster_wide(
        self, graph: AccessGraph, scope: EntitlementScope, subject: Subject
    ) -> HeldPermissions:
        """Return what it holds in a scope by ClusterRoleBindings."""
        if subject == MASTERS_SUBJECT:
            return HeldPermissions(scope.mask)
        return self._granted([self.holdings(graph, scope, "")], scope, with_implied_groups(subject))

    def held_directly(
        self, graph: AccessGraph, scope: EntitlementScope, subject: Subject
    ) -> HeldPermissions:
        """Return what is bound to the subject itself."""
        return self._of(graph, scope, (subject,))

    def _of(
        self, graph: AccessGraph, scope: EntitlementScope, subjects: Iterable[Subject]
    ) -> HeldPermissions:
        return self._granted(self.layers(graph, scope), scope, subjects)

    @staticmethod
    def _granted(
        layers: Iterable[Holdings], scope: EntitlementScope, subjects: Iterable[Subject]
    ) -> HeldPermissions:
        mask, some = 0, []
        for subject in subjects:
            for holdings in layers:
                holding = holdings.get(subject)
                if holding is not None:
                    mask |= holding.mask(scope.permissions, scope.names)
                    some += [(part.bit, name) for part in holding.some() for name in part.names]
        if not mask & scope.mask and not some:
            return _NOTHING_HELD
        return HeldPermissions(mask).plus(HeldPermissions(some=frozenset(some))).within(scope.mask)

    def varies(self, graph: AccessGraph, scope: EntitlementScope, subject: Subject) -> bool:
        """Return whether what a subject holds by ClusterRoleBindings depends on a scope's names."""
        wide = self.holdings(graph, scope, "")
        return any(wide[who].symbolic for who in with_implied_groups(subject) if who in wide)

    def held_by_people(self, graph: AccessGraph, scope: EntitlementScope) -> int:
        """Return what anybody at all can do in a scope who isn't Kubernetes itself."""
        mask = 0
        for holdings in self.layers(graph, scope):
            known = self._by_people.get(id(holdings))
            if known is None:
                some = [h for s, h in holdings.items() if not _is_of_kubernetes(s)]
                full = reduce(or_, (holding.full for holding in some), 0)
                # The holdings too, so that no others get their id.
                known = self._by_people[id(holdings)] = (
                    holdings,
                    [Holding(full), *(holding for holding in some if holding.symbolic)],
                )
            for holding in known[1]:
                mask |= holding.mask(scope.permissions, scope.names)
        return mask & scope.mask


def _is_of_kubernetes(subject: Subject) -> bool:
    """Return whether a subject is a part of the control plane, which acts for no party."""
    return subject.name.startswith("system:") or subject.namespace == "kube-system"
