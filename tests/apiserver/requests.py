"""What a fake API server is asked, as tests want to see it, and the refusals that it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Json = dict[str, Any]
REVIEWS = ("accessreviews", "selfsubjectreviews")


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``body`` is JSON, also where it was sent as YAML."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") in ("1", "true")

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and "limit" in self.query and not self.is_watch

    @property
    def is_review(self) -> bool:
        return self.method == "POST" and self.path.endswith(REVIEWS)

    @property
    def is_write(self) -> bool:
        return self.method != "GET" and not self.is_review

    @property
    def is_apply(self) -> bool:
        return self.method == "PATCH" and "apply-patch" in self.headers.get("Content-Type", "")

    @property
    def manager(self) -> str:
        """The field manager; else what the client calls itself, up to a slash.

        So does kube-apiserver (``managerOrUserAgent`` in endpoints/handlers/create.go).
        """
        agent = self.headers.get("User-Agent", "").partition("/")[0]
        return self.query.get("fieldManager") or agent

    @property
    def target(self) -> str:
        """The object's path, also where it is only just created."""
        name = self.body.get("metadata", {}).get("name", "") if self.method == "POST" else ""
        return f"{self.path}/{name}" if name else self.path


class Refused(Exception):  # noqa: N818 - it is an answer as much as an error
    """A request that an API server refuses; with status 0 it can't be reached."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(status, reason, message)
        self.status, self.reason, self.message = status, reason, message


def refusal(code: int, reason: str, message: str = "") -> web.Response:
    return web.json_response(status_of(code, reason, message), status=code)


def status_of(code: int, reason: str, message: str = "") -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
