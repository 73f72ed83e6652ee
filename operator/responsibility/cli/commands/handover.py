"""``handover``: how an item, or a whole hub, goes to another party."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.options import Where, at_option, instant, output_option, where_options
from responsibility.cli.output import clean, show, to_yaml
from responsibility.cli.trouble import CliError, counted
from responsibility.cli.world import ALL
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject

if TYPE_CHECKING:
    from responsibility.cli.report import Report
    from responsibility.ownership.plans.handover import Handover, Line, Stage
    from responsibility.ownership.plans.transfer import Patch

_SPAN = re.compile(r"(\d+)([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_MOST = 6


@click.command(name="handover")
@click.argument("hub")
@click.option(
    "--item", "items", multiple=True, metavar="ITEM", help="The item, by its name. May be repeated."
)
@click.option("--all", "everything", is_flag=True, help="All items: the whole hub.")
@click.option("--to", "party", required=True, metavar="PARTY", help="Who takes over.")
@click.option(
    "--from", "start", metavar="DATE", help="When the party becomes the owner (default: now)."
)
@click.option(
    "--overlap",
    default="0d",
    show_default=True,
    metavar="SPAN",
    help="For how long the former owner may act beside it, such as 14d, 2w or 12h.",
)
@click.option("--routes/--no-routes", default=True, help="Whether indirect ways count in the plan.")
@at_option
@output_option()
@where_options
def command(
    *,
    where: Where,
    hub: str,
    items: tuple[str, ...],
    everything: bool,
    party: str,
    start: str | None,
    overlap: str,
    routes: bool,
    moment: str | None,
    output: str,
) -> None:
    r"""Tell how items of a HUB go to another party, step by step, so that somebody can always act.

    What the receiving party lacks, what the giving one keeps and loses, the changes of the record
    as patches, what to grant, and the plan of what to revoke at the end. Nothing is changed. With
    --all it is the report that a community needs to run its hub itself: every item, also those
    that are no matter of Kubernetes.

    \b
    Examples:
      kubectl responsibility handover leap-prod --item user-access --to provider
      kubectl responsibility handover coast --item data --to community --overlap 14d
      kubectl responsibility handover coast --all --to community
    """
    from responsibility.cli.plans import Maker  # noqa: PLC0415
    from responsibility.ownership.plans.handover import hand_over  # noqa: PLC0415
    from responsibility.ownership.plans.transfer import Wanted  # noqa: PLC0415

    if bool(items) == everything:
        raise click.UsageError("say which: --item ITEM, or --all")
    now = instant(moment)
    maker = Maker.of(where.load(ALL), now, routes=routes)
    maker.report.tell_gaps()
    record, chosen = _chosen(maker.report, hub, items, party)
    begins = instant(start) if start else now
    if begins < now:
        raise CliError(f"--from {start}: that moment has passed")
    wanted = Wanted(record, chosen, party, begins, _span(overlap))
    result = hand_over(maker.snapshot, wanted)
    if output in ("json", "yaml"):
        show(output, _json(result))
        return
    for line in _text(result, wide=output == "wide"):
        click.echo(line)


def _chosen(
    report: Report, hub: str, items: tuple[str, ...], party: str
) -> tuple[str, tuple[str, ...]]:
    """Return the record and the items that are meant. Raises CliError."""
    agreement = report.hub(hub).agreement
    if party not in agreement.parties:
        there = ", ".join(sorted(agreement.parties))
        raise CliError(
            f"record {agreement.record} has no party {party}: declare it in spec.parties, or use "
            f"one of {there}"
        )
    names = [item.name for item in agreement.items if item.terms.number]
    unknown = [item for item in items if item not in names]
    if unknown:
        raise CliError(f"model {agreement.terms.name} has no item {unknown[0]}: {', '.join(names)}")
    chosen = [n for n in names if not items or n in items]
    if items and all(agreement.item(name).owner == party for name in chosen):
        raise CliError(f"{party} owns {', '.join(chosen)} already")
    return agreement.record, tuple(chosen)


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise CliError(f"--overlap {text}: write a number and h, d or w, such as 14d")
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise CliError(f"--overlap {text}: that is too long") from None


def _json(result: Handover) -> dict[str, Any]:
    from responsibility.cli.plans import plan_json  # noqa: PLC0415

    return {
        "record": result.record,
        "to": result.to.name,
        "items": [
            {
                "number": line.item.terms.number,
                "name": line.item.name,
                "title": line.item.terms.title,
                "description": line.item.terms.description,
                "kinds": sorted(line.item.terms.kinds),
                "from": line.giving,
                "effort": line.effort,
                "needs": list(line.needs),
                "lacks": list(line.lacks),
                "givingLoses": list(line.loses),
                "givingKeeps": list(line.keeps),
                "valuesPaths": list(line.values_paths),
            }
            for line in result.lines
        ],
        "steps": [
            {
                "when": stage.when.isoformat().replace("+00:00", "Z") if stage.when else None,
                "what": stage.what,
                "recordPatch": stage.patch.merge() if stage.patch else None,
                "recordGuardedPatch": stage.patch.guarded() if stage.patch else None,
                "grantedByOperator": list(stage.by_operator),
                "objects": _objects(stage),
                "changes": [str(change) for change in stage.changes],
                "nobodyCanActOn": list(stage.nobody),
            }
            for stage in result.stages
        ],
        "plan": plan_json(result.plan),
    }


def _objects(stage: Stage) -> list[dict[str, Any]]:
    from responsibility.cluster.apply import manifest  # noqa: PLC0415
    from responsibility.ownership.plans.handover import created  # noqa: PLC0415

    return [manifest(change) for change in created(stage.changes)]


def _text(result: Handover, *, wide: bool) -> Iterator[str]:
    party = result.to
    yield f"{counted(len(result.lines), 'item')} of {result.record} to {party.label}"
    if not party.subjects:
        yield (
            f"{party.label} has no Kubernetes identity: it acts through pull requests and the "
            "hub's admin page. To act in the cluster itself it needs subjects in the record"
        )
    if not party.contact:
        yield f"{party.label} has no contact: give it one in the record"
    for line in result.lines:
        yield ""
        yield from map(clean, _item(line, result.to.name, wide=wide))
    for number, stage in enumerate(result.stages, 1):
        yield ""
        when = f"{stage.when:%Y-%m-%d %H:%M} UTC" if stage.when else ""
        yield clean(f"Step {number}, {when}: {stage.what}")
        yield from _stage(stage, result)


def _item(line: Line, to: str, *, wide: bool) -> Iterator[str]:
    terms = line.item.terms
    effort = f", about {line.effort}" if line.effort else ""
    kinds = ", ".join(sorted(terms.kinds))
    yield f"{terms.number}. {terms.title} ({line.item.name}; {kinds}{effort}), now {line.giving}'s"
    if terms.description:
        yield f"   {' '.join(terms.description.split())}"
    if line.giving == to:
        yield f"   {to} owns this already" + ("" if line.lacks else ", and has what it needs")
    for word, texts in (
        ("needs", line.needs if wide else ()),
        ("lacks", line.lacks),
        (f"{line.giving} loses", line.loses),
        (f"{line.giving} keeps", line.keeps),
        ("settings", line.values_paths),
    ):
        if texts:
            yield f"   {word}: {_some(texts, wide=wide)}"


def _some(texts: tuple[str, ...], *, wide: bool) -> str:
    shown = ["everything" if text == "* *" else text for text in texts]
    if wide or len(shown) <= _MOST:
        return ", ".join(shown)
    return f"{', '.join(shown[: _MOST - 1])} and {len(shown) - _MOST + 1} more (-o wide)"


def _stage(stage: Stage, result: Handover) -> Iterator[str]:
    objects = _objects(stage)
    if stage.patch is not None:
        yield from _patch(stage.patch, result.record)
    if stage.by_operator:
        yield (
            f"  the operator grants what is lacking for {', '.join(stage.by_operator)} in the "
            "hub's namespace, since the record says rbac: grant. Go on when it has:"
        )
        command = f"kubectl get responsibility {quote(result.record)} -o yaml"
        yield f"  {command}  # condition Granted"
    if objects:
        yield "  kubectl apply -f - <<'END'"
        for number, each in enumerate(objects):
            if number:
                yield "  ---"
            yield from (f"  {line}" for line in to_yaml(each).splitlines())
        yield "  END"
    yield from _revocation(stage, result)
    if stage.patch is None and not stage.changes and not stage.by_operator:
        yield "  nothing is to do"
    for name in stage.nobody:
        yield f"  CAUTION: then nobody could act on {name}: give its party what it lacks first"


def _patch(patch: Patch, record: str) -> Iterator[str]:
    guarded = patch.guarded()
    yield f"  kubectl patch responsibility {quote(record)} --type=json \\"
    yield "    --patch-file=/dev/stdin <<'END'"
    yield from (f"  {line}" for line in to_yaml(guarded).splitlines())
    yield "  END"
    if len(guarded) > 1:
        yield "  # refused if somebody has edited the record meanwhile: then ask for a new handover"


def _revocation(stage: Stage, result: Handover) -> Iterator[str]:
    """Yield how to revoke what is shown; its digest is that of the cluster as it is by then."""
    rest = [c for c in stage.changes if c.action.value not in ("create-role", "create-binding")]
    if not rest:
        return
    for change in rest:
        yield clean(f"  then: {change}")
    subjects = " ".join(f"--subject {quote(_words(subject))}" for subject in stage.of)
    routes = "" if result.plan.routes else " --no-routes"
    yield f"  kubectl responsibility plan {quote(result.record)} {subjects}{routes}"
    yield "  # look at it, and make the changes by the apply-plan command that it ends with"


def _words(subject: Subject) -> str:
    where = f"{subject.namespace}/" if subject.namespace else ""
    kind = "sa" if subject.kind == SERVICE_ACCOUNT else subject.kind.lower()
    return f"{kind}/{where}{subject.name}"
