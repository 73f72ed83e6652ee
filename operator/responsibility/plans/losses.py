"""Side effects of changes: who loses what, and what to ask before approving it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from responsibility.ownership.cluster_excess import EVERY_HUB
from responsibility.ownership.results.wording import EVERYTHING_TEXT, permission_texts
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.phrases import counted
from responsibility.plans.change import CREATES, Loss, PlannedChange
from responsibility.plans.protect import keepers
from responsibility.plans.scopes import EntitlementScope, HoldingsReader
from responsibility.plans.simulate import somebodies
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import SERVICE_ACCOUNTS, is_joinable
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Binding, BindingKey, Subject

_MOST_NAMED = 5


@dataclass(slots=True)
class SideEffects:
    """Tells of changes what they do beside ending what they are for."""

    snapshot: Snapshot
    after: AccessGraph
    scopes: Sequence[EntitlementScope]
    reader: HoldingsReader
    # What is lost by all changes together, by namespace and subject: it is told of many of them.
    _known: dict[tuple[str, Subject], tuple[str, ...]] = field(default_factory=dict)
    _namespaces: dict[Subject, set[str]] = field(default_factory=dict)

    def described(self, change: PlannedChange) -> PlannedChange:
        """Return the change with its losses, questions and cautions."""
        graph = self.snapshot.graph
        if change.action in CREATES:
            return change
        if isinstance(change.key, BindingKey):
            binding = graph.bindings[change.key]
            return replace(
                change,
                losses=tuple(self._of_binding(binding, change.removes)),
                questions=tuple(q for s in change.removes for q in self._questions(s)),
                cautions=(*keepers(binding.labels), *self._dangling(binding)),
            )
        bindings = [b for b in graph.bindings.values() if b.role == change.key]
        bindings.sort(key=lambda b: b.key)
        losses = [x for b in bindings for x in self._of_narrowing(b, somebodies(b))]
        subjects = sorted({s for b in bindings for s in somebodies(b)})
        return replace(
            change,
            losses=tuple(dict.fromkeys(losses)),
            questions=tuple(q for s in subjects for q in self._questions(s)),
            cautions=keepers(graph.roles[change.key].labels),
        )

    def _of_binding(self, binding: Binding, subjects: Iterable[Subject]) -> Iterator[Loss]:
        role = self.snapshot.graph.roles.get(binding.role)
        rules = role.rules if role else ()
        rest = f"all else that {binding.role} gives ({counted(len(rules), 'rule')})"
        for subject in subjects:
            texts = self._texts(binding.key.namespace, subject)
            yield Loss(subject, _where(binding), texts, rest)

    def _of_narrowing(self, binding: Binding, subjects: Iterable[Subject]) -> Iterator[Loss]:
        for subject in subjects:
            texts = self._texts(binding.key.namespace, subject)
            if texts:
                yield Loss(subject, _where(binding), texts)

    def _texts(self, namespace: str, subject: Subject) -> tuple[str, ...]:
        """Return the model's permissions that a subject holds in a namespace, and not after."""
        known = self._known.get((namespace, subject))
        if known is None:
            known = self._known[namespace, subject] = self._work_out_texts(namespace, subject)
        return known

    def _work_out_texts(self, namespace: str, subject: Subject) -> tuple[str, ...]:
        found: dict[str, None] = {}
        graph = self.snapshot.graph
        alike: set[tuple[str, int]] = set()
        apart = self._bound_in(subject) if not namespace else set()
        for scope in self.scopes:
            if namespace and scope.namespace != namespace:
                continue
            if (
                not namespace
                and scope.namespace not in apart
                and not any(
                    self.reader.varies(each, scope, subject) for each in (graph, self.after)
                )
            ):
                # Most hubs are like any other.
                kind = (scope.terms.name, scope.mask)
                if kind in alike:
                    continue
                alike.add(kind)
            before = self.reader.held(graph, scope, subject)
            lost = before.beyond(self.reader.held(self.after, scope, subject)) if before else before
            mask = lost.mask
            for bit, _ in lost.some:
                mask |= 1 << bit
            everything = scope.permissions.everything
            mask = mask & everything or mask
            names = scope.names if namespace else EVERY_HUB
            found.update(dict.fromkeys(permission_texts(scope.permissions.select(mask, names))))
        return (EVERYTHING_TEXT,) if EVERYTHING_TEXT in found else tuple(found)

    def _bound_in(self, subject: Subject) -> set[str]:
        """Return the namespaces in which a subject holds anything of its own, before or after."""
        if not self._namespaces:
            for graph in (self.snapshot.graph, self.after):
                for key, binding in graph.bindings.items():
                    for each in somebodies(binding):
                        self._namespaces.setdefault(each, set()).add(key.namespace)
        return {
            namespace
            for who in with_implied_groups(subject)
            for namespace in self._namespaces.get(who, ())
        } - {""}

    def _questions(self, subject: Subject) -> Iterator[str]:
        if subject.kind != GROUP:
            return
        if subject.name == SERVICE_ACCOUNTS or subject.name.startswith(f"{SERVICE_ACCOUNTS}:"):
            yield from self._accounts(subject)
            return
        if not is_joinable(subject.name):
            yield f"{subject} is everybody who has logged in: who of them needs this?"
            return
        text = (
            f"every member of {subject} loses this, and who that is only the identity provider "
            "knows: if a single member is meant, take it out of the group there instead"
        )
        users = [s for p in self.scopes for s in p.declared() if s.kind == USER]
        named = ", ".join(sorted({s.name for s in users})[:_MOST_NAMED])
        if named:
            text += f"; declared users who may be in it: {named}"
        yield text

    def _accounts(self, group: Subject) -> Iterator[str]:
        namespace = group.name.removeprefix(SERVICE_ACCOUNTS).removeprefix(":")
        known = sorted(
            f"{ns}/{name}" for ns, name in self.snapshot.accounts or () if namespace in ("", ns)
        )
        if not known:
            yield f"every ServiceAccount of {group} loses this: does a workload need it?"
            return
        some = ", ".join(known[:_MOST_NAMED]) + ", …" * (len(known) > _MOST_NAMED)
        yield (
            f"{counted(len(known), SERVICE_ACCOUNT)} lose this ({some}): bind the "
            "ones that need it by name first"
        )

    def _dangling(self, binding: Binding) -> Iterator[str]:
        if binding.role not in self.snapshot.graph.roles:
            yield f"{binding.role} does not exist: it would grant the day it appears"


def _where(binding: Binding) -> str:
    namespace = binding.key.namespace
    return f"in namespace {namespace}" if namespace else "everywhere"
