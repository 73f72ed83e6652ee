"""One step of a route, and a route as a list of them."""

from __future__ import annotations

from dataclasses import dataclass

from responsibility.rbac.objects import Source, Subject


@dataclass(frozen=True, slots=True)
class Step:
    """A step: what ``actor`` does, by which route, and by which sources it may.

    ``target`` is whom it then acts as; None where it has given rights to itself. ``namespace``
    is where the right is used (empty: cluster-wide). ``mode`` is that of constrained
    impersonation. Rights that the actor has given to itself in an earlier step of the route have
    no sources.

    ``earlier`` are the actor's own steps that come first; in a finished route, there are none.
    """

    route: str
    actor: Subject
    words: str
    sources: tuple[Source, ...]
    target: Subject | None = None
    namespace: str = ""
    mode: str = ""
    earlier: tuple[Step, ...] = ()

    def __str__(self) -> str:
        """Return the step as a clause: ``Group a can request a token of …``."""
        return f"{self.actor} can {self.words}"


Route = tuple[Step, ...]


def describe(route: Route) -> str:
    """Return a route in words, step by step."""
    return ", then ".join(str(step) for step in route)
