"""Who has a way into an identity.

All ServiceAccounts of a namespace share most of their entrances (who may create a pod there may
choose any of them), so these are looked up once for a namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import MASTERS, implied_groups
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Attributes,
    Source,
    Subject,
)
from responsibility.rbac.routes.steps import Step
from responsibility.rbac.routes.ways import (
    INTO_ACCOUNT,
    INTO_GROUP,
    INTO_USER,
    NODE,
    Need,
    Way,
)

_WAYS = {SERVICE_ACCOUNT: INTO_ACCOUNT, USER: INTO_USER, GROUP: INTO_GROUP}
_MASTERS = Subject(GROUP, MASTERS)

Holders = Mapping[Subject, tuple[Source, ...]]


@dataclass(slots=True)
class Entrances:
    """Finds who can come to act as a subject, in one access graph.

    ``accounts`` are the ServiceAccounts that exist, as (namespace, name); None where that is
    not known. ``pods`` are those that some pod runs as, None where that is not known: every one
    of them may then have a pod.
    """

    graph: AccessGraph
    accounts: frozenset[tuple[str, str]] | None = None
    pods: frozenset[tuple[str, str]] | None = None
    _holders: dict[tuple[Need, str, str], Holders] = field(default_factory=dict)

    def into(self, target: Subject) -> Iterator[Step]:
        """Yield a step for every subject and way by which it can act as ``target``.

        ``system:masters`` can do anything anyhow and is left out; so is the target itself.
        """
        for way in _WAYS.get(target.kind, ()):
            if self._closed(way, target):
                continue
            found = [self._need(need, target) for need in way.needs]
            for actor in found[0]:
                if actor in (target, _MASTERS):
                    continue
                sources = _together(actor, found)
                if sources is not None:
                    yield Step(
                        route=way.route,
                        actor=actor,
                        words=way.words.format(target=target),
                        sources=sources,
                        target=target,
                        namespace="" if way.needs[0].everywhere else target.namespace,
                        mode=way.mode,
                    )

    def _closed(self, way: Way, target: Subject) -> bool:
        """Return whether a way is known not to be open, whoever has the rights."""
        key = (target.namespace, target.name)
        if target.kind == SERVICE_ACCOUNT:
            if way.exists and self.accounts is not None and key not in self.accounts:
                return True
            return way.pods and self.pods is not None and key not in self.pods
        # The signer for API clients refuses a certificate for this group (admission plugin
        # CertificateSubjectRestriction).
        return way.route == NODE and target == _MASTERS

    def _need(self, need: Need, target: Subject) -> Holders:
        namespace = "" if need.everywhere else target.namespace
        name = need.name or (target.name if need.named else "")
        key = (need, namespace, name)
        known = self._holders.get(key)
        if known is None:
            known = self._holders[key] = any_of(self.graph, need, namespace, name)
        return known


def any_of(graph: AccessGraph, need: Need, namespace: str, name: str) -> Holders:
    """Return who holds any of a need's verbs, with all sources.

    A question without a name is also answered by rules that are restricted to names.
    """
    found: dict[Subject, tuple[Source, ...]] = {}
    for verb in need.verbs:
        attributes = Attributes(verb, need.group, need.resource, need.subresource, name, namespace)
        for subject, sources in graph.holders(attributes, any_name=not name).items():
            found[subject] = (*found.get(subject, ()), *sources)
    return found


def _together(actor: Subject, needs: Iterable[Holders]) -> tuple[Source, ...] | None:
    """Return the sources of all needs if ``actor``, with its own groups, has each; else None."""
    selves = (actor, *(Subject(GROUP, group) for group in implied_groups(actor)))
    sources: list[Source] = []
    for holders in needs:
        own = [source for self in selves for source in holders.get(self, ())]
        if not own:
            return None
        sources.extend(own)
    return tuple(dict.fromkeys(sources))
