"""``can-i``: whether somebody may do something, and by what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from responsibility.cli.answers.decision import Decision, ViewAuthorizer
from responsibility.cli.sources.access_question import (
    AskedUser,
    ParsedQuestion,
    describe,
    question,
    who,
)
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.options import (
    Where,
    note,
    require_access,
    text_option,
    warn,
    where_options_without_as,
)
from responsibility.cli.terminal.errors import Exit
from responsibility.cli.terminal.output import clean, say, show, source_json, subject_json, wrapped
from responsibility.rbac.objects import Truth

if TYPE_CHECKING:
    from responsibility.kube.protocol import Client

_CODES = {Truth.YES: Exit.OK, Truth.NO: Exit.NO, Truth.UNKNOWN: Exit.UNKNOWN}


@click.command(name="can-i")
@click.argument("verb", required=False)
@click.argument("what", metavar="TYPE[.GROUP][/NAME] | URL", required=False)
@click.option("--subresource", default="", help="The subresource, such as log, exec or scale.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Ask about all namespaces at once.")
@click.option("--as", "user", metavar="USER", help="Ask about this user instead of yourself.")
@click.option(
    "--as-group",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="A group that the user is in; may be repeated. If named, the user is in no others (but "
    "system:authenticated).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing, just set the exit code.")
@click.option(
    "--requests",
    type=click.Path(),
    metavar="FILE",
    help="Answer a JSON or YAML list of SubjectAccessReview specs, as a JSON list in that order. "
    "- is standard input.",
)
@text_option
@where_options_without_as
@click.pass_context
def command(
    context: click.Context,
    *,
    where: Where,
    verb: str | None,
    what: str | None,
    subresource: str,
    all_namespaces: bool,
    user: str | None,
    groups: tuple[str, ...],
    quiet: bool,
    requests: str | None,
    output: str,
) -> None:
    r"""Say whether somebody may do something, and by which bindings.

    The arguments mean what they mean to `kubectl auth can-i`. The answer is yes, no or unknown:
    people may be in groups that only the identity provider knows, so name those with --as-group.
    A cluster is asked for its own word as well, since other authorizers may know more than RBAC.

    \b
    Examples:
      kubectl responsibility can-i get secrets/hub -n coast --as former-engineer@example.org
      kubectl responsibility can-i patch deploy/hub -n leap-prod --as someone --as-group leap-admins
      kubectl responsibility can-i list pods -n coast --as system:serviceaccount:ci:deployer
      kubectl responsibility can-i get /metrics --as someone

    Exit codes: 0 yes, 1 no, 3 unknown, 2 where it can't be asked.
    """
    if requests is not None:
        if verb or what or user or groups:
            raise click.UsageError("--requests says all that is asked: leave the rest away")
        from responsibility.cli.answers.requests import answer_file

        answer_file(requests, where, output)
        return
    if verb is None or what is None:
        raise click.UsageError(
            "two arguments are needed, a verb and a type, type/name or URL: can-i get pods"
        )
    if groups and user is None:
        raise click.UsageError("--as-group needs --as: name the user as well")
    namespace = "" if all_namespaces else where.current_namespace

    def understand(view: ClusterView) -> ParsedQuestion:
        asked = question(verb, what, view.types, subresource=subresource, namespace=namespace)
        for text in asked.warnings:
            warn(text)
        return asked

    if where.live:
        asked, person, decision = _live(where, namespace, user, groups, understand)
    else:
        if user is None:
            raise click.UsageError("files don't know who you are: say whom you mean with --as")
        view = where.load(Need.ACCESS | Need.TYPES)
        asked, person = understand(view), who(user, groups)
        decision = ViewAuthorizer(view).decide(person, asked.attributes)
    if not quiet:
        _show(output, asked, person, decision)
    context.exit(_CODES[decision.truth])


def _live(
    where: Where,
    namespace: str,
    user: str | None,
    groups: tuple[str, ...],
    understand: Callable[[ClusterView], ParsedQuestion],
) -> tuple[ParsedQuestion, AskedUser, Decision]:
    from responsibility.cli.sources import live

    async def work(api: Client) -> tuple[ClusterView, ParsedQuestion, AskedUser, bool | None]:
        listing = asyncio.create_task(
            live.gather(api, Need.ACCESS, namespace=namespace, scope=namespace)
        )
        try:
            # Discovery and identity first: they decide what the server itself is asked.
            types = await live.gather(api, Need.TYPES, namespace=namespace)
            person = AskedUser(*await live.whoami(api), complete=True) if user is None else None
            asked = understand(types)
            asker = person or who(user or "", groups)
            answer = await live.ask_for(api, asker, asked.attributes, ourselves=user is None)
            return await listing, asked, asker, answer
        finally:
            listing.cancel()
            # What it failed of, if it did, was told already.
            await asyncio.gather(listing, return_exceptions=True)

    view, asked, person, answer = where.run(work)
    denied = [kind for kind in view.denied if kind != "namespaces"]
    if denied and answer is None:
        require_access(view)
    if denied:
        note(
            f"you may not list {', '.join(denied)}, so this is the server's own word, without "
            "its sources"
        )
        truth = Truth.YES if answer else Truth.NO if person.complete else Truth.UNKNOWN
        reason = "" if answer or person.complete else f"{person.user} may be in further groups"
        return asked, person, Decision(truth, (), reason)
    return (
        asked,
        person,
        _agreed(ViewAuthorizer(view).decide(person, asked.attributes), answer),
    )


def _agreed(decision: Decision, answer: bool | None) -> Decision:
    """Return the answer in the light of what the server itself said (None: it didn't)."""
    if answer is None:
        return decision
    if answer and decision.truth is not Truth.YES:
        return Decision(Truth.YES, (), "by another authorizer than RBAC, as the server says")
    if not answer and decision.truth is Truth.YES:
        return Decision(
            Truth.NO, (), "the server refuses, although RBAC allows it: another authorizer does"
        )
    if not answer and decision.truth is Truth.UNKNOWN and not decision.sources:
        return Decision(Truth.NO, (), "the server refuses")
    return decision


def _show(output: str, asked: ParsedQuestion, person: AskedUser, decision: Decision) -> None:
    from responsibility.ownership.results import wording

    if output not in ("json", "yaml"):
        lines = [str(decision.truth)]
        if decision.truth is Truth.YES:
            lines.extend(f"  by {wording.source_text(source)}" for source in decision.sources)
        if decision.reason and not (decision.truth is Truth.NO and not decision.sources):
            lines[0] = f"{decision.truth}: {decision.reason}"
        if decision.truth is Truth.UNKNOWN:
            lines.extend(
                f"  would be by {wording.source_text(source)}" for source in decision.sources
            )
        say("\n".join(wrapped(clean(line)) for line in lines))
        return
    asked_json = {
        key: value
        for key in ("verb", "group", "resource", "subresource", "name", "namespace", "path")
        if (value := getattr(asked.attributes, key)) or (key == "verb")
    }
    show(
        output,
        {
            "question": describe(asked.attributes),
            "attributes": asked_json,
            "user": person.user,
            "groups": list(person.groups),
            "answer": str(decision.truth),
            "allowed": decision.allowed,
            "reason": decision.reason,
            "sources": [source_json(source) for source in decision.sources],
            "ifInGroups": [subject_json(group)["name"] for group in decision.holders],
        },
    )
