"""Yes, no or unknown, with every source and, where it isn't a yes, the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from responsibility.cli.sources.access_question import AskedUser
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.phrases import some
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import NODES, is_joinable, is_node, user_subject
from responsibility.rbac.objects import (
    GROUP,
    Attributes,
    Binding,
    Source,
    Subject,
    Truth,
)
from responsibility.rbac.scope import Grant


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer. ``sources`` of an *unknown* are those that would make it a yes."""

    truth: Truth
    sources: tuple[Source, ...] = ()
    reason: str = ""
    holders: tuple[Subject, ...] = ()

    @property
    def allowed(self) -> bool | None:
        """True, False, or None where it is unknown."""
        return {Truth.YES: True, Truth.NO: False, Truth.UNKNOWN: None}[self.truth]


@dataclass(slots=True)
class ViewAuthorizer:
    """Decides about one view, as the API server would, as far as that view tells."""

    view: ClusterView
    _pending: Mapping[Subject, list[Binding]] = field(init=False)

    def __post_init__(self) -> None:
        """Find the bindings that may grant more than is known."""
        pending: dict[Subject, list[Binding]] = {}
        for binding in pending_bindings(self.view):
            for subject in _subjects(binding):
                pending.setdefault(subject, []).append(binding)
        self._pending = pending

    def decide(self, who: AskedUser, asked: Attributes) -> Decision:
        """Return whether this user, in these groups, may do it."""
        graph = self.view.graph
        subjects = {user_subject(who.user), *(Subject(GROUP, group) for group in who.groups)}
        own = [each for each in self.view.control_plane if not subjects.isdisjoint(each.subjects)]
        sources = graph.decide(who.user, who.groups, asked)
        if not sources and own:
            graph = AccessGraph.build(self.view.roles, own)
            sources = graph.decide(who.user, who.groups, asked)
        if sources:
            return Decision(Truth.YES, sources)
        bound = self._bindings(subjects, asked)
        if bound:
            return Decision(Truth.UNKNOWN, (), _missing_role(bound[0], self.view))
        if is_node(user_subject(who.user)) and (NODES in who.groups or not who.complete):
            return Decision(Truth.UNKNOWN, (), "the Node authorizer decides about nodes as well")
        if not who.complete:
            return self._by_a_group(who, asked)
        return Decision(Truth.NO, (), f"no binding lets {who.user or 'these groups'} do this")

    def _by_a_group(self, who: AskedUser, asked: Attributes) -> Decision:
        """Tell whether a group that the person may be in would make it a yes."""
        holders = {
            subject: sources
            for subject, sources in self.view.graph.holders(asked).items()
            if subject.kind == GROUP and is_joinable(subject.name)
        }
        if holders:
            groups = tuple(sorted(holders))
            names = some([group.name for group in groups], 3, last=" or ")
            return Decision(
                Truth.UNKNOWN,
                tuple(sorted({source for group in groups for source in holders[group]})),
                f"yes if {who.user} is in {names}, else no: only the identity provider "
                "knows; name its groups with --as-group",
                groups,
            )
        joinable = [s for s in self._pending if s.kind == GROUP and is_joinable(s.name)]
        bound = self._bindings(joinable, asked)
        if bound:
            return Decision(Truth.UNKNOWN, (), _missing_role(bound[0], self.view))
        return Decision(Truth.NO, (), f"no binding lets {who.user}, or any group, do this")

    def _bindings(self, subjects: Collection[Subject], asked: Attributes) -> list[Binding]:
        return [
            binding
            for subject in sorted(subjects)
            for binding in self._pending.get(subject, ())
            if _applies(binding, asked)
        ]


def pending_bindings(view: ClusterView, asked: Attributes | None = None) -> list[Binding]:
    """Return the bindings whose role the files don't have, or not for certain in full.

    On a cluster there are none: there, a role that doesn't exist grants nothing.
    """
    if view.live:
        return []
    uncertain = (view.assumed & view.extensible) | view.partly
    return [
        binding
        for _, binding in sorted(view.graph.bindings.items())
        if (binding.role not in view.graph.roles or binding.role in uncertain)
        and (asked is None or _applies(binding, asked))
    ]


def _applies(binding: Binding, asked: Attributes) -> bool:
    namespace = binding.key.namespace
    return not namespace or (namespace == asked.namespace and not asked.path)


def _subjects(binding: Binding) -> tuple[Subject, ...]:
    from responsibility.rbac.index import RuleSet

    return Grant.of(binding, RuleSet(())).subjects


def _missing_role(binding: Binding, view: ClusterView) -> str:
    if binding.role in view.assumed:
        return (
            f"{binding.key} binds {binding.role}, which is not in the files: Kubernetes' own "
            "doesn't allow this, but an add-on may have extended it"
        )
    if binding.role in view.partly:
        return (
            f"{binding.key} binds {binding.role}, which aggregates Kubernetes' own roles: they "
            "don't allow this, but an add-on may have extended them"
        )
    return f"{binding.key} binds {binding.role}, which is not in the files"
