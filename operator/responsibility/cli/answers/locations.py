"""The location of a finding in the files: its first binding, else the record."""

from __future__ import annotations

from responsibility.cli.answers.report import Report
from responsibility.cli.sources.location import Location
from responsibility.ownership.results.findings import Finding


def location_of(report: Report, finding: Finding) -> Location | None:
    """Return where to look in the files; None where nothing in them is to blame."""
    places = report.view.places
    for source in finding.sources:
        if source.binding is not None:
            key = source.binding
            kind = "RoleBinding" if key.namespace else "ClusterRoleBinding"
            place = places.get((kind, key.namespace, key.name))
            if place is not None:
                return place
    agreement = report.agreement(finding)
    if agreement is not None:
        return places.get(("Responsibility", "", agreement.record))
    records = sorted(key for key in places if key[0] == "Responsibility")
    return places[records[0]] if records else None
