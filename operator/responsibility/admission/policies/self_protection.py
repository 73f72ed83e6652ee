"""Policies that protect enforcement itself: the records, the Namespaces' keys, and the operator.

They have one binding each and hold wherever they are installed. Nobody is let through for being
the control plane but where it does such things, since none of this is its business.
"""

from __future__ import annotations

from collections.abc import Sequence

from responsibility import api_groups
from responsibility.admission.policies import cel, field_paths, requester
from responsibility.admission.policies.guards import CREATE, DELETE, UPDATE
from responsibility.admission.policies.manifests import (
    ANY,
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
    DELEGATION_ROLE,
    GRANT_PREFIX,
    ITEM_ROLE_PREFIX,
    MANAGED_BY_LABEL,
    MANAGED_LABEL,
    MODELS,
    NAME_PREFIX,
    NAMESPACE_KEYS_POLICY,
    OPERATOR,
    OPERATOR_CONFINED_POLICY,
    POLICIES_POLICY,
    RECORD_OWNERS_POLICY,
    RECORDS,
    REVOKE_VERB,
    UNDO_PREFIX,
)
from responsibility.ownership.terms.managed_namespaces import MANAGED, PROTECTED

_OURS = (RECORDS, MODELS)
_NAMESPACE = cel.text(requester.NAMESPACE)
_CONTEXT = (
    *field_paths.VARIABLES,
    ("resource", RESOURCE),
    ("asked", ASKED),
    ("name", requester.NAME),
    ("place", requester.WHERE),
)


def protections() -> list[Manifest]:
    """Return the policies, each with the binding that puts it in force."""
    found = [_record_owners(), _namespace_keys(), _operator_confined()]
    return [part for one in found for part in (one, _in_force(one))]


def static_protections() -> list[Manifest]:
    """Return what works as static manifests only: a policy about policies.

    The API server asks policies that are API objects about everything but policies.
    """
    one = _policies()
    return [one, _in_force(one)]


def _in_force(one: Manifest) -> Manifest:
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
    return f"string({_get('spec.hub.namespace', root)}.orValue(''))"


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
    status = [f"{resource}/status" for resource in _OURS]
    return policy(
        RECORD_OWNERS_POLICY,
        [
            ResourceRule((API_GROUP,), _OURS, (CREATE, DELETE, UPDATE), CLUSTER),
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
        variables=(*_CONTEXT, ("kind", "request.resource.resource")),
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


def _metadata(root: str, part: str) -> str:
    return cel.mapping(cel.at(cel.at(root, "metadata"), part))


def _kept(part: str, *, ours: bool, both_ways: bool = True) -> str:
    """Return that labels or annotations, ours or all others, are as they were."""
    old, new = _metadata(field_paths.OLD, part), _metadata(field_paths.NEW, part)
    other = f"!({_IS_OURS})" if ours else f"({_IS_OURS})"
    added = f"{new}.all(k, {other} || (k in {old} && {old}[k] == {new}[k]))"
    removed = f"{old}.all(k, {other} || k in {new})"
    return cel.all_of([added, removed] if both_ways else [added])


_PARTS = ("labels", "annotations")


# What people say of a Namespace, and the operator never does.
_MARK = cel.text(MANAGED_LABEL)
_ASSIGNS = (
    f"authorizer.group({cel.text(API_GROUP)}).resource({cel.text(RECORDS)})"
    f".check({cel.text(ASSIGN_VERB)}).allowed()"
)


def _is_marked(labels: str) -> str:
    return f"{labels}[?{_MARK}].orValue('') == {cel.text(MANAGED)}"


def _namespace_keys() -> Manifest:
    same = cel.all_of(_kept(part, ours=True) for part in _PARTS)
    only_removed = cel.all_of(_kept(part, ours=True, both_ways=False) for part in _PARTS)
    glass = (
        f"{requester.IS_MASTER} || "
        f"{_metadata(field_paths.OLD, 'annotations')}"
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
                    f"{_metadata(field_paths.OLD, 'labels')}[?{_MARK}].orValue('') == "
                    f"{_metadata(field_paths.NEW, 'labels')}[?{_MARK}].orValue('') || "
                    f"{requester.IS_MASTER} || (!({requester.OPERATOR}) && {_ASSIGNS})"
                ),
                message="who lets the operator write somewhere needs the verb assign on records",
                message_expression=(
                    f"'label {MANAGED_LABEL} lets the operator write in a Namespace: to change "
                    f"it takes the verb {ASSIGN_VERB} on {RECORDS}.{API_GROUP}, and the operator "
                    "never may'"
                ),
            ),
        ],
        variables=(*_CONTEXT, ("me", requester.ME)),
    )


_SIDE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")


def _only_our_keys(*parts: str) -> str:
    """Return that an update changes nothing but our own keys in these parts of the metadata."""
    excluded: list[tuple[str, ...]] = [("apiVersion",), ("kind",), ("status",)]
    excluded += [("metadata", key) for key in (*_SIDE, *parts)]
    rest = field_paths.same(field_paths.OLD, field_paths.NEW, field_paths.Mask.of(excluded))
    return cel.all_of([rest, *(_kept(part, ours=False) for part in parts)])


def _asked(*targets: str) -> str:
    return f"variables.asked in {cel.texts(targets)}"


_BOOTSTRAP = "kubernetes.io/bootstrapping"
_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_MARKER = "^until-[0-9]{8}t[0-9]{6}z$"
_HERE = f"variables.place == {_NAMESPACE}"
# Neither Kubernetes' own namespaces nor the operator's: who may write there could take over all.
_ELSEWHERE = f"!variables.place.startsWith({cel.text(PROTECTED)}) && !({_HERE})"
_OBJECT = "(variables.new != null ? variables.new : variables.old)"


def _is_managed() -> str:
    """Return that people have let the operator write where a request is about."""
    labels = "namespaceObject.?metadata.?labels.orValue({})"
    return cel.all_of([_ELSEWHERE, "namespaceObject != null", _is_marked(labels)])


def _get(path: str, root: str = _OBJECT) -> str:
    for step in path.split("."):
        root = cel.at(root, step)
    return root


def _is_grant() -> str:
    """Return that an object is a binding by which the operator grants: see ``api.names``."""
    subjects = cel.sequence(_get("subjects"))
    role = f"{_get('roleRef.name')}.orValue('')"
    # Nobody of Kubernetes' own, and nobody who could become the operator itself.
    system = (
        "has(s.name) && s.name.startsWith('system:') && s.kind != 'ServiceAccount' || "
        f"has(s.namespace) && s.namespace == {_NAMESPACE}"
    )
    managed = (
        f"{_metadata(field_paths.NEW, 'labels')}"
        f"[?{cel.text(MANAGED_BY_LABEL)}].orValue('') == "
        f"{cel.text(OPERATOR)}"
    )
    owner = (
        f"{cel.sequence(_get('metadata.ownerReferences', field_paths.NEW))}.exists(o, "
        f"o.apiVersion.startsWith({cel.text(API_GROUP + '/')}))"
    )
    return cel.all_of(
        [
            f"variables.name.startsWith({cel.text(GRANT_PREFIX)})",
            f"{role}.startsWith({cel.text(ITEM_ROLE_PREFIX)})",
            f"{_get('roleRef.kind')}.orValue('') == 'ClusterRole'",
            _ELSEWHERE,
            cel.any_of(
                [
                    f"request.operation == {cel.text(DELETE)}",
                    cel.all_of(
                        [
                            managed,
                            owner,
                            f"!{subjects}.exists(s, {system})",
                            f"variables.place == '' || ({_is_managed()})",
                        ]
                    ),
                ]
            ),
        ]
    )


def _is_marker_binding() -> str:
    subjects = cel.sequence(_get("subjects"))
    return cel.all_of(
        [
            _HERE,
            f"variables.name.matches({cel.text(_MARKER)})",
            f"{_get('roleRef.kind')}.orValue('') == 'Role'",
            f"{_get('roleRef.name')}.orValue('') == {cel.text(DELEGATION_ROLE)}",
            (
                f"{subjects}.all(s, s.kind == 'ServiceAccount' && s.name == variables.name && "
                f"has(s.namespace) && s.namespace == {_NAMESPACE})"
            ),
        ]
    )


def _is_revocation() -> str:
    """Return that a binding is nobody's but people's, where the operator may revoke at all."""
    labels, notes = _metadata(field_paths.OLD, "labels"), _metadata(field_paths.OLD, "annotations")
    may = (
        f"authorizer.group({cel.text(API_GROUP)}).resource('{RECORDS}')"
        f".check({cel.text(REVOKE_VERB)}).allowed()"
    )
    return cel.all_of(
        [
            "!variables.name.startsWith('system:')",
            _is_managed(),
            f"!({cel.text(_BOOTSTRAP)} in {labels})",
            f"!({cel.text(_AUTOUPDATE)} in {notes})",
            may,
        ]
    )


def _is_undo_document() -> str:
    return cel.all_of([_HERE, f"variables.name.startsWith({cel.text(UNDO_PREFIX)})"])


def _is_marker_job() -> str:
    # A Job that runs nothing, but for those that it ends.
    idle = f"{_get('spec.parallelism')}.orValue(1) == 0"
    return cel.all_of(
        [
            _HERE,
            f"variables.name.matches({cel.text(_MARKER)})",
            f"request.operation == {cel.text(DELETE)} || {idle}",
        ]
    )


def _bindings(resource: str, *operations: str) -> list[str]:
    return [f"{api_groups.RBAC}/{resource} {operation}" for operation in operations]


def _operator_confined() -> Manifest:
    writes = (CREATE, UPDATE, DELETE)
    allowed = [
        _asked(f"/events {CREATE}", f"{api_groups.EVENTS}/events {CREATE}"),
        cel.all_of(
            [
                _asked(*(f"{api_groups.COORDINATION}/leases {operation}" for operation in writes)),
                _HERE,
            ]
        ),
        _asked(*(f"{API_GROUP}/{resource}/status {UPDATE}" for resource in _OURS)),
        cel.all_of(
            [_asked(f"{api_groups.APPS}/deployments {UPDATE}"), _only_our_keys("annotations")]
        ),
        cel.all_of(
            [
                _asked(f"/namespaces {UPDATE}"),
                _only_our_keys("labels", "annotations"),
                # Taking away always works.
                cel.any_of(
                    [
                        cel.all_of(_kept(part, ours=True, both_ways=False) for part in _PARTS),
                        cel.all_of([_ELSEWHERE, _is_marked(_metadata(field_paths.OLD, "labels"))]),
                    ]
                ),
            ]
        ),
        cel.all_of([_asked(*_bindings("rolebindings", CREATE, DELETE)), _is_marker_binding()]),
        cel.all_of(
            [
                _asked(
                    *_bindings("rolebindings", *writes), *_bindings("clusterrolebindings", *writes)
                ),
                _is_grant(),
            ]
        ),
        cel.all_of([_asked(*_bindings("rolebindings", DELETE)), _is_revocation()]),
        cel.all_of(
            [_asked(*(f"/configmaps {operation}" for operation in writes)), _is_undo_document()]
        ),
        cel.all_of(
            [
                _asked(*(f"{api_groups.BATCH}/jobs {operation}" for operation in (CREATE, DELETE))),
                _is_marker_job(),
            ]
        ),
    ]
    return policy(
        OPERATOR_CONFINED_POLICY,
        [ResourceRule((ANY,), ("*/*",), (ANY,), ANY)],
        [
            Validation(
                expression=cel.any_of(allowed),
                message="the operator of Hub Responsibility may not do this, whatever its roles "
                "say",
                message_expression=(
                    f"{WHAT} + ': the operator of Hub Responsibility may not do this, whatever "
                    "its roles say: it writes its own annotations, labels, statuses and markers, "
                    "and the bindings by which it grants; where it may revoke, it deletes what an "
                    "approved plan deletes, and says how to take that back. Labels, grants and "
                    f"revocations only in Namespaces with the label {MANAGED_LABEL}={MANAGED}'"
                ),
            )
        ],
        variables=_CONTEXT,
        conditions=[("the-operator", requester.OPERATOR)],
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
        variables=_CONTEXT,
    )


def _plural(kind: str) -> str:
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"
