"""Pages that say why there is none, in words that hold nothing of the request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from responsibility.web.addresses import HUB_LINKS
from responsibility.web.document import document, joined, tag

TITLE = "Who is responsible for what"


@dataclass(frozen=True, slots=True)
class _Words:
    status: HTTPStatus
    text: str
    again: bool = False


class NoPage(Enum):
    """A reason for which no page is shown."""

    NO_HUB = _Words(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The hub does not say who you are: it can't be reached, or does not know this page. Try "
        "again in a moment. If it stays so, tell whoever runs the hub.",
        again=True,
    )
    NO_OPERATOR = _Words(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "What is agreed can't be fetched at the moment. Try again soon. If it stays so, tell "
        "whoever runs the hub.",
        again=True,
    )
    NOT_SHOWN = _Words(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This page may not read what was found on this hub. Tell whoever runs the operator: its "
        "account has to have the verb get on the record.",
    )
    NO_RECORD = _Words(
        HTTPStatus.NOT_FOUND,
        "Nobody has put on record who is responsible for what on this hub, or the record can't be "
        "used.",
    )
    NOT_ALLOWED = _Words(
        HTTPStatus.FORBIDDEN,
        "You are signed in, and this page is not for everybody here. Whoever runs the hub says by "
        "its roles who may see it.",
    )
    NO_VISIT = _Words(
        HTTPStatus.FORBIDDEN,
        "This page is shown in a window of its own, by a browser that says so. Type its address, "
        "or follow a link to it.",
    )
    NOT_SIGNED_IN = _Words(
        HTTPStatus.BAD_REQUEST, "Signing in did not work. Begin again from the hub.", again=True
    )
    NO_PAGE = _Words(HTTPStatus.NOT_FOUND, "There is no such page.")
    NO_METHOD = _Words(HTTPStatus.METHOD_NOT_ALLOWED, "There is nothing here but a page to read.")
    FAULT = _Words(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong with this page.")

    @property
    def status(self) -> HTTPStatus:
        """What a program is told."""
        return self.value.status

    @property
    def html(self) -> str:
        """What a person is told, from an address directly below that of the service."""
        links = [*((("Try again", "./"),) if self.value.again else ()), *HUB_LINKS]
        ways = joined((tag("a", name, href=to) for name, to in links), " · ")
        main = tag("main", tag("h1", TITLE), tag("p", self.value.text), tag("p", *ways))
        return document(TITLE, main).html


class NoPageError(Exception):
    """There is no page, for a reason that is told."""

    def __init__(self, why: NoPage) -> None:
        super().__init__(why.name)
        self.why = why
