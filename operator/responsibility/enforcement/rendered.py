"""All policies of a model, ready to be applied, and how what lives in a cluster differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.enforcement import items, who
from responsibility.enforcement.guards import Guards
from responsibility.enforcement.policy import Manifest, replaced


def item_policies(model: ResponsibilityModel) -> list[Manifest]:
    """Return the policies of all items, with placeholders for where the operator runs.

    Raises ValueError, which names the item and the field, for what can't be rendered.
    """
    return [m for guards in Guards.of(model).items() for m in items.manifests(guards)]


def rendered(model: ResponsibilityModel, *, namespace: str, account: str) -> list[Manifest]:
    """Return all policies and bindings of a model.

    ``namespace`` is the operator's, ``account`` the user name of its ServiceAccount.
    """
    return installed(item_policies(model), namespace=namespace, account=account)


def installed(manifests: Iterable[Manifest], *, namespace: str, account: str) -> list[Manifest]:
    """Return manifests with their placeholders filled in."""
    texts = {who.NAMESPACE: namespace, who.ACCOUNT: account}
    return [replaced(manifest, texts) for manifest in manifests]


def differences(
    live: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return in words how policies and bindings of a cluster differ from those rendered.

    Of objects that were not rendered nothing is said.
    """
    found = {_key(manifest): manifest for manifest in live}
    said = []
    for manifest in wanted:
        kind, name = _key(manifest)
        other = found.get((kind, name))
        if other is None:
            said.append(f"{kind} {name} is missing")
        elif other.get("spec") != manifest["spec"]:
            parts = sorted(
                key
                for key in {*other.get("spec", {}), *manifest["spec"]}
                if other.get("spec", {}).get(key) != manifest["spec"].get(key)
            )
            said.append(f"{kind} {name} has been changed: spec.{', spec.'.join(parts)}")
    return said


def _key(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return str(manifest.get("kind")), str(manifest["metadata"]["name"])
