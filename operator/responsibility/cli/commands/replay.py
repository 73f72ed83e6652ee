"""``replay``: who would have been warned or refused, by what an audit log remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from responsibility.api.stages import AdmissionStage
from responsibility.cli.sources.cluster_view import Need
from responsibility.cli.sources.options import (
    Where,
    instant,
    note,
    output_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import Table, clean, columns, show
from responsibility.cli.terminal.progress import progress
from responsibility.phrases import counted

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.cli.sources.audit_log import Counts
    from responsibility.replay.stages_at import StagesAt
    from responsibility.replay.tally import Row, Tally

# Where the chart puts the operator, if nothing says otherwise.
_NAMESPACE = "hub-responsibility"
_ACCOUNT = "hub-responsibility"
_MOST_LEFT_OUT = 5


@click.command(name="replay")
@click.argument("logs", nargs=-1, required=True, metavar="AUDIT.log…", type=click.Path())
@click.option(
    "--stage",
    type=click.Choice(("as-recorded", AdmissionStage.WARN.value, AdmissionStage.DENY.value)),
    default=AdmissionStage.DENY.value,
    show_default=True,
    help="What to suppose of every item that can be enforced; as-recorded takes what records ask "
    "for.",
)
@click.option(
    "--proposed",
    multiple=True,
    type=click.Path(),
    metavar="PATH",
    help="Put the records and models of these manifests in the place of those of the same name. "
    "May be repeated.",
)
@click.option(
    "--at",
    "moment",
    metavar="TIME",
    help="Judge delegations as of this moment, such as 2027-03-01 (default: the time of each "
    "request).",
)
@output_option()
@where_options
def command(
    *,
    where: Where,
    logs: tuple[str, ...],
    stage: str,
    proposed: tuple[str, ...],
    moment: str | None,
    output: str,
) -> int:
    r"""Say who would have been warned or refused, doing what, if records were enforced.

    AUDIT.log are audit logs of the API server (audit.k8s.io/v1): JSON lines, gzip or not, several
    in their order in time, or - for standard input. Each request that took place is put to the
    policies that the records' models are enforced by, as the API server would put it to them,
    with the records of the cluster, of -f, or with --proposed in their place. Delegations are
    judged by the time of each request; --at takes another moment.

    What the log doesn't hold is not guessed: such a request is *possible*, with the reason. A log
    at level RequestResponse holds most, one at level Metadata no objects at all.

    \b
    Examples:
      kubectl responsibility replay audit.log
      kubectl responsibility replay audit.log -f ./manifests -f records/leap-prod.yaml -o wide
      kubectl responsibility replay audit-*.log.gz --proposed records/leap-prod.yaml
      zcat audit.log.gz | kubectl responsibility replay - --stage warn -o json

    Exit code 0: nobody would be refused or warned. 1: somebody would. 2: there is no audit event
    that can be read. 3: perhaps, since the log says too little, can't be read in part, or has no
    request that could be judged.
    """
    from dataclasses import replace

    from responsibility.cli.answers.report import Report

    view = where.load(Need.OWNERSHIP)
    if proposed:
        from responsibility.cli.answers import changes

        view = changes.applied(view, replace(where, files=proposed))
    report = Report.of(view, instant(moment))
    report.tell_gaps()
    stages_at = _stages_at(report, AdmissionStage.of(stage))
    tally, counts = _replay(logs, stages_at, instant(moment) if moment else None)
    _tell(tally, counts)
    if not counts.events:
        raise CliError(_nothing_seen(logs, counts))
    rows = tally.rows()
    show(
        output,
        _json(tally, counts, stages_at),
        Table(
            columns(
                *("EFFECT", "WHO", "DID", "WHERE", "ITEM", "TIMES"),
                detail=("LAST", "OWNER", "CONTACT", "WITH"),
                wide=("RECORD", "FIRST", "FIELDS", "REASON"),
            ),
            [_cells(row, stages_at) for row in rows],
            names=list(dict.fromkeys(row.deed.user for row in rows)),
            empty="nobody would have been refused or warned"
            if _judged(tally, counts)
            else "there is no request that could be judged",
            footer=_footer(tally, counts),
        ),
    )
    return _exit(tally, counts)


def _stages_at(report: Report, stage: AdmissionStage | None) -> StagesAt:
    from responsibility.rbac.identity import service_account_user
    from responsibility.replay.cel.parser import SyntaxProblemError
    from responsibility.replay.stages_at import suppose

    operator = report.view.operator
    namespace, name = (operator.namespace, operator.name) if operator else (_NAMESPACE, _ACCOUNT)
    try:
        found = suppose(
            report.assessment,
            report.view.models,
            stage=stage,
            operator=(namespace, service_account_user(namespace, name)),
        )
    except (ValueError, SyntaxProblemError) as error:
        raise CliError(f"no policies can be rendered: {error}") from None
    for text in found.left_out[:_MOST_LEFT_OUT]:
        warn(f"{text}; it is left out")
    if len(found.left_out) > _MOST_LEFT_OUT:
        warn(f"{len(found.left_out) - _MOST_LEFT_OUT} more are left out")
    if not found.hubs:
        raise CliError(
            "there is no record that could be enforced"
            + (": no record asks for warn or deny" if stage is None else "")
            + "; draft one with init"
        )
    return found


def _replay(logs: tuple[str, ...], stages_at: StagesAt, at: Any) -> tuple[Tally, Counts]:  # noqa: ANN401 - a datetime or nothing
    from responsibility.cli.sources.audit_log import AuditLog
    from responsibility.replay.audit_event import Passed, read
    from responsibility.replay.evaluate import Evaluator
    from responsibility.replay.tally import Tally

    judge, tally = Evaluator(stages_at, at), Tally()
    with progress(logs) as done:
        log = AuditLog(judge.concerns, done)
        for place, event in log.events(logs):
            try:
                request = read(event)
            except (ValueError, TypeError, AttributeError) as error:
                why = str(error) if isinstance(error, ValueError) else "no audit event"
                log.counts.note_broken(place, why)
                continue
            if isinstance(request, Passed):
                tally.passed[request] += 1
                continue
            tally.count(request, judge.judge(request))
            judge.learn(request)
    return tally, log.counts


def _tell(tally: Tally, counts: Counts) -> None:
    """Say on stderr what was passed over."""
    for place in counts.broken:
        warn(place)
    if counts.broken_total > len(counts.broken):
        warn(f"{counts.broken_total - len(counts.broken)} more lines can't be read")
    # Where there is nothing else, that is the error.
    for what, number in counts.foreign.most_common() if counts.events else ():
        warn(f"not understood: {number} {what}")
    if counts.columns:
        note(
            f"{counted(counts.columns, 'event')} of a table that doesn't say whom a request was "
            "made as (kubectl --as): such a request counts as its maker's"
        )
    passed = [f"{number} {why}" for why, number in tally.passed.most_common()]
    for number, what in (
        (counts.unfinished, "of an earlier stage"),
        (counts.reads, "that read"),
        (counts.elsewhere, "of namespaces without a record"),
    ):
        if number:
            passed.insert(0, f"{number} {what}")
    if passed:
        note(f"of {counted(counts.events, 'event')} these don't count: {'; '.join(passed)}")


def _footer(tally: Tally, counts: Counts) -> str:
    effects = ", ".join(f"{number} {effect}" for effect, number in _effects(tally).items())
    return f"{counted(counts.events, 'event')}, {tally.judged} of them judged: {effects}"


def _effects(tally: Tally) -> dict[str, int]:
    from responsibility.replay.evaluate import Effect

    return {effect.value: tally.effects[effect] for effect in Effect}


def _nothing_seen(logs: tuple[str, ...], counts: Counts) -> str:
    """Return what was in the logs instead of events."""
    seen = [f"{number} {what}" for what, number in counts.foreign.most_common()]
    if counts.broken_total:
        seen.append(counted(counts.broken_total, "line") + " that can't be read")
    names = ", ".join("standard input" if log == "-" else log for log in logs)
    return (
        f"{names}: there is no audit event of the API server (audit.k8s.io/v1) in "
        f"{counted(counts.lines, 'line')}" + (f", but {' and '.join(seen)}" if seen else "")
    )


def _exit(tally: Tally, counts: Counts) -> int:
    effects = _effects(tally)
    if effects["refused"] or effects["warned"]:
        return Exit.NO
    incomplete = counts.broken_total or counts.foreign or not _judged(tally, counts)
    return Exit.UNKNOWN if effects["possible"] or incomplete else Exit.OK


def _judged(tally: Tally, counts: Counts) -> bool:
    """Whether the log holds the end of any request, if only of one that changed nothing."""
    from responsibility.replay.audit_event import Passed

    untold = (Passed.STAGE, Passed.BROKEN)
    ended = sum(number for why, number in tally.passed.items() if why not in untold)
    return bool(tally.judged or counts.reads or ended)


def _cells(row: Row, stages_at: StagesAt) -> list[str]:
    deed = row.deed
    hub = stages_at.hubs.get(deed.namespace)
    owner = _owner(deed.namespace, deed.item, stages_at)
    return [
        f"{deed.effect.value} (glass)" if deed.glass else deed.effect.value,
        deed.user,
        f"{deed.verb} {deed.resource}",
        "/".join(part for part in (deed.namespace, deed.name) if part) or "-",
        deed.item or "-",
        str(row.times),
        row.last.isoformat(timespec="seconds") if row.last else "-",
        owner["name"] or "-",
        owner["contact"] or "-",
        ", ".join(agent for agent, _ in row.agents.most_common(3)),
        hub.agreement.record if hub is not None else "-",
        row.first.isoformat(timespec="seconds") if row.first else "-",
        ", ".join(sorted(row.fields)) or "-",
        "; ".join(sorted(row.reasons)) or "-",
    ]


def _owner(namespace: str, item: str, stages_at: StagesAt) -> dict[str, str]:
    """Return who owns an item in a namespace: by the cluster's policies, by any record."""
    hub = stages_at.hubs.get(namespace)
    hubs = [hub] if hub is not None else list(stages_at.hubs.values())
    parties: dict[str, str] = {}
    for each in hubs:
        found = next((i for i in each.agreement.items if i.name == item), None)
        party = each.agreement.parties.get(found.owner) if found is not None else None
        if party is not None:
            parties.setdefault(party.label, party.contact)
    return {
        "name": ", ".join(parties),
        "contact": ", ".join(dict.fromkeys(contact for contact in parties.values() if contact)),
    }


def _json(tally: Tally, counts: Counts, stages_at: StagesAt) -> dict[str, Any]:
    return {
        "events": counts.events,
        "judged": tally.judged,
        "effects": _effects(tally),
        "notCounted": {why.name.lower(): number for why, number in tally.passed.items()},
        "elsewhere": counts.elsewhere,
        "reads": counts.reads,
        "unfinished": counts.unfinished,
        "broken": {"lines": counts.broken_total, "places": counts.broken},
        "notUnderstood": dict(counts.foreign),
        "leftOut": list(stages_at.left_out),
        "requests": [_row_json(row, stages_at) for row in tally.rows()],
    }


def _row_json(row: Row, stages_at: StagesAt) -> dict[str, Any]:
    deed = row.deed
    hub = stages_at.hubs.get(deed.namespace)
    return {
        "effect": deed.effect.value,
        "breakGlass": deed.glass,
        "user": deed.user,
        "verb": deed.verb,
        "apiGroup": deed.group,
        "resource": deed.resource,
        "namespace": deed.namespace,
        "name": deed.name,
        "item": deed.item,
        "record": hub.agreement.record if hub is not None else None,
        "owner": _owner(deed.namespace, deed.item, stages_at),
        "times": row.times,
        "first": row.first.isoformat() if row.first else None,
        "last": row.last.isoformat() if row.last else None,
        "userAgents": {clean(agent): times for agent, times in row.agents.most_common()},
        "fields": sorted(row.fields),
        "reasons": sorted(row.reasons),
    }
