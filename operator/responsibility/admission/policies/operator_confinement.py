"""Policy that confines the operator: what it may write, whatever its roles say.

Whoever steals its token has what the roles of the chart give. This says of each write which part of
which object it is for, and in which Namespaces: those that people have marked.
"""

from __future__ import annotations

from responsibility import api_groups
from responsibility.admission.policies import cel, field_paths, requester
from responsibility.admission.policies.guards import CREATE, DELETE, UPDATE
from responsibility.admission.policies.manifests import (
    ANY,
    Manifest,
    ResourceRule,
    Validation,
    policy,
)
from responsibility.admission.policies.requester import WHAT
from responsibility.admission.policies.self_protection import (
    CONTEXT,
    OPERATOR_NAMESPACE,
    OURS,
    PARTS,
    get,
    in_force,
    is_marked,
    kept,
    metadata,
)
from responsibility.api.names import (
    API_GROUP,
    DELEGATION_ROLE,
    GRANT_PREFIX,
    ITEM_ROLE_PREFIX,
    MANAGED_BY_LABEL,
    MANAGED_LABEL,
    OPERATOR,
    OPERATOR_CONFINED_POLICY,
    RECORDS,
    REVOKE_VERB,
    UNDO_PREFIX,
)
from responsibility.ownership.terms.managed_namespaces import MANAGED, PROTECTED

_SIDE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")


def _only_our_keys(*parts: str) -> str:
    """Return that an update changes nothing but our own keys in these parts of the metadata."""
    excluded: list[tuple[str, ...]] = [("apiVersion",), ("kind",), ("status",)]
    excluded += [("metadata", key) for key in (*_SIDE, *parts)]
    rest = field_paths.same(field_paths.OLD, field_paths.NEW, field_paths.Mask.of(excluded))
    return cel.all_of([rest, *(kept(part, ours=False) for part in parts)])


def _asked(*targets: str) -> str:
    return f"variables.asked in {cel.texts(targets)}"


_BOOTSTRAP = "kubernetes.io/bootstrapping"
_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_MARKER = "^until-[0-9]{8}t[0-9]{6}z$"
_HERE = f"variables.place == {OPERATOR_NAMESPACE}"
# Neither Kubernetes' own namespaces nor the operator's: who may write there could take over all.
_ELSEWHERE = f"!variables.place.startsWith({cel.text(PROTECTED)}) && !({_HERE})"


def _is_managed() -> str:
    """Return that people have let the operator write where a request is about."""
    labels = "namespaceObject.?metadata.?labels.orValue({})"
    return cel.all_of([_ELSEWHERE, "namespaceObject != null", is_marked(labels)])


def _is_grant() -> str:
    """Return that an object is a binding by which the operator grants: see ``api.names``."""
    subjects = cel.sequence(get("subjects"))
    role = f"{get('roleRef.name')}.orValue('')"
    # Nobody of Kubernetes' own, and nobody who could become the operator itself.
    system = (
        "has(s.name) && s.name.startsWith('system:') && s.kind != 'ServiceAccount' || "
        f"has(s.namespace) && s.namespace == {OPERATOR_NAMESPACE}"
    )
    managed = (
        f"{metadata(field_paths.NEW, 'labels')}"
        f"[?{cel.text(MANAGED_BY_LABEL)}].orValue('') == "
        f"{cel.text(OPERATOR)}"
    )
    owner = (
        f"{cel.sequence(get('metadata.ownerReferences', field_paths.NEW))}.exists(o, "
        f"o.apiVersion.startsWith({cel.text(API_GROUP + '/')}))"
    )
    return cel.all_of(
        [
            f"variables.name.startsWith({cel.text(GRANT_PREFIX)})",
            f"{role}.startsWith({cel.text(ITEM_ROLE_PREFIX)})",
            f"{get('roleRef.kind')}.orValue('') == 'ClusterRole'",
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
    subjects = cel.sequence(get("subjects"))
    return cel.all_of(
        [
            _HERE,
            f"variables.name.matches({cel.text(_MARKER)})",
            f"{get('roleRef.kind')}.orValue('') == 'Role'",
            f"{get('roleRef.name')}.orValue('') == {cel.text(DELEGATION_ROLE)}",
            (
                f"{subjects}.all(s, s.kind == 'ServiceAccount' && s.name == variables.name && "
                f"has(s.namespace) && s.namespace == {OPERATOR_NAMESPACE})"
            ),
        ]
    )


def _is_revocation() -> str:
    """Return that a binding is nobody's but people's, where the operator may revoke at all."""
    labels, notes = metadata(field_paths.OLD, "labels"), metadata(field_paths.OLD, "annotations")
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
    idle = f"{get('spec.parallelism')}.orValue(1) == 0"
    return cel.all_of(
        [
            _HERE,
            f"variables.name.matches({cel.text(_MARKER)})",
            f"request.operation == {cel.text(DELETE)} || {idle}",
        ]
    )


def _bindings(resource: str, *operations: str) -> list[str]:
    return [f"{api_groups.RBAC}/{resource} {operation}" for operation in operations]


def operator_confinement() -> list[Manifest]:
    """Return the policy, with the binding that puts it in force."""
    one = _confined()
    return [one, in_force(one)]


def _confined() -> Manifest:
    writes = (CREATE, UPDATE, DELETE)
    allowed = [
        _asked(f"/events {CREATE}", f"{api_groups.EVENTS}/events {CREATE}"),
        cel.all_of(
            [
                _asked(*(f"{api_groups.COORDINATION}/leases {operation}" for operation in writes)),
                _HERE,
            ]
        ),
        _asked(*(f"{API_GROUP}/{resource}/status {UPDATE}" for resource in OURS)),
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
                        cel.all_of(kept(part, ours=True, both_ways=False) for part in PARTS),
                        cel.all_of([_ELSEWHERE, is_marked(metadata(field_paths.OLD, "labels"))]),
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
                # Whoever acts as it, without a token of it, may nothing.
                expression=cel.all_of([requester.HAS_UID, cel.any_of(allowed)]),
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
        variables=CONTEXT,
        conditions=[("the-operator", requester.CALLED_OPERATOR)],
    )
