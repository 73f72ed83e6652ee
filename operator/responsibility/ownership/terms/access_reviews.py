"""The API server's own answers about declared subjects, beside what RBAC says.

Cloud IAM and other authorizers grant rights that no RBAC object shows; so where RBAC does not
let an owner do what it should, the server is asked before anything is called missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from responsibility.rbac.objects import Attributes, Subject

EVERYTHING = Attributes("*", "*", "*")


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """A question to put to the API server about a declared subject."""

    subject: Subject
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Reviews:
    """The server's answers so far; what was never asked is not in it."""

    answers: Mapping[Ask, bool] = field(default_factory=dict)
    # The subjects whom the server lets do something that it was asked about: more than RBAC says.
    favoured: frozenset[Subject] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        """Note whom the server allowed anything."""
        favoured = frozenset(ask.subject for ask, allowed in self.answers.items() if allowed)
        object.__setattr__(self, "favoured", favoured)

    def allows(self, subject: Subject, attributes: Attributes) -> bool:
        """Return whether the server is known to allow it."""
        return self.answers.get(Ask(subject, attributes), False) or self.answers.get(
            Ask(subject, EVERYTHING), False
        )
