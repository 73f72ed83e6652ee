"""Roles and bindings as the API server has them now, beside what watches have brought."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from responsibility import api_groups
from responsibility.grants import binding as grants
from responsibility.kube.cache import ObjectCache
from responsibility.kube.protocol import Json
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey
from responsibility.rbac.parse import parse_role

if TYPE_CHECKING:
    from responsibility.kube.client import Api

_RBAC = f"/apis/{api_groups.RBAC}/v1"


def _role(raw: Json) -> tuple[RoleKey, Role]:
    role = parse_role(raw)
    return role.key, role


def _binding(raw: Json) -> tuple[BindingKey, Binding]:
    binding = grants.parse(raw)
    return binding.key, binding


async def rbac(api: Api) -> tuple[list[Role], list[Binding]]:
    """Return all roles and all bindings. Raises ApiError."""
    roles = [
        *await _listed(api, f"{_RBAC}/roles", _role),
        *await _listed(api, f"{_RBAC}/clusterroles", _role),
    ]
    bindings = [
        *await _listed(api, f"{_RBAC}/rolebindings", _binding),
        *await _listed(api, f"{_RBAC}/clusterrolebindings", _binding),
    ]
    return roles, bindings


async def _listed(api: Api, path: str, read: Callable[[Json], tuple[Any, Any]]) -> list[Any]:
    # What can't be read counts as absent, as in the copies that the watches keep.
    mirror = ObjectCache(path, read)
    listing = mirror.listing()
    async for page in api.pages(path):
        listing.add(page["items"])
    return list(listing.commit().put.values())
