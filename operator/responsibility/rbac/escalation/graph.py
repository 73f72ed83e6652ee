"""All edges of one access graph, and the routes to one permission over them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import InitVar, dataclass, field, replace
from itertools import chain
from typing import Final

from responsibility.rbac.escalation.edges import (
    Collector,
    Entrance,
    Group,
    Table,
    after,
    collect,
    groups,
    opened,
)
from responsibility.rbac.escalation.permissions import Given, Rights
from responsibility.rbac.escalation.self_grants import Power, powers
from responsibility.rbac.escalation.shortest_paths import begin
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.techniques import (
    INTO_ACCOUNT,
    Way,
    account_namespace,
    constrained_into,
    into_account,
    ways_into,
    with_aws_auth,
)
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, Attributes, Subject

# Stands for all namespaces where some are named.
ANY_NAMESPACE: Final = "*"

_MODES = {
    "serviceaccount": "serviceaccounts",
    "user-info": "users",
    "arbitrary-node": "nodes",
}


_TableKey = tuple[int, str]
_Entry = tuple[tuple[Way, ...], Table]


@dataclass(slots=True)
class Known:
    """What was found out in a graph: rights, and edges by scope."""

    rights: Rights
    constrained: bool = False
    powers: dict[str, tuple[Power, ...]] = field(default_factory=dict)
    # By namespace, and by the identity of the list of ways, of which there are a few.
    tables: dict[str, dict[int, _Entry]] = field(default_factory=dict)
    # Those of ways that look at other namespaces, too.
    far: dict[_TableKey, _Entry] = field(default_factory=dict)
    # What may have changed.
    stale: dict[_TableKey, _Entry] = field(default_factory=dict)
    # Where somebody may impersonate for single actions.
    single: dict[str, bool] = field(default_factory=dict)

    def over(self, graph: AccessGraph, same: Set[str]) -> Known:
        """Return what is true of another graph too, which is the same in some scopes.

        What is found in these scopes later is true in both.
        """
        known = Known(self.rights.over(graph, same), stale=dict(self.far))
        known.single = {scope: some for scope, some in self.single.items() if scope in same}
        if self.constrained:
            # Found with what nobody may any more, or will have to be found anew.
            return known
        known.powers = {scope: found for scope, found in self.powers.items() if scope in same}
        for scope, tables in self.tables.items():
            if scope in same:
                known.tables[scope] = tables
            else:
                known.stale.update(((ways, scope), entry) for ways, entry in tables.items())
        return known

    def table(self, ways: tuple[Way, ...], namespace: str) -> Table | None:
        """Return what is known of the entrances in a namespace."""
        entry = self.tables.get(namespace, {}).get(id(ways)) or self.far.get((id(ways), namespace))
        return entry[1] if entry else None

    def keep(self, ways: tuple[Way, ...], namespace: str, table: Table) -> None:
        """Remember the entrances in a namespace."""
        if any(map(_looks_elsewhere, ways)):
            self.far[id(ways), namespace] = (ways, table)
        else:
            self.tables.setdefault(namespace, {})[id(ways)] = (ways, table)


def _looks_elsewhere(way: Way) -> bool:
    return any(need.anywhere or need.namespace for need in way.needs)


@dataclass(slots=True, weakref_slot=True, eq=False)
class Paths:
    """The edges of one access graph, each looked up once.

    ``accounts`` are the ServiceAccounts that exist, as (namespace, name), and ``pods`` those
    that some pod runs as; None where that is not known: each may then exist, and have a pod.
    ``aws_auth`` says that the cluster maps identities of AWS by a ConfigMap, as EKS does.

    What was found in a ``former`` graph is used again where nothing of it has changed.
    """

    graph: AccessGraph
    accounts: frozenset[tuple[str, str]] | None = None
    pods: frozenset[tuple[str, str]] | None = None
    aws_auth: bool = False
    former: InitVar[Paths | None] = None
    known: Known = field(init=False)
    _into: dict[Subject, tuple[Group, ...]] = field(init=False, default_factory=dict)
    _former: Callable[[], Paths | None] = field(init=False, default=lambda: None)
    _changed: frozenset[str] | None = field(init=False, default=None)

    def __post_init__(self, former: Paths | None) -> None:
        """Take over what is still true."""
        if former is None or not self._same(former, ""):
            self.known = Known(Rights(self.graph))
        else:
            parts = former.graph.bindings.parts.keys() | self.graph.bindings.parts.keys()
            same = {"", *(each for each in parts if self._same(former, each))}
            self.known = former.known.over(self.graph, same)
            self._former, self._changed = weakref.ref(former), self._changes(former, parts - same)
        self.known.constrained = self._has_constrained()
        if self.known.constrained:
            # Such powers are about who may act as whom, anywhere.
            self.known.powers, self.known.tables, self.known.far = {}, {}, {}
            self._changed = None

    def _changes(self, former: Paths, changed: Set[str]) -> frozenset[str] | None:
        """Return the namespaces in which ways may have changed; None if they may be anywhere."""
        if (self.pods, self.aws_auth) != (former.pods, former.aws_auth):
            return None
        changed = {namespace for namespace in changed if self._keep_powers(former, namespace)}
        for key, entry in self.known.stale.items():
            if self._table(entry[0], key[1]).equals(entry[1]):
                self.known.keep(entry[0], key[1], entry[1])
            else:
                changed.add(key[1])
        self.known.stale.clear()
        if former.known.constrained or "" in changed:
            return None
        if self.accounts == former.accounts:
            return frozenset(changed)
        if self.accounts is None or former.accounts is None:
            return None
        return frozenset((*changed, *(ns for ns, _ in self.accounts ^ former.accounts)))

    def _keep_powers(self, former: Paths, namespace: str) -> bool:
        """Keep the former powers where they are the same, and return whether they are not."""
        known = former.known.powers.get(namespace, ())
        if known != self.powers(namespace):
            return True
        self.known.powers[namespace] = known
        return False

    def follows(self, former: Paths) -> bool:
        """Return whether it is known what has changed since a former graph."""
        return former is self or (self._changed is not None and self._former() is former)

    def unchanged(self, namespaces: Set[str]) -> bool:
        """Return whether all ways by these namespaces' bindings are what they were."""
        if self._changed is None:
            return False
        return not self._changed or (
            ANY_NAMESPACE not in namespaces and self._changed.isdisjoint(namespaces)
        )

    def powers(self, namespace: str) -> tuple[Power, ...]:
        """Return who can give itself what in a namespace, or cluster-wide for ``""``."""
        found = self.known.powers.get(namespace)
        if found is None:
            wide = self.powers("") if namespace else ()
            found = powers(self.known.rights, namespace, wide)
            if self.known.constrained:
                found += tuple(self._as_another(found))
            self.known.powers[namespace] = found
        return found

    def into(self, target: Subject) -> tuple[Group, ...]:
        """Return the ways of each subject into ``target``, in groups that others share."""
        found = self._into.get(target)
        if found is None:
            found = tuple(self._entrances(target))
            if self.known.constrained:
                found += groups(self._through_another(target, found))
            self._into[target] = found
        return found

    def _entrances(self, target: Subject) -> Iterator[Group]:
        if target.kind == SERVICE_ACCOUNT:
            ways = self._ways_into_account(target)
            yield from self._table(ways, "").into(target.name)
            yield from self._table(ways, target.namespace).into(target.name)
            return
        ways = with_aws_auth(target) if self.aws_auth else ways_into(target)
        yield from self._table(ways, "").into(target.name)
        namespace = account_namespace(target.name) if target.kind == GROUP else None
        if namespace is not None:
            for each in ("", namespace) if namespace else self._namespaces():
                yield from self._table(INTO_ACCOUNT, each).into_any()

    def _ways_into_account(self, target: Subject) -> tuple[Way, ...]:
        key = (target.namespace, target.name)
        exists = self.accounts is None or key in self.accounts
        pods = self.pods is None or key in self.pods
        return into_account(exists=exists, pods=pods)

    def _namespaces(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("", *sorted(self.graph.bindings.parts))))

    def _table(self, ways: tuple[Way, ...], namespace: str) -> Table:
        """Return the entrances by the bindings of one namespace, or of the cluster for ``""``."""
        found = self.known.table(ways, namespace)
        if found is None:
            # Who has an entrance everywhere needs none of this namespace's.
            collector = Collector(self._table(ways, "").at_once if namespace else {})
            collect(self.known.rights, ways, namespace, collector)
            # What is given in a namespace may be a right to anything there, constrained
            # impersonation too; but who can have that has a better way.
            given = () if all(way.mode for way in ways) else self.powers(namespace)
            for power in given:
                for entrance in self._opened_by(power, ways, namespace, collector):
                    collector.add(entrance)
            found = collector.table(wide=not namespace)
            self.known.keep(ways, namespace, found)
        return found

    def _opened_by(
        self, power: Power, ways: tuple[Way, ...], namespace: str, collector: Collector
    ) -> Iterator[Entrance]:
        """Yield the ways that are open to somebody who has given itself a power."""
        given = Given(power.rules, power.step.namespace)
        for way in ways:
            if collector.has(power.step.actor, way):
                continue
            for entrance in opened(self.known.rights, power.step.actor, way, namespace, given):
                yield after(entrance, power.route)

    def _as_another(self, found: Iterable[Power]) -> Iterator[Power]:
        """Yield the powers that somebody has by constrained impersonation of who has them."""
        for power in found:
            for entrance in self._constrained_into(power.step.actor):
                if not power.step.earlier and self._may_ask(entrance, power.request):
                    first = entrance.step_into(power.step.actor)
                    step = replace(
                        power.step, actor=entrance.actor, earlier=(*power.step.earlier, first)
                    )
                    yield replace(power, step=step)

    def _through_another(self, target: Subject, found: Iterable[Group]) -> Iterator[Entrance]:
        """Yield the entrances that somebody has by constrained impersonation of who has them."""
        for entrance in chain.from_iterable(group.entrances for group in found):
            if entrance.earlier or entrance.impersonates:
                continue
            for other in self._constrained_into(entrance.actor):
                asked = entrance.requests(target)
                if other.actor != target and all(self._may_ask(other, each) for each in asked):
                    yield after(entrance, other.route_into(entrance.actor))

    def _constrained_into(self, actor: Subject) -> Iterator[Entrance]:
        ways = constrained_into(actor)
        for namespace in ("", actor.namespace) if actor.namespace else ("",):
            for group in self._table(ways, namespace).into(actor.name):
                yield from group.entrances

    def _may_ask(self, entrance: Entrance, request: Iterable[Attributes]) -> bool:
        """Return whether constrained impersonation extends to one of the alternatives."""
        return any(
            _may_act(entrance.actor, entrance.mode, attributes, self.graph, any_name=True)
            for attributes in request
        )

    def _has_constrained(self) -> bool:
        """Return whether anybody who does not hold everything may impersonate so."""
        single = self.known.single
        for namespace in self._namespaces():
            if namespace not in single:
                single[namespace] = any(
                    self._may_impersonate(mode, resource, namespace)
                    for mode, resource in _MODES.items()
                )
            if single[namespace]:
                return True
        return False

    def _may_impersonate(self, mode: str, resource: str, namespace: str) -> bool:
        asked = Attributes(
            f"impersonate:{mode}", "authentication.k8s.io", resource, namespace=namespace
        )
        ask = self.graph.namespace_holders if namespace else self.graph.cluster_holders
        return bool(ask(asked, any_name=True).keys() - self.known.rights.mighty)

    def _same(self, former: Paths, namespace: str) -> bool:
        """Return whether nothing that counts in a namespace has changed."""
        one, other = self.graph, former.graph
        return one.scope(namespace) is other.scope(namespace) and one.roles.parts.get(
            namespace
        ) is other.roles.parts.get(namespace)


def step_passes(step: Step, attributes: Attributes, graph: AccessGraph) -> bool:
    """Return whether a step hands on one permission of its target.

    All do but constrained impersonation, which asks for ``impersonate-on:<mode>:<verb>`` on the
    very thing that is done (``constrainedImpersonationModeState.check``).
    """
    return not step.mode or _may_act(step.actor, step.mode, attributes, graph)


def _may_act(
    actor: Subject, mode: str, attributes: Attributes, graph: AccessGraph, *, any_name: bool = False
) -> bool:
    asked = replace(attributes, verb=f"impersonate-on:{mode}:{attributes.verb}")
    holders = graph.holders(asked, any_name=any_name)
    return any(self in holders for self in Rights.selves_of(actor))


def routes_to(paths: Paths, attributes: Attributes) -> dict[Subject, Route]:
    """Return everybody who can come by a permission, with a shortest route.

    The route of who holds it directly is empty.
    """
    graph = paths.graph
    direct = dict.fromkeys(graph.holders(attributes), 1)
    given = [
        (power.step, 1)
        for namespace in sorted({"", attributes.namespace})
        for power in paths.powers(namespace)
        if power.allows(attributes)
    ]
    search = begin(
        direct,
        given,
        paths.into,
        constrain=lambda step, mask: mask if step_passes(step, attributes, graph) else 0,
    )
    search.run()
    routes: dict[Subject, Route] = dict.fromkeys(direct, ())
    for subject, parts in search.found.items():
        routes.setdefault(subject, parts[0].route())
    return routes
