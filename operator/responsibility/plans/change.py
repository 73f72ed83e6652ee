"""Plans as data: changes of RBAC objects, and obstacles to others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from responsibility.ownership.results.findings import Finding
from responsibility.phrases import counted
from responsibility.rbac.objects import BindingKey, RoleKey, Rule, Subject

# Enough that nobody finds another plan of the same digest, and short enough for a line.
_DIGEST_LENGTH = 32


class Action(StrEnum):
    """The kind of change to one object; plans are applied in this order."""

    CREATE_ROLE = "create-role"
    CREATE_BINDING = "create-binding"
    NARROW_ROLE = "narrow-role"
    EDIT_BINDING = "edit-binding"
    DELETE_BINDING = "delete-binding"


CREATES = frozenset({Action.CREATE_ROLE, Action.CREATE_BINDING})
ORDER = {action: number for number, action in enumerate(Action)}


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one subject in one scope.

    ``permissions`` are those that the model speaks of; ``rest`` says what else goes with them.
    """

    subject: Subject
    where: str
    permissions: tuple[str, ...] = ()
    rest: str = ""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One object created, changed or deleted.

    ``before`` and ``after`` are a binding's subjects, ``rules_before`` and ``rules_after`` a
    role's rules. ``ends`` are the ids of the findings that it helps to end. ``questions`` are what
    a person should ask before approving, ``cautions`` what it should know.
    """

    action: Action
    key: BindingKey | RoleKey
    uid: str = ""
    role: RoleKey | None = None
    before: tuple[Subject, ...] = ()
    after: tuple[Subject, ...] = ()
    rules_before: tuple[Rule, ...] = ()
    rules_after: tuple[Rule, ...] = ()
    ends: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    questions: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def removes(self) -> tuple[Subject, ...]:
        """The subjects that a binding loses."""
        kept = frozenset(self.after)
        return tuple(s for s in self.before if s not in kept)

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """The sort key of a plan."""
        return (ORDER[self.action], self.key.namespace, self.key.name)

    def __str__(self) -> str:
        """Return the change as an imperative sentence."""
        return _WORDS[self.action](self)


def _names(subjects: tuple[Subject, ...]) -> str:
    return ", ".join(map(str, subjects))


_WORDS = {
    Action.CREATE_ROLE: lambda c: f"create {c.key} with {counted(len(c.rules_after), 'rule')}",
    Action.CREATE_BINDING: lambda c: f"create {c.key} of {c.role} to {_names(c.after)}",
    Action.NARROW_ROLE: lambda c: f"narrow {c.key}",
    Action.EDIT_BINDING: lambda c: f"remove {_names(c.removes)} from {c.key} (to {c.role})",
    Action.DELETE_BINDING: lambda c: (
        f"delete {c.key} (to {c.role}), which binds nobody but " + _names(c.removes)
    ),
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """An excess right that a plan can't end, why, and what to do instead."""

    reason: str
    finding: Finding
    why: str
    instead: str


@dataclass(frozen=True)
class Plan:
    """Changes that end ``ended``; ``obstacles`` are the rights that none may end.

    ``aim`` says what was asked for; with ``routes``, indirect ways to a right were counted too.
    """

    aim: str
    routes: bool
    changes: tuple[PlannedChange, ...] = ()
    ended: tuple[Finding, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Return what a person approves: a hash of all that such a person was shown.

        UIDs and resource versions are not in it: they say nothing to anybody, and are checked
        when the plan is applied.
        """
        return hashlib.sha256(paper(self.content()).encode()).hexdigest()[:_DIGEST_LENGTH]

    def content(self) -> dict[str, Any]:
        """Return what the digest is made of."""
        return {
            "aim": self.aim,
            "routes": self.routes,
            "changes": [canonical(change) for change in self.changes],
        }

    def __iter__(self) -> Iterator[PlannedChange]:
        return iter(self.changes)


def paper(content: Mapping[str, Any]) -> str:
    """Return the text that a digest is made of, so that the two can be compared later."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def canonical(change: PlannedChange) -> dict[str, Any]:
    """Return a change as plain data, without what only a cluster's own bookkeeping needs."""
    found: dict[str, Any] = {
        "action": change.action.value,
        "object": str(change.key),
        "ends": sorted(change.ends),
        "losses": [[str(x.subject), x.where, list(x.permissions), x.rest] for x in change.losses],
    }
    if change.role is not None:
        found |= {
            "role": str(change.role),
            "before": sorted(map(str, change.before)),
            "after": sorted(map(str, change.after)),
        }
    else:
        found |= {
            "before": [rule_json(rule) for rule in change.rules_before],
            "after": [rule_json(rule) for rule in change.rules_after],
        }
    return found


def rule_json(rule: Rule) -> dict[str, list[str]]:
    """Return a rule as the API writes it."""
    fields = {
        "verbs": rule.verbs,
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
    }
    return {name: list(values) for name, values in fields.items() if values}


@dataclass(frozen=True, slots=True)
class Summary:
    """A plan in a status: what to approve, and how much it is."""

    digest: str
    changes: int
    ends: int
    held_back: int


def summary(plan: Plan) -> Summary:
    """Return what a status says of a plan."""
    return Summary(plan.digest, len(plan.changes), len(plan.ended), len(plan.obstacles))
