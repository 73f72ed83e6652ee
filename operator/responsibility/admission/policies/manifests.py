"""ValidatingAdmissionPolicies and their bindings as manifests, with every default written out.

What the API server would fill in is here already, so that what lives in a cluster equals what was
rendered, or somebody has edited it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responsibility import api_groups

Manifest = dict[str, Any]
# Validations and audit annotations.
_Texts = tuple[list[Manifest], list[Manifest]]

API_VERSION = f"{api_groups.ADMISSION_REGISTRATION}/v1"
POLICY = "ValidatingAdmissionPolicy"
BINDING = "ValidatingAdmissionPolicyBinding"

# The API server reads no audit annotation of more than 5 KiB.
_MOST_SPELLED_OUT = 2000
_NONE = re.compile(r"(?!)")
_VARIABLE = re.compile(r"\bvariables\.(\w+)")

# Stands for the digest of a policy inside the policy itself.
DIGEST = "$(digest)"

NAMESPACED = "Namespaced"
CLUSTER = "Cluster"
ANY = "*"


@dataclass(frozen=True, slots=True, order=True)
class ResourceRule:
    """Requests that a policy is asked about."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    operations: tuple[str, ...]
    scope: str = NAMESPACED
    names: tuple[str, ...] = ()
    versions: tuple[str, ...] = (ANY,)

    def manifest(self) -> Manifest:
        """Return the entry of ``resourceRules``."""
        rule: Manifest = {
            "apiGroups": list(self.groups),
            "apiVersions": list(self.versions),
            "operations": list(self.operations),
            "resources": list(self.resources),
            "scope": self.scope,
        }
        if self.names:
            rule["resourceNames"] = list(self.names)
        return rule


@dataclass(frozen=True, slots=True)
class Validation:
    """A condition that has to hold, and what is said where it doesn't.

    ``message`` takes the place of ``message_expression`` should that fail or be empty.
    """

    expression: str
    message: str
    message_expression: str = ""
    reason: str = "Forbidden"

    def manifest(self) -> Manifest:
        """Return the entry of ``validations``."""
        found = {"expression": self.expression, "message": self.message}
        if self.message_expression:
            # The API server works these out with every request, whatever comes of it.
            found["messageExpression"] = self.message_expression
        return {**found, "reason": self.reason}


def matching(rules: Iterable[ResourceRule], selector: Mapping[str, Any] | None = None) -> Manifest:
    """Return ``matchConstraints`` or ``matchResources`` with their defaults."""
    found: Manifest = {
        "matchPolicy": "Equivalent",
        "namespaceSelector": dict(selector or {}),
        "objectSelector": {},
    }
    if entries := [rule.manifest() for rule in rules]:
        found["resourceRules"] = entries
    return found


def policy(
    name: str,
    rules: Iterable[ResourceRule],
    validations: Sequence[Validation],
    *,
    variables: Sequence[tuple[str, str]] = (),
    short: re.Pattern[str] = _NONE,
    patched: Container[str] = (),
    conditions: Iterable[tuple[str, str]] = (),
    audit: Iterable[tuple[str, str]] = (),
) -> Manifest:
    """Return a policy, with its digest filled in wherever it speaks of that.

    Variables whose names are ``short`` have their text put in their place if they are used once.
    Those that are ``patched`` where the policy lives stay themselves, whatever they say now.

    It has no selector: the API server parses each selector with every request, which takes longer
    than to see that no rule fits. Only bindings of policies that fit have one.
    """
    spec: Manifest = {"failurePolicy": "Fail", "matchConstraints": matching(rules)}
    if named := [{"name": n, "expression": text} for n, text in conditions]:
        spec["matchConditions"] = named
    texts = [validation.manifest() for validation in validations]
    annotations = [{"key": key, "valueExpression": text} for key, text in audit]
    told, once = _told_once((texts, annotations), dict(variables), patched)
    (texts, annotations), kept = _spelled_out(told, once, short)
    if kept:
        spec["variables"] = [{"name": n, "expression": text} for n, text in kept.items()]
    spec["validations"] = texts
    if annotations:
        spec["auditAnnotations"] = annotations
    filled: Manifest = replaced(spec, {DIGEST: digest(spec)})
    return {
        "apiVersion": API_VERSION,
        "kind": POLICY,
        "metadata": {"name": name},
        "spec": filled,
    }


def _spelled_out(
    texts: _Texts, variables: Mapping[str, str], short: re.Pattern[str]
) -> tuple[_Texts, dict[str, str]]:
    """Return what a policy says and the variables that it needs for that, and no others.

    The API server compiles every variable in an environment of all before it, and takes each to
    hand with every request, used or not. So those that are used once are spelled out there.
    """
    kept = dict(variables)
    uses = Counter(_used([texts, list(kept.values())]))
    # The last ones first: a variable uses only those before it.
    for name in reversed(list(kept)):
        if uses[name] == 0:
            uses.subtract(_used(kept.pop(name)))
        elif uses[name] == 1 and short.fullmatch(name) and len(kept[name]) <= _MOST_SPELLED_OUT:
            there, text = re.compile(rf"\bvariables\.{name}\b"), f"({kept.pop(name)})"
            texts, kept = (
                _put(texts, there, _always(text)),
                _put(kept, there, _always(text)),
            )
    return texts, kept


def _told_once(
    texts: _Texts, variables: Mapping[str, str], patched: Container[str]
) -> tuple[_Texts, dict[str, str]]:
    """Return the same with one variable in the place of all that say the same."""
    kept: dict[str, str] = {}
    names: dict[str, str] = {}
    instead: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        name = match[1]
        return f"variables.{instead.get(name, name)}"

    # A variable uses only those before it.
    for name, text in variables.items():
        said = _VARIABLE.sub(renamed, text)
        if name not in patched and said in names:
            instead[name] = names[said]
            continue
        kept[name] = said
        if name not in patched:
            names[said] = name
    return _put(texts, _VARIABLE, renamed), kept


def _used(value: Any) -> list[str]:  # noqa: ANN401 - as JSON is
    """Return the variables that texts use, each as often as it is used."""
    return _VARIABLE.findall(json.dumps(value))


def _always(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


def _put(
    value: Any,  # noqa: ANN401 - as JSON is
    there: re.Pattern[str],
    text: Callable[[re.Match[str]], str],
) -> Any:  # noqa: ANN401 - as JSON is
    if isinstance(value, str):
        return there.sub(text, value)
    if isinstance(value, dict):
        return {key: _put(entry, there, text) for key, entry in value.items()}
    return type(value)(_put(entry, there, text) for entry in value)


def binding(
    name: str,
    policy_name: str,
    actions: Sequence[str],
    *,
    selector: Mapping[str, Any] | None = None,
    rules: Iterable[ResourceRule] = (),
) -> Manifest:
    """Return a binding that puts a policy in force where the selector says."""
    return {
        "apiVersion": API_VERSION,
        "kind": BINDING,
        "metadata": {"name": name},
        "spec": {
            "policyName": policy_name,
            "validationActions": list(actions),
            "matchResources": matching(rules, selector),
        },
    }


def digest(spec: Manifest) -> str:
    """Return a short name of a policy's content, as it is before the digest is filled in."""
    text = json.dumps(spec, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def replaced(value: Any, texts: Mapping[str, str]) -> Any:  # noqa: ANN401 - as JSON is
    """Return a manifest, or a part of one, with texts put in the place of others."""
    if isinstance(value, str):
        for old, new in texts.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {key: replaced(entry, texts) for key, entry in value.items()}
    if isinstance(value, list):
        return [replaced(entry, texts) for entry in value]
    return value
