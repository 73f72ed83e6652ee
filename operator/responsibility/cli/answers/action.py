"""The permissions of a model that an action uses, on one hub."""

from __future__ import annotations

from responsibility.cli.sources.access_question import ParsedQuestion
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.permission_index import Names, Permission, mask_of
from responsibility.rbac.objects import Attributes

_ANY = "*"


def mask_of_action(agreement: Agreement, asked: ParsedQuestion) -> int:
    """Return the model's permissions that doing this uses, as a mask."""
    permissions, names = agreement.terms.permissions, agreement.names
    namespaced = asked.type is None or asked.type.namespaced
    return mask_of(
        bit
        for bit, permission in enumerate(permissions.by_bit)
        if _is(permission, asked.attributes, names)
        and _there(permission, asked, names, namespaced=namespaced)
    )


def _is(permission: Permission, asked: Attributes, names: Names) -> bool:
    pairs = (
        (permission.verb, asked.verb),
        (permission.group, asked.group),
        (permission.resource, asked.resource),
        (permission.subresource, asked.subresource),
    )
    # A permission without a name is about all names; a question without one, too.
    name = names.fill(permission.name)
    if name and asked.name and name != asked.name:
        return False
    return all(_ANY in pair or pair[0] == pair[1] for pair in pairs)


def _there(
    permission: Permission, asked: ParsedQuestion, names: Names, *, namespaced: bool
) -> bool:
    """Whether the permission is asked where the action happens."""
    where = names.fill(permission.namespace)
    if not namespaced:
        return True
    # Without a namespace, the hub's own is meant.
    return where == (asked.attributes.namespace or names.namespace)
