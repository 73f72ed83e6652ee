"""Identity of a subject: its user name, and the groups that come with it.

The API server's authorizers see a user name and group names, nothing else. ServiceAccounts are
users with a telling name, and every authenticated user is in groups that nobody has to assign.
"""

from __future__ import annotations

from typing import Final

from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject

AUTHENTICATED: Final = "system:authenticated"
UNAUTHENTICATED: Final = "system:unauthenticated"
ANONYMOUS: Final = "system:anonymous"
MASTERS: Final = "system:masters"
NODES: Final = "system:nodes"
SERVICE_ACCOUNTS: Final = "system:serviceaccounts"

SERVICE_ACCOUNT_USER: Final = "system:serviceaccount:"
_NODE_USER = "system:node:"

# Groups that no identity provider adds a person to. The first four are worked out by the API
# server itself. The others are given to machines, by signers that check who asks. For
# system:masters see `is_joinable`.
_KUBERNETES_OWN_GROUPS = frozenset(
    {AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS, MASTERS, NODES, "system:bootstrappers"}
)
_KUBERNETES_OWN_PREFIXES = (f"{SERVICE_ACCOUNTS}:", "system:bootstrappers:")


def service_account_user(namespace: str, name: str) -> str:
    """Return the user name of a ServiceAccount (``MakeUsername`` in k8s.io/apiserver)."""
    return f"{SERVICE_ACCOUNT_USER}{namespace}:{name}"


def user_subject(user: str) -> Subject:
    """Return the subject that a user name stands for: a ServiceAccount or a User.

    Exactly a namespace and a name make a ServiceAccount (``SplitUsername``).
    """
    if user.startswith(SERVICE_ACCOUNT_USER):
        namespace, _, name = user.removeprefix(SERVICE_ACCOUNT_USER).partition(":")
        if namespace and name and ":" not in name:
            return Subject(SERVICE_ACCOUNT, name, namespace)
    return Subject(USER, user)


def canonical(subject: Subject) -> Subject:
    """Return the one form in which the identity is compared.

    A User that is named like a ServiceAccount *is* that ServiceAccount; the authorizer doesn't
    look at the namespace of Users and Groups (``appliesToUser`` in
    ``pkg/registry/rbac/validation/rule.go``).
    """
    kind, name, namespace = subject.kind, subject.name, subject.namespace
    if kind == USER:
        if name.startswith(SERVICE_ACCOUNT_USER):
            return user_subject(name)
        return Subject(kind, name) if namespace else subject
    if kind == GROUP:
        return Subject(kind, name) if namespace else subject
    if kind == SERVICE_ACCOUNT and namespace and (not name or ":" in name or ":" in namespace):
        # Not a name that a ServiceAccount can have, but it matches a user of that name.
        return user_subject(service_account_user(namespace, name))
    return subject


def is_somebody(subject: Subject) -> bool:
    """Return whether any request can match the subject.

    A ServiceAccount without namespace and subjects of unknown kinds are nobody.
    """
    if subject.kind == SERVICE_ACCOUNT:
        return bool(subject.namespace)
    return subject.kind in (USER, GROUP)


def implied_groups(subject: Subject) -> tuple[str, ...]:
    """Return the groups that the subject is in by its nature, itself not among them.

    For a Group, those that each of its members is in as well. Being authenticated is taken for
    granted, save for the anonymous user and the group of the unauthenticated.
    """
    subject = canonical(subject)
    kind, name = subject.kind, subject.name
    if not is_somebody(subject):
        return ()
    if kind == SERVICE_ACCOUNT:
        return (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{subject.namespace}", AUTHENTICATED)
    if kind == USER:
        return (UNAUTHENTICATED,) if name == ANONYMOUS else (AUTHENTICATED,)
    if name in (AUTHENTICATED, UNAUTHENTICATED):
        return ()
    if name.startswith(f"{SERVICE_ACCOUNTS}:"):
        return (SERVICE_ACCOUNTS, AUTHENTICATED)
    return (AUTHENTICATED,)


def user_and_groups(subject: Subject) -> tuple[str, tuple[str, ...]]:
    """Return the least that the API server knows of a request by the subject.

    This is what to put into a SubjectAccessReview: for a Group the user name is empty. People
    may be in more groups, which only their identity provider knows. Nobody is ``("", ())``.
    """
    subject = canonical(subject)
    groups = implied_groups(subject)
    if not is_somebody(subject):
        return "", ()
    if subject.kind == GROUP:
        return "", (subject.name, *groups)
    if subject.kind == SERVICE_ACCOUNT:
        return service_account_user(subject.namespace, subject.name), groups
    return subject.name, groups


def is_joinable(group: str) -> bool:
    """Return whether a person may be in the group without the cluster's objects telling.

    Groups of Kubernetes' own are not: identity providers must not use the prefix ``system:``,
    and these have meanings. Neither is ``system:masters``, although a client certificate can
    carry it: its members hold every permission there is, so counting it would turn every *no*
    into *unknown* and tell nothing. It is a holder of everything, and listed as such.
    """
    return group not in _KUBERNETES_OWN_GROUPS and not group.startswith(_KUBERNETES_OWN_PREFIXES)


def is_node(subject: Subject) -> bool:
    """Return whether the Node authorizer, too, decides about the subject.

    It is asked before RBAC and sees objects that RBAC doesn't (which pods run on the node):
    ``plugin/pkg/auth/authorizer/node``.
    """
    if subject.kind == USER:
        return subject.name.startswith(_NODE_USER)
    return subject.kind == GROUP and subject.name == NODES
