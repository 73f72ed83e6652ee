"""Stages of admission and modes of RBAC, in order: each goes further than the one before it.

The same values stand in records, on labels and in the operator's settings; they are read into
these once, at the edge, and never compared as texts. Imported without the models, which are slow.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class OrderedEnum(StrEnum):
    """Values that are compared by their order of definition; with other texts, not at all."""

    rank: int

    def __new__(cls, value: str) -> Self:
        """Make a member, one above those before it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.rank = len(cls.__members__)
        return member

    @classmethod
    def of(cls, text: object) -> Self | None:
        """Return the member that a text from outside stands for; None if there is none."""
        return next((member for member in cls if member.value == text), None)

    def __lt__(self, other: str) -> bool:
        """Return whether this doesn't go as far. Raises TypeError for any other type."""
        return self.rank < self._rank_of(other)

    def __le__(self, other: str) -> bool:
        return self.rank <= self._rank_of(other)

    def __gt__(self, other: str) -> bool:
        return self.rank > self._rank_of(other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= self._rank_of(other)

    def _rank_of(self, other: str) -> int:
        if isinstance(other, type(self)):
            return other.rank
        raise TypeError(f"{self!r} cannot be compared with {other!r}")


class AdmissionStage(OrderedEnum):
    """How admission answers a change by somebody who doesn't own the item."""

    OBSERVE = "observe"
    WARN = "warn"
    DENY = "deny"


class RbacMode(OrderedEnum):
    """How the operator treats RBAC itself."""

    AUDIT = "audit"
    GRANT = "grant"
    REVOKE = "revoke"
