"""Exemptions as policies compare them with the user and groups of a request."""

from __future__ import annotations

import re

from responsibility.admission.annotation_entries import entry
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.rbac.identity import SERVICE_ACCOUNTS, is_somebody, service_account_user
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT

_LIKE = "like:"
_LIKE_GROUP = "like-group:"


def exempt_entry(exemption: Exemption) -> str:
    """Return the line for an exemption; empty where it is nobody.

    All ServiceAccounts of a namespace are a group of their own. Raises ValueError for a name
    with a line break.
    """
    subject = exemption.subject
    if subject is not None:
        return entry(subject) if is_somebody(subject) else ""
    for text in (exemption.name, exemption.namespace):
        # One at the end is one, too, and would make two lines of an expression.
        if text.splitlines() not in ([], [text]):
            raise ValueError(f"{exemption.kind} {exemption.name!r} has a line break in its name")
    if exemption.kind == SERVICE_ACCOUNT:
        return _accounts(exemption.namespace, exemption.name)
    kind = _LIKE_GROUP if exemption.kind == GROUP else _LIKE
    return f"{kind}^{_pattern(exemption.name)}$"


def _accounts(namespace: str, name: str) -> str:
    if name == "*" and namespace == "*":
        return f"group:{SERVICE_ACCOUNTS}"
    if name == "*" and "*" not in namespace:
        return f"group:{SERVICE_ACCOUNTS}:{namespace}"
    # Neither part can hold the colon that divides them.
    user = service_account_user(_pattern(namespace, "[^:]*"), _pattern(name, "[^:]*"))
    return f"{_LIKE}^{user}$"


def _pattern(text: str, rest: str = ".*") -> str:
    """Return the regular expression (RE2) for a name that may end in ``*``."""
    if text.endswith("*"):
        return re.escape(text[:-1]) + rest
    return re.escape(text)
