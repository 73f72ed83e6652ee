"""All policies of a model, ready to be applied, and how what lives in a cluster differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from responsibility.admission import annotation_entries
from responsibility.admission.policies import cluster_policies, requester, self_protection
from responsibility.admission.policies import item_policies as items
from responsibility.admission.policies.guards import Guards
from responsibility.admission.policies.manifests import Manifest, replaced
from responsibility.admission.policies.operator_confinement import operator_confinement
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import (
    NAME_PREFIX,
    NAMESPACE_KEYS_POLICY,
    OPERATOR_CONFINED_POLICY,
    POLICIES_POLICY,
    RECORD_OWNERS_POLICY,
    STATIC_SUFFIX,
)

# Names of policies that are no item's; an item of such a name could not be told from them.
_TAKEN = (
    "cluster",
    "cluster-deny",
    "cluster-warn",
    "record-dates",
    *tuple(
        name.removeprefix(NAME_PREFIX)
        for name in (
            NAMESPACE_KEYS_POLICY,
            OPERATOR_CONFINED_POLICY,
            POLICIES_POLICY,
            RECORD_OWNERS_POLICY,
        )
    ),
)


def item_policies(model: ResponsibilityModel) -> list[Manifest]:
    """Return the policies of all items, with placeholders for where the operator runs.

    Raises ValueError, which names the item and the field, for what can't be rendered.
    """
    guards_of = Guards.of(model)
    glass = sorted({annotation_entries.entry(subject) for subject in guards_of.terms.break_glass})
    guarded = list(guards_of.items())
    for guards in guarded:
        if guards.item.name in _TAKEN:
            raise ValueError(
                f"item {guards.item.name}: a policy of this name is there for something else; "
                "give the item another name"
            )
    return [m for guards in guarded for m in items.manifests(guards, glass)]


def templates(model: ResponsibilityModel) -> list[Manifest]:
    """Return everything that is installed for a model, with placeholders."""
    return [
        *self_protection.protections(),
        *operator_confinement(),
        *cluster_policies.cluster_policies(model, {}),
        *item_policies(model),
    ]


def rendered(model: ResponsibilityModel, *, namespace: str, account: str) -> list[Manifest]:
    """Return all policies and bindings of a model.

    ``namespace`` is the operator's, ``account`` the user name of its ServiceAccount.
    """
    return installed(templates(model), namespace=namespace, account=account)


# What the API server asks of the names of policies that it reads from files.


def static(model: ResponsibilityModel, *, namespace: str, account: str) -> list[Manifest]:
    """Return the policies as files for the API server, which no request can change.

    Not those of the cluster: the operator has to be able to patch them.
    """
    templated = [
        *self_protection.protections(),
        *operator_confinement(),
        *self_protection.static_protections(),
        *item_policies(model),
    ]
    return [
        _static(manifest) for manifest in installed(templated, namespace=namespace, account=account)
    ]


def _static(manifest: Manifest) -> Manifest:
    spec = dict(manifest["spec"])
    if "policyName" in spec:
        spec["policyName"] += STATIC_SUFFIX
    name = manifest["metadata"]["name"] + STATIC_SUFFIX
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}, "spec": spec}


def installed(manifests: Iterable[Manifest], *, namespace: str, account: str) -> list[Manifest]:
    """Return manifests with their placeholders filled in."""
    texts = {requester.NAMESPACE: namespace, requester.ACCOUNT: account}
    return [replaced(manifest, texts) for manifest in manifests]


def differences(
    live: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return in words how policies and bindings of a cluster differ from those rendered.

    Of objects that were not rendered nothing is said.
    """
    found = {_key(manifest): manifest for manifest in live}
    message_expression = []
    for manifest in wanted:
        kind, name = _key(manifest)
        other = found.get((kind, name))
        if other is None:
            message_expression.append(f"{kind} {name} is missing")
        elif other.get("spec") != manifest["spec"]:
            parts = sorted(
                key
                for key in {*other.get("spec", {}), *manifest["spec"]}
                if other.get("spec", {}).get(key) != manifest["spec"].get(key)
            )
            message_expression.append(
                f"{kind} {name} has been changed: spec.{', spec.'.join(parts)}"
            )
    return message_expression


def _key(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return str(manifest.get("kind")), str(manifest["metadata"]["name"])
