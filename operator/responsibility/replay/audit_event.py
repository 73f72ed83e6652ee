"""A request as admission saw it, out of what an audit log remembers of it.

Only what happened counts: a request that failed by itself changed nothing, and one that was
refused is refused already. Connections are judged before they are tried, so they count unless
they were to something that isn't there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from responsibility import api_groups
from responsibility.admission.policies.guards import CONNECT, CREATE, UPDATE, target_of
from responsibility.ownership.terms.permission_index import Permission

Json = Mapping[str, Any]

_COMPLETE = "ResponseComplete"
_PANIC = "Panic"
_CREATED = 201
_FORBIDDEN = 403
# Of a connection: not who one must be, not allowed, nothing there, not so, too many.
_NOT_TRIED = frozenset({401, 404, 405, 429})
_SWITCHING = 101
_COLLECTION = "deletecollection"
_REVIEWS = frozenset({api_groups.AUTHENTICATION, api_groups.AUTHORIZATION})
_POLICY = re.compile(r"(validating|mutating)admissionpolic(ies|ybindings)")


class Passed(StrEnum):
    """The reason why an event has no part in a replay."""

    STAGE = "of an earlier stage of the same request"
    EXEMPT = "about policies and reviews, which policies are never asked about"
    READ = "that change nothing, and that admission never sees"
    DRY_RUN = "of dry runs"
    FAILED = "that failed by themselves"
    REFUSED = "that were refused already"
    BROKEN = "that say no more than that something went wrong in the API server"


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a request was made as: the impersonated one, where there is one."""

    user: str
    groups: tuple[str, ...]
    uid: str = ""

    def info(self) -> dict[str, Any]:
        """Return it as ``request.userInfo``; what is empty isn't there."""
        user_info = {"username": self.user, "groups": list(self.groups), "uid": self.uid}
        return {key: value for key, value in user_info.items() if value}


@dataclass(frozen=True, slots=True)
class Request:
    """One request that took place.

    ``verb`` is that of the log, ``operation`` that of admission. ``answer`` is the object that
    the API server answered with, None where the log doesn't hold it.
    """

    when: datetime
    who: Identity
    agent: str
    verb: str
    operation: str
    group: str
    version: str
    resource: str
    subresource: str
    namespace: str
    name: str
    level: str
    answer: Json | None

    @property
    def full_resource(self) -> str:
        """Return ``pods/exec`` for a subresource, else the resource."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def of_many(self) -> bool:
        """Whether it deletes a collection: then admission is asked object by object."""
        return self.verb == _COLLECTION


@lru_cache(maxsize=4096)
def _operation(verb: str, group: str, resource: str, subresource: str) -> str | None:
    target = target_of(Permission(verb, group, resource, subresource))
    return None if target is None else target.operation


def read(event: Json) -> Request | Passed:
    """Return the request of an audit event, or why it has no part.

    Raises ValueError for what is no audit event.
    """
    reference = event.get("objectRef")
    if event.get("stage") != _COMPLETE:
        return Passed.BROKEN if event.get("stage") == _PANIC else Passed.STAGE
    if not isinstance(reference, dict) or not reference.get("resource"):
        return Passed.READ
    parts = [_text(reference, key) for key in ("apiGroup", "resource", "subresource")]
    operation = _operation(_text(event, "verb"), *parts)
    if operation is None:
        return Passed.READ
    if _is_exempt(*parts[:2]):
        return Passed.EXEMPT
    passed = _outcome(operation, _code(event)) or (Passed.DRY_RUN if _is_dry(event) else None)
    return passed or _request(event, reference, operation)


def _request(event: Json, reference: Json, operation: str) -> Request:
    verb = _text(event, "verb")
    if operation == UPDATE and _code(event) == _CREATED:
        # Server-side apply, and a PUT where the kind allows it, create what isn't there.
        operation = CREATE
    answer = event.get("responseObject")
    return Request(
        when=_time(event),
        who=_identity(event),
        agent=_text(event, "userAgent"),
        verb=verb,
        operation=operation,
        group=_text(reference, "apiGroup"),
        version=_text(reference, "apiVersion"),
        resource=_text(reference, "resource"),
        subresource=_text(reference, "subresource"),
        namespace=_text(reference, "namespace"),
        name="" if verb == _COLLECTION else _text(reference, "name"),
        level=_text(event, "level"),
        answer=answer if isinstance(answer, dict) and answer.get("kind") != "Status" else None,
    )


def _is_exempt(group: str, resource: str) -> bool:
    return group in _REVIEWS or (
        group == api_groups.ADMISSION_REGISTRATION and bool(_POLICY.fullmatch(resource))
    )


def _outcome(operation: str, code: int) -> Passed | None:
    if code == _FORBIDDEN:
        return Passed.REFUSED
    if operation == CONNECT:
        return Passed.FAILED if code in _NOT_TRIED else None
    succeeded = code == _SWITCHING or 200 <= code < 300  # noqa: PLR2004 - HTTP's own ranges
    return None if succeeded else Passed.FAILED


def _is_dry(event: Json) -> bool:
    query = urlsplit(_text(event, "requestURI")).query
    if "dryRun" in query and any(parse_qs(query).get("dryRun", ())):
        return True
    # Deletions say it in their body, evictions in that of the deletion they ask for.
    body = event.get("requestObject")
    if not isinstance(body, dict):
        return False
    options = body.get("deleteOptions") if body.get("kind") == "Eviction" else body
    if not isinstance(options, dict) or not options.get("dryRun"):
        return False
    return body.get("kind") in ("DeleteOptions", "Eviction")


def _identity(event: Json) -> Identity:
    info = event.get("impersonatedUser") or event.get("user") or {}
    if not isinstance(info, dict):
        raise ValueError("its user is no mapping")  # noqa: TRY004 - as any other broken event
    groups = info.get("groups") or []
    if not isinstance(groups, list):
        raise ValueError("its user's groups are no list")  # noqa: TRY004 - as any other broken event
    return Identity(_text(info, "username"), tuple(map(str, groups)), _text(info, "uid"))


def _code(event: Json) -> int:
    status = event.get("responseStatus")
    code = status.get("code") if isinstance(status, dict) else None
    return code if isinstance(code, int) else 0


def _time(event: Json) -> datetime:
    for key in ("requestReceivedTimestamp", "stageTimestamp"):
        if text := _text(event, key):
            found = datetime.fromisoformat(text)
            if found.tzinfo is not None:
                return found
    raise ValueError("it says no time")


def _text(where: Json, key: str) -> str:
    value = where.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its {key} is no text")
    return value or ""
