"""``review``: whose approval a change to files needs, for pull requests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from responsibility.cli.sources.cluster_view import Need
from responsibility.cli.sources.folders import Ignored
from responsibility.cli.sources.options import (
    Where,
    at_option,
    ignore_option,
    instant,
    note,
    output_option,
)
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import say, show

if TYPE_CHECKING:
    from responsibility.cli.review.agreements import Agreements
    from responsibility.cli.review.layout import Layout, LayoutReader
    from responsibility.cli.review.trees import Tree
    from responsibility.cli.review.values_files import ValuesFile

_HANDLE = "PARTY=HANDLE"


@click.command(name="review")
@click.option(
    "--base",
    required=True,
    metavar="REF|FOLDER",
    help="What there is now: a revision of the Git repository, such as origin/main, or a folder. "
    "Its records say whose everything is.",
)
@click.option(
    "--head",
    default=".",
    show_default=True,
    metavar="REF|FOLDER",
    help="What there would be: a folder, or another revision.",
)
@click.option(
    "--as",
    "author",
    metavar="PARTY|USER",
    help="Who makes the change: a party, as RECORD/PARTY where several hubs have one of that name, "
    "or a user of Kubernetes, as user:NAME where somebody else chose the name, or account:NAME, "
    "an account that --accounts knows. Without it, "
    "everything needs its owner's approval.",
)
@click.option(
    "--as-group",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="A group of the user; may be repeated.",
)
@click.option(
    "--accounts",
    metavar="PATH",
    help="A file of the base that says for which parties accounts of the forge act, with --as "
    "account:NAME: accounts: {octocat: [leap-prod/community]}.",
)
@click.option(
    "--records",
    multiple=True,
    metavar="PATH",
    type=click.Path(),
    help="Where the records and models are, if not everywhere in the base: a file or folder of the "
    "base, or one outside of both. May be repeated.",
)
@click.option("--live", is_flag=True, help="Take the records and models from the cluster.")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="The kubeconfig to use with --live (default: $KUBECONFIG, else ~/.kube/config).",
)
@click.option("--context", "named", help="The kubeconfig's context to use.")
@click.option(
    "--hubs",
    "listing",
    metavar="PATH",
    help="A file of the base that lists the hubs, where no cluster.yaml does: hubs: [{namespace, "
    "release, cluster, values: [FILE], chart, under}].",
)
@click.option(
    "--handle",
    "handles",
    multiple=True,
    metavar=_HANDLE,
    help="With -o codeowners: what a party is called there, such as provider=@org/engineers. May "
    "be repeated.",
)
@ignore_option
@at_option
@output_option("table", "wide", "name", "markdown", "github", "json", "yaml", "codeowners")
@click.pass_context
def command(
    context: click.Context,
    *,
    base: str,
    head: str,
    author: str | None,
    groups: tuple[str, ...],
    accounts: str | None,
    records: tuple[str, ...],
    live: bool,
    kubeconfig: Path | None,
    named: str | None,
    listing: str | None,
    handles: tuple[str, ...],
    ignored: Ignored,
    moment: str | None,
    output: str,
) -> None:
    r"""Say whose approval a change needs: of hubs' Helm values, charts, objects and records.

    Each setting that changes belongs to an item of the model, and each item to a party: by the
    records of the base, whatever the change makes of them. Exit code 0 where the author may do all
    of it, as owner, or as delegate until its date and inside its bounds; 1 where others have to
    approve. What no record speaks of is for whoever keeps the records.

    What --ignore names needs nobody, unless a hub is given it, or a record is in it.

    Hubs are found by the files cluster.yaml, which list them with their values; --hubs names a
    file for any other layout. Of encrypted files (sops), only the names of settings are looked at.

    \b
    Examples:
      kubectl responsibility review --base origin/main --as provider
      kubectl responsibility review --base origin/main --as leap-prod/community -o markdown
      kubectl responsibility review --base origin/main --head HEAD --records records -o json
      kubectl responsibility review --base origin/main -o codeowners --handle provider=@org/sre
    """
    from responsibility.cli.review import formats
    from responsibility.cli.review.accounts import PREFIX, author_of_account
    from responsibility.cli.review.answer import as_json
    from responsibility.cli.review.author import author_of
    from responsibility.cli.review.judgement import TreeComparison
    from responsibility.cli.review.layout import LayoutReader
    from responsibility.cli.review.trees import base_of, both

    if live and records:
        raise click.UsageError("--live and --records name two places for the records: use one")
    if (kubeconfig or named) and not live:
        raise click.UsageError("--kubeconfig and --context are for --live")
    names = _handles(handles)
    old, new = both(base, head) if output != "codeowners" else (base_of(base, Path()),) * 2
    reader = LayoutReader()
    listed = _listing(reader, old, listing)
    before = reader.layout(old, listed)
    after = reader.layout(new, listed) if output != "codeowners" else before
    where = Where(kubeconfig=kubeconfig, context=named)
    agreements = _agreements(old, new, before, records, where if live else None)
    if not agreements:
        raise CliError(
            "there is no record in the base, so nobody can tell whose anything is: say where the "
            "records are, with --records or --live"
        )
    if output == "codeowners":
        say(formats.owners_file(before, agreements, names))
        return
    now: datetime = instant(moment)
    if accounts is not None:
        if not author or not author.startswith(PREFIX) or groups:
            raise click.UsageError("--accounts is for --as account:NAME, alone")
        known = _of_base(reader, old, accounts, "--accounts")
        who = author_of_account(author.removeprefix(PREFIX), known, agreements)
    elif author and author.startswith(PREFIX):
        raise click.UsageError(f"--as {author}: say with --accounts which file knows accounts")
    else:
        who = author_of(author, groups, agreements)
    reviewer = TreeComparison(old, new, before, after, agreements, who, now, reader, ignored)
    judged = reviewer.judge()
    writers = {"markdown": formats.markdown, "github": formats.github}
    if output in writers:
        say(writers[output](judged))
    else:
        show(output, as_json(judged, base, head), formats.table(judged))
    context.exit(Exit.NO if judged.needed else Exit.OK)


def _listing(reader: LayoutReader, base: Tree, path: str | None) -> ValuesFile | None:
    """Return the file that lists hubs, of the base: a change can't say what it is about."""
    return None if path is None else _of_base(reader, base, path, "--hubs")


def _of_base(reader: LayoutReader, base: Tree, path: str, option: str) -> ValuesFile:
    inside = path.removeprefix("./")
    if inside not in base.ids:
        raise CliError(f"{option} {path}: there is no such file in the base {base.name}")
    return reader.file(base, inside)


def _agreements(
    base: Tree, head: Tree, layout: Layout, records: tuple[str, ...], live: Where | None
) -> Agreements:
    from responsibility.cli.review import agreements

    if live is not None:
        view = live.load(Need.OWNERSHIP, complete=False)
        return agreements.Agreements(
            layout, live_records=list(view.records.values()), live_models=dict(view.models)
        )
    if records:
        return agreements.in_files(records, base, head, layout, note)
    return agreements.in_tree(base, layout)


def _handles(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in given:
        party, equals, handle = each.partition("=")
        if not equals or not party or not handle or len(handle.split()) != 1:
            raise click.UsageError(f"--handle {each}: write {_HANDLE}")
        found[party] = handle
    return found
