"""Questions to the API server's own authorizers: may this subject, may we.

The server is the oracle. It knows what no RBAC object shows: other authorizers (a cloud's IAM),
and whether RBAC is asked at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from responsibility import api_groups
from responsibility.kube import errors
from responsibility.kube.protocol import Client, Json

logger = logging.getLogger(__name__)

_API_VERSION = f"{api_groups.AUTHORIZATION}/v1"
_SUBJECT = f"/apis/{_API_VERSION}/subjectaccessreviews"
_SELF = f"/apis/{_API_VERSION}/selfsubjectaccessreviews"

# Reviews in flight at once. The server answers some 2,000 a second; more would only queue there.
CONCURRENCY = 16


class AccessAttributes(Protocol):
    """The attributes of a request: a verb on a resource, or, where ``path`` is set, on a URL.

    The fields are those of ``ResourceAttributes`` in the API ``authorization.k8s.io/v1``; empty
    texts stand for "any" as they do there.
    """

    @property
    def verb(self) -> str:
        """The verb, in lower case."""

    @property
    def group(self) -> str:
        """The API group; empty for the core."""

    @property
    def resource(self) -> str:
        """The plural name."""

    @property
    def subresource(self) -> str:
        """Empty for the resource itself."""

    @property
    def name(self) -> str:
        """Empty for any."""

    @property
    def namespace(self) -> str:
        """Empty for the cluster."""

    @property
    def path(self) -> str:
        """A non-resource URL, or empty."""


@dataclass(frozen=True, slots=True)
class _DeleteAnyNamespace:
    verb: str = "delete"
    group: str = ""
    resource: str = "namespaces"
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class AccessQuestion:
    """The question whether this user, who is in exactly these groups, may do that."""

    user: str
    groups: tuple[str, ...]
    attributes: AccessAttributes


async def subject_access(
    api: Client,
    user: str,
    groups: Sequence[str],
    attributes: AccessAttributes,
    *,
    uid: str = "",
    extra: Sequence[tuple[str, Sequence[str]]] = (),
) -> bool:
    """Return whether the server would let ``user``, as a member of ``groups``, do it.

    Nothing is added to the groups: whoever asks about a real user names
    ``system:authenticated`` too. ``uid`` and ``extra`` are what authenticators said of it beside
    that. Raises ApiError.
    """
    body = _review("SubjectAccessReview", attributes)
    body["spec"] |= {"user": user, "groups": list(groups)}
    if uid:
        body["spec"]["uid"] = uid
    if extra:
        body["spec"]["extra"] = {key: list(values) for key, values in extra}
    return _allowed(await api.create(_SUBJECT, body))


async def subject_access_many(
    api: Client, permissions: Iterable[AccessQuestion], *, concurrency: int = CONCURRENCY
) -> list[bool]:
    """Return the answers in the order of the questions. Raises the first ApiError."""
    gate = asyncio.Semaphore(concurrency)

    async def ask(question: AccessQuestion) -> bool:
        async with gate:
            return await subject_access(api, question.user, question.groups, question.attributes)

    return await _all(ask(question) for question in permissions)


async def self_access(api: Client, attributes: AccessAttributes) -> bool:
    """Return whether we ourselves may do it; everyone may ask this. Raises ApiError."""
    return _allowed(await api.create(_SELF, _review("SelfSubjectAccessReview", attributes)))


async def self_access_many(
    api: Client, permissions: Iterable[AccessAttributes], *, concurrency: int = CONCURRENCY
) -> list[bool]:
    """Return the answers in the order of the questions. Raises the first ApiError."""
    gate = asyncio.Semaphore(concurrency)

    async def ask(attributes: AccessAttributes) -> bool:
        async with gate:
            return await self_access(api, attributes)

    return await _all(ask(attributes) for attributes in permissions)


async def rbac_enforced(api: Client, *, unknown_user: str) -> bool | None:
    """Return whether the server refuses a user who doesn't exist; None if that can't be found out.

    A user nobody has ever bound anything to, in no group, may delete namespaces only where
    authorization is switched off (``AlwaysAllow``) or another authorizer allows everything.
    """
    try:
        return not await subject_access(api, unknown_user, (), _DeleteAnyNamespace())
    except errors.ApiError as error:
        logger.warning("whether RBAC is enforced is unknown: %s", error)
        return None


def _review(kind: str, attributes: AccessAttributes) -> Json:
    spec: Json
    if attributes.path:
        spec = {"nonResourceAttributes": {"verb": attributes.verb, "path": attributes.path}}
    else:
        spec = {
            "resourceAttributes": {
                "verb": attributes.verb,
                "group": attributes.group,
                "resource": attributes.resource,
                "subresource": attributes.subresource,
                "name": attributes.name,
                "namespace": attributes.namespace,
            }
        }
    return {"apiVersion": _API_VERSION, "kind": kind, "spec": spec}


def _allowed(review: Json) -> bool:
    # An `evaluationError` may stand beside either answer (a binding to a role that does not
    # exist puts one there); what counts is what the server would have done.
    return bool((review.get("status") or {}).get("allowed"))


async def _all(permissions: Iterable[Coroutine[Any, Any, bool]]) -> list[bool]:
    """Await all of them; when one fails, cancel the rest and raise what it raised.

    A TaskGroup that is cancelled at the moment that one of its tasks fails forgets the first for
    the second (before Python 3.13), and then whoever asks goes on for ever.
    """
    tasks = [asyncio.create_task(question) for question in permissions]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
