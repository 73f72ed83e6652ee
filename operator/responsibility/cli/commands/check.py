"""``check``: manifests held against what is agreed, for pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from responsibility.api.foreign_text import harmless
from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.folders import Ignored
from responsibility.cli.sources.options import (
    Where,
    at_option,
    ignore_option,
    instant,
    note,
    output_option,
    routes_option,
    where_options,
)
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import Table, columns, say, show
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.cli.answers.formats import Checked
    from responsibility.cli.answers.report import Report

# Of what a change adds and no file says the objects of.
_UNREAD = (
    "this is new, and nothing of it was checked: give what `helm template` or `kubectl kustomize` "
    "makes of it, or say with --ignore that it is not applied from here"
)
# Items that a line of causes names.
_MOST_ITEMS = 3


@click.command(name="check")
@at_option
@routes_option
@output_option(
    *("table", "wide", "name", "json", "yaml", "junit", "sarif", "markdown", "github"),
    default="table",
)
@click.option(
    "--base",
    metavar="REF|FOLDER",
    help="Tell, and fail for, only what is new against this: a revision of the Git repository that "
    "the files are in, such as origin/main, or a folder with the files as they are now.",
)
@click.option(
    "--fail-on",
    type=click.Choice(("high", "medium", "low")),
    default="low",
    show_default=True,
    help="Exit with 1 only for drift at least this severe.",
)
@click.option(
    "--allow-empty",
    is_flag=True,
    help="Take it for fine that there is no record among the files.",
)
@ignore_option
@where_options
@click.pass_context
def command(
    context: click.Context,
    *,
    where: Where,
    moment: str | None,
    routes: bool,
    base: str | None,
    fail_on: str,
    allow_empty: bool,
    ignored: Ignored,
    output: str,
) -> None:
    r"""Check manifests without a cluster: RBAC, hubs, records and models, for pull requests.

    Exit code 1 where something differs from what is agreed, or a record can't be followed. What
    only asks for attention, such as a review that is due, is told and doesn't fail. What isn't in
    the files is unknown, not absent: a hub that a record names is taken to be there, and what an
    owner holds is unknown where no binding names it. Without any record, nothing was checked:
    exit code 2.

    \b
    Examples:
      kubectl responsibility check -f ./manifests -f records/
      kubectl responsibility check -f rbac.yaml -f records/ -o markdown
      helm template coast jupyterhub | kubectl responsibility check -n coast -f - -f records/
      kubectl responsibility check -f . -o sarif > responsibility.sarif
      kubectl responsibility check -f . --base origin/main --fail-on medium -o markdown
    """
    if not where.files:
        raise click.UsageError("say which manifests to check: -f PATH (`drift` checks a cluster)")
    from responsibility.cli.answers import formats
    from responsibility.cli.answers.report import Report
    from responsibility.ownership.results.severity import Severity

    where = replace(where, ignored=ignored)
    report = Report.of(where.load(ALL), instant(moment), routes=routes)
    if not allow_empty:
        _something_to_check(report)
    checked = formats.Checked(
        report,
        tuple(report.findings()),
        _problems(report),
        Severity[fail_on.upper()],
    )
    if base is not None:
        checked = _compared(checked, _base(base, where, instant(moment), routes=routes), base)
    writers = {
        "junit": formats.junit,
        "sarif": formats.sarif,
        "markdown": formats.markdown,
        "github": formats.github,
    }
    if output in writers:
        text = writers[output](checked)
        if text:
            say(text)
    else:
        show(output, formats.as_json(checked), *_tables(checked, each=output == "wide"))
    context.exit(Exit.NO if checked.failed else Exit.OK)


def _base(base: str, where: Where, now: datetime, *, routes: bool) -> Report:
    """Return what there was before. Raises CliError where that can't be read."""
    from responsibility.cli.answers.report import Report
    from responsibility.cli.sources import offline
    from responsibility.cli.sources.cluster_view import ClusterView
    from responsibility.cli.sources.git import base as git_base

    def load(paths: Sequence[str]) -> ClusterView:
        if not paths:
            return ClusterView(live=False, namespace=where.namespace or "default")
        # What is passed over there, and what is assumed, has been told of the change itself.
        return offline.load(
            paths,
            ALL,
            namespace=where.namespace,
            assume_roles=where.default_roles,
            version=where.kubernetes,
            ignored=where.ignored,
        )

    try:
        if git_base.is_folder(base, Path()):
            return Report.of(load([base]), now, routes=routes)
        with git_base.files_at(base, where.files) as paths:
            return Report.of(load(paths), now, routes=routes)
    except CliError as error:
        raise CliError(f"the base can't be read: {error}") from None


def _compared(checked: Checked, before: Report, base: str) -> Checked:
    """Return what is new, and beside it what else there is."""
    from responsibility.cli.answers import formats
    from responsibility.cli.answers.simulate import difference

    changes = difference(before.findings(), checked.findings)
    known = set(_refusals(before))
    was = set(before.view.unread)
    unread = [(harmless(each), _UNREAD) for each in checked.report.view.unread if each not in was]
    return replace(
        checked,
        findings=changes.appear,
        problems=(*(each for each in checked.problems if each not in known), *unread),
        comparison=formats.Comparison(
            base, changes.go, len(checked.findings) - len(changes.appear)
        ),
    )


def _refusals(report: Report) -> list[tuple[str, str]]:
    """Return the records that can't be followed, each with the reason."""
    assessment = report.assessment
    found = [
        (refused.name, refused.message)
        for refused in (*assessment.refused_models.values(), *assessment.refused_records.values())
    ]
    for hub in assessment.hubs.values():
        record = hub.agreement.record
        found.extend((record, str(problem)) for problem in hub.agreement.problems)
    return found


def _problems(report: Report) -> tuple[tuple[str, str], ...]:
    for hub in report.assessment.hubs.values():
        record = hub.agreement.record
        if hub.hub is None:
            note(f"{record}: there is no hub {hub.agreement.hub}, so it wasn't checked")
    assumed = sorted(map(str, report.view.assumed_hubs()))
    if assumed:
        note(
            f"not in the files, so taken to be there as the chart names its objects: "
            f"{counted(len(assumed), 'hub')}, {some(assumed, 3)}"
        )
    return tuple(_refusals(report))


def _something_to_check(report: Report) -> None:
    """Raise CliError where there is no record: what nothing is agreed on can't differ."""
    assessment = report.assessment
    if assessment.hubs or assessment.refused_records:
        return
    raise CliError(
        "there is no record in these files, so there is nothing to hold them against: add the "
        "records with another -f, or say --allow-empty if that is as it should be"
    )


def _tables(checked: Checked, *, each: bool) -> list[Table]:
    """Return what can't be followed, and a line for each cause, or for ``each`` finding."""
    from responsibility.cli.answers.fixes import fix_in_files
    from responsibility.cli.answers.locations import location_of
    from responsibility.cli.answers.report import place_text, whom
    from responsibility.ownership.results import wording
    from responsibility.ownership.results.causes import causes, causes_text

    hubs = counted(len(checked.report.assessment.hubs), "record")
    tables = []
    if checked.problems:
        rows = [[name, text] for name, text in checked.problems]
        tables.append(Table(columns("RECORD", "PROBLEM"), rows, title="can't be followed:"))
    grouped = causes(checked.findings)
    lines = [
        (finding, cause.findings, (finding.item,) if each else cause.items)
        for cause in grouped
        for finding in (cause.findings if each else cause.findings[:1])
    ]
    rows = [
        [
            finding.severity.name.lower(),
            finding.kind,
            place_text(finding),
            some(items, _MOST_ITEMS),
            whom(finding),
            str(location_of(checked.report, finding) or "-"),
            fix_in_files(checked.report, whole),
            wording.message(finding),
            "; ".join(wording.source_texts(finding.sources)) or "-",
        ]
        for finding, whole, items in lines
    ]
    tables.append(
        Table(
            columns(
                *("SEVERITY", "KIND", "HUB", "ITEM", "WHO"),
                detail=("PLACE", "FIX"),
                wide=("MESSAGE", "SOURCES"),
            ),
            rows,
            empty="nothing differs from what is agreed"
            if checked.comparison is None
            else "nothing new differs from what is agreed",
            footer=checked.summary or f"{causes_text(grouped)} in {hubs}",
            names=[finding.id for finding, _, _ in lines],
        )
    )
    return tables
