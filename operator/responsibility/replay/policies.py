"""Policies and bindings as the API server matches them with requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from responsibility.admission.policies.manifests import BINDING, POLICY
from responsibility.replay.audit_event import Request
from responsibility.replay.cel.nodes import Node
from responsibility.replay.cel.program import Program

Json = Mapping[str, Any]

_ANY = "*"
_NAMESPACES = "namespaces"
# The one label that every Namespace has, with its name.
_NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Compiled:
    """The expressions of a policy as functions; ``fields`` says which fields a request changes."""

    conditions: tuple[Node, ...]
    validations: tuple[Node, ...]
    fields: Node | None
    items: Node | None


@dataclass(slots=True)
class Policy:
    """One policy with its bindings, compiled when it is first needed."""

    name: str
    spec: Json
    bindings: list[Json] = field(default_factory=list)
    _compiled: Compiled | None = None

    @property
    def rules(self) -> Sequence[Json]:
        """The requests that the policy is asked about."""
        found: Sequence[Json] = self.spec["matchConstraints"].get("resourceRules") or ()
        return found

    def namespaces(self) -> Iterator[str]:
        """Yield the namespaces that its bindings name."""
        for binding in self.bindings:
            selector = (binding.get("matchResources") or {}).get("namespaceSelector") or {}
            for expression in selector.get("matchExpressions") or ():
                if expression["key"] == _NAME_LABEL:
                    yield from expression.get("values") or ()

    def matching(self, request: Request, labels: Mapping[str, str]) -> Iterator[str]:
        """Yield the actions of the bindings that put it in force for a request."""
        if not _matches(self.spec["matchConstraints"], request, labels):
            return
        for binding in self.bindings:
            if _matches(binding.get("matchResources") or {}, request, labels):
                yield from binding["validationActions"]

    def matches(self, request: Request) -> bool:
        """Return whether the policy sees objects in the version that the request has them in."""
        return any(
            _fits(rule, request)
            and (_ANY in rule["apiVersions"] or request.version in rule["apiVersions"])
            for rule in self.rules
        )

    def compiled(self, program: Program) -> Compiled:
        """Return its expressions. Raises SyntaxProblemError."""
        if self._compiled is None:
            spec = self.spec
            named = {v["name"]: v["expression"] for v in spec.get("variables") or ()}
            numbers = program.variables(named)
            # A condition knows no variables; all policies have the same, so it is made one.
            named_conditions = {
                f"condition{number}": condition["expression"]
                for number, condition in enumerate(spec.get("matchConditions") or ())
            }
            shared = program.variables(named_conditions)
            checked = [v["expression"] for v in spec["validations"]]
            self._compiled = Compiled(
                tuple(program.expression(f"variables.{name}", shared) for name in shared),
                tuple(program.expression(text, numbers) for text in checked),
                _variable(program, "fields", numbers),
                _variable(program, "touched", numbers),
            )
        return self._compiled


def _variable(program: Program, name: str, numbers: Mapping[str, int]) -> Node | None:
    return program.expression(f"variables.{name}", numbers) if name in numbers else None


def policies(manifests: Iterable[Json]) -> list[Policy]:
    """Return policies with the bindings that are about them."""
    found: dict[str, Policy] = {}
    bindings = []
    for manifest in manifests:
        if manifest["kind"] == POLICY:
            name = manifest["metadata"]["name"]
            found[name] = Policy(name, manifest["spec"])
        elif manifest["kind"] == BINDING:
            bindings.append(manifest["spec"])
    for spec in bindings:
        if spec["policyName"] in found:
            found[spec["policyName"]].bindings.append(spec)
    return list(found.values())


def _matches(match: Json, request: Request, labels: Mapping[str, str]) -> bool:
    if match.get("objectSelector"):
        raise ValueError("a replay doesn't know labels of objects: no objectSelector")
    rules = match.get("resourceRules")
    if rules and not any(_fits(rule, request) for rule in rules):
        return False
    # What has no namespace, no selector keeps out.
    return not request.namespace or _selects(match.get("namespaceSelector") or {}, labels)


def _fits(rule: Json, request: Request) -> bool:
    return (
        (_ANY in rule["apiGroups"] or request.group in rule["apiGroups"])
        and (_ANY in rule["operations"] or request.operation in rule["operations"])
        and any(_is(resource, request) for resource in rule["resources"])
        and _in_scope(rule.get("scope") or _ANY, request)
        and (not rule.get("resourceNames") or request.name in rule["resourceNames"])
    )


def _is(resource: str, request: Request) -> bool:
    main, _, sub = resource.partition("/")
    if resource == _ANY:
        return not request.subresource
    return main in (_ANY, request.resource) and sub in (
        (request.subresource,) if sub != _ANY else (_ANY,)
    )


def _in_scope(scope: str, request: Request) -> bool:
    namespaced = bool(request.namespace) and request.resource != _NAMESPACES
    return scope == _ANY or (scope == "Namespaced") == namespaced


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expressed(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _expressed(expression: Json, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    operators = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return operators[expression["operator"]]


def with_name(labels: Mapping[str, str], namespace: str) -> Mapping[str, str]:
    """Return the labels of a Namespace with the one that Kubernetes adds."""
    return {**labels, _NAME_LABEL: namespace}
