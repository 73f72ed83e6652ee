"""A type check of Kubernetes' CEL by the official implementation (cel-cpp, as cel-expr-python).

It knows the language, its optionals and strings; what Kubernetes adds is declared here, as far as
it is used (see https://kubernetes.io/docs/reference/using-api/cel/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from responsibility.admission.policies.manifests import Manifest

_T = cel.Type
_AUTHORIZER = _T.AbstractType("kubernetes.authorization.Authorizer")
_GROUP = _T.AbstractType("kubernetes.authorization.GroupCheck")
_RESOURCE = _T.AbstractType("kubernetes.authorization.ResourceCheck")
_DECISION = _T.AbstractType("kubernetes.authorization.Decision")
_QUANTITY = _T.AbstractType("kubernetes.Quantity")

# Methods of Kubernetes by name: of what, with which arguments, and what they return.
_METHODS = {
    "serviceAccount": [(_AUTHORIZER, [_T.STRING, _T.STRING], _AUTHORIZER)],
    "group": [(_AUTHORIZER, [_T.STRING], _GROUP)],
    "resource": [(_GROUP, [_T.STRING], _RESOURCE)],
    "subresource": [(_RESOURCE, [_T.STRING], _RESOURCE)],
    "namespace": [(_RESOURCE, [_T.STRING], _RESOURCE)],
    "name": [(_RESOURCE, [_T.STRING], _RESOURCE)],
    "check": [(_RESOURCE, [_T.STRING], _DECISION)],
    "allowed": [(_DECISION, [], _T.BOOL)],
    "max": [(_T.List(entry), [], entry) for entry in (_T.INT, _T.STRING)],
    "isLessThan": [(_QUANTITY, [_QUANTITY], _T.BOOL)],
    "isGreaterThan": [(_QUANTITY, [_QUANTITY], _T.BOOL)],
}
_FUNCTIONS = {"quantity": (_T.STRING, _QUANTITY), "isQuantity": (_T.STRING, _T.BOOL)}
# What an expression of a policy may speak of, and one of a webhook or a definition.
_INPUTS = {
    "object": _T.DYN,
    "oldObject": _T.DYN,
    "request": _T.DYN,
    "namespaceObject": _T.DYN,
    "authorizer": _AUTHORIZER,
}
_OF_DEFINITIONS = {"self": _T.DYN, "oldSelf": _T.DYN}


def _declared() -> Iterator[cel.FunctionDecl]:
    for name, kinds in _METHODS.items():
        overloads = [
            cel.Overload(f"k8s_{name}_{number}", returned, [of, *taken], True)
            for number, (of, taken, returned) in enumerate(kinds)
        ]
        yield cel.FunctionDecl(name, overloads)
    for name, (taken, returned) in _FUNCTIONS.items():
        yield cel.FunctionDecl(name, [cel.Overload(f"k8s_{name}", returned, [taken], False)])


def type_of(expression: str, variables: Mapping[str, cel.Type]) -> cel.Type:
    """Return the type of an expression; raises for what doesn't compile."""
    env = cel.NewEnv(
        variables=dict(variables),
        extensions=[ext_optional.ExtOptional(), ext_strings.ExtStrings()],
        functions=list(_declared()),
    )
    return env.compile(expression).return_type()


def problems(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the expressions of a policy, each with where it stands."""
    spec, known = manifest["spec"], dict(_INPUTS)
    for number, each in enumerate(spec.get("matchConditions", ())):
        yield from _problem(f"matchConditions[{number}]", each["expression"], known, _T.BOOL)
    for each in spec.get("variables", ()):
        where = f"variables.{each['name']}"
        try:
            # A variable may speak of those before it.
            known[where] = type_of(each["expression"], known)
        except Exception as error:  # noqa: BLE001 - whatever the library raises
            yield f"{where}: {error}"
            known[where] = _T.DYN
    for number, each in enumerate(spec.get("validations", ())):
        where = f"validations[{number}]"
        yield from _problem(where, each["expression"], known, _T.BOOL)
        if message := each.get("messageExpression"):
            yield from _problem(f"{where}.messageExpression", message, known, _T.STRING)
    for number, each in enumerate(spec.get("auditAnnotations", ())):
        yield from _problem(
            f"auditAnnotations[{number}]", each["valueExpression"], known, _T.STRING
        )


def problems_of_webhook(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the conditions of a webhook's configuration."""
    for hook in manifest["webhooks"]:
        for each in hook.get("matchConditions", ()):
            where = f"{hook['name']}: {each['name']}"
            yield from _problem(where, each["expression"], _INPUTS, _T.BOOL)


def problems_of_definition(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the rules in the schemas of a CustomResourceDefinition."""
    for version in manifest["spec"]["versions"]:
        for path, rule in _rules(version["schema"]["openAPIV3Schema"], version["name"]):
            yield from _problem(path, rule["rule"], _OF_DEFINITIONS, _T.BOOL)
            if message := rule.get("messageExpression"):
                yield from _problem(f"{path} message", message, _OF_DEFINITIONS, _T.STRING)


def _rules(schema: object, path: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    if isinstance(schema, Mapping):
        for number, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
            yield f"{path}[{number}]", rule
        for key, below in schema.items():
            if key != "x-kubernetes-validations":
                yield from _rules(below, f"{path}.{key}")


def _problem(
    where: str, expression: str, known: Mapping[str, cel.Type], wanted: cel.Type
) -> Iterator[str]:
    try:
        found = type_of(expression, known)
    except Exception as error:  # noqa: BLE001 - whatever the library raises
        yield f"{where}: {error}"
        return
    if found not in (wanted, _T.DYN):
        yield f"{where}: is {found.name()} and not {wanted.name()}"
