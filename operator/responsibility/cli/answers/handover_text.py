"""A handover as text: what each item means, and steps whose lines can be pasted into a shell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responsibility.cli.answers.fixes import subject_option
from responsibility.cli.terminal.output import clean, to_yaml
from responsibility.cluster.apply_plan import manifest
from responsibility.ownership.results import wording
from responsibility.ownership.results.wording import in_words
from responsibility.phrases import counted, some
from responsibility.plans.handover.entitlements import ItemHandover
from responsibility.plans.handover.record_patch import Patch
from responsibility.plans.handover.steps import END, Handover, HandoverStep, created
from responsibility.shell import arguments

_MOST = 6


def objects(stage: HandoverStep) -> list[dict[str, Any]]:
    """Return what somebody makes by hand at a step, as manifests."""
    return [manifest(change) for change in created(stage.changes)]


def text(result: Handover, *, wide: bool) -> Iterator[str]:
    """Yield all of it, line by line."""
    party = result.to
    yield f"{counted(len(result.lines), 'item')} of {result.record} to {party.label}"
    if not party.subjects:
        yield (
            f"{party.label} has no Kubernetes identity: it acts through pull requests and the "
            "hub's admin page. To act in the cluster itself it needs subjects in the record"
        )
    if not party.contact:
        yield f"{party.label} has no contact: give it one in the record"
    if result.vacant:
        yield f"As it is, nobody can act on {', '.join(result.vacant)}"
    for line in result.lines:
        yield ""
        yield from map(clean, _item(line, result.to.name, wide=wide))
    for number, stage in enumerate(result.stages, 1):
        yield ""
        when = f"{stage.when:%Y-%m-%d %H:%M} UTC" if stage.when else ""
        yield clean(f"Step {number}, {when}: {stage.what}")
        yield from _stage(stage, result)


def _item(line: ItemHandover, to: str, *, wide: bool) -> Iterator[str]:
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
    shown = [*map(in_words, texts)]
    if wide or len(shown) <= _MOST:
        return ", ".join(shown)
    return some(shown, _MOST - 1, rest="more (-o wide)")


def _stage(stage: HandoverStep, result: Handover) -> Iterator[str]:
    lines = [
        *(_patch(stage, stage.patch, result.record) if stage.patch is not None else ()),
        *_operators(stage, result),
        *_made_by_hand(stage),
        *_revocation(stage, result),
    ]
    yield from lines or ["  nothing is to do"]
    for name in stage.nobody:
        yield f"  # CAUTION: then nobody could act on {name}: give its party what it lacks first"


def _patch(stage: HandoverStep, patch: Patch, record: str) -> Iterator[str]:
    guarded = patch.guarded()
    what = arguments([clean(record)], ["--type=json \\\n    --patch-file=/dev/stdin"])
    yield from f"  kubectl patch responsibility {what} <<'END'".splitlines()
    yield from (f"  {line}" for line in to_yaml(guarded).splitlines())
    yield "  END"
    if len(guarded) > 1:
        yield "  # refused if somebody has edited the record meanwhile: then " + (
            "take out by hand who is no delegate any more"
            if stage.what == END
            else "ask for a new handover"
        )


def _operators(stage: HandoverStep, result: Handover) -> Iterator[str]:
    """Yield what the operator does at this step, and how to see that it has."""
    for name, why in stage.blocked:
        yield clean(f"  # the operator does not grant all of {name}: {why}")
    if stage.by_operator:
        names = ", ".join(stage.by_operator)
        yield f"  # the operator grants what is lacking for {names}, as the record asks"
        what = arguments([result.record], ["--for=condition=Granted --timeout=120s"])
        yield clean(f"  kubectl wait responsibility {what}")
        yield "  # go on only after that; if it fails, the condition's message says why"
    if stage.taken_back:
        names = ", ".join(stage.taken_back)
        yield f"  # the operator takes back what it granted for {names}, as soon as that ends"


def _made_by_hand(stage: HandoverStep) -> Iterator[str]:
    made = objects(stage)
    if not made:
        return
    yield "  kubectl apply -f - <<'END'"
    for number, each in enumerate(made):
        if number:
            yield "  ---"
        yield from (f"  {line}" for line in to_yaml(each).splitlines())
    yield "  END"


def _revocation(stage: HandoverStep, result: Handover) -> Iterator[str]:
    """Yield how to revoke what is shown; its digest is that of the cluster as it is by then."""
    rest = [c for c in stage.changes if c.action.value not in ("create-role", "create-binding")]
    routes = "" if result.plan.routes else "--no-routes"
    if rest:
        for change in rest:
            yield clean(f"  # then: {change}")
        what = arguments([result.record], [*map(subject_option, stage.of), routes])
        yield clean(f"  kubectl responsibility plan {what}")
        yield "  # look at it, and make the changes by the apply-plan command that it ends with"
    for obstacle in stage.obstacles:
        yield clean(f"  # this stays: {wording.message(obstacle.finding)}: {obstacle.why}")
    for finding in stage.remains:
        yield clean(
            f"  # this stays, by a binding of the whole cluster: {wording.message(finding)}"
        )
    if stage.remains:
        of = sorted({f.subject for f in stage.remains if f.subject is not None})
        what = arguments([], ["--cluster-wide", *map(subject_option, of), routes])
        yield clean(f"  kubectl responsibility plan {what}")
        yield "  # look at it: other hubs may need what it ends"
