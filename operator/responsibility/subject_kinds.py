"""The kinds of subject of RBAC, each spelled here and nowhere else.

It stands below all rooms, since ``rbac`` and ``api`` need it and know nothing of each other.
A binding may name any kind; the API server keeps what it doesn't know, and so is it kept here, as
a type of its own, so that no text becomes a kind unseen.
Source: ``staging/src/k8s.io/api/rbac/v1/types.go``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType


# It is hashed all the time, as fast as any text, and printed as one. Only where YAML is written it
# has to be made one with str(): PyYAML's safe dumpers take no subclass.
class SubjectKind(StrEnum):
    """The kinds of subject that Kubernetes RBAC knows."""

    USER = "User"
    GROUP = "Group"
    SERVICE_ACCOUNT = "ServiceAccount"


# Of a subject that matches nobody.
UnknownKind = NewType("UnknownKind", str)
AnyKind = SubjectKind | UnknownKind

_KNOWN = {kind.value: kind for kind in SubjectKind}


def subject_kind(text: str) -> AnyKind:
    """Return the kind that a binding names."""
    return _KNOWN.get(text) or UnknownKind(text)
