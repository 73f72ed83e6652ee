"""Tasks out of what the operator has published: statuses say whom to reach, not who that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from responsibility.api.status import CauseStatus, CommonStatus
from responsibility.ownership.results.plain_remedies import plain_remedy
from responsibility.ownership.results.severity import Severity
from responsibility.ownership.terms.agreement import Agreement, Party, Terms
from responsibility.web.agreements import Todo
from responsibility.web.overview import Counts
from responsibility.web.tasks import Task


def published_todo(
    agreements: Iterable[Agreement],
    records: Mapping[str, CommonStatus | None],
    models: Mapping[str, CommonStatus | None],
) -> Todo:
    """Return what there is to do on these hubs and their cluster, by the statuses."""
    every = list(agreements)
    terms = {agreement.terms.name: agreement.terms for agreement in every}
    return Todo(
        {a.record: _tasks(records.get(a.record), a.terms, a.parties) for a in every},
        [
            task
            for name, each in terms.items()
            for task in _tasks(models.get(name), each, each.parties)
        ],
    )


def published_counts(records: Mapping[str, CommonStatus | None]) -> Counts:
    """Return how bad the worst of each record's causes is, and how many causes it has."""
    return {
        name: (min(_severity(cause) for cause in status.causes), len(status.causes))
        for name, status in records.items()
        if status is not None and status.causes
    }


def severities(status: CommonStatus | None) -> list[int]:
    """Return how bad each cause in a status is."""
    return [_severity(cause) for cause in (status.causes if status else ())]


def _severity(cause: CauseStatus) -> int:
    name = cause.severity.upper()
    return int(Severity[name]) if name in Severity.__members__ else int(Severity.LOW)


def _tasks(status: CommonStatus | None, terms: Terms, parties: Mapping[str, Party]) -> list[Task]:
    titles = {item.name: item.title for item in terms.items}
    return [
        Task(
            Severity(_severity(cause)).name.lower(),
            tuple(titles.get(item, item) for item in cause.items),
            # Statuses that an older operator has written have none.
            cause.summary or cause.message,
            cause.remedy,
            plain_remedy(cause.kind),
            cause.id,
            _whose(cause, parties),
            tuple(filter(None, cause.contact.split(", "))),
        )
        for cause in (status.causes if status else ())
    ]


def _whose(cause: CauseStatus, parties: Mapping[str, Party]) -> str:
    """Return who is to be reached first, by their address."""
    for address in cause.contact.split(", "):
        for party in parties.values():
            if address and party.contact == address:
                return party.label
    return ""
