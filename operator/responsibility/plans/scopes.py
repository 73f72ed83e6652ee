"""Where rights count: each hub's namespace, the cluster, and the namespaces that a model names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from responsibility.hub.discovery import Hub
from responsibility.ownership.access.grant_masks import Holding, Holdings, collect
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.agreement import Agreement, ItemTerms, Terms
from responsibility.ownership.terms.entitlement import ExemptionBook, with_implied_groups
from responsibility.ownership.terms.exemptions import exempt_operator
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
class Held:
    """What is held in a place: bits in full, and unnamed ones for some names."""

    mask: int = 0
    some: frozenset[Named] = frozenset()

    def within(self, mask: int) -> Held:
        """Return the part that is about some bits."""
        named = frozenset(each for each in self.some if mask >> each[0] & 1)
        return Held(self.mask & mask, named)

    def beyond(self, other: Held) -> Held:
        """Return what the other has not."""
        return Held(
            self.mask & ~other.mask,
            frozenset(e for e in self.some - other.some if not other.mask >> e[0] & 1),
        )

    def plus(self, other: Held) -> Held:
        """Return both together."""
        mask = self.mask | other.mask
        return Held(mask, frozenset(e for e in self.some | other.some if not mask >> e[0] & 1))

    def __bool__(self) -> bool:
        return bool(self.mask or self.some)


_NOTHING_HELD = Held()


@dataclass(frozen=True, slots=True)
class Place:
    """One of them, for one model. ``namespace`` is empty for the cluster."""

    fleet: Fleet
    names: Names
    namespace: str
    scope: int
    agreement: Agreement | None = None
    exempt: ExemptionBook = field(default_factory=ExemptionBook)
    # What was worked out already: of the whole fleet, and of this place.
    _dues: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)
    _entitled: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)
    _wide: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)
    _owed: dict[Subject, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def terms(self) -> Terms:
        """The model."""
        return self.fleet.terms

    @property
    def permissions(self) -> PermissionIndex:
        """The model's permissions."""
        return self.fleet.terms.permissions

    @property
    def items(self) -> Iterable[ItemTerms]:
        """The items that may be spoken of here."""
        out = self.agreement.unresolved if self.agreement else ()
        return (item for item in self.terms.items if item.name not in out)

    def __str__(self) -> str:
        """Return the place as people say it."""
        return f"in namespace {self.namespace}" if self.namespace else "cluster-wide"

    def declared(self) -> Iterable[Subject]:
        """Return the subjects that are owed anything here, in order."""
        agreements = (self.agreement,) if self.agreement else self.fleet.agreements
        return sorted({s for a in agreements if a is not None for s in a.members})

    def entitled(self, subject: Subject) -> int:
        """Return what a subject may hold here by the agreement, whatever binds it."""
        known = self._entitled.get(subject)
        if known is None:
            due = self._due(subject)
            if due and self.agreement is not None:
                due = self.fleet.entitled(subject, (self.agreement,))
            known = self._entitled[subject] = due & self.scope
        return known

    def wide(self, subject: Subject) -> int:
        """Return what it may hold here by a ClusterRoleBinding, if this is a hub.

        That comes with what it is entitled to in the cluster. A RoleBinding is held against the
        hub's own record.
        """
        if self.agreement is None:
            return 0
        known = self._wide.get(subject)
        if known is None:
            known = self._wide[subject] = self.permissions.wide(self._due(subject)) & self.scope
        return known

    def _due(self, subject: Subject) -> int:
        due = self._dues.get(subject)
        if due is None:
            due = self.fleet.entitled(subject, self.fleet.special(subject))
            self._dues[subject] = due
        return due

    def owed(self, subject: Subject, *, wide: bool = False) -> int:
        """Return what no plan may take: what it is entitled to, and let through for.

        With ``wide``, that is of what it holds by a ClusterRoleBinding.
        """
        return self._owed_here(subject) | (self.wide(subject) if wide else 0)

    def _owed_here(self, subject: Subject) -> int:
        known = self._owed.get(subject)
        if known is None:
            known = self._owed[subject] = self._work_out_owed(subject)
        return known

    def _work_out_owed(self, subject: Subject) -> int:
        mask = self.entitled(subject)
        exemptions = self.exempt.of_subject(subject)
        for item in self.terms.items if exemptions else ():
            if any(each.for_item(item.name) for each in exemptions):
                mask |= item.reserved & self.scope
        return mask


def places(snapshot: Snapshot, assessment: Assessment) -> list[Place]:
    """Return every place that the assessment speaks of."""
    found: list[Place] = []
    for _, cluster in sorted(assessment.clusters.items()):
        terms = cluster.terms
        hubs = [h for _, h in sorted(assessment.hubs.items()) if h.agreement.terms is terms]
        if assessment.hubs and not hubs:
            # A model that nobody uses has nothing to say of subjects.
            continue
        own = tuple(hub.agreement for hub in hubs)
        fleet = Fleet(terms, own or (resolve_defaults(terms),), snapshot.now)
        permissions = terms.permissions
        dues: dict[Subject, int] = {}
        everywhere = (Names(), *(_names(hub) for hub in snapshot.hubs.values()))
        own_part = exempt_operator(snapshot.own)
        book = ExemptionBook.of(
            (*(e.fill(names) for e in terms.exemptions for names in everywhere), *own_part)
        )
        found.extend(
            Place(
                fleet,
                Names(),
                namespace,
                permissions.in_namespace(namespace),
                exempt=book,
                _dues=dues,
            )
            for namespace in ("", *permissions.fixed_namespaces())
        )
        found.extend(
            Place(
                fleet,
                h.agreement.names,
                h.agreement.hub.namespace,
                permissions.hub_mask,
                h.agreement,
                ExemptionBook.of((*h.agreement.exemptions, *own_part)),
                dues,
            )
            for h in hubs
            if h.hub is not None
        )
    return found


def _names(hub: Hub) -> Names:
    return Names(hub.key.namespace, hub.key.release, hub.prefix)


@dataclass(slots=True)
class Ledger:
    """Who holds what in places, by one graph after the other; scopes are read once."""

    _read: dict[tuple[str, BindingScope], Holdings] = field(default_factory=dict)
    # By the identity of holdings: them, and what is to be asked in their place.
    _people: dict[int, tuple[Holdings, list[Holding]]] = field(default_factory=dict)

    def holdings(self, graph: AccessGraph, place: Place, namespace: str) -> Holdings:
        """Return what the bindings of a namespace give."""
        scope = graph.scope(namespace)
        key = (place.terms.name, scope)
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = collect(scope, place.permissions)
        return found

    def layers(self, graph: AccessGraph, place: Place) -> list[Holdings]:
        """Return the holdings that count together in a place."""
        return [
            self.holdings(graph, place, namespace)
            for namespace in dict.fromkeys(("", place.namespace))
        ]

    def held(self, graph: AccessGraph, place: Place, subject: Subject) -> Held:
        """Return what a subject holds in a place, be it by a group that it is in by nature."""
        if subject == MASTERS_SUBJECT:
            return Held(place.scope)
        return self._of(graph, place, with_implied_groups(subject))

    def held_wide(self, graph: AccessGraph, place: Place, subject: Subject) -> Held:
        """Return what it holds in a place by ClusterRoleBindings."""
        if subject == MASTERS_SUBJECT:
            return Held(place.scope)
        return self._given([self.holdings(graph, place, "")], place, with_implied_groups(subject))

    def own(self, graph: AccessGraph, place: Place, subject: Subject) -> Held:
        """Return what is bound to the subject itself."""
        return self._of(graph, place, (subject,))

    def _of(self, graph: AccessGraph, place: Place, subjects: Iterable[Subject]) -> Held:
        return self._given(self.layers(graph, place), place, subjects)

    @staticmethod
    def _given(layers: Iterable[Holdings], place: Place, subjects: Iterable[Subject]) -> Held:
        mask, some = 0, []
        for subject in subjects:
            for holdings in layers:
                holding = holdings.get(subject)
                if holding is not None:
                    mask |= holding.mask(place.permissions, place.names)
                    some += [(part.bit, name) for part in holding.some() for name in part.names]
        if not mask & place.scope and not some:
            return _NOTHING_HELD
        return Held(mask).plus(Held(some=frozenset(some))).within(place.scope)

    def varies(self, graph: AccessGraph, place: Place, subject: Subject) -> bool:
        """Return whether what a subject holds by ClusterRoleBindings depends on a place's names."""
        wide = self.holdings(graph, place, "")
        return any(wide[who].symbolic for who in with_implied_groups(subject) if who in wide)

    def people(self, graph: AccessGraph, place: Place) -> int:
        """Return what anybody at all can do in a place who isn't Kubernetes itself."""
        mask = 0
        for holdings in self.layers(graph, place):
            known = self._people.get(id(holdings))
            if known is None:
                some = [h for s, h in holdings.items() if not _is_of_kubernetes(s)]
                full = reduce(or_, (holding.full for holding in some), 0)
                # The holdings too, so that no others get their id.
                known = self._people[id(holdings)] = (
                    holdings,
                    [Holding(full), *(holding for holding in some if holding.symbolic)],
                )
            for holding in known[1]:
                mask |= holding.mask(place.permissions, place.names)
        return mask & place.scope


def _is_of_kubernetes(subject: Subject) -> bool:
    """Return whether a subject is a part of the control plane, which acts for no party."""
    return subject.name.startswith("system:") or subject.namespace == "kube-system"
