"""Reliability of the copies of a cluster: which objects are left out of them, and which are old.

An answer is true of what was read. What was not read, or not lately, is told with it. So is each
part of the operator that has had no good answer for long: what it watches over is not known.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from responsibility.api.names import RECORDS
from responsibility.kube.reflector import Reflector

# Seconds after which a copy is old: of one whose lists and watches fail, and of one where nothing
# is known to be wrong, on whose watch a bookmark is due each minute.
FAILING = 30.0
SILENT = 240.0


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """An object that is there and was not taken in, and why."""

    resource: str
    namespace: str
    name: str
    why: str

    def __str__(self) -> str:
        """Return what it is and why, for a message."""
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.resource} {where}: {self.why}"


@dataclass(frozen=True, slots=True, order=True)
class Stale:
    """A part of what is known that is old: since when, and what is known of the reason."""

    what: str
    since: datetime
    why: str

    def __str__(self) -> str:
        """Return what it is, since when and why, for a message."""
        why = f" ({self.why})" if self.why else ""
        return f"{self.what} since {self.since:%Y-%m-%dT%H:%M:%SZ}{why}"


class OperatorPart(enum.StrEnum):
    """A part of the operator that asks the API server by itself, beside the copies of kinds."""

    FRAMEWORK = "framework"
    FRAMEWORK_LOGIN = "framework-login"
    HUB_ASKER = "hub-asker"
    OWN_IDENTITY = "own-identity"
    OWN_RIGHTS = "own-rights"
    PLANNER = "planner"
    PROBER = "prober"
    RELEASE_LOOKER = "release-looker"
    REVIEWER = "reviewer"
    SESSIONS_LOOKER = "sessions-looker"
    VALUES_LOOKER = "values-looker"
    VERSIONS_LOOKER = "versions-looker"


class Says(enum.Flag):
    """A statement that is true only as long as what it rests on is known."""

    NOTHING = 0
    READY = enum.auto()
    ENFORCED = enum.auto()


_BOTH = Says.READY | Says.ENFORCED
# What each part, or kind, bears; all others, what is said of who can do what. No plan is shown
# but for this very moment, so an old planner makes no statement false.
_BEARS: Mapping[str, Says] = {
    OperatorPart.FRAMEWORK: _BOTH,
    OperatorPart.FRAMEWORK_LOGIN: _BOTH,
    OperatorPart.PROBER: Says.ENFORCED,
    OperatorPart.PLANNER: Says.NOTHING,
    # What it no longer knows it says itself.
    OperatorPart.VERSIONS_LOOKER: Says.NOTHING,
    RECORDS: _BOTH,
    "namespaces": _BOTH,
    # Grants.
    "rolebindings": _BOTH,
    "clusterrolebindings": _BOTH,
    "validatingadmissionpolicies": Says.ENFORCED,
    "validatingadmissionpolicybindings": Says.ENFORCED,
    # Markers of dates.
    "jobs": Says.ENFORCED,
}


def bears(what: str, says: Says) -> bool:
    """Return whether a statement rests on a part or a kind."""
    return bool(_BEARS.get(what, Says.READY) & says)


class Heard:
    """The last good answer that a part has had, and what has failed since.

    It is old ``failing`` seconds after that where something fails, and ``silent`` seconds after
    it else; where ``silent`` is None it asks seldom, and counts from the first failure. Read and
    told from any thread.
    """

    def __init__(
        self,
        *,
        failing: float = FAILING,
        silent: float | None = SILENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failing, self._silent = failing, silent
        self._clock = clock
        self._since = clock()
        self._why = ""

    @property
    def fails(self) -> bool:
        """Whether there has been none since something failed."""
        return bool(self._why)

    def good(self) -> None:
        """Take note of a good answer, or that there is nothing to ask."""
        self._since, self._why = self._clock(), ""

    def failed(self, why: str) -> None:
        """Take note that there was none."""
        if self._silent is None and not self._why:
            self._since = self._clock()
        self._why = why or "failed"

    def age(self) -> tuple[float, float, str]:
        """Return the age in seconds, beyond which it is old, and what fails, if anything does."""
        why = self._why
        if not why and self._silent is None:
            return 0.0, self._failing, ""
        bound = self._failing if why or self._silent is None else self._silent
        return self._clock() - self._since, bound, why


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Gaps in everything that answers rest on: what is left out, and what is old."""

    left_out: tuple[LeftOut, ...] = ()
    stale: tuple[Stale, ...] = ()

    def doubts(self, says: Says) -> tuple[Stale, ...]:
        """Return what is old of that on which a statement rests."""
        return tuple(each for each in self.stale if bears(each.what, says))

    def about(self, namespace: str) -> tuple[LeftOut, ...]:
        """Return what is left out and may matter in a namespace."""
        return tuple(each for each in self.left_out if each.namespace in ("", namespace))


COMPLETE = Knowledge()


def left_out(reflectors: Iterable[Reflector[Any, Any]]) -> tuple[LeftOut, ...]:
    """Return what these copies leave out, in an order that is always the same."""
    return tuple(
        sorted(
            LeftOut(resource_of(reflector.path), *_split(name), why)
            for reflector in reflectors
            for name, why in reflector.left_out.items()
        )
    )


class Ages:
    """Ages of copies; remembers since when each is old, so that it is told as one moment."""

    def __init__(self) -> None:
        self._known: dict[str, Stale] = {}

    def stale(
        self, ages: Mapping[str, tuple[float, float, str]], now: datetime
    ) -> tuple[Stale, ...]:
        """Return what is old; of each part there is its age and its bound in seconds, and why."""
        self._known = {
            what: self._known.get(what) or Stale(what, now - timedelta(seconds=age), why)
            for what, (age, bound, why) in ages.items()
            if age > bound
        }
        return tuple(sorted(self._known.values()))


def age_of(reflector: Reflector[Any, Any]) -> tuple[float, float, str]:
    """Return a copy's age, beyond which it is old, and what fails, if anything does."""
    error = reflector.last_error
    return (
        reflector.age,
        SILENT if error is None else FAILING,
        "" if error is None else error.reason,
    )


def resource_of(path: str) -> str:
    """Return the plural name of the kind that is listed at a path."""
    return path.rpartition("/")[2]


def _split(name: str) -> tuple[str, str]:
    namespace, _, rest = name.partition("/")
    return (namespace, rest) if rest else ("", name)
