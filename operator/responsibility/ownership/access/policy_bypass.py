"""Rights of those who can change what is agreed, or what enforces it.

Whoever can write a record can name itself an owner, and is then granted the item where that is
granted. Whoever can end the admission policy that keeps it from something can do it. Neither is a
way into another identity, so `rbac.escalation` knows nothing of it; but a route may lead to
somebody who can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from responsibility import api_groups
from responsibility.api.item import RECORD_ITEM
from responsibility.api.names import (
    API_GROUP,
    ASSIGN_VERB,
    MODELS,
    NAMESPACE_KEYS_POLICY,
    RECORD_OWNERS_POLICY,
    RECORDS,
    STATIC_SUFFIX,
    binding_name,
    policy_name,
)
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.entitlement import Entitlement, with_implied_groups
from responsibility.ownership.terms.managed_namespaces import is_protected
from responsibility.ownership.terms.permission_index import Permission
from responsibility.rbac.escalation.edges import edges_by
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.escalation.technique import POLICY, Requirement, Technique
from responsibility.rbac.objects import Attributes, Subject

_POLICIES: Final = "validatingadmissionpolicies"
_BINDINGS: Final = "validatingadmissionpolicybindings"

# The policies by which only some may write what is agreed, and what Namespaces say of it.

# How the name of a policy ends that the API server reads from a file: no request changes that.

# What the cluster's own namespaces are called; nothing is granted there.


@lru_cache(maxsize=8_192)
def _requirement(
    verbs: tuple[str, ...], group: str, resource: str, name: str, namespace: str
) -> Requirement:
    """Return a requirement; one object for the same words, as they are compared by identity."""
    return Requirement(
        verbs, group, resource, names=(name,), namespace=namespace, everywhere=not namespace
    )


def _edit(resource: str, name: str) -> Requirement:
    return _requirement(("update", "patch"), API_GROUP, resource, name, "")


def _is_there(name: str, policies: Set[str]) -> bool:
    """Return whether a policy is in force, as an object or as a file of the API server."""
    return name in policies or name + STATIC_SUFFIX in policies


def _endings(name: str, policies: Set[str]) -> Iterator[tuple[Requirement, str]]:
    """Yield what ends a policy whose binding has the same name, or that of a refusal.

    Nothing that anybody can be granted ends one that is a file.
    """
    if name + STATIC_SUFFIX in policies:
        return
    verbs = ("update", "patch", "delete")
    yield (
        _requirement(verbs, api_groups.ADMISSION_REGISTRATION, _POLICIES, name, ""),
        f"ValidatingAdmissionPolicy {name}",
    )
    yield (
        _requirement(verbs, api_groups.ADMISSION_REGISTRATION, _BINDINGS, name, ""),
        f"ValidatingAdmissionPolicyBinding {name}",
    )


def _rewriting(
    agreement: Agreement, policies: Set[str]
) -> Iterator[tuple[str, tuple[Requirement, ...]]]:
    """Yield what it takes to write into a record, or its model, who owns what.

    Where a policy guards them that takes ``assign`` as well, or to end that policy.
    """
    model = agreement.terms.name
    for kind, resource, name, assign in (
        # In the hub's namespace and without a name: a right on single names doesn't do.
        ("Responsibility", RECORDS, agreement.record, ("", agreement.hub.namespace)),
        ("ResponsibilityModel", MODELS, model, (model, "")),
    ):
        edit = _edit(resource, name)
        if not _is_there(RECORD_OWNERS_POLICY, policies):
            yield f"{kind} {name}", (edit,)
            continue
        yield f"{kind} {name}", (edit, _requirement((ASSIGN_VERB,), API_GROUP, resource, *assign))
        for ending, what in _endings(RECORD_OWNERS_POLICY, policies):
            yield f"{what} and then {kind} {name}", (ending, edit)


def _steps(
    rights: Permissions, words: str, requirements: tuple[Requirement, ...]
) -> Iterator[Step]:
    """Yield who has all that it takes, as a step."""
    technique = Technique(POLICY, words, requirements, exists=False)
    for actor in rights.candidates(requirements, ""):
        for edge in edges_by(rights, actor, technique, ""):
            yield Step(POLICY, actor, words, tuple(dict.fromkeys(edge.sources)))


@dataclass(frozen=True, slots=True)
class RecordWriters:
    """Subjects that can have the operator grant them something on a hub: by a step, bits of it.

    ``keepers`` are those to whom the record is left: what they write is what is agreed.
    """

    steps: tuple[tuple[Step, int], ...] = ()
    keepers: frozenset[Subject] = frozenset()

    def is_keeper(self, subject: Subject) -> bool:
        """Return whether the record is left to a subject."""
        return any(who in self.keepers for who in with_implied_groups(subject))


NO_RECORD_WRITERS: Final = RecordWriters()


def record_writers(
    agreement: Agreement,
    entitlement: Entitlement,
    rights: Permissions,
    *,
    policies: Set[str],
    operator: Subject | None,
) -> RecordWriters:
    """Return who can have itself granted what by writing the record or the model.

    ``policies`` are the names of the policies that are in force; of those that are files of the
    API server, with ``STATIC_SUFFIX``. Nothing is granted where the
    operator, which runs as ``operator``, cannot make bindings.
    """
    mask = 0
    for item in agreement.items:
        if item.rbac is not RbacMode.AUDIT and item.name != RECORD_ITEM:
            mask |= item.terms.required
    mask &= agreement.terms.permissions.hub_mask
    if not mask or not _grants(agreement.hub.namespace, rights, operator):
        return NO_RECORD_WRITERS
    found: dict[Subject, Step] = {}
    for what, requirements in _rewriting(agreement, policies):
        words = f"name itself an owner in {what}, and be granted what that brings"
        for step in _steps(rights, words, requirements):
            found.setdefault(step.actor, step)
    return RecordWriters(
        tuple((step, mask) for step in found.values()), _keepers(agreement, entitlement)
    )


def _grants(namespace: str, rights: Permissions, operator: Subject | None) -> bool:
    if is_protected(namespace, operator.namespace if operator is not None else ""):
        return False
    if operator is None:
        return True
    asked = Attributes("create", api_groups.RBAC, "rolebindings", namespace=namespace)
    return bool(rights.graph.holds(operator, asked)[1])


def _keepers(agreement: Agreement, entitlement: Entitlement) -> frozenset[Subject]:
    edit = 0
    for verb in ("update", "patch"):
        bit = agreement.terms.permissions.index.get(
            Permission(verb, API_GROUP, RECORDS, namespace="")
        )
        edit |= 0 if bit is None else 1 << bit
    return frozenset(
        subject for subject in agreement.members if entitlement.of_subject(subject) & edit
    )


def enforcement_bypasses(
    agreement: Agreement,
    entitlement: Entitlement,
    rights: Permissions,
    *,
    policies: Set[str],
) -> Mapping[str, Mapping[Subject, Step]]:
    """Return, for each item that is enforced, who can end that; not those it is left to."""
    found: dict[str, dict[Subject, Step]] = {}
    refused = [item.name for item in agreement.items if item.admission is AdmissionStage.DENY]
    keepers = (
        RecordWriters(keepers=_keepers(agreement, entitlement)) if refused else NO_RECORD_WRITERS
    )
    for item in refused:
        bypasses = found.setdefault(item, {})
        for words, requirements in _ways_to_end(item, agreement, policies):
            for step in _steps(rights, words, requirements):
                if not keepers.is_keeper(step.actor):
                    bypasses.setdefault(step.actor, step)
    return found


def _ways_to_end(
    item: str, agreement: Agreement, policies: Set[str]
) -> Iterable[tuple[str, tuple[Requirement, ...]]]:
    policy = policy_name(item)
    static = policy + STATIC_SUFFIX in policies
    for name in () if static else (policy, binding_name(item, AdmissionStage.DENY)):
        for requirement, what in _endings(name, policies):
            if (name == policy) is (requirement.resource == _POLICIES):
                yield f"edit or delete {what}, which keeps it from this", (requirement,)
    for what, requirements in _rewriting(agreement, policies):
        yield f"name itself an owner in {what}, which keeps it from this", requirements
    namespace = agreement.hub.namespace
    keys = _requirement(("update", "patch"), "", "namespaces", namespace, namespace)
    words = f"write into Namespace {namespace} who may do this"
    if not _is_there(NAMESPACE_KEYS_POLICY, policies):
        yield words, (keys,)
        return
    for ending, what in _endings(NAMESPACE_KEYS_POLICY, policies):
        yield f"edit or delete {what}, then {words}", (ending, keys)
