"""Questions that aim at what is granted, so that about half of the answers are yes.

Drawn blindly from all words, nearly every answer in a big world is no. So take a binding, one of
its subjects and one rule of its role, make a request out of them, and spoil some of them a bit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from responsibility.rbac.identity import is_somebody, user_and_groups
from responsibility.rbac.objects import Attributes, Binding, Role, RoleKey, Rule, Subject

Asked = tuple[str, tuple[str, ...], Attributes]


@dataclass(frozen=True, slots=True)
class Near:
    """Draws questions about these roles and bindings, for ever."""

    draw: random.Random
    roles: Mapping[RoleKey, Role]
    bindings: Sequence[Binding]
    namespaces: Sequence[str]
    strangers: Sequence[str] = ("nobody",)
    """User names to try in the place of a subject: so that what we overlook is asked about."""

    def questions(self) -> Iterator[Asked]:
        granting = [
            (binding, somebodies, self.roles[binding.role].rules)
            for binding in sorted(self.bindings, key=lambda binding: binding.key)
            if (somebodies := [each for each in binding.subjects if is_somebody(each)])
            and binding.role in self.roles
            and any(map(_can_be_asked, self.roles[binding.role].rules))
        ]
        while granting:
            binding, subjects, rules = self.draw.choice(granting)
            user, groups = self.identity(self.draw.choice(subjects))
            namespace = binding.key.namespace or self.draw.choice(("", *self.namespaces))
            asked = self.attributes(self.draw.choice(rules), namespace)
            if self.draw.random() < 0.5:
                asked = self.spoilt(asked)
            if asked is not None:
                yield user, groups, asked

    def identity(self, subject: Subject) -> tuple[str, tuple[str, ...]]:
        """Return the subject as a request, with the groups that it is in or without them."""
        user, groups = user_and_groups(subject)
        match self.draw.randrange(5):
            case 0 if user:
                return user, ()
            case 1:
                return user or "somebody", (*groups, "engineers")
            case 2:
                return self.draw.choice(self.strangers), ()
            case 3 if self.draw.random() < 0.2:
                return user or "somebody", ("system:masters",)
            case _:
                return user, groups

    def attributes(self, rule: Rule, namespace: str) -> Attributes | None:
        """Return a request that the rule allows, if it allows any."""
        if not rule.verbs:
            return None
        verb = self.concrete(rule.verbs, ("get", "list", "create", "bind"))
        if rule.non_resource_urls:
            path = self.draw.choice(rule.non_resource_urls)
            if path.endswith("*"):
                path = (path.rstrip("*") or "/") + self.draw.choice(("", "x", "/x"))
            return Attributes(verb, path=path)
        if not rule.api_groups or not rule.resources:
            return None
        combined = self.concrete(rule.resources, ("pods", "secrets", "pods/exec", "nodes"))
        resource, _, subresource = combined.partition("/")
        if resource == "*":
            resource = self.draw.choice(("deployments", "pods"))
        name = self.draw.choice(rule.resource_names or ("", "", "some"))
        if resource == "namespaces" and namespace and self.draw.random() < 0.7:
            name = namespace
        group = self.concrete(rule.api_groups, ("", "apps", "batch"))
        return Attributes(verb, group, resource, subresource, name, namespace)

    def concrete(self, options: Sequence[str], instead: Sequence[str]) -> str:
        chosen = self.draw.choice(options)
        return self.draw.choice(instead) if chosen == "*" else chosen

    def spoilt(self, asked: Attributes | None) -> Attributes | None:
        """Return a request beside the one given."""
        if asked is None:
            return None
        changes: tuple[dict[str, str], ...]
        if asked.path:
            changes = {"verb": "put"}, {"path": f"{asked.path}/x"}, {"path": asked.path[:-1] or "/"}
        else:
            changes = (
                {"verb": self.draw.choice(("deletecollection", "patch", "GET"))},
                {"group": self.draw.choice(("", "apps", "other"))},
                {"subresource": self.draw.choice(("", "exec", "scale", "status"))},
                {"name": self.draw.choice(("", "hub", "other"))},
                {"namespace": self.draw.choice(("", *self.namespaces))},
                {"resource": f"{asked.resource}s"},
            )
        return replace(asked, **self.draw.choice(changes))


def _can_be_asked(rule: Rule) -> bool:
    return bool(rule.verbs and (rule.non_resource_urls or (rule.api_groups and rule.resources)))
