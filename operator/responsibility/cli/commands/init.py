"""``init``: a draft of a record for each hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import Where, instant, note, output_option, where_options
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import say, to_json
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.cli.drafting.hub_table import HubRow
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
    "community, email, url, groups and users; all but hub may be left out or empty. Several groups "
    "or users of one hub have a semicolon between them. Or a folder of your own files: one of a "
    "cluster, with a cluster.yaml that lists its hubs, or one with a folder for each cluster.",
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
    agreed: bool,
    output: str,
) -> None:
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
    """
    from responsibility.cli.answers.report import Report
    from responsibility.cli.drafting import cluster_files, drafts, hub_table, settings

    if agreed and not where.live:
        raise CliError("--agreed reads what hubs are set to: it takes a cluster, not files")
    reader = cluster_files if table is not None and table.is_dir() else hub_table
    known = reader.read(table) if table is not None else {}
    view = where.load(ALL)
    drafts.have_a_model(view)
    report = Report.of(view, instant(None))
    chosen = drafts.choose(report, hubs)
    values = where.run(lambda client: settings.read(client, chosen)) if agreed else {}
    texts = drafts.draft_all(report, chosen, known, values)
    if known:
        _tell_difference([hub.key for hub in chosen], known, everything=not hubs)
    if not texts:
        note("every hub has a record")
    parsed = {name: _parsed(text) for name, text in texts.items()} if output == "json" else {}
    if directory is not None:
        # Remarks are for those who read YAML: JSON has none.
        texts |= {name: to_json(draft) + "\n" for name, draft in parsed.items()}
        _write(directory, texts, output)
    elif output == "json":
        say(to_json({"apiVersion": "v1", "kind": "List", "items": [*parsed.values()]}))
    else:
        say("---\n".join(texts.values()), nl=False)


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


def _write(directory: Path, texts: dict[str, str], suffix: str) -> None:
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
                note(f"{path} is there already and stays as it is")
            else:
                written += 1
                say(str(path))
    except OSError as error:
        raise CliError(f"{error.filename}: {error.strerror}") from None
    where = quote(str(directory))
    note(f"{counted(written, 'draft')} written: review them, then kubectl apply -f {where}")
