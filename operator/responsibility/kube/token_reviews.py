"""Questions to the API server's own authenticators: whose is this token.

Source: ``staging/src/k8s.io/api/authentication/v1/types.go``. Tokens of other audiences than the
API server's own are not authenticated, since none is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility import api_groups
from responsibility.kube.protocol import Client

_API_VERSION = f"{api_groups.AUTHENTICATION}/v1"
_REVIEWS = f"/apis/{_API_VERSION}/tokenreviews"


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user as authenticators see it, with all that authorizers go by.

    ``extra`` limits some tokens further (OpenShift's scopes), so whoever asks what a user may do
    has to pass it on.
    """

    user: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


async def token_user(api: Client, token: str) -> AuthenticatedUser | None:
    """Return whose token it is, None if nobody's. Raises ApiError, which never holds the token."""
    body = {"apiVersion": _API_VERSION, "kind": "TokenReview", "spec": {"token": token}}
    status = (await api.create(_REVIEWS, body)).get("status") or {}
    found = status.get("user") or {}
    # An error beside it (of another authenticator) doesn't take back what is authenticated.
    if status.get("authenticated") is not True or not isinstance(found.get("username"), str):
        return None
    return AuthenticatedUser(
        user=found["username"],
        uid=str(found.get("uid") or ""),
        groups=tuple(map(str, found.get("groups") or ())),
        extra=tuple(sorted(_extra(found.get("extra") or {}))),
    )


def _extra(extra: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, values in extra.items():
        yield key, tuple(map(str, values or ()))
