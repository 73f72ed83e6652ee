"""Acting as somebody else: what kubectl's ``--as`` and a kubeconfig's ``as`` send along.

``kubernetes.aio`` ignores these fields, and would then act with all rights of whoever is logged in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_USER = "Impersonate-User"
_GROUP = "Impersonate-Group"
_UID = "Impersonate-Uid"
_EXTRA = "Impersonate-Extra-"
# What a header's name may have beside letters and digits (RFC 9110, "token"), but for the percent
# sign, which begins an escape.
_TOKEN = "!#$&'*+-.^_`|~"  # noqa: S105 - no secret: the word of the RFC


@dataclass(frozen=True, slots=True)
class Impersonation:
    """As whom requests are made; without a user, as whoever the credentials belong to."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anybody to act as."""
        return bool(self.user)

    def __str__(self) -> str:
        """Return the user, with the groups that are named."""
        groups = f" in {', '.join(self.groups)}" if self.groups else ""
        return f"{self.user}{groups}"

    def problem(self) -> str:
        """Return why this can't be sent, empty if it can."""
        if not self.user and (self.groups or self.uid or self.extra):
            return "groups, a UID or extra fields to act with need a user to act as: name it"
        for name, value in self.headers():
            if any(ord(each) < ord(" ") or ord(each) == 127 for each in value):  # noqa: PLR2004 - DEL
                return f"{name}: {value!r} has a character that no request can carry"
        return ""

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield what each request says; a header may come several times."""
        if not self.user:
            return
        yield _USER, self.user
        if self.uid:
            yield _UID, self.uid
        yield from ((_GROUP, group) for group in self.groups)
        for key, values in self.extra:
            yield from ((_EXTRA + quote(key, safe=_TOKEN), value) for value in values)


NOBODY_ELSE: Final = Impersonation()
