"""A grant: one binding of one party's subjects to one item's role, as it should be and as it is.

Its name says what it is about (a digest of record, item, party, role and subjects), so a changed
agreement is a new binding beside the old one, and nothing ever has to be taken over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from responsibility import api_groups
from responsibility.api.names import (
    API_VERSION,
    GRANT_PREFIX,
    ITEM_LABEL,
    ITEM_ROLE_PREFIX,
    MANAGED_BY_LABEL,
    MODEL_LABEL,
    OPERATOR,
    PARTY_LABEL,
    RECORD_LABEL,
    label_value,
)
from responsibility.hub.discovery import HubKey
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import (
    SERVICE_ACCOUNT,
    Binding,
    BindingKey,
    RoleKey,
    Subject,
)
from responsibility.rbac.parse import parse_binding

RECORD = "Responsibility"
MODEL = "ResponsibilityModel"
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that a grant follows from, and is collected with: a record or a model."""

    kind: str
    name: str
    uid: str

    @property
    def label(self) -> tuple[str, str]:
        """Return the label that says so."""
        return (
            RECORD_LABEL if self.kind == RECORD else MODEL_LABEL,
            label_value(self.name),
        )

    def reference(self) -> dict[str, str]:
        """Return it as an ownerReference.

        Without ``blockOwnerDeletion``, which would need one more right on our own kinds.
        """
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
        }


@dataclass(frozen=True, slots=True)
class DesiredBinding:
    """A binding that should be there; ``hub`` is None for what the cluster has only one of."""

    owner: Owner
    item: str
    party: str
    namespace: str
    role: str
    subjects: frozenset[Subject]
    hub: HubKey | None = None
    key: BindingKey = field(init=False)

    def __post_init__(self) -> None:
        """Work out the name."""
        parts = (
            self.owner.kind,
            self.owner.name,
            self.owner.uid,
            self.item,
            self.party,
            self.namespace,
            self.role,
            *(str(subject) for subject in sorted(self.subjects)),
        )
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]
        name = f"{GRANT_PREFIX}{self.item}-{digest}"
        object.__setattr__(self, "key", BindingKey(self.namespace, name))

    @property
    def kind(self) -> str:
        """Return RoleBinding or ClusterRoleBinding."""
        return "RoleBinding" if self.namespace else "ClusterRoleBinding"

    @property
    def labels(self) -> dict[str, str]:
        """Return our labels; others may stand beside them."""
        key, value = self.owner.label
        return {
            MANAGED_BY_LABEL: OPERATOR,
            key: value,
            ITEM_LABEL: self.item,
            PARTY_LABEL: self.party,
        }

    def manifest(self, *, uid: str = "") -> dict[str, Any]:
        """Return all that is ours of it; with ``uid``, of that very object."""
        metadata: dict[str, Any] = {"name": self.key.name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        if uid:
            metadata["uid"] = uid
        metadata["labels"] = self.labels
        metadata["ownerReferences"] = [self.owner.reference()]
        return {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": self.kind,
            "metadata": metadata,
            "roleRef": {"apiGroup": api_groups.RBAC, "kind": "ClusterRole", "name": self.role},
            "subjects": [subject_manifest(subject) for subject in sorted(self.subjects)],
        }


@dataclass(frozen=True, slots=True)
class LiveBinding(Binding):
    """A binding named like ours as it is, with what of it is kept for none of the others.

    ``owners`` are the UIDs of its ownerReferences. ``ours`` is whether we have written it: its
    label says so, or the API server's record of who wrote which field, which outlives the label.
    """

    owners: frozenset[str] = frozenset()
    ours: bool = False
    deleting: bool = False

    @property
    def who(self) -> frozenset[Subject]:
        """Return its subjects as a set, each in the one form in which they are compared."""
        return frozenset(map(canonical, self.subjects))

    @property
    def to_item(self) -> bool:
        """Whether it binds a role of an item, as every grant does."""
        return not self.role.namespace and self.role.name.startswith(ITEM_ROLE_PREFIX)

    def labelled(self, key: str) -> str:
        """Return the value of one of our labels, empty without it."""
        return self.labels.get(key, "")

    def is_as(self, wanted: DesiredBinding) -> bool:
        """Return whether nothing of ours is amiss."""
        return (
            self.who == wanted.subjects
            and wanted.owner.uid in self.owners
            and all(self.labels.get(key) == value for key, value in wanted.labels.items())
        )

    def can_become(self, wanted: DesiredBinding) -> bool:
        """Return whether it is ours to repair. What a binding refers to can't be changed."""
        return self.ours and self.role == RoleKey("", wanted.role)


def parse(raw: Mapping[str, Any]) -> Binding:
    """Return a binding; one that is named like ours as `Present`. Raises ValueError."""
    binding = parse_binding(raw)
    if not binding.key.name.startswith(GRANT_PREFIX):
        return binding
    metadata = raw["metadata"]
    managers = metadata.get("managedFields") or ()
    return LiveBinding(
        **{f.name: getattr(binding, f.name) for f in fields(binding)},
        owners=frozenset(str(o.get("uid")) for o in metadata.get("ownerReferences") or ()),
        ours=binding.labels.get(MANAGED_BY_LABEL) == OPERATOR
        or any(entry.get("manager") == OPERATOR for entry in managers),
        deleting=bool(metadata.get("deletionTimestamp")),
    )


def subject_manifest(subject: Subject) -> dict[str, str]:
    """Return a subject as a binding holds it."""
    if subject.kind == SERVICE_ACCOUNT:
        return {"kind": str(subject.kind), "name": subject.name, "namespace": subject.namespace}
    return {"apiGroup": api_groups.RBAC, "kind": str(subject.kind), "name": subject.name}


def ungrantable(subject: Subject) -> str:
    """Return why a subject is never granted anything; an empty text if it may be."""
    if "*" in subject.name or "$(" in subject.name or not subject.name.isprintable():
        return "not one exact name"
    if subject.kind != SERVICE_ACCOUNT and subject.name.startswith("system:"):
        return "a name of Kubernetes' own, which may stand for any number of others"
    return ""
