"""``who-can``: every subject that may do something, by every source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from responsibility.cli.answers.decision import pending_bindings
from responsibility.cli.sources.access_question import describe, question
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.options import (
    Where,
    note,
    output_option,
    routes_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import (
    Table,
    columns,
    people_first,
    show,
    source_json,
    subject_json,
    subject_name,
)
from responsibility.phrases import counted
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import Attributes, Binding, Source, Subject

if TYPE_CHECKING:
    from responsibility.rbac.escalation.steps import Route

Holder = tuple[Subject, tuple[Source, ...]]


@click.command(name="who-can")
@click.argument("verb")
@click.argument("what", metavar="TYPE[.GROUP][/NAME] | URL")
@click.option("--subresource", default="", help="The subresource, such as log, exec or scale.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in every namespace.")
@click.option(
    "--any-name",
    is_flag=True,
    help="Without a NAME: also list who may do it for certain names only.",
)
@routes_option
@output_option("table", "wide", "name", "json", "yaml")
@where_options
def command(
    *,
    where: Where,
    verb: str,
    what: str,
    subresource: str,
    all_namespaces: bool,
    any_name: bool,
    routes: bool,
    output: str,
) -> None:
    r"""List everybody who may do something, and by which bindings.

    All sources are listed, since taking one away leaves the others. Who is a member of a group is
    known to the identity provider only, so groups are listed as such. `bind clusterroles/NAME` asks
    with -n about RoleBindings in that namespace, and without it about ClusterRoleBindings.

    \b
    Examples:
      kubectl responsibility who-can get secrets/hub -n coast
      kubectl responsibility who-can create pods --subresource exec -n leap-prod
      kubectl responsibility who-can delete namespaces/atlas
      kubectl responsibility who-can bind clusterroles/admin -n coast
      kubectl responsibility who-can list secrets --all-namespaces -o json
      kubectl responsibility who-can update secrets/hub -n coast --routes
    """
    if routes and all_namespaces:
        raise CliError("routes lead to one place: name it with -n instead of --all-namespaces")
    namespace = "" if all_namespaces else where.current_namespace
    # A route may lead through any namespace, so all bindings are read.
    view = where.load(Need.ACCESS | Need.TYPES, scope="" if routes else namespace)
    asked = question(verb, what, view.types, subresource=subresource, namespace=namespace)
    # The namespace of the context is not one in which somebody wants to bind.
    asked = asked.of_binding("" if all_namespaces else where.namespace or "")
    for text in asked.warnings:
        warn(text)
    attributes = asked.attributes
    everywhere = all_namespaces and not attributes.path and not attributes.namespace
    found = list(_holders(view, attributes, everywhere=everywhere, any_name=any_name))
    pending = _pending(view, None if everywhere else attributes, found)
    if not any_name:
        _hint(view, attributes, everywhere=everywhere, known=found)
    if pending:
        missing = ", ".join(dict.fromkeys(str(binding.role) for binding in pending[:3]))
        note(
            f"{counted(len(pending), 'binding')} may let more subjects do this, since their roles "
            f"are not in the files: {missing}{'…' if len(pending) > 3 else ''}"
        )
    ways = _ways(view, attributes) if routes else {}
    show(
        output,
        {
            "question": describe(attributes),
            "allNamespaces": everywhere,
            "subjects": [
                {"subject": subject_json(subject), "sources": [source_json(s) for s in sources]}
                for subject, sources in found
            ],
            **(
                {
                    "routes": [
                        {
                            "subject": subject_json(subject),
                            "route": route[0].route,
                            "steps": [str(step) for step in route],
                        }
                        for subject, route in ways.items()
                    ]
                }
                if routes
                else {}
            ),
            "unknown": [
                {"binding": str(binding.key), "role": str(binding.role)} for binding in pending
            ],
        },
        Table(
            columns("KIND", "SUBJECT", "NAMESPACE", detail=("SOURCE",), wide=("RULE", "NAMES")),
            [
                *(row for holder in found for row in _rows(*holder)),
                *(
                    [
                        s.kind,
                        subject_name(s),
                        "",
                        f"by {r[0].route}: {', then '.join(map(str, r))}",
                        "",
                        "",
                    ]
                    for s, r in ways.items()
                ),
            ],
            empty=f"nobody can {describe(attributes)}",
            names=[_name(subject) for subject, *_ in (*found, *ways.items())],
        ),
    )


def _holders(
    view: ClusterView, attributes: Attributes, *, everywhere: bool, any_name: bool
) -> Iterator[Holder]:
    """Yield every subject with all sources, groups first.

    Cluster-wide bindings, and those of the namespace asked about; or of each, for all of them.
    """
    graph = view.graph
    found: dict[Subject, dict[Source, None]] = {}
    namespaces = {key.namespace for key in graph.bindings} - {""} if everywhere else ()
    parts = [graph.holders(attributes, any_name=any_name)]
    parts.extend(
        graph.namespace_holders(replace(attributes, namespace=each), any_name=any_name)
        for each in sorted(namespaces)
    )
    for part in parts:
        for subject, sources in part.items():
            found.setdefault(subject, {}).update(dict.fromkeys(sources))
    for subject in sorted(found, key=people_first):
        yield subject, tuple(found[subject])


def _ways(view: ClusterView, attributes: Attributes) -> dict[Subject, Route]:
    """Return who could obtain it, each with a shortest route; not who has it already."""
    from responsibility.rbac.escalation.graph import EscalationGraph, routes_to

    found = routes_to(EscalationGraph(view.graph, view.accounts), attributes)
    return {s: found[s] for s in sorted(found, key=people_first) if found[s]}


def _pending(
    view: ClusterView, attributes: Attributes | None, found: list[Holder]
) -> list[Binding]:
    """Return the bindings to roles not in the files that may add somebody to the list."""
    known = {subject for subject, _ in found}
    return [
        binding
        for binding in pending_bindings(view, attributes)
        if not known.issuperset(map(canonical, binding.subjects))
    ]


def _name(subject: Subject) -> str:
    """Return a subject as ``--subject`` takes it."""
    return f"{str(subject.kind).lower()}/{subject_name(subject)}"


def _hint(
    view: ClusterView, attributes: Attributes, *, everywhere: bool, known: list[Holder]
) -> None:
    if attributes.name or attributes.path:
        return
    loosely = _holders(view, attributes, everywhere=everywhere, any_name=True)
    more = {subject for subject, _ in loosely} - {subject for subject, _ in known}
    if more:
        note(
            f"{counted(len(more), 'more subject')} may do this for certain names only: "
            "--any-name lists them, /NAME asks about one"
        )


def _rows(subject: Subject, sources: tuple[Source, ...]) -> Iterator[list[str]]:
    for source in sources:
        binding = source.binding
        scope = (binding.namespace or "*") if binding else "*"
        yield [
            subject.kind,
            subject_name(subject),
            scope,
            source.binding_text + (f" ({', '.join(source.names)})" if source.names else ""),
            str(source.rule + 1) if binding else "",
            ",".join(source.names),
        ]
