"""Entries of the lists in a hub's Namespace annotations: subjects, and dates as markers.

The keys, and how entries stand in them, are the contract in ``api.names``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from responsibility.api.names import (
    CONTACT_ANNOTATION,
    DELEGATES_ANNOTATION,
    OWNERS_ANNOTATION,
)
from responsibility.rbac.identity import user_and_groups
from responsibility.rbac.objects import GROUP, Subject

_MARKER = "until-%Y%m%dt%H%M%Sz"


def speaks_of(annotations: Mapping[str, str], item: str) -> bool:
    """Return whether a Namespace says anything of an item; if not, no stage of it is in force."""
    keys = (OWNERS_ANNOTATION, DELEGATES_ANNOTATION, CONTACT_ANNOTATION)
    return any(key + item in annotations for key in keys)


def entry(subject: Subject) -> str:
    """Return a subject as policies compare it with the user and groups of a request.

    Raises ValueError for a name with a line break, which no list can hold.
    """
    user, _ = user_and_groups(subject)
    text = f"group:{subject.name}" if subject.kind == GROUP else f"user:{user}"
    if text.splitlines() != [text]:
        raise ValueError(f"{subject.kind} {subject.name!r} has a line break in its name")
    return text


def marker(until: datetime) -> str:
    """Return the name of the ServiceAccount that stands for a date (UTC, whole seconds).

    CEL has no clock for deletions and connections, but it can ask the authorizer. A RoleBinding
    in the operator's namespace lets this ServiceAccount, which need not exist, ``act`` on
    ``delegations``; a Job without pods owns the RoleBinding and fails at the date
    (activeDeadlineSeconds), and Kubernetes' own controllers remove both (ttlSecondsAfterFinished,
    garbage collection). So a delegation ends on time, within a second or two, though nobody of
    ours is there to end it. It costs two small objects for each date that is in use anywhere in
    the cluster, and no pod. While kube-controller-manager is down, what ends meanwhile ends late.
    """
    return until.astimezone(UTC).strftime(_MARKER)


def marker_date(name: str) -> datetime | None:
    """Return the date that a marker's name stands for; None if it is no marker's."""
    try:
        return datetime.strptime(name, _MARKER).replace(tzinfo=UTC)
    except ValueError:
        return None
