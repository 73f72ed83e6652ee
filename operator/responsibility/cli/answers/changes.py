"""Differences between two views: before and after manifests are applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from responsibility.cli.answers.report import Report
from responsibility.cli.answers.simulate import FindingChanges, difference
from responsibility.cli.sources.cluster_view import ALL, ClusterView
from responsibility.cli.sources.offline import complete
from responsibility.cli.sources.options import Where
from responsibility.ownership.results.contacts import parties_of
from responsibility.ownership.results.wording import permission_texts
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.consents import consents
from responsibility.ownership.terms.entitlement import Entitlement
from responsibility.ownership.terms.resolve import resolve_defaults
from responsibility.rbac.objects import Binding, Role, Subject

_Keyed = TypeVar("_Keyed", Role, Binding)


def applied(base: ClusterView, where: Where) -> ClusterView:
    """Return the base with the objects of the files in the place of those of the same name."""
    # Roles that are missing in these files are those of the base.
    more = replace(where, default_roles=False, kubernetes="").load(ALL)
    # The shipped model stands in where files have none; here the base has it.
    proposed_models = {name for kind, _, name in more.places if kind == "ResponsibilityModel"}
    models = {
        name: model
        for name, model in more.models.items()
        if name not in base.models or name in proposed_models
    }
    merged = replace(
        base,
        roles=_over(base.roles, more.roles),
        bindings=_over(base.bindings, more.bindings),
        assumed=base.assumed - {role.key for role in more.roles},
        namespaces={**base.namespaces, **more.namespaces},
        deployments=[
            *(d for d in base.deployments if (d.namespace, d.name) not in _names(more)),
            *more.deployments,
        ],
        models={**base.models, **models},
        records={**base.records, **more.records},
        broken_records={k: v for k, v in base.broken_records.items() if k not in more.records},
        broken_models={k: v for k, v in base.broken_models.items() if k not in models},
    )
    complete(merged, assume_roles=where.default_roles and not base.live, version=where.kubernetes)
    return merged


def _over(base: Iterable[_Keyed], more: Iterable[_Keyed]) -> list[_Keyed]:
    merged: dict[Any, _Keyed] = {each.key: each for each in base}
    merged.update((each.key, each) for each in more)
    return list(merged.values())


def _names(view: ClusterView) -> set[tuple[str, str]]:
    return {(d.namespace, d.name) for d in view.deployments}


def _agreements(report: Report) -> dict[str, Agreement]:
    return {name: hub.agreement for name, hub in report.assessment.hubs.items()}


def owners(old: Report, new: Report) -> list[dict[str, str]]:
    """Return the items whose owner or delegates change, hub by hub; empty is no record."""
    before, after = _agreements(old), _agreements(new)
    found = []
    for record in sorted({*before, *after}):
        lines = [_lines(side.get(record), old) for side in (before, after)]
        for item in dict.fromkeys((*lines[0], *lines[1])):
            first, second = (side.get(item, "") for side in lines)
            if first != second:
                found.append({"record": record, "item": item, "before": first, "after": second})
    return found


def _lines(agreement: Agreement | None, report: Report) -> dict[str, str]:
    if agreement is None:
        return {}
    found = {}
    for item in agreement.items:
        owner, *delegates = item.parties(report.assessment.now)
        also = f" (also {', '.join(delegates)})" if delegates else ""
        found[item.name] = f"{owner}{also}"
    return found


def entitlements(old: Report, new: Report) -> list[dict[str, Any]]:
    """Return the subjects that become entitled to more or less, hub by hub."""
    before, after = _agreements(old), _agreements(new)
    found = []
    for record in sorted({*before, *after}):
        sides = [_entitled(side.get(record), old) for side in (before, after)]
        for subject in sorted({*sides[0], *sides[1]}):
            first, second = (side.get(subject, frozenset()) for side in sides)
            if first != second:
                found.append(
                    {
                        "record": record,
                        "subject": str(subject),
                        "gains": sorted(second - first),
                        "loses": sorted(first - second),
                    }
                )
    return found


def _entitled(agreement: Agreement | None, report: Report) -> dict[Subject, frozenset[str]]:
    if agreement is None:
        return {}
    entitlement = Entitlement.of(agreement, report.assessment.now)
    permissions = agreement.terms.permissions
    return {
        subject: frozenset(
            permission_texts(permissions.select(entitlement.of_subject(subject), agreement.names))
        )
        for subject in agreement.members
    }


def to_agree(old: Report, new: Report) -> list[dict[str, str]]:
    """Return who has to agree to the records that change, each with the reason."""
    before, after = _agreements(old), _agreements(new)
    records = old.view.records, new.view.records
    found = []
    for record in sorted({*records[0], *records[1]}):
        specs = [side[record].spec if record in side else None for side in records]
        terms = before.get(record) or after.get(record)
        if specs[0] == specs[1] or terms is None:
            continue
        defaults = resolve_defaults(terms.terms)
        for each in consents(before.get(record), after.get(record), defaults):
            party = each.agreement.parties.get(each.party)
            asked = parties_of([(each.agreement, each.party)])
            found.append(
                {
                    "record": record,
                    "item": each.item,
                    "party": each.party,
                    "displayName": party.label if party else each.party,
                    "contact": ", ".join(one.contact for one in asked),
                    "why": each.why,
                }
            )
    return found


def findings(old: Report, new: Report) -> FindingChanges:
    """Return the findings that appear and go."""
    return difference(old.findings(), new.findings())
