"""Facts about one subject: where it is named, bound and entitled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from responsibility.api.common import PartySpec
from responsibility.cli.answers.fixes import removal
from responsibility.cli.answers.report import Report
from responsibility.cli.answers.simulate import FindingChanges, without
from responsibility.cli.sources import manifests
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.cli.sources.options import note
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import subject_json
from responsibility.phrases import did_you_mean
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject
from responsibility.rbac.rules import rules_digest

_KINDS = {
    "user": USER,
    "group": GROUP,
    "serviceaccount": SERVICE_ACCOUNT,
    "sa": SERVICE_ACCOUNT,
}
as_json = subject_json


def parse(kind: str, name: str) -> Subject:
    """Return the subject that is meant. Raises CliError."""
    found = _KINDS.get(kind.lower().removesuffix("s") if kind.lower() != "sa" else "sa")
    if found is None:
        raise CliError(
            f"{kind} is no kind of subject: use user, group or serviceaccount"
            f"{did_you_mean(kind.lower(), _KINDS)}"
        )
    if found != SERVICE_ACCOUNT:
        return canonical(Subject(found, name))
    namespace, slash, account = (
        name.replace(":", "/").removeprefix("system/serviceaccount/").partition("/")
    )
    if not (namespace and slash and account):
        raise CliError(f"{name}: write a ServiceAccount as NAMESPACE/NAME, such as ci/deployer")
    return Subject(SERVICE_ACCOUNT, account, namespace)


def tell_unnamed(report: Report, asked: Iterable[str]) -> None:
    """Say whom nothing names: somebody misspelt would look like somebody who holds nothing.

    ``asked`` is as people write it: ``ann``, ``user/ann``, ``ci/deployer``.
    """
    # Without the right to list bindings, nobody knows whom they name.
    if report.is_published:
        return
    known: dict[str, None] = {}
    for subject in sorted(_named(report)):
        name = "/".join(filter(None, (subject.namespace, subject.name)))
        words = [word for word, kind in _KINDS.items() if kind == subject.kind]
        known |= dict.fromkeys((name, subject.name, *(f"{word}/{name}" for word in words)))
    there = {each.lower() for each in known}
    for text in asked:
        if text.lower() not in there:
            meant = did_you_mean(text, known, likeness=0.75)
            note(f"no binding and no record names {text}{meant}")


def _named(report: Report) -> set[Subject]:
    """Return all subjects that bindings or agreements name."""
    bound = (each for b in report.view.graph.bindings.values() for each in b.subjects)
    agreed = (each for agreement in report.all_agreements() for each in agreement.members)
    return {*map(canonical, bound), *agreed}


def read(file: str, left_out: Callable[[str], None]) -> list[Subject]:
    """Return the subjects of a list: one a line, ``NAME`` or ``KIND NAME``, with spaces or not.

    ``left_out`` is told of lines that can't be read. Raises CliError where none can.
    """
    found = []
    for number, line in enumerate(manifests.text_of(file).splitlines(), 1):
        # Names may hold a `#`, as in `team #1`: a comment has a space on both sides, or the line.
        text = f" {line} ".partition(" # ")[0].strip().removeprefix("- ").strip()
        if not text or text.startswith("#"):
            continue
        word, _, name = text.partition(" ")
        known = _KINDS.get(word.lower()) or _KINDS.get(word.lower().removesuffix("s"))
        try:
            found.append(parse(word, name.strip()) if known and name else parse("user", text))
        except CliError as error:
            left_out(f"{file}, line {number} is left out: {error}")
    if not found:
        raise CliError(f"{file}: there is nobody in it")
    return list(dict.fromkeys(found))


def owned(report: Report, subject: Subject) -> list[dict[str, Any]]:
    """Return the items that the subject's parties own or are delegated, hub by hub."""
    found = []
    for hub in report.hubs(()):
        agreement = hub.agreement
        for party in agreement.members.get(subject, ()):
            for result in hub.items:
                item = result.item
                role = {item.owner: "owner"}.get(party)
                if role is None and party in result.delegates:
                    role = "delegate"
                if role:
                    found.append(
                        {
                            "record": agreement.record,
                            "party": party,
                            "as": role,
                            "number": item.terms.number,
                            "item": item.name,
                        }
                    )
    return found


def held(view: ClusterView, subject: Subject) -> list[dict[str, Any]]:
    """Return the bindings that name the subject, and how to take it out of each."""
    found = []
    for binding in view.graph.bindings_of(subject):
        key = binding.key
        others = [each for each in binding.subjects if canonical(each) != canonical(subject)]
        role = view.graph.roles.get(binding.role)
        found.append(
            {
                "binding": str(key),
                "namespace": key.namespace,
                "name": key.name,
                "role": str(binding.role),
                "rulesDigest": rules_digest(role.rules) if role is not None else "",
                "others": len(others),
                "command": removal(binding, canonical(subject)),
            }
        )
    return found


def named(view: ClusterView, subject: Subject) -> list[dict[str, str]]:
    """Return where records and models name it, as a subject or as a user of the hub."""
    found: list[dict[str, str]] = []
    sources: list[tuple[str, str, Iterable[PartySpec]]] = [
        *(("ResponsibilityModel", m.name, m.spec.parties) for m in view.models.values()),
        *(("Responsibility", r.name, r.spec.parties) for r in view.records.values()),
    ]
    for kind, name, parties in sources:
        for party in parties:
            declared = {canonical(Subject(s.kind, s.name, s.namespace)) for s in party.subjects}
            fields = {
                "subjects": subject in declared,
                "hubUsers": subject.kind == USER and subject.name in party.hub_users,
                "hubGroups": subject.kind == GROUP and subject.name in party.hub_groups,
            }
            found.extend(
                {"kind": kind, "name": name, "party": party.name, "field": field}
                for field, there in fields.items()
                if there
            )
    return found


def let_through(report: Report, subject: Subject) -> list[str]:
    """Return the reasons why rights of the subject make no findings: break-glass, exemptions."""
    found = []
    for cluster in report.assessment.clusters.values():
        for entry in cluster.break_glass:
            if entry.subject == subject:
                declared = "declared" if entry.declared else "not declared in the model"
                found.append(f"it may do everything (break glass, {declared})")
    parts = [
        *(hub.exempt for hub in report.assessment.hubs.values()),
        *(cluster.exempt for cluster in report.assessment.clusters.values()),
    ]
    found.extend(
        f"it is exempt: {entry.reason}"
        for part in parts
        for entry in part
        if entry.subject == subject
    )
    return list(dict.fromkeys(found))


def leaving(report: Report, subject: Subject) -> FindingChanges:
    """Return what follows when no binding names the subject any more."""
    keys = [binding.key for binding in report.view.graph.bindings_of(subject)]
    return without(report.view, subject, keys, report.assessment.now)


def alone(report: Report, subject: Subject) -> list[dict[str, str]]:
    """Return the parties that nobody else acts for."""
    return [
        {"record": hub.agreement.record, "party": party.name}
        for hub in report.hubs(())
        for party in hub.agreement.parties.values()
        if party.subjects == (subject,)
    ]
