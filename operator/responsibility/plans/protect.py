"""Protected objects, and rights that RBAC can't end: each with what to do instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from responsibility.api.names import GRANT_PREFIX, MANAGED_BY_LABEL, OPERATOR
from responsibility.ownership.terms.exemptions import exempt_operator
from responsibility.rbac.control_planes import is_control_plane_subject
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import Binding, Role, Subject

BOOTSTRAP_LABEL: Final = "kubernetes.io/bootstrapping"
# By which the add-on manager of GKE, AKS and kube-up knows what it puts back
# (``cluster/addons/addon-manager/README.md`` in kubernetes/kubernetes).
ADDON_MANAGER_LABEL: Final = "addonmanager.kubernetes.io/mode"
_MANAGED = frozenset({"Reconcile", "EnsureExists"})
# Kubernetes' own, also where files show them without their labels.
_USER_FACING = frozenset({"cluster-admin", "admin", "edit", "view"})


@dataclass(frozen=True, slots=True)
class ObstacleReason:
    """A reason why a right stays, and what a person can do about it.

    One that is ``provisional`` depends on what others hold, and so may pass once theirs has ended.
    """

    name: str
    why: str
    instead: str
    provisional: bool = False


REASONS: Mapping[str, ObstacleReason] = {
    reason.name: reason
    for reason in (
        ObstacleReason(
            "built-in",
            "it is built into the API server: {subject} passes before RBAC is asked",
            "take people out of system:masters where they get it: client certificates "
            "(organisation), aws-auth, the cloud's access entries; then let the certificates "
            "expire",
        ),
        ObstacleReason(
            "system-object",
            "{binding} is Kubernetes' own (its name begins with system: or kubeadm:, it binds "
            "only what the control plane runs as, or it carries kubernetes.io/bootstrapping, "
            "addonmanager.kubernetes.io/mode or rbac.authorization.kubernetes.io/autoupdate)",
            "look at it by hand: kubectl edit {binding_arguments}; bind {subject} in a binding of "
            "your own to what it really needs",
        ),
        ObstacleReason(
            "own-right",
            "{subject} is this operator",
            "correct the chart's roles and upgrade it; or declare the right with an exemption",
        ),
        ObstacleReason(
            "granted",
            "the operator has granted {binding}, and would grant it again",
            "change the record: when {subject} may no longer act, the operator takes it back",
        ),
        ObstacleReason(
            "blind",
            "without {binding} the operator could no longer see what it checks",
            "upgrade the operator's chart, which binds what it needs, and plan again",
            provisional=True,
        ),
        ObstacleReason(
            "last-holder",
            "with {binding} gone, nobody would be left who can do what {item} needs",
            "first give the owner of {item} what it lacks (the missing-access finding says what), "
            "then plan again",
            provisional=True,
        ),
        ObstacleReason(
            "owed",
            "the way leads through what {subject} is owed by other items, or is let through for",
            "give these items one owner, delegate them to it, or separate them in the cluster: "
            "another ServiceAccount, another namespace",
            provisional=True,
        ),
        ObstacleReason(
            "let-through",
            "{subject} works with {binding}, and is let through: {reason}",
            "separate what it could come by (another ServiceAccount, another namespace), correct "
            "its chart, or exempt it from these items too",
        ),
        ObstacleReason(
            "not-rbac",
            "no binding that can be changed gives it",
            "look where else it comes from: the cloud's IAM, aws-auth, another authorizer",
        ),
    )
}


# Of what kubeadm makes for nodes that join and for its own certificates.
_KUBEADM = "kubeadm:"


def is_control_plane(binding: Binding) -> bool:
    """Return whether the cluster itself runs on a binding, though it isn't named like Kubernetes'.

    Only those of the whole cluster are: anybody who may bind in a namespace can choose such names.
    Whoever stands beside the control plane in a binding is not protected by it.
    """
    if binding.key.namespace:
        return False
    subjects = [canonical(subject) for subject in binding.subjects]
    runs = bool(subjects) and all(map(is_control_plane_subject, subjects))
    managed = binding.labels.get(ADDON_MANAGER_LABEL) in _MANAGED
    return runs or managed or binding.key.name.startswith(_KUBEADM)


def is_system(binding: Binding) -> bool:
    """Return whether a binding is Kubernetes' own, which it may repair by itself.

    ``autoupdate`` set to false says that somebody keeps such an object by hand: it isn't ours
    to change either.
    """
    return (
        is_control_plane(binding)
        or binding.key.name.startswith("system:")
        or BOOTSTRAP_LABEL in binding.labels
        or bool(binding.autoupdate)
    )


def is_granted(binding: Binding) -> bool:
    """Return whether this operator has made the binding, for a record."""
    return (
        binding.key.name.startswith(GRANT_PREFIX)
        and binding.labels.get(MANAGED_BY_LABEL) == OPERATOR
    )


def is_system_role(role: Role) -> bool:
    """Return whether a role is Kubernetes' own."""
    return (
        role.key.name.startswith("system:")
        or (not role.key.namespace and role.key.name in _USER_FACING)
        or BOOTSTRAP_LABEL in role.labels
        or bool(role.autoupdate)
    )


def is_operator(subject: Subject, operator: Subject | None) -> bool:
    """Return whether a subject is this operator."""
    return any(exemption.covers(subject) for exemption in exempt_operator(operator))


# Who puts an object back: by the label that it leaves on what is its own.
_KEEPERS = {
    MANAGED_BY_LABEL: "{value}",
    "helm.toolkit.fluxcd.io/name": "Flux ({value})",
    "kustomize.toolkit.fluxcd.io/name": "Flux ({value})",
    "argocd.argoproj.io/instance": "Argo CD ({value})",
    "olm.owner": "the operator lifecycle manager ({value})",
}


def keepers(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return cautions about who would put an object back as it was."""
    return tuple(
        f"it is managed by {text.format(value=labels[key])}: change it there too, or it comes back"
        for key, text in _KEEPERS.items()
        if labels.get(key)
    )
