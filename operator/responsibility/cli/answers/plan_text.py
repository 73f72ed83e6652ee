"""Plans at a terminal: made from a view, and told so that a person can decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from shlex import quote
from typing import Any, TypeVar

import click

from responsibility import api_groups
from responsibility.cli.answers import subjects
from responsibility.cli.answers.report import Report
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.cli.sources.options import cluster_wide_option, left_out_text
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import binding_name, clean, colourful, say, subject_json
from responsibility.cli.terminal.progress import share
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.results.wording import in_words
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.phrases import counted, shortened, some
from responsibility.plans.aim import Aim
from responsibility.plans.change import Loss, Obstacle, Plan, PlannedChange, rule_json
from responsibility.plans.planner import make_plan
from responsibility.rbac.objects import Attributes, BindingKey, Rule
from responsibility.shell import arguments

_F = TypeVar("_F", bound=Callable[..., Any])

# Permissions named in a line; `-o wide` names all.
_MOST = 4
# Changes that are told in full, and reasons where there are more changes than that.
_MOST_DETAILED = 12
_MOST_REASONS = 10
# With fewer, a plan is there before anyone could look at a bar.
_MANY_HUBS = 10


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan was asked for on the command line."""

    hub: str | None
    everything: bool
    cluster: bool
    subjects: tuple[str, ...]
    findings: tuple[str, ...]

    def aim(self, report: Report) -> Aim:
        """Return it as an aim. Raises CliError."""
        chosen = [bool(self.hub), self.everything, self.cluster]
        if sum(chosen) > 1:
            raise CliError("name a HUB, or say --cluster-wide or --all: not several of them")
        if not any(chosen) and not self.subjects and not self.findings:
            raise CliError(
                "say what to plan for: a HUB, --cluster-wide, --all, --subject or --finding"
            )
        return Aim(
            record=report.hub(self.hub).agreement.record if self.hub else "",
            cluster=self.cluster,
            subjects=tuple(sorted(subjects.parse(*_words(each)) for each in self.subjects)),
            ids=tuple(sorted(_finding(report, each).id for each in self.findings)),
        )

    def words(self, *, routes: bool) -> str:
        """Return it as it is written on a command line."""
        options = [
            "--all" if self.everything else "",
            "--cluster-wide" if self.cluster else "",
            *(f"--subject {quote(each)}" for each in self.subjects),
            *(f"--finding {quote(each)}" for each in self.findings),
            "" if routes else "--no-routes",
        ]
        return arguments([self.hub] if self.hub else [], options)


def _words(text: str) -> tuple[str, str]:
    kind, _, name = text.partition("/")
    if not kind or not name:
        raise CliError(f"--subject {text}: write KIND/NAME, such as user/ann or sa/ci/deployer")
    return kind, name


def _finding(report: Report, prefix: str) -> Finding:
    found = {f.id: f for f in report.findings() if f.id.startswith(prefix)}
    if len(found) != 1:
        what = "no finding" if not found else f"{len(found)} findings"
        raise CliError(f"--finding {prefix}: there is {what} whose id begins so: see `drift`")
    return next(iter(found.values()))


def aim_options(function: _F) -> _F:
    """Add what a plan is for; the command gets ``hub``, ``everything`` and so on."""
    options = (
        click.option(
            "--all",
            "everything",
            is_flag=True,
            help="End all excess rights: all hubs, the cluster.",
        ),
        cluster_wide_option,
        click.option(
            "--subject",
            "chosen",
            multiple=True,
            metavar="KIND/NAME",
            help="Of those, only what this subject has, such as user/ann or sa/ci/deployer. May be "
            "repeated.",
        ),
        click.option(
            "--finding",
            "findings",
            multiple=True,
            metavar="ID",
            help="Of those, only these findings, by the id that `drift` shows. May be repeated.",
        ),
        click.option(
            "--routes/--no-routes",
            default=True,
            show_default=True,
            help="Whether to end indirect ways to the rights as well.",
        ),
    )
    decorated: Any = function
    for option in reversed(options):
        decorated = option(decorated)
    found: _F = decorated
    return found


@dataclass(slots=True)
class PlanMaker:
    """Makes plans of one view; what was assessed once is used again."""

    report: Report
    snapshot: Snapshot
    assessor: Assessor

    @classmethod
    def of(cls, view: ClusterView, now: datetime, *, routes: bool) -> PlanMaker:
        """Return a maker of plans for a view as of a moment."""
        view.routes = routes
        snapshot = view.snapshot(now)
        assessor = Assessor()
        return cls(Report(view, assessor.assess(snapshot)), snapshot, assessor)

    @property
    def assessment(self) -> Assessment:
        """What was found."""
        return self.report.assessment

    def plan(self, aim: Aim, *, silent: bool = False) -> Plan:
        """Return the plan for an aim; with many hubs, how far that is shown, unless ``silent``."""
        many = not silent and len(self.assessment.hubs) >= _MANY_HUBS
        with share("planning", wanted=many) as progress:
            return make_plan(
                self.snapshot,
                aim,
                assessor=self.assessor,
                required_permissions=self._required_permissions(),
                progress=progress,
            )

    def _required_permissions(self) -> tuple[Attributes, ...]:
        """Return the rights without which the operator would be blind."""
        if self.snapshot.operator is None:
            return ()
        from responsibility.cluster.rights import RIGHTS

        return tuple(
            asked
            for right in RIGHTS
            if not right.optional and not right.namespaced
            for asked in right.questions()
        )


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as documented in the reference."""
    return {
        "aim": plan.aim,
        "digest": plan.digest,
        "routes": plan.routes,
        "changes": [_change_json(change) for change in plan],
        "ends": [_finding_json(finding) for finding in plan.ended],
        "heldBack": [
            {
                "reason": each.reason,
                "finding": _finding_json(each.finding),
                "why": each.why,
                "instead": each.instead,
            }
            for each in plan.obstacles
        ],
    }


def object_name(change: PlannedChange) -> str:
    """Return the object that a change is about, as kubectl names it."""
    key = change.key
    if isinstance(key, BindingKey):
        return binding_name(key.namespace, key.name)
    return f"{'role' if key.namespace else 'clusterrole'}.{api_groups.RBAC}/{key.name}"


def _change_json(change: PlannedChange) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": change.action.value,
        "object": str(change.key),
        "change": str(change),
    }
    if change.role is not None:
        found |= {
            "role": str(change.role),
            "removes": [subject_json(subject) for subject in change.removes],
            "leaves": [subject_json(subject) for subject in change.after],
        }
    else:
        found["rules"] = [rule_json(rule) for rule in change.rules_after]
    return found | {
        "ends": list(change.ends),
        "loses": [
            {
                "subject": subject_json(loss.subject),
                "where": loss.where,
                "permissions": list(loss.permissions),
                "andAlso": loss.rest,
            }
            for loss in change.losses
        ],
        "askFirst": list(change.questions),
        "cautions": list(change.cautions),
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "item": finding.item,
        "subject": subject_json(finding.subject) if finding.subject else None,
        "route": finding.route_kind,
        "message": wording.message(finding),
    }


def tell(plan: Plan, *, wide: bool = False, apply_by: str = "", most: int | None = None) -> None:
    """Write a plan for a person; ``apply_by`` is the command that applies it.

    Whoever approves one reads it whole; to look at it, ``most`` changes and reasons may do.
    """
    for line in _lines(plan, wide=wide, apply_by=apply_by, most=most):
        say(line)


def _lines(plan: Plan, *, wide: bool, apply_by: str, most: int | None) -> Iterator[str]:
    # A line for each where there are so many that nobody would read more.
    brief = most is not None and not wide and len(plan.changes) > _MOST_DETAILED
    if not plan.changes:
        yield f"nothing is to do for {clean(plan.aim)}: no excess right that a plan could end"
    else:
        ends = counted(len(plan.ended), "excess right")
        yield _bold(f"{counted(len(plan.changes), 'change')} for {clean(plan.aim)}, to end {ends}")
    if brief:
        yield ""
    by_id = {finding.id: finding for finding in plan.ended}
    for number, change in enumerate(islice(plan, most), 1):
        title = f"{number}. {clean(str(change))}"
        if brief:
            yield f"{title}{clean(_in_short(change))}"
            continue
        yield ""
        yield _bold(title)
        yield from (f"   {clean(line)}" for line in _about(change, by_id, wide=wide))
    if left := left_out_text(len(plan.changes), most, "change"):
        yield ""
        yield left
    yield from _held_back(plan, wide=wide, brief=brief, most=_MOST_REASONS if brief else most)
    if brief:
        yield ""
        yield "what each ends, who loses what, and what to ask first: --full, or plan one hub"
    if plan.changes:
        yield ""
        yield f"digest {plan.digest}"
        if apply_by:
            yield f"to apply it: {apply_by}"


def _held_back(plan: Plan, *, wide: bool, brief: bool, most: int | None) -> Iterator[str]:
    """Yield what the plan can't end, by the reason; ``brief``, only how much it is."""
    if not plan.obstacles:
        return
    yield ""
    yield _bold(f"Held back, {counted(len(plan.obstacles), 'excess right')}:")
    reasons = _grouped(plan.obstacles)
    for why, instead, about in reasons[:most]:
        yield f"   because {clean(why)}{f': {len(about)}' if brief else ''}"
        if brief:
            continue
        shown = about if wide else shortened(about, _MOST, rest="more (-o wide)")
        yield from (f"     - {clean(text)}" for text in shown)
        yield f"     do instead: {clean(instead)}"
    if left := left_out_text(len(reasons), most, "reason"):
        yield f"   {left}"


def _in_short(change: PlannedChange) -> str:
    """Return what a change does as the end of a line, counted."""
    parts = [
        f"ends {len(change.ends)}" if change.ends else "",
        f"{len(change.losses)} lose by it" if change.losses else "",
        f"{counted(len(change.questions), 'question')} to ask first" if change.questions else "",
        counted(len(change.cautions), "caution") if change.cautions else "",
    ]
    said = ", ".join(filter(None, parts))
    return f": {said}" if said else ""


def _about(change: PlannedChange, ended: dict[str, Finding], *, wide: bool) -> Iterator[str]:
    if change.rules_after and (wide or change.rules_before == ()):
        yield from (f"rule   {_rule(rule)}" for rule in change.rules_after)
    for key in change.ends:
        if key in ended:
            yield f"ends   {key} {ended[key].item}: {wording.message(ended[key])}"
    for loss in change.losses:
        yield f"loses  {_loss(loss, wide=wide)}"
    if change.role is not None and change.before and change.after:
        yield f"keeps  {', '.join(map(str, change.after))}"
    yield from (f"ask    {question}" for question in change.questions)
    yield from (f"note   {caution}" for caution in change.cautions)


def _loss(loss: Loss, *, wide: bool) -> str:
    texts = [*map(in_words, loss.permissions)]
    what = some(texts, len(texts) if wide else _MOST, rest="more of the model")
    parts = [part for part in (what, loss.rest) if part]
    return f"{loss.subject} {loss.where}: {'; '.join(parts)}"


def _rule(rule: Rule) -> str:
    groups = [group or '""' for group in rule.api_groups]
    names = f" named {', '.join(rule.resource_names)}" if rule.resource_names else ""
    what = ", ".join(rule.resources or rule.non_resource_urls)
    return f"{', '.join(rule.verbs)}: {what}{names} ({', '.join(groups)})"


def _grouped(obstacles: Sequence[Obstacle]) -> list[tuple[str, str, list[str]]]:
    found: dict[tuple[str, str], list[str]] = {}
    for each in obstacles:
        found.setdefault((each.why, each.instead), []).append(wording.message(each.finding))
    return [(why, instead, list(dict.fromkeys(about))) for (why, instead), about in found.items()]


def _bold(text: str) -> str:
    return click.style(text, bold=True) if colourful() else text
