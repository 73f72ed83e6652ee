"""Remedies of a cause: a command, if running it does just that, or else the plan to ask for.

Whoever holds files against records mends the files; a command would be about some cluster.

A command is copied and run. So it is shown only where it ends all of it and takes nobody anything
that the record gives: the whole binding is one stranger's, and it is the only one. All else a plan
works out, which knows what everybody is owed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from shlex import quote
from typing import TYPE_CHECKING

from responsibility.phrases import counted
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Binding, BindingKey, Subject
from responsibility.shell import arguments
from responsibility.subject_kinds import AnyKind

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.ownership.results.findings import Finding

_WORDS: dict[AnyKind, str] = {USER: "user", GROUP: "group", SERVICE_ACCOUNT: "sa"}


def removal(binding: Binding, subject: Subject) -> str:
    """Return what takes the subject out of a binding: kubectl has no word for less than all."""
    from responsibility.ownership.results import wording

    verb = "delete" if _is_alone(binding, subject) else "edit"
    return f"kubectl {verb} {wording.binding_arguments(binding.key)}"


def fix(report: Report, findings: Sequence[Finding]) -> str:
    """Return what to do about findings with one cause, the worst first."""
    from responsibility.ownership.results import wording

    first = findings[0]
    keys = _bindings(findings)
    if first.subject is None or not keys:
        return wording.remedy(first)
    if len(keys) == 1 and _costs_nobody(report, findings, keys[0]):
        return removal(report.view.graph.bindings[keys[0]], first.subject)
    return plan_command(report, first)


def fix_in_files(report: Report, findings: Sequence[Finding]) -> str:
    """Return what to change in files about findings with one cause, the worst first."""
    from responsibility.ownership.results import wording

    first = findings[0]
    keys = _bindings(findings)
    if first.subject is None or len(keys) != 1 or not _costs_nobody(report, findings, keys[0]):
        return fix(report, findings)
    if _is_alone(report.view.graph.bindings[keys[0]], first.subject):
        return f"remove {keys[0]}"
    return wording.remedy(first)


def plan_command(report: Report, finding: Finding) -> str:
    """Return the command that plans the end of what a finding's subject has too much of."""
    agreement = report.agreement(finding)
    names, options = ([agreement.record], []) if agreement is not None else ([], ["--cluster-wide"])
    if finding.subject is not None:
        options.append(subject_option(finding.subject))
    options.extend(f"-f {quote(path)}" for path in report.view.files)
    return f"kubectl responsibility plan {arguments(names, options)}"


def subject_option(subject: Subject) -> str:
    """Return the option that names a subject, for a command line."""
    return f"--subject {quote(subject_argument(subject))}"


def subject_argument(subject: Subject) -> str:
    """Return a subject as ``--subject`` takes it: ``user/ann``, ``sa/ci/deployer``."""
    return "/".join(filter(None, (_WORDS[subject.kind], subject.namespace, subject.name)))


def entitled_by(report: Report, finding: Finding, keys: Collection[BindingKey]) -> tuple[str, ...]:
    """Return what of that which bindings give its subject it is entitled to, on the first hub."""
    from responsibility.ownership.results import wording
    from responsibility.ownership.terms.entitlement import Entitlement
    from responsibility.ownership.terms.permission_index import mask_of

    subject = finding.subject
    if subject is None:
        return ()
    roles = [report.view.graph.roles.get(report.view.graph.bindings[key].role) for key in keys]
    rules = tuple(rule for role in roles if role is not None for rule in role.rules)
    for agreement in report.agreements(finding):
        permissions = agreement.terms.permissions
        due = Entitlement.of(agreement, report.assessment.now).of_subject(subject)
        granted = permissions.granted_by(rules)
        mask = granted.full | mask_of(
            partial.bit
            for partial in granted.symbolic
            if partial.fits(agreement.names.fill(permissions.by_bit[partial.bit].name))
        )
        if mask & due:
            return wording.permission_texts(permissions.select(mask & due, agreement.names))
    return ()


def bindings_text(findings: Sequence[Finding]) -> str:
    """Return the bindings by which it is held; ``-`` for none."""
    keys = _bindings(findings)
    if len(keys) > 1:
        return f"{keys[0]} and {counted(len(keys) - 1, 'more binding')}"
    return str(keys[0]) if keys else "-"


def _bindings(findings: Sequence[Finding]) -> list[BindingKey]:
    return list(
        dict.fromkeys(s.binding for f in findings for s in f.sources if s.binding is not None)
    )


def _is_alone(binding: Binding, subject: Subject) -> bool:
    return all(canonical(each) == subject for each in binding.subjects)


def _costs_nobody(report: Report, findings: Sequence[Finding], key: BindingKey) -> bool:
    """Return whether deleting a binding ends these findings, and only what is too much."""
    from responsibility.plans.protect import is_granted, is_system

    subject, binding = findings[0].subject, report.view.graph.bindings[key]
    if subject is None or not _is_alone(binding, subject) or is_system(binding):
        return False
    # Another route may be left, and what the operator grants it would grant again.
    if any(f.route or f.declared for f in findings) or is_granted(binding):
        return False
    # Whoever is let through for something may need the binding for it.
    return subject not in report.let_through() and not _may_carry(report, findings, subject)


def _may_carry(report: Report, findings: Sequence[Finding], subject: Subject) -> bool:
    """Return whether declared users may hold theirs by being members of a group."""
    if subject.kind != GROUP:
        return False
    if subject.name.startswith("system:"):
        return True
    agreements = report.agreements(findings[0])
    return any(member.kind == USER for each in agreements for member in each.members)
