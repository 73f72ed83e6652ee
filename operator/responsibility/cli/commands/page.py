"""``page``: who is responsible for what, for those who don't use a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    note,
    routes_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import say
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from responsibility.api.model import ResponsibilityModel
    from responsibility.api.record import Responsibility
    from responsibility.api.status import CommonStatus
    from responsibility.cli.answers.report import Report
    from responsibility.cli.selection.cluster_list import NamedCluster
    from responsibility.ownership.results.assessment import HubAssessment
    from responsibility.ownership.results.causes import Cause
    from responsibility.ownership.terms.agreement import Terms
    from responsibility.web.agreements import Todo
    from responsibility.web.overview import Counts
    from responsibility.web.tasks import Task

    Statuses = Mapping[str, CommonStatus | None]

# Owners of a task that are named where nobody can be reached.
_MOST_OWNERS = 3


@click.command(name="page")
@click.argument("hubs", metavar="[HUB]...", nargs=-1)
@click.option(
    "--findings",
    is_flag=True,
    help="Also say what differs, and so who can do what it should not: not for everybody's eyes.",
)
@click.option(
    "-o",
    "--output-dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a site instead: index.html with all hubs, and a page for each.",
)
@click.option(
    "--clusters",
    "listed",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one site about several clusters: a list of them, each with name, and context, "
    "kubeconfig or files.",
)
@click.option(
    "--contexts",
    metavar="CONTEXT,...",
    help="The same of the kubeconfig's contexts of these names.",
)
@at_option
@routes_option
@where_options
def command(
    *,
    where: Where,
    hubs: tuple[str, ...],
    findings: bool,
    output_dir: Path | None,
    listed: Path | None,
    contexts: str | None,
    moment: str | None,
    routes: bool,
) -> None:
    r"""Write who is responsible for what as a page, one file that a browser shows.

    A HUB is the name of its record, its namespace, or NAMESPACE/RELEASE; without one, all are on
    it. The page loads nothing and runs no program, so it can be mailed, printed, or put on any
    web server. It is as of the moment when it is written. Its filters are links: the address of
    one, such as index.html#only-drift or hub-coast.html#item/coast/data, can be sent to others.

    \b
    Examples:
      kubectl responsibility page leap-prod > leap.html
      kubectl responsibility page --findings > all.html
      kubectl responsibility page -o site
      kubectl responsibility page --findings -o site --clusters clusters.yaml

    Of several clusters, index.html has all hubs, the worst first, and each cluster a folder. One
    that doesn't answer is told there, and its pages of an earlier day stay; the exit code is 1.
    """
    from responsibility.cli.answers.report import Report
    from responsibility.web.agreements import agreements_page

    now = instant(moment)
    if listed is not None or contexts is not None:
        clusters = _clusters(where, listed, contexts, hubs, output_dir)
        assert output_dir is not None  # noqa: S101 - it was looked at
        _write_fleet(output_dir, clusters, now, routes=routes, findings=findings)
        return
    report = Report.load(where, now, routes=routes)
    report.tell_gaps()
    chosen = report.hubs(hubs)
    todo = _todo(report, chosen) if findings else None
    if output_dir is not None:
        _write_site(output_dir, chosen, report, todo)
        return
    page = agreements_page(
        chosen, report.assessment.now, todo, stale=report.stale, counts=_counts(report)
    )
    say(page.html, nl=False)


def _write_site(
    directory: Path,
    hubs: list[HubAssessment],
    report: Report,
    todo: Todo | None,
    *,
    home: str = "",
    told: bool = True,
) -> None:
    """Write the pages; one of a hub has no other hub's tasks on it, nor the cluster's."""
    from responsibility.web.agreements import Todo, agreements_page, filename, index_page

    now, stale = report.assessment.now, report.stale
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for hub in hubs:
            record = hub.agreement.record
            own = Todo({record: todo.hubs[record]}) if todo is not None else None
            page = agreements_page([hub], now, own, home="index.html", stale=stale)
            (directory / filename(hub)).write_text(page.html, encoding="utf-8")
        index = index_page(hubs, now, todo, stale=stale, counts=_counts(report), home=home)
        (directory / "index.html").write_text(index.html, encoding="utf-8")
    except OSError as error:
        raise CliError(f"--output-dir {directory}: {error.strerror or error}") from error
    if told:
        note(f"{counted(len(hubs) + 1, 'page')} written: open {directory / 'index.html'}")


def _clusters(
    where: Where,
    listed: Path | None,
    contexts: str | None,
    hubs: tuple[str, ...],
    directory: Path | None,
) -> list[NamedCluster]:
    """Return the clusters of a site; says what doesn't go together."""
    from responsibility.cli.selection import cluster_list

    if directory is None:
        raise click.UsageError("several clusters are a site: say where it is to be, with -o DIR")
    return cluster_list.clusters_of_options(where, listed, contexts, taken=bool(hubs))


def _write_fleet(
    directory: Path,
    clusters: list[NamedCluster],
    now: datetime,
    *,
    routes: bool,
    findings: bool,
) -> None:
    """Write a site for each cluster, and the page above them; some may not answer."""
    from responsibility.cli.answers.report import Report
    from responsibility.web.fleet import ClusterPages, fleet_page

    found = []
    for cluster in clusters:
        folder = directory / cluster.name
        try:
            report = Report.load(cluster.where, now, routes=routes)
        except CliError as error:
            warn(f"{cluster.name}: {error}")
            kept = (folder / "index.html").is_file()
            found.append(ClusterPages(cluster.name, cluster.name, answered=False, kept=kept))
            continue
        report.tell_gaps()
        hubs = report.hubs(())
        todo = _todo(report, hubs) if findings else None
        _write_site(folder, hubs, report, todo, home="../index.html", told=False)
        found.append(
            ClusterPages(
                cluster.name, cluster.name, hubs, _counts(report), _cluster_causes(report, hubs)
            )
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        page = fleet_page(found, now)
        (directory / "index.html").write_text(page.html, encoding="utf-8")
    except OSError as error:
        raise CliError(f"--output-dir {directory}: {error.strerror or error}") from error
    silent = sum(not each.answered for each in found)
    note(
        f"{counted(sum(len(each.hubs) for each in found), 'hub')} of "
        f"{counted(len(found), 'cluster')} written: open {directory / 'index.html'}"
    )
    if silent:
        raise CliError(f"{counted(silent, 'cluster')} could not be asked", code=Exit.NO)


def _cluster_causes(report: Report, hubs: list[HubAssessment]) -> list[int]:
    """Return how bad each cause of the whole cluster is."""
    from responsibility.web.published import severities

    models = dict.fromkeys(hub.agreement.terms.name for hub in hubs)
    if report.is_published:
        return [s for name in models for s in severities(report.view.models[name].status)]
    clusters = [report.assessment.clusters[name] for name in models]
    return [int(cause.severity) for each in clusters for cause in each.causes]


def _todo(report: Report, hubs: list[HubAssessment]) -> Todo:
    from responsibility.web.agreements import Todo
    from responsibility.web.published import published_todo

    view = report.view
    if report.is_published:
        agreements = [hub.agreement for hub in hubs]
        return published_todo(agreements, _statuses(view.records), _statuses(view.models))
    models = dict.fromkeys(hub.agreement.terms.name for hub in hubs)
    clusters = [report.assessment.clusters[name] for name in models]
    return Todo(
        {h.agreement.record: _tasks(report, h.causes, h.agreement.terms) for h in hubs},
        [task for each in clusters for task in _tasks(report, each.causes, each.terms)],
    )


def _tasks(report: Report, causes: Iterable[Cause], terms: Terms) -> list[Task]:
    from responsibility.ownership.results import plain_wording, wording
    from responsibility.ownership.results.plain_remedies import plain_remedy
    from responsibility.web.tasks import Task

    titles = {item.name: item.title for item in terms.items}
    found = []
    for cause in causes:
        parties = [party for finding in cause.findings for party in report.parties(finding)]
        found.append(
            Task(
                cause.severity.name.lower(),
                tuple(titles.get(item, item) for item in cause.items),
                plain_wording.summary(cause),
                wording.cause_remedy(cause),
                plain_remedy(cause.worst.kind),
                cause.worst.id,
                parties[0].label if parties else some(cause.worst.owners, _MOST_OWNERS),
                tuple(dict.fromkeys(party.contact for party in parties)),
            )
        )
    return found


def _counts(report: Report) -> Counts | None:
    """Return how many causes each hub has where the hubs themselves don't say."""
    from responsibility.web.published import published_counts

    return published_counts(_statuses(report.view.records)) if report.is_published else None


def _statuses(resources: Mapping[str, Responsibility | ResponsibilityModel]) -> Statuses:
    return {name: resource.status for name, resource in resources.items()}
