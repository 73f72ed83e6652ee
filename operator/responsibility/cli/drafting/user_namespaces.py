"""Namespaces of a hub's users: those that a hub makes for them, and who has been let into them.

KubeSpawner gives each user a namespace of their own where ``enable_user_namespaces`` is set, by
default named ``{hubnamespace}-{username}`` (``user_namespace_template`` in ``spawner.py``). What is
set stands in no object that everybody may read, but it takes a ServiceAccount of the hub that may
create Namespaces. A record is about one namespace, so what is in the others is asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from responsibility.cli.answers.report import Report
from responsibility.cli.terminal.output import clean
from responsibility.hub.discovery import Hub, discover
from responsibility.phrases import counted, some
from responsibility.rbac.escalation.techniques_into import account_namespace
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, Attributes, Source, Subject

_CREATES = Attributes("create", "", "namespaces")
_MOST_NAMED = 3
_MOST_BINDINGS = 10


@dataclass(frozen=True, slots=True)
class UserNamespaces:
    """A hub that may make namespaces: as whom, by what, and those that are named like its users'.

    ``let_in`` is who else holds something in one of these, a line for each binding.
    """

    makers: tuple[tuple[Subject, Source], ...]
    there: tuple[str, ...]
    let_in: tuple[str, ...]


def _is_an_account_of(subject: Subject, namespace: str) -> bool:
    """Return whether a ServiceAccount of a namespace is meant, by itself or by its groups."""
    if subject.kind == SERVICE_ACCOUNT:
        return subject.namespace == namespace
    return subject.kind == GROUP and account_namespace(subject.name) in ("", namespace)


def user_namespaces(report: Report, hub: Hub) -> UserNamespaces | None:
    """Return what there is of it; None for a hub that can't make namespaces."""
    graph, own = report.view.graph, hub.key.namespace
    makers = tuple(
        (subject, sources[0])
        for subject, sources in sorted(graph.cluster_holders(_CREATES).items())
        if _is_an_account_of(subject, own)
    )
    if not makers:
        return None
    hubs = {key.namespace for key in discover(report.view.deployments)}
    # A hub whose name begins with this one's has users of its own.
    longer = tuple(f"{each}-" for each in hubs if each.startswith(f"{own}-"))
    there = sorted(
        name
        for name in report.view.namespaces
        if name.startswith(f"{own}-") and name not in hubs and not name.startswith(longer)
    )
    inside = frozenset(there)
    let_in = [
        f"{', '.join(map(str, others))}: {key} to {binding.role}"
        for key, binding in sorted(graph.bindings.items())
        if key.namespace in inside
        and (others := [s for s in binding.subjects if not _is_at_home(s, own, key.namespace)])
    ]
    return UserNamespaces(makers, tuple(there), tuple(let_in))


def questions(found: UserNamespaces, hub: Hub) -> Iterator[str]:
    """Yield what a person has to decide about them, as the lines of a comment."""
    own = hub.key.namespace
    yield "This hub may make namespaces. Do its users have one each (enable_user_namespaces)?"
    for subject, source in found.makers:
        yield f"  {clean(f'{subject}: {source.binding_text}')}"
    yield f"A record is about {own} alone: what holds on the whole cluster is found, what somebody"
    yield "is given in a namespace of a user is not. Look at these now and then:"
    named = some([clean(name) for name in found.there], _MOST_NAMED) or "none"
    yield f"  namespaces named {own}-…: {named}"
    for line in found.let_in[:_MOST_BINDINGS]:
        yield f"  {clean(line)}"
    if (left := len(found.let_in) - _MOST_BINDINGS) > 0:
        yield f"  and {counted(left, 'binding')} more"


def _is_at_home(subject: Subject, own: str, namespace: str) -> bool:
    """Return whether it is a program of the hub, or of the user's own namespace."""
    return subject.kind == SERVICE_ACCOUNT and subject.namespace in (own, namespace)
