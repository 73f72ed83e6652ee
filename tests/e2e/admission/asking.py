"""Requests to an API server on behalf of others, with the warnings that come back.

One connection, no process: tests ask hundreds of questions.
"""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from responsibility.rbac.identity import SERVICE_ACCOUNT_USER
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.connection import administrator

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json"
APPLY = "application/apply-patch+yaml"

# A group that RBAC lets do everything, so that whatever is refused is refused by admission.
ALLOWED = "e2e-everything"


# Of a token of a ServiceAccount; which one is nobody's business.
UID = "11111111-1111-1111-1111-111111111111"


@dataclass(frozen=True)
class Person:
    """Who asks; RBAC lets everybody do everything, unless they are ``bound`` to their roles.

    A ServiceAccount asks by a token, which has a uid, unless somebody ``poses`` as it.
    """

    user: str
    groups: tuple[str, ...] = ()
    bound: bool = False
    poses: bool = False

    @property
    def uid(self) -> str:
        """The uid that the API server would know of the token."""
        return UID if self.user.startswith(SERVICE_ACCOUNT_USER) and not self.poses else ""


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    code: int
    message: str
    warnings: tuple[str, ...]
    body: dict[str, Any]

    @property
    def refused(self) -> bool:
        """Whether a policy said no."""
        return self.code == 403 and "ValidatingAdmissionPolicy" in self.message

    @property
    def broken(self) -> bool:
        """Whether an expression could not be evaluated: always a defect."""
        said = (self.message, *self.warnings)
        return any("resulted in error" in text or "failed expression" in text for text in said)


class Asker:
    """The administrator's connection, acting as others."""

    def __init__(self, cluster: Cluster) -> None:
        connection = administrator(cluster)
        self._context = connection.tls()
        address = urlsplit(connection.host)
        self._host, self._port = address.hostname or "", address.port
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._host, self._port, context=self._context, timeout=60
        )

    def ask(
        self,
        person: Person | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        type: str = "",
        dry: bool = True,
    ) -> Answer:
        """Ask for something, as a dry run unless told otherwise; None asks as administrator."""
        joint = "&" if "?" in path else "?"
        target = quote(path, safe="/?=&,:%") + (f"{joint}dryRun=All" if dry else "")
        kinds = {"PATCH": STRATEGIC}
        headers: list[tuple[str, bytes]] = [
            ("Content-Type", (type or kinds.get(method, JSON)).encode()),
            ("Accept", b"application/json"),
        ]
        if person is not None:
            headers.append(("Impersonate-User", person.user.encode()))
            everything = () if person.bound else (ALLOWED,)
            if person.uid:
                headers.append(("Impersonate-Uid", person.uid.encode()))
            headers += [("Impersonate-Group", g.encode()) for g in (*person.groups, *everything)]
        data = None if body is None else json.dumps(body).encode()
        try:
            return self._send(method, target, headers, data)
        except (http.client.HTTPException, OSError):
            # A connection that was upgraded, or whose server was restarted, is of no more use.
            self._connection.close()
            self._connection = self._connect()
            return self._send(method, target, headers, data)

    def text(self, path: str) -> str:
        """Return what the administrator reads at a path, such as ``/metrics``, as it is."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read().decode()

    def _send(
        self, method: str, target: str, headers: Sequence[tuple[str, bytes]], data: bytes | None
    ) -> Answer:
        connection = self._connection
        connection.putrequest(method, target)
        for name, value in headers:
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {"message": text}
        warnings = tuple(response.headers.get_all("Warning", []))
        message = str(found.get("message", "")) if response.status >= 400 else ""
        return Answer(response.status, message, warnings, found)
