"""A second opinion: RBAC as a loop over all bindings, their role, its rules.

Written after the Go sources, function by function, and not after our own ``rules``: nothing in
here is shared with the code under test but the values. Slow, and obviously right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    Attributes,
    Binding,
    Role,
    RoleKey,
    Rule,
    Source,
    Subject,
)

# Whoever asks often may find the roles by key beforehand: the API server has that, too.
Objects = tuple[Collection[Role] | Mapping[RoleKey, Role], Collection[Binding]]


def decide(
    objects: Objects, user: str, groups: Collection[str], attributes: Attributes
) -> list[Source]:
    """``VisitRulesFor`` with a visitor that doesn't stop at the first rule that allows."""
    sources = [Source(None, None)] if "system:masters" in groups else []
    for source, subjects in visit(objects, attributes, any_name=False):
        if any(applies_to_user(subject, user, groups) for subject in subjects):
            sources.append(source)
    return sources


def holders(
    objects: Objects, attributes: Attributes, *, any_name: bool = False
) -> dict[Subject, list[Source]]:
    """Every subject of a binding that grants, under its one name."""
    found: dict[Subject, list[Source]] = {
        Subject(GROUP, "system:masters"): [Source(None, None)],
    }
    for source, subjects in visit(objects, attributes, any_name=any_name):
        for subject in {identity(subject) for subject in subjects} - {None}:
            assert subject is not None
            found.setdefault(subject, []).append(source)
    return found


def visit(
    objects: Objects, attributes: Attributes, *, any_name: bool
) -> Iterator[tuple[Source, tuple[Subject, ...]]]:
    """Every rule that is in force where the request is made and allows it."""
    roles, bindings = objects
    by_key = roles if isinstance(roles, Mapping) else {role.key: role for role in roles}
    for binding in bindings:
        if binding.key.namespace and (
            attributes.path or binding.key.namespace != attributes.namespace
        ):
            continue
        role = by_key.get(binding.role)
        if role is None:
            continue
        for number, rule in enumerate(role.rules):
            if rule_allows(rule, attributes, any_name=any_name):
                yield (
                    Source(binding.key, binding.role, number, rule.resource_names),
                    binding.subjects,
                )


def applies_to_user(subject: Subject, user: str, groups: Collection[str]) -> bool:
    """``appliesToUser`` in ``pkg/registry/rbac/validation/rule.go``."""
    if subject.kind == "User":
        return user == subject.name
    if subject.kind == "Group":
        return subject.name in groups
    if subject.kind == "ServiceAccount" and subject.namespace:
        return user == f"system:serviceaccount:{subject.namespace}:{subject.name}"
    return False


def identity(subject: Subject) -> Subject | None:
    """Return the subject by its one name; None for those that no request can match."""
    if subject.kind == "ServiceAccount":
        return subject if subject.namespace else None
    if subject.kind == "User":
        match subject.name.split(":"):
            case ["system", "serviceaccount", str(namespace), str(name)] if namespace and name:
                return Subject(SERVICE_ACCOUNT, name, namespace)
        return subject
    return subject if subject.kind == "Group" else None


def rule_allows(rule: Rule, request: Attributes, *, any_name: bool = False) -> bool:
    """``RuleAllows`` in ``plugin/pkg/auth/authorizer/rbac/rbac.go``."""
    if not verb_matches(rule, request.verb):
        return False
    if request.path:
        return non_resource_url_matches(rule, request.path)
    combined = request.resource
    if request.subresource:
        combined = request.resource + "/" + request.subresource
    if not api_group_matches(rule, request.group):
        return False
    if not resource_matches(rule, combined, request.subresource):
        return False
    if any_name and request.name == "" and request.verb != "deletecollection":
        return True
    return resource_name_matches(rule, request.name)


def verb_matches(rule: Rule, verb: str) -> bool:
    """``VerbMatches`` in ``pkg/apis/rbac/v1/evaluation_helpers.go``, as all that follow."""
    for rule_verb in rule.verbs:  # noqa: SIM110 - a loop like the original's
        if rule_verb in {"*", verb}:
            return True
    return False


def api_group_matches(rule: Rule, group: str) -> bool:
    for rule_group in rule.api_groups:  # noqa: SIM110 - as simple as can be
        if rule_group in {"*", group}:
            return True
    return False


def resource_matches(rule: Rule, combined: str, subresource: str) -> bool:
    for rule_resource in rule.resources:
        if rule_resource == "*":
            return True
        if rule_resource == combined:
            return True
        if len(subresource) == 0:
            continue
        if (
            len(rule_resource) == len(subresource) + 2
            and rule_resource.startswith("*/")
            and rule_resource.endswith(subresource)
        ):
            return True
    return False


def resource_name_matches(rule: Rule, name: str) -> bool:
    if len(rule.resource_names) == 0:
        return True
    for rule_name in rule.resource_names:  # noqa: SIM110 - as simple as can be
        if rule_name == name:
            return True
    return False


def non_resource_url_matches(rule: Rule, path: str) -> bool:
    for url in rule.non_resource_urls:
        if url == "*":
            return True
        if url == path:
            return True
        if url.endswith("*"):
            prefix = url
            while prefix.endswith("*"):
                prefix = prefix[:-1]
            if path.startswith(prefix):
                return True
    return False


def dangling(objects: Objects) -> list[Binding]:
    """Return the bindings whose role isn't there."""
    roles, bindings = objects
    by_key = roles if isinstance(roles, Mapping) else {role.key: role for role in roles}
    return [binding for binding in bindings if binding.role not in by_key]
