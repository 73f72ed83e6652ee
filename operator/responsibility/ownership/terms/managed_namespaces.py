"""Managed namespaces: those in which people have let the operator write.

A label that people put on the hub's Namespace, and that the operator can't. Records decide what is
to be in force, and whoever has stolen the operator's token writes none; but such a thief holds the
rights by which grants, and labels for admission, are written anywhere. Admission keeps the operator
to Namespaces with this label, and to none of Kubernetes' own or of its own: whoever may write there
could take over the cluster, or the operator. What it keeps to by itself says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Final

from responsibility.api.names import MANAGED_LABEL

# What the names of Kubernetes' own namespaces begin with.
PROTECTED: Final = "kube-"
MANAGED: Final = "true"


def is_managed(metadata: Mapping[str, object]) -> bool:
    """Return whether people have marked a Namespace, by its metadata."""
    labels = metadata.get("labels")
    return isinstance(labels, Mapping) and labels.get(MANAGED_LABEL) == MANAGED


def is_protected(namespace: str, own: str) -> bool:
    """Return whether nothing is ever written in a namespace; ``own`` is the operator's."""
    return namespace.startswith(PROTECTED) or namespace == own


def unmarked(namespace: str) -> str:
    """Return that a namespace has no mark, and how to put it there."""
    return (
        f"namespace {namespace} is not marked as one in which the operator may write: kubectl "
        f"label namespace {quote(namespace)} {MANAGED_LABEL}={MANAGED}"
    )
