"""Evaluation of one rule against one request.

The functions mirror those of ``pkg/apis/rbac/v1/evaluation_helpers.go`` and ``RuleAllows`` of
``plugin/pkg/auth/authorizer/rbac/rbac.go`` in kubernetes/kubernetes, name by name, so that the
two can be read side by side. All comparisons are case-sensitive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from responsibility.rbac.objects import Attributes, Rule

ALL = "*"

# Requests that never carry a name, whatever the client sends: a delete without a name *becomes*
# deletecollection (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go). `create` is not one
# of them: an update or server-side apply that turns out to create the object is authorized as
# `create` with the object's name (pkg/endpoints/handlers/{update,patch}.go), so a rule that is
# restricted to names does let its holder create just those.
_NAMELESS_VERBS = frozenset({"deletecollection"})


def verb_matches(rule: Rule, verb: str) -> bool:
    """Return whether the rule's verbs cover the verb (``VerbMatches``)."""
    return ALL in rule.verbs or verb in rule.verbs


def api_group_matches(rule: Rule, group: str) -> bool:
    """Return whether the rule's apiGroups cover the group (``APIGroupMatches``).

    The empty group is the core group, and only that.
    """
    return ALL in rule.api_groups or group in rule.api_groups


def combined_resource(resource: str, subresource: str) -> str:
    """Return ``pods`` or ``pods/exec``, as rules write it."""
    return f"{resource}/{subresource}" if subresource else resource


def resource_matches(rule: Rule, combined: str, subresource: str) -> bool:
    """Return whether the rule's resources cover the resource (``ResourceMatches``).

    ``*`` covers every resource and subresource, ``*/scale`` that subresource of every resource.
    ``pods`` does not cover ``pods/exec``; ``pods/*`` and ``*/*`` are literals that cover nothing.
    """
    return (
        ALL in rule.resources
        or combined in rule.resources
        or (subresource != "" and f"{ALL}/{subresource}" in rule.resources)
    )


def resource_name_matches(rule: Rule, name: str) -> bool:
    """Return whether the rule covers the name (``ResourceNameMatches``).

    A rule without names covers all. A rule with names doesn't cover a request without one,
    such as most creates and lists; ``*`` among the names is a literal.
    """
    return not rule.resource_names or name in rule.resource_names


def non_resource_url_matches(rule: Rule, path: str) -> bool:
    """Return whether the rule's nonResourceURLs cover the path (``NonResourceURLMatches``).

    Stars count at the end only, where any number of them is one glob.
    """
    return any(
        url in (ALL, path) or (url.endswith(ALL) and path.startswith(url.rstrip(ALL)))
        for url in rule.non_resource_urls
    )


def name_admits(rule: Rule, attributes: Attributes, *, any_name: bool = False) -> bool:
    """Return whether the rule's names don't stand in the way of the request.

    With ``any_name``, a question without a name is meant as "for at least some name".
    """
    if resource_name_matches(rule, attributes.name):
        return True
    return any_name and not attributes.name and attributes.verb not in _NAMELESS_VERBS


def rule_allows(rule: Rule, attributes: Attributes, *, any_name: bool = False) -> bool:
    """Return whether the rule allows the request (``RuleAllows``).

    Whether the rule is in force for the user, and in the namespace, is the binding's business.
    """
    if attributes.path:
        return verb_matches(rule, attributes.verb) and non_resource_url_matches(
            rule, attributes.path
        )
    combined = combined_resource(attributes.resource, attributes.subresource)
    return (
        verb_matches(rule, attributes.verb)
        and api_group_matches(rule, attributes.group)
        and resource_matches(rule, combined, attributes.subresource)
        and name_admits(rule, attributes, any_name=any_name)
    )


def gives_everything(rule: Rule) -> bool:
    """Return whether a rule allows every verb on every resource, whatever its name."""
    lists = (rule.verbs, rule.api_groups, rule.resources)
    return not rule.resource_names and all(ALL in each for each in lists)


def rule_covers(owners: Iterable[Rule], rule: Rule) -> bool:
    """Return whether everything about resources that ``rule`` allows, one of the others does.

    Like ``Covers`` of ``k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go``, by
    which the API server tells whether somebody may write a role: the rule is broken down to one
    verb, group, resource and name each. A wildcard is only covered by a wildcard.
    """
    owners = tuple(owners)
    return all(
        any(
            verb_matches(owner, verb)
            and api_group_matches(owner, group)
            and _resource_covers(owner, resource)
            and resource_name_matches(owner, name)
            for owner in owners
        )
        for verb in rule.verbs
        for group in rule.api_groups
        for resource in rule.resources
        for name in rule.resource_names or ("",)
    )


def _resource_covers(owner: Rule, resource: str) -> bool:
    return resource_matches(owner, resource, resource.partition("/")[2])


_DIGITS: Final = 32


@lru_cache(maxsize=4_096)
def rules_digest(rules: tuple[Rule, ...]) -> str:
    """Return what a list of rules is known by, as 32 hexadecimal digits.

    The order of rules, and of what they list, plays no part, nor do repetitions: that changes
    nothing of what they allow.
    """
    parts = sorted(
        {
            tuple(
                tuple(sorted(set(words)))
                for words in (
                    rule.verbs,
                    rule.api_groups,
                    rule.resources,
                    rule.resource_names,
                    rule.non_resource_urls,
                )
            )
            for rule in rules
        }
    )
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
