"""Subjects that may hold what an item reserves without being drift: listed, never hidden."""

from __future__ import annotations

from dataclasses import dataclass

from responsibility.ownership.terms.permission_index import Names
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject
from responsibility.subject_kinds import AnyKind

ALL_ITEMS = "*"
ANY_NAMESPACE = "*"


def _matches(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


@dataclass(frozen=True, slots=True)
class Exemption:
    """One exempt subject; names may end in ``*`` and hold the placeholders of a hub."""

    kind: AnyKind
    name: str
    namespace: str
    items: frozenset[str]
    reason: str

    @property
    def symbolic(self) -> bool:
        """Whether it means something only for a given hub."""
        return "$(" in self.name or "$(" in self.namespace

    @property
    def subject(self) -> Subject | None:
        """The one subject that is meant; None for a pattern. Placeholders have been filled."""
        if self.name.endswith("*") or self.namespace.endswith("*"):
            return None
        return Subject(self.kind, self.name, self.namespace)

    @property
    def exact_namespace(self) -> str | None:
        """The one namespace whose ServiceAccounts are meant; None if there may be others."""
        exact = self.kind == SERVICE_ACCOUNT and not self.namespace.endswith("*")
        return self.namespace if exact else None

    @property
    def own_hub_only(self) -> bool:
        """Whether it is about a part of each hub, which to other hubs is a stranger.

        A ServiceAccount that is named after a hub's, but in whatever namespace, is not.
        """
        return self.symbolic and self.namespace != ANY_NAMESPACE

    def fill(self, names: Names) -> Exemption:
        """Return it for one hub."""
        if not self.symbolic:
            return self
        return Exemption(
            kind=self.kind,
            name=names.fill(self.name),
            namespace=names.fill(self.namespace),
            items=self.items,
            reason=self.reason,
        )

    def covers(self, subject: Subject) -> bool:
        """Return whether ``subject`` (in canonical form) is meant."""
        return (
            subject.kind == self.kind
            and _matches(self.name, subject.name)
            and (subject.kind != SERVICE_ACCOUNT or _matches(self.namespace, subject.namespace))
        )

    def for_item(self, item: str) -> bool:
        """Return whether it holds for ``item``."""
        return ALL_ITEMS in self.items or item in self.items


def exempt_operator(own: Subject | None) -> tuple[Exemption, ...]:
    """Return the exemption of the identity that this operator itself runs as."""
    if own is None:
        return ()
    own = canonical(own)
    reason = "this operator: it writes statuses and annotations"
    return (Exemption(own.kind, own.name, own.namespace, frozenset({ALL_ITEMS}), reason),)
