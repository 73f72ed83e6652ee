"""``explain``: the whole story of one finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.answers.fixes import entitled_by, fix
from responsibility.cli.sources.cluster_view import ALL, ClusterView
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    routes_option,
    text_option,
    where_options,
)
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import clean, say, show, subject_json, wrapped
from responsibility.phrases import counted
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import BindingKey, Rule, Subject
from responsibility.rbac.parse import parse_subject

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.ownership.results.causes import Cause
    from responsibility.ownership.results.findings import Finding


@click.command(name="explain")
@click.argument("finding", metavar="FINDING")
@at_option
@routes_option
@text_option
@where_options
def command(*, where: Where, finding: str, moment: str | None, routes: bool, output: str) -> None:
    r"""Tell the whole story of one finding, by its id or the beginning of it.

    Which permissions, by every binding, role and rule; what would end it; who else would be
    touched; and which findings would appear or go. `drift` lists the ids.

    \b
    Examples:
      kubectl responsibility explain 9b814a51f5
      kubectl responsibility explain 9b81 -o yaml
    """
    from responsibility.cli.answers.report import Report

    report = Report.of(where.load(ALL), instant(moment), routes=routes)
    found = _find(report, finding)
    story = _story(report, found)
    if output not in ("json", "yaml"):
        for line in _lines(report, found, story):
            head = "\n" if line.startswith("\n") else ""
            say(head + wrapped(clean(line.removeprefix("\n"))))
    else:
        show(output, story)


def _find(report: Report, prefix: str) -> Finding:
    found = [each for each in report.findings() if each.id.startswith(prefix.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(each.id for each in found[:5])
        raise CliError(f"{prefix} is the beginning of {len(found)} findings: {ids}")
    raise CliError(f"there is no finding {prefix}: `drift` lists all; it may have ended meanwhile")


def _story(report: Report, finding: Finding) -> dict[str, Any]:
    from responsibility.cli.answers.simulate import without
    from responsibility.ownership.results import wording
    from responsibility.ownership.results.findings import KINDS

    story = {**report.json(finding), "meaning": KINDS[finding.kind].title}
    keys = list(dict.fromkeys(s.binding for s in finding.sources if s.binding is not None))
    subject = finding.subject
    if subject is None or not keys:
        return {
            **story,
            "bindings": [],
            "pending": _pending(report, finding),
            "fix": wording.remedy(finding),
            "ifRemoved": None,
        }
    change = without(report.view, subject, keys, report.assessment.now)
    return {
        **story,
        "bindings": [_binding(report.view, finding, key, subject) for key in keys],
        "pending": [],
        "fix": fix(report, _cause(report, finding).findings),
        "entitledTo": entitled_by(report, finding, keys),
        "ifRemoved": {
            "ends": [{"id": f.id, "message": wording.message(f)} for f in change.go],
            "causes": [{"id": f.id, "message": wording.message(f)} for f in change.appear],
        },
    }


def _cause(report: Report, finding: Finding) -> Cause:
    """Return what causes a finding, with all others that it causes."""
    from responsibility.ownership.results.causes import causes

    return next(each for each in causes(report.findings()) if finding in each.findings)


def _binding(
    view: ClusterView, finding: Finding, key: BindingKey, subject: Subject
) -> dict[str, Any]:
    binding = view.graph.bindings[key]
    role = view.graph.roles.get(binding.role)
    numbers = sorted({source.rule for source in finding.sources if source.binding == key})
    others = [each for each in binding.subjects if canonical(each) != subject]
    return {
        "binding": str(key),
        "role": str(binding.role),
        "rules": [
            {"rule": number + 1, "text": rule_text(role.rules[number])}
            for number in numbers
            if role is not None
        ],
        "otherSubjects": [subject_json(each) for each in others],
    }


def _pending(report: Report, finding: Finding) -> list[dict[str, str]]:
    """Return the bindings of the party's subjects that point at nothing."""
    subjects = {subject for party in report.parties(finding) for subject in party.subjects}
    return [
        {"binding": str(binding.key), "role": str(binding.role)}
        for binding in report.view.graph.dangling()
        if binding.key.namespace in ("", finding.hub.namespace if finding.hub else "")
        and subjects.intersection(map(canonical, binding.subjects))
    ]


def rule_text(rule: Rule) -> str:
    """Return a rule in one line, as people read it."""
    verbs = ", ".join(rule.verbs)
    if rule.non_resource_urls:
        return f"{verbs} {', '.join(rule.non_resource_urls)}"
    groups = ", ".join(group or "core" for group in rule.api_groups)
    names = f" named {', '.join(rule.resource_names)}" if rule.resource_names else ""
    return f"{verbs} {', '.join(rule.resources)}{names} ({groups})"


def _lines(report: Report, finding: Finding, story: dict[str, Any]) -> Iterator[str]:
    from responsibility.ownership.results import wording

    yield f"{wording.message(finding)}."
    yield ""
    yield f"id:        {finding.id}"
    yield f"kind:      {finding.kind}: {story['meaning']}"
    yield f"severity:  {story['severity']}"
    yield f"hub:       {finding.hub or 'the cluster as a whole'}"
    items = ", ".join(dict.fromkeys((finding.item, *finding.items)))
    yield f"item:      {items} (number {finding.number})"
    for party in report.parties(finding):
        yield f"call:      {party.label} {party.contact or '(no contact)'}"
    yield f"since:     {story['since'] or 'not noted (the operator writes it down)'}"
    yield f"plainly:   {story['summary']}"
    if finding.permissions:
        yield f"\n{counted(len(finding.permissions), 'permission')} ({finding.route_kind}):"
        yield from (f"  {line}" for line in wording.permission_lines(finding.permissions))
    if wording.step_texts(finding):
        yield f"\nnot directly, but by the route {finding.route_kind!r}, step by step:"
        yield from (
            f"  {number}. {step}" for number, step in enumerate(wording.step_texts(finding), 1)
        )
    if story["bindings"]:
        yield f"\nheld by {counted(len(story['bindings']), 'binding')}:"
        for entry in story["bindings"]:
            yield from _binding_lines(entry)
    yield "\nwhat would end it:"
    yield f"  {wording.remedy(finding)}"
    if story["bindings"]:
        yield f"  {story['fix']}"
    if story.get("entitledTo"):
        yield "\nof what these bindings give, it is entitled to:"
        yield from (f"  {permission}" for permission in story["entitledTo"])
    for entry in story["pending"]:
        yield f"  {entry['binding']} binds {entry['role']}, which doesn't exist: create it"
    if story["ifRemoved"] is not None:
        yield from _consequences(story["ifRemoved"])


def _binding_lines(entry: dict[str, Any]) -> Iterator[str]:
    yield f"  {entry['binding']} to {entry['role']}"
    for rule in entry["rules"]:
        yield f"    rule {rule['rule']}: {rule['text']}"
    others = [parse_subject(each, "") for each in entry["otherSubjects"]]
    touched = ", ".join(map(str, others)) or "nobody else"
    yield f"    also binds: {touched}"


def _consequences(change: dict[str, Any]) -> Iterator[str]:
    ended = counted(len(change["ends"]), "finding")
    yield f"\nwith the subject out of these bindings, {ended} would end:"
    yield from (f"  {each['id']} {each['message']}" for each in change["ends"])
    if change["causes"]:
        yield f"and {counted(len(change['causes']), 'finding')} would appear:"
        yield from (f"  {each['id']} {each['message']}" for each in change["causes"])
    else:
        yield "and none would appear"
