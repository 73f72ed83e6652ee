"""``init``: a draft of a record for each hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

import click

from responsibility.cli.selection.cluster_list import clusters_of_options
from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    instant,
    note,
    output_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import say, to_json
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.cli.drafting.drafts import RecordDraft
    from responsibility.cli.drafting.hub_table import HubRow
    from responsibility.cli.selection.cluster_list import NamedCluster
    from responsibility.hub.discovery import HubKey

# Hubs that a note names.
_MOST_NAMED: Final = 8


@click.command(name="init")
@click.argument("hubs", metavar="[HUB]...", nargs=-1)
@click.option(
    "-d",
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file a record into this folder, instead of all to standard output. Files that "
    "are there stay as they are.",
)
@click.option(
    "--from",
    "table",
    type=click.Path(path_type=Path),
    metavar="HUBS.csv|FOLDER",
    help="A table of your hubs with the columns hub (NAMESPACE or NAMESPACE/RELEASE), displayName, "
    "community, email, url, groups, users and, for several clusters, cluster; all but hub may be "
    "left out or empty. Several groups or users of one hub have a semicolon between them. Or a "
    "folder of your own files: one of a cluster, with a cluster.yaml that lists its hubs, or one "
    "with a folder for each cluster.",
)
@click.option(
    "--clusters",
    "listed",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draft for all hubs of several clusters: a list of them, as `page` takes it. Each has a "
    "folder of its own below -d, and its name before those of its records.",
)
@click.option(
    "--contexts",
    metavar="CONTEXT,...",
    help="The same of the kubeconfig's contexts of these names.",
)
@click.option(
    "--agreed",
    is_flag=True,
    help="Write down as agreed how much memory, processor and storage sessions have today, by the "
    "hub's Secret with its values, which you need to be able to read.",
)
@output_option("yaml", "json", default="yaml")
@where_options
def command(
    *,
    where: Where,
    hubs: tuple[str, ...],
    directory: Path | None,
    table: Path | None,
    listed: Path | None,
    contexts: str | None,
    agreed: bool,
    output: str,
) -> Exit:
    r"""Draft a record for each hub that has none, from the model and from who holds what today.

    A HUB is its namespace, or NAMESPACE/RELEASE. Groups that hold rights in the hub's namespace
    are taken for the community's; single users and ServiceAccounts are left as comments, to be
    decided. Where a table names groups or users of a hub, those are the community's, and all others
    are left as comments. Review the drafts before you apply them: rights that are there are not
    always meant.

    \b
    Examples:
      kubectl responsibility init
      kubectl responsibility init --directory drafts/
      kubectl responsibility init coast atlas -f ./manifests
      kubectl responsibility init --from hubs.csv --directory records/
      kubectl responsibility init --from config/clusters/leap --directory records/
      kubectl responsibility init --agreed
      kubectl responsibility init -o json
      kubectl responsibility init --clusters clusters.yaml --from hubs.csv -d records/

    A file that is there stays as it is; the exit code is then 1, as it is where one of several
    clusters could not be asked.
    """
    if listed is not None or contexts is not None:
        several = clusters_of_options(where, listed, contexts, taken=bool(hubs))
        if directory is None:
            raise click.UsageError("drafts for several clusters are files: say where, with -d DIR")
        return _draft_several(several, directory, table, output, agreed=agreed)
    drafted = _drafted(where, hubs, _rows(table, ""), agreed=agreed)
    texts = _as_asked(drafted, output)
    if directory is not None:
        code = _told(directory, *_write(directory, texts, output))
        _tell_questions(list(drafted.values()))
        return code
    if output == "json":
        items = [_parsed(draft.text) for draft in drafted.values()]
        say(to_json({"apiVersion": "v1", "kind": "List", "items": items}))
    else:
        say("---\n".join(texts.values()), nl=False)
    return Exit.OK


def _draft_several(
    clusters: Sequence[NamedCluster],
    directory: Path,
    table: Path | None,
    output: str,
    *,
    agreed: bool,
) -> Exit:
    """Write the drafts of all clusters, a folder for each; some may not answer."""
    written = left = silent = 0
    every: list[RecordDraft] = []
    for cluster in clusters:
        try:
            rows = _rows(table, cluster.name)
            found = _drafted(cluster.where, (), rows, agreed=agreed, cluster=cluster.name)
        except CliError as error:
            warn(f"{cluster.name}: {error}")
            silent += 1
            continue
        folder = directory / cluster.name
        here, there = _write(folder, _as_asked(found, output), output)
        written, left = written + here, left + there
        every += found.values()
    code = _told(directory, written, left)
    _tell_questions(every)
    if silent:
        warn(f"{counted(silent, 'cluster')} could not be asked")
    return Exit.NO if silent else code


def _rows(table: Path | None, cluster: str) -> Mapping[str, HubRow]:
    """Return what a table, or a folder of files, says of the hubs of a cluster."""
    from responsibility.cli.drafting import cluster_files, hub_table

    if table is None:
        return {}
    if table.is_dir():
        return cluster_files.read(table, cluster)
    return hub_table.read(table, cluster)


def _drafted(
    where: Where,
    hubs: Sequence[str],
    known: Mapping[str, HubRow],
    *,
    agreed: bool,
    cluster: str = "",
) -> dict[str, RecordDraft]:
    """Return the drafts for one cluster, by the name of the record."""
    from responsibility.cli.answers.report import Report
    from responsibility.cli.drafting import drafts, settings

    if agreed and not where.live:
        raise CliError("--agreed reads what hubs are set to: it takes a cluster, not files")
    view = where.load(ALL)
    drafts.have_a_model(view)
    report = Report.of(view, instant(None))
    chosen = drafts.choose(report, hubs)
    values = where.run(lambda client: settings.read(client, chosen)) if agreed else {}
    found = drafts.draft_all(report, chosen, known, values, cluster=cluster)
    if known:
        _tell_difference([hub.key for hub in chosen], known, everything=not hubs)
    if not found:
        note(f"{f'{cluster}: ' if cluster else ''}every hub has a record")
    return found


def _as_asked(drafted: Mapping[str, RecordDraft], output: str) -> dict[str, str]:
    """Return the drafts in the form that was asked for; JSON has none of the remarks."""
    if output != "json":
        return {name: draft.text for name, draft in drafted.items()}
    return {name: to_json(_parsed(draft.text)) + "\n" for name, draft in drafted.items()}


def _tell_questions(drafted: Sequence[RecordDraft]) -> None:
    """Say what is to be decided, whoever it is about once, and on how many hubs.

    It stands in the drafts as well; of a hundred, nobody would look for it in each.
    """
    asking = sum(bool(draft.questions) for draft in drafted)
    if not asking:
        return
    counts = Counter(question for draft in drafted for question in draft.questions)
    strange = [(q, number) for q, number in counts.most_common() if not q.meant]
    absent = [q for q in counts if q.meant]
    note(f"{counted(asking, 'draft')} of {len(drafted)} ask something:")
    if strange:
        who = [f"{q.subject} ({counted(number, 'hub')})" for q, number in strange]
        note(f"hold rights and are nobody's: {some(who, _MOST_NAMED)}")
    if absent:
        who = [f"{q.subject} (is {q.meant} meant?)" for q in absent]
        note(f"are named and hold nothing: {some(who, _MOST_NAMED)}")


def _tell_difference(
    chosen: Sequence[HubKey], known: Mapping[str, HubRow], *, everything: bool
) -> None:
    """Say which hubs the table leaves out and, where all are drafted, which lines are of none."""
    from responsibility.cli.drafting.drafts import row_of

    used = {row.line for key in chosen if (row := row_of(key, known)) is not None}
    without = [str(key) for key in chosen if row_of(key, known) is None]
    if without:
        note(f"what --from names has no line about {some(without, _MOST_NAMED)}")
    unused = [row.hub for row in known.values() if row.line not in used]
    if unused and everything:
        note(
            f"no draft for {some(unused, _MOST_NAMED)}, which --from names: there is no such hub "
            "here, or it has a record"
        )


def _parsed(text: str) -> object:
    import yaml

    return yaml.safe_load(text)


def _write(directory: Path, texts: Mapping[str, str], suffix: str) -> tuple[int, int]:
    """Write the drafts; return how many were, and how many were there already."""
    written = 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = directory / f"{name}.{suffix}"
            try:
                # Never over a file that is there, not even one that came a moment ago.
                with path.open("x", encoding="utf-8") as file:
                    file.write(text)
            except FileExistsError:
                warn(f"{path} is there already and stays as it is")
            else:
                written += 1
                say(str(path))
    except OSError as error:
        raise CliError(f"{error.filename}: {error.strerror}") from None
    return written, len(texts) - written


def _told(directory: Path, written: int, left: int) -> Exit:
    """Say how many were written, and what to do next; that one was not is no success."""
    where = quote(str(directory))
    note(f"{counted(written, 'draft')} written: review them, then kubectl apply -R -f {where}")
    return Exit.NO if left else Exit.OK
