"""Policies that protect enforcement itself: the records, the Namespaces' keys, and the policies.

They have one binding each and hold wherever they are installed. Nobody is let through for being
the control plane but where it does such things, since none of this is its business.
"""

from __future__ import annotations

from collections.abc import Sequence

from responsibility.admission.policies import cel, field_paths, requester
from responsibility.admission.policies.guards import CREATE, DELETE, UPDATE
from responsibility.admission.policies.manifests import (
    API_VERSION,
    BINDING,
    CLUSTER,
    POLICY,
    Manifest,
    ResourceRule,
    Validation,
    binding,
    policy,
)
from responsibility.admission.policies.matched_requests import changes_lifetime
from responsibility.admission.policies.requester import ASKED, RESOURCE, WHAT
from responsibility.api.names import (
    API_GROUP,
    ASSIGN_VERB,
    BREAK_GLASS_ANNOTATION,
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    MANAGED_LABEL,
    MODELS,
    NAME_PREFIX,
    NAMESPACE_KEYS_POLICY,
    POLICIES_POLICY,
    RECORD_OWNERS_POLICY,
    RECORDS,
)
from responsibility.ownership.terms.managed_namespaces import MANAGED

OURS = (RECORDS, MODELS)
OPERATOR_NAMESPACE = cel.text(requester.NAMESPACE)
CONTEXT = (
    ("resource", RESOURCE),
    ("asked", ASKED),
    ("name", requester.NAME),
    ("place", requester.WHERE),
)


def protections() -> list[Manifest]:
    """Return the policies, each with the binding that puts it in force."""
    found = [_record_owners(), _namespace_keys()]
    return [part for one in found for part in (one, in_force(one))]


def static_protections() -> list[Manifest]:
    """Return what works as static manifests only: a policy about policies.

    The API server asks policies that are API objects about everything but policies.
    """
    one = _policies()
    return [one, in_force(one)]


def in_force(one: Manifest) -> Manifest:
    """Return the binding that puts a policy in force everywhere."""
    name = one["metadata"]["name"]
    return binding(name, name, ("Deny", "Audit"))


# What may be said of an agreement by whoever may write the record, without changing it.
_REMARKS = {
    RECORDS: (
        "spec.hub.displayName",
        "spec.parties[*].displayName",
        "spec.parties[*].contact",
        "spec.items[*].note",
        "spec.items[*].reviewAfter",
    ),
    MODELS: (
        "spec.displayName",
        "spec.description",
        "spec.parties[*].displayName",
        "spec.parties[*].contact",
        "spec.items[*].title",
        "spec.items[*].description",
        "spec.items[*].effort",
    ),
}


_NO_STATUS = f"{requester.SUBRESOURCE} != 'status'"


def _hub_of(root: str) -> str:
    """Return the namespace of the hub that a record is about."""
    return f"string({get('spec.hub.namespace', root)}.orValue(''))"


def _may_assign(which: str) -> str:
    on = f"authorizer.group({cel.text(API_GROUP)}).resource(variables.kind)"
    return f"{on}.{which}.check({cel.text(ASSIGN_VERB)}).allowed()"


def _may_assign_both() -> str:
    """Return that somebody may assign on a model, or on the hub that a record leaves or comes to.

    Of hubs it is asked without a name, which a right on single names does not cover (Kubernetes,
    ``pkg/apis/rbac/v1/evaluation_helpers.go``): what a record is called is up to whoever writes it.
    """
    hubs = cel.all_of(
        f"{root} == null || {_may_assign(f'namespace({_hub_of(root)})')}"
        for root in (field_paths.OLD, field_paths.NEW)
    )
    return f"variables.kind == {cel.text(RECORDS)} ? {hubs} : {_may_assign('name(variables.name)')}"


def _record_owners() -> Manifest:
    agreed = " : ".join(
        f"variables.kind == {cel.text(resource)} ? {_differs_but_for(free)}"
        for resource, free in _REMARKS.items()
    )
    assign = _may_assign_both()
    status = [f"{resource}/status" for resource in OURS]
    return policy(
        RECORD_OWNERS_POLICY,
        [
            ResourceRule((API_GROUP,), OURS, (CREATE, DELETE, UPDATE), CLUSTER),
            ResourceRule((API_GROUP,), tuple(status), (UPDATE,), CLUSTER),
        ],
        [
            Validation(
                expression=f"request.operation == {cel.text(UPDATE)} && {_NO_STATUS} && "
                f"!({agreed} : true) && !({changes_lifetime()}) || "
                f"!({_NO_STATUS}) && {requester.OPERATOR} || ({assign})",
                message="who owns what may be changed only by those with the verb assign on the "
                "hub that a record is about, or on the model",
                message_expression=(
                    f"{WHAT} + ' changes who owns or may do what, or what is said of it. "
                    f"That takes the verb assign on ' + variables.kind + '.{API_GROUP}' + "
                    f"(variables.kind == {cel.text(RECORDS)} ? ', in the namespace of the hub or "
                    "in all' : '') + ': ask those who "
                    "kubectl responsibility who-can assign ' + variables.kind + "
                    f"'.{API_GROUP} lists. Names, contacts, notes and review dates are free to "
                    "all who may write it'"
                ),
            )
        ],
        variables=(*CONTEXT, ("kind", "request.resource.resource")),
        # The API server itself removes what is left of a kind whose definition goes.
        conditions=[("not-the-control-plane", f"!({requester.CONTROL_PLANE})")],
    )


def _differs_but_for(free: Sequence[str]) -> str:
    excluded = [("apiVersion",), ("kind",), ("metadata",), ("status",)]
    masked = field_paths.Mask.of([*excluded, *map(field_paths.parse, free)])
    return f"!({field_paths.same(field_paths.OLD, field_paths.NEW, masked)})"


# See keys.is_ours.
_IS_OURS = (
    f"[k.split('/')[0]].exists(d, d == {cel.text(API_GROUP)} || "
    f"d.endsWith({cel.text('.' + API_GROUP)}))"
)


_OBJECT = f"(object != null ? {field_paths.NEW} : {field_paths.OLD})"


def get(path: str, root: str = _OBJECT) -> str:
    """Return a field of the object that is written or, when it goes, of the one that was."""
    for step in path.split("."):
        root = cel.at(root, step)
    return root


def metadata(root: str, part: str) -> str:
    """Return labels or annotations of an object, as a map that is always there."""
    return cel.mapping(cel.at(cel.at(root, "metadata"), part))


def kept(part: str, *, ours: bool, both_ways: bool = True) -> str:
    """Return that labels or annotations, ours or all others, are as they were."""
    old, new = metadata(field_paths.OLD, part), metadata(field_paths.NEW, part)
    other = f"!({_IS_OURS})" if ours else f"({_IS_OURS})"
    added = f"{new}.all(k, {other} || (k in {old} && {old}[k] == {new}[k]))"
    removed = f"{old}.all(k, {other} || k in {new})"
    return cel.all_of([added, removed] if both_ways else [added])


PARTS = ("labels", "annotations")


# What people say of a Namespace, and the operator never does.
_MARK = cel.text(MANAGED_LABEL)
_ASSIGNS = (
    f"authorizer.group({cel.text(API_GROUP)}).resource({cel.text(RECORDS)})"
    f".check({cel.text(ASSIGN_VERB)}).allowed()"
)


def is_marked(labels: str) -> str:
    """Return that people let the operator write where these labels are."""
    return f"{labels}[?{_MARK}].orValue('') == {cel.text(MANAGED)}"


def _namespace_keys() -> Manifest:
    same = cel.all_of(kept(part, ours=True) for part in PARTS)
    only_removed = cel.all_of(kept(part, ours=True, both_ways=False) for part in PARTS)
    glass = (
        f"{requester.IS_MASTER} || "
        f"{metadata(field_paths.OLD, 'annotations')}"
        f"[?{cel.text(BREAK_GLASS_ANNOTATION)}].orValue('')"
        ".split('\\n').exists(l, l in variables.me)"
    )
    return policy(
        NAMESPACE_KEYS_POLICY,
        # Labels and annotations can be changed through these as well.
        [
            ResourceRule(
                ("",),
                ("namespaces", "namespaces/finalize", "namespaces/status"),
                (CREATE, UPDATE),
                CLUSTER,
            )
        ],
        [
            Validation(
                expression=f"({same}) || {requester.OPERATOR} || (({glass}) && ({only_removed}))",
                message=f"labels and annotations of {API_GROUP} are the operator's",
                message_expression=(
                    f"'labels and annotations of {API_GROUP} on a Namespace "
                    "are written by the operator only: change the record of the hub (kubectl get "
                    "responsibilities) in their place. In an emergency, system:masters may remove "
                    "them'"
                ),
            ),
            Validation(
                expression=(
                    f"{metadata(field_paths.OLD, 'labels')}[?{_MARK}].orValue('') == "
                    f"{metadata(field_paths.NEW, 'labels')}[?{_MARK}].orValue('') || "
                    f"{requester.IS_MASTER} || (!({requester.CALLED_OPERATOR}) && {_ASSIGNS})"
                ),
                message="who lets the operator write somewhere needs the verb assign on records",
                message_expression=(
                    f"'label {MANAGED_LABEL} lets the operator write in a Namespace: to change "
                    f"it takes the verb {ASSIGN_VERB} on {RECORDS}.{API_GROUP}, and the operator "
                    "never may'"
                ),
            ),
        ],
        variables=(*CONTEXT, *requester.WHO),
    )


def _policies() -> Manifest:
    """Return the policy about those policies that are API objects, and that we live by."""
    mine = f"variables.name.startsWith('{NAME_PREFIX}')"
    operators = f"variables.name in ['{CLUSTER_WARN_POLICY}', '{CLUSTER_DENY_POLICY}']"
    tables = f"{requester.OPERATOR} && request.operation == {cel.text(UPDATE)} && {operators}"
    assign = (
        f"authorizer.group({cel.text(API_GROUP)}).resource('{MODELS}')"
        f".check('{ASSIGN_VERB}').allowed()"
    )
    group = API_VERSION.partition("/")[0]
    resources = tuple(sorted(_plural(kind) for kind in (POLICY, BINDING)))
    return policy(
        POLICIES_POLICY,
        [ResourceRule((group,), resources, (CREATE, DELETE, UPDATE), CLUSTER)],
        [
            Validation(
                expression=f"!({mine}) || ({tables}) || {assign}",
                message="these policies hold people to what was agreed",
                message_expression=(
                    f"{WHAT} + ': this policy holds people to what was agreed; to change it takes "
                    f"the verb assign on responsibilitymodels.{API_GROUP}'"
                ),
            )
        ],
        variables=CONTEXT,
    )


def _plural(kind: str) -> str:
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"
