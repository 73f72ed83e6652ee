"""The context of planning: scopes of rights, entitled subjects, bindings by role and subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from copy import copy
from dataclasses import dataclass, field

from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.scopes import EntitlementScope, HoldingsReader, entitlement_scopes
from responsibility.plans.simulate import somebodies
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Subject,
)

# A subject in a binding.
Pair = tuple[BindingKey, Subject]


@dataclass(slots=True)
class PlanContext:
    """A cluster before a plan, with indexes of what planning looks up again and again."""

    snapshot: Snapshot
    assessment: Assessment
    scopes: list[EntitlementScope] = field(init=False)
    reader: HoldingsReader = field(init=False, default_factory=HoldingsReader)
    # The roles alone.
    roles_only: AccessGraph = field(init=False)
    # Roles that are made of others.
    aggregates: tuple[Role, ...] = field(init=False)
    # Everybody who is owed anything by an agreement; those of them that do not exist.
    declared: frozenset[Subject] = field(init=False)
    # Everybody whom any binding names.
    bound_subjects: frozenset[Subject] = field(init=False)
    missing_accounts: frozenset[Subject] = field(init=False, default_factory=frozenset)
    # Whether any rule is for requests without a name: ``resourceNames: [""]``. It allows them to
    # delete where no name is asked about, as in a review, and no object.
    has_blank: bool = field(init=False)
    _exempt_subjects: dict[int, frozenset[Subject]] = field(init=False, default_factory=dict)
    _bound: dict[RoleKey, list[Binding]] = field(init=False, default_factory=dict)
    _pairs: dict[RoleKey, tuple[Pair, ...]] = field(init=False, default_factory=dict)
    _by_namespace: dict[str, list[EntitlementScope]] = field(init=False, default_factory=dict)
    _unentitled: dict[tuple[str, Subject], bool] = field(init=False, default_factory=dict)
    _members: dict[BindingKey, frozenset[Subject]] = field(init=False, default_factory=dict)
    _of_subject: dict[Subject, list[BindingKey]] = field(init=False, default_factory=dict)
    _accounts: dict[str, list[Subject]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Build the indexes."""
        self.scopes = entitlement_scopes(self.snapshot, self.assessment)
        for scope in self.scopes:
            self._by_namespace.setdefault(scope.namespace, []).append(scope)
        self.declared = frozenset(s for scope in self.scopes for s in scope.declared())
        for binding in self.graph.bindings.values():
            self._bound.setdefault(binding.role, []).append(binding)
            for subject in somebodies(binding):
                self._of_subject.setdefault(subject, []).append(binding.key)
        for subject in self._of_subject:
            if subject.kind == SERVICE_ACCOUNT:
                self._accounts.setdefault(subject.namespace, []).append(subject)
        self.bound_subjects = frozenset(self._of_subject)
        # The roles stay, and all that is known of their rules.
        self.roles_only, _ = self.graph.replace(drop_bindings=list(self.graph.bindings))
        self.aggregates = tuple(role for role in self.graph.roles.values() if role.aggregation)
        rules = (rule for role in self.graph.roles.values() for rule in role.rules)
        self.has_blank = any("" in rule.resource_names for rule in rules)
        accounts = self.snapshot.accounts
        if accounts is not None:
            self.missing_accounts = frozenset(
                s
                for s in self.declared
                if s.kind == SERVICE_ACCOUNT and (s.namespace, s.name) not in accounts
            )

    def for_plan(self) -> PlanContext:
        """Return a copy with an empty ledger: its entries belong to the trials of one plan."""
        found = copy(self)
        found.reader = HoldingsReader()
        return found

    @property
    def graph(self) -> AccessGraph:
        """The cluster's roles and bindings."""
        return self.snapshot.graph

    def scopes_of(self, namespace: str) -> Sequence[EntitlementScope]:
        """Return the scopes in which a binding of a namespace counts."""
        return self._by_namespace.get(namespace, ()) if namespace else self.scopes

    def bound(self, role: RoleKey) -> Sequence[Binding]:
        """Return the bindings to a role."""
        return self._bound.get(role, ())

    def members(self, key: BindingKey) -> Set[Subject]:
        """Return whom a binding of the cluster binds, in canonical form."""
        known = self._members.get(key)
        if known is None:
            known = self._members[key] = frozenset(somebodies(self.graph.bindings[key]))
        return known

    def bindings_of(self, subject: Subject) -> Sequence[BindingKey]:
        """Return what binds a subject."""
        return self._of_subject.get(subject, ())

    def accounts(self, namespace: str) -> Sequence[Subject]:
        """Return the ServiceAccounts of a namespace that anything binds."""
        return self._accounts.get(namespace, ())

    def exempt_subjects(self, scope: EntitlementScope) -> frozenset[Subject]:
        """Return who is exempt in a scope and known by name, whether anything binds it or not."""
        known = self._exempt_subjects.get(id(scope))
        if known is None:
            exact, accounts = scope.exempt.exact(), self.snapshot.accounts
            if accounts is None:
                known = frozenset(exact)
            else:
                every = {Subject(SERVICE_ACCOUNT, name, namespace) for namespace, name in accounts}
                known = frozenset(
                    {each for each in exact if each.kind != SERVICE_ACCOUNT or each in every}
                    | {each for each in every if scope.exemptions(each)}
                )
            self._exempt_subjects[id(scope)] = known
        return known

    def pairs(self, role: RoleKey) -> Sequence[Pair]:
        """Return all whom a role is bound to, and where."""
        known = self._pairs.get(role)
        if known is None:
            known = self._pairs[role] = tuple(
                (binding.key, subject)
                for binding in self.bound(role)
                for subject in somebodies(binding)
            )
        return known

    def is_unentitled(self, pair: Pair) -> bool:
        """Return whether a subject is entitled to nothing wherever the binding counts."""
        key, who = pair
        known = self._unentitled.get((key.namespace, who))
        if known is None:
            known = self._unentitled[key.namespace, who] = (
                # A group that comes by nature has members that are owed something.
                not (who.kind == GROUP and not is_joinable(who.name))
                and who not in self.declared
                and not any(
                    scope.entitled(who, cluster_wide=not key.namespace)
                    for scope in self.scopes_of(key.namespace)
                )
            )
        return known

    def are_unentitled(self, pairs: Iterable[Pair]) -> bool:
        """Return whether all of these are entitled to nothing where their bindings count."""
        return all(map(self.is_unentitled, pairs))
