"""Failures between us and an API server, as few exceptions with one meaning each.

Messages are safe to log: they never hold a token, and never the server's words about a request
on a Secret, since those may quote it (a decoding error repeats the bytes around the fault).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
from typing import Any

_LONGEST = 600
_SECRETS = re.compile(r"/(secrets|serviceaccounts/[^/]+/token|tokenreviews)(/|$)")


class ApiError(Exception):
    """A request that failed; ``status`` is the HTTP status, 0 where there was no answer.

    ``reason`` is the machine-readable word of the Status object (``AlreadyExists``), or the kind
    of network trouble; ``retry_after`` is in seconds, where the server named a time.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        verb: str,
        path: str,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, reason, message, verb, path)
        self.status = status
        self.reason = reason
        self.message = message
        self.verb = verb
        self.path = path
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Return one line for a log: what was asked, and what came of it."""
        what = f"{self.status} {self.reason}" if self.status else self.reason
        return f"{self.verb} {self.path}: {what}" + (f": {self.message}" if self.message else "")


class UnauthorizedError(ApiError):
    """401: the token or the certificate is not (or no longer) accepted."""


class ForbiddenError(ApiError):
    """403: a right is missing; the message names user, verb and resource."""


class NotFoundError(ApiError):
    """404: no such object, or no such kind."""


class ConflictError(ApiError):
    """409: it exists already, was changed meanwhile, or another manager owns the field."""


class GoneError(ApiError):
    """410: the resource version or the continue token is too old; list again."""


class UnavailableError(ApiError):
    """No answer, or one that says *later*: refused, reset, TLS, timeout, silence, 429, 5xx."""


class TooLargeError(ApiError):
    """An answer that is larger than what was to be read at once."""


class NotLeadingError(UnavailableError):
    """A write that was not sent, since another replica may lead by now."""


class SilentError(UnavailableError):
    """A watch on which nothing came for too long: it may be dead, or there may be no news."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    429: UnavailableError,
}


def from_status(
    status: int,
    body: str | bytes | dict[str, Any],
    verb: str,
    path: str,
    *,
    retry_after: float | None = None,
) -> ApiError:
    """Make the error for an HTTP status and the body that came with it.

    Only the words of a Kubernetes ``Status`` are repeated; whatever else answers in the
    server's place (an ingress, a proxy) sends pages that are of no use in a log.
    """
    status_body: Any = body
    if not isinstance(body, dict):
        try:
            status_body = json.loads(body)
        except (ValueError, RecursionError):
            status_body = None
    if not isinstance(status_body, dict) or status_body.get("kind") != "Status":
        status_body = {}
    reason = str(status_body.get("reason") or "")
    # A watch sends `Expired` inside an ERROR event, with the code in the Status only.
    status = int(status_body.get("code") or status)
    message = str(status_body.get("message") or "")[:_LONGEST]
    if message and status not in _BY_STATUS and _SECRETS.search(path):
        message = "(the server's message is withheld, since it may quote the object)"
    kind = _BY_STATUS.get(status) or (UnavailableError if status >= 500 else ApiError)  # noqa: PLR2004 - HTTP's
    return kind(status, reason or _word(status), message, verb, path, retry_after=retry_after)


def from_network(trouble: BaseException, verb: str, path: str) -> UnavailableError:
    """Make the error for a request that got no answer.

    The exception's own text is not repeated as such: a proxy's URL may hold a password.
    """
    if isinstance(trouble, TimeoutError | asyncio.TimeoutError):
        return UnavailableError(0, "Timeout", "the server did not answer in time", verb, path)
    # aiohttp has the original within its own, and needn't be imported to tell.
    certificate = getattr(trouble, "certificate_error", trouble)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        reason = str(certificate.verify_message or "not trusted")
        return UnavailableError(0, "CertificateNotTrusted", reason, verb, path)
    original = getattr(trouble, "os_error", None)
    if isinstance(original, OSError):
        number = original.errno or 0
        # asyncio's own text repeats addresses; the resolver's numbers are negative.
        reason = os.strerror(number) if number > 0 else str(original.strerror or "")
        return UnavailableError(0, "NoConnection", reason, verb, path)
    return UnavailableError(0, "ConnectionLost", type(trouble).__name__, verb, path)


def bad_answer(verb: str, path: str, wanted: str) -> UnavailableError:
    """Make the error for a success that is none: something else answers in the server's place."""
    return UnavailableError(0, "BadAnswer", f"what came is not {wanted}", verb, path)


def from_credentials(trouble: Exception, verb: str, path: str) -> UnavailableError:
    """Make the error for credentials that could not be renewed; they may be there again soon."""
    return UnavailableError(0, "NoCredentials", str(trouble)[:_LONGEST], verb, path)


def _word(status: int) -> str:
    """Return a word for a status that came without one."""
    return {429: "TooManyRequests", 410: "Gone"}.get(status, "HTTPError")
