"""The techniques into one identity: those of the table that are open, by what is known of it."""

from __future__ import annotations

from dataclasses import replace

from responsibility.rbac.escalation.technique import Technique
from responsibility.rbac.escalation.techniques import (
    AWS_AUTH,
    CREATE_ACCOUNT,
    INTO_ACCOUNT,
    INTO_GROUP,
    INTO_MASTERS,
    INTO_NODE,
    INTO_NODES,
    INTO_USER,
)
from responsibility.rbac.identity import (
    AUTHENTICATED,
    MASTERS,
    NODES,
    SERVICE_ACCOUNTS,
    UNAUTHENTICATED,
    is_node,
)
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, Subject


def techniques_into(target: Subject) -> tuple[Technique, ...]:
    """Return the techniques into an identity. There are none into groups that everybody is in."""
    if target.kind == SERVICE_ACCOUNT:
        return INTO_ACCOUNT
    if target.kind != GROUP:
        return INTO_NODE if is_node(target) else INTO_USER
    if target.name in (AUTHENTICATED, UNAUTHENTICATED):
        return ()
    return {MASTERS: INTO_MASTERS, NODES: INTO_NODES}.get(target.name, INTO_GROUP)


def account_namespace(group: str) -> str | None:
    """Return the namespace whose ServiceAccounts make up a group: ``""`` for all, None if none."""
    if group == SERVICE_ACCOUNTS:
        return ""
    prefix = f"{SERVICE_ACCOUNTS}:"
    return group.removeprefix(prefix) if group.startswith(prefix) else None


def constrained_into(target: Subject) -> tuple[Technique, ...]:
    """Return those of the techniques into an identity that are constrained impersonation."""
    return _CONSTRAINED.get(id(techniques_into(target)), ())


_CONSTRAINED = {
    id(techniques): tuple(technique for technique in techniques if technique.mode)
    for techniques in (INTO_ACCOUNT, INTO_USER, INTO_NODE, INTO_GROUP, INTO_NODES)
}


def with_aws_auth(target: Subject) -> tuple[Technique, ...]:
    """Return the techniques into an identity on a cluster that has the ConfigMap ``aws-auth``."""
    techniques = techniques_into(target)
    return _WITH_AWS_AUTH.get(id(techniques), techniques)


_WITH_AWS_AUTH = {
    id(techniques): (*techniques, AWS_AUTH)
    for techniques in (INTO_USER, INTO_NODE, INTO_GROUP, INTO_MASTERS, INTO_NODES)
}


def _needing(*, exists: bool, pods: bool) -> tuple[Technique, ...]:
    return tuple(
        technique
        if exists or not technique.exists
        else replace(
            technique,
            words=f"create the account that is missing and {technique.words}",
            requirements=(*technique.requirements, CREATE_ACCOUNT),
        )
        for technique in INTO_ACCOUNT
        if pods or not technique.pods
    )


_INTO_ACCOUNT = {
    (exists, pods): INTO_ACCOUNT if exists and pods else _needing(exists=exists, pods=pods)
    for exists in (True, False)
    for pods in (True, False)
}


def into_account(*, exists: bool, pods: bool) -> tuple[Technique, ...]:
    """Return the techniques that are open into a ServiceAccount, by what is known of it.

    One that does not exist, but is bound to something, can be created first. Each table is
    one object, which tells them apart.
    """
    return _INTO_ACCOUNT[exists, pods]
