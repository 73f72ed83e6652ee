"""HTML, made of elements: every text is escaped, since none is ever put together with tags."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element, tostring

from responsibility.api.foreign_text import harmless
from responsibility.web.style import CSS

Child = Element | str | None

# A line each in the source; between these, white space says nothing.
_LINES = frozenset(
    {
        *(
            "head",
            "title",
            "meta",
            "style",
            "body",
            "main",
            "section",
            "nav",
            "div",
            "h1",
            "h2",
            "h3",
            "p",
        ),
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "dl", "dt", "dd"),
    }
)
_SCHEMES = frozenset({"http", "https"})


def tag(name: str, /, *children: Child, **attributes: str) -> Element:
    """Return an element; an attribute that Python has a word for is written as ``class_``."""
    element = Element(
        name, {key.rstrip("_").replace("_", "-"): _clean(text) for key, text in attributes.items()}
    )
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif child:
            _append(element, _clean(child))
    return element


def isolated(text: str) -> Element:
    """Return what somebody has written, which can't turn around the text beside it."""
    return tag("bdi", text)


def link(address: str, text: str = "") -> Element:
    """Return a link to a page or, for an address with an @, to write to; or else the text."""
    shown = isolated(text or address)
    try:
        scheme = urlsplit(address).scheme
    except ValueError:
        return shown
    if scheme in _SCHEMES:
        return tag("a", shown, href=address, rel="noopener noreferrer")
    if "@" in address and not scheme:
        return tag("a", shown, href="mailto:" + quote(address, safe="@"))
    return shown


def joined(parts: Iterable[Child], between: str = ", ") -> list[Child]:
    """Return the parts with a text between them."""
    found: list[Child] = []
    for part in parts:
        found += [between, part] if found else [part]
    return found


@dataclass(frozen=True, slots=True)
class WebDocument:
    """A whole document as HTML, and the policy that is in it, for a server to say as well."""

    html: str
    policy: str


def document(title: str, *body: Child, css: str = "") -> WebDocument:
    """Return a whole document, which loads nothing, runs nothing and sends nothing.

    ``css`` is added to the style sheet; nothing that somebody else has written may be in it.
    """
    sheet = CSS + css
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    style = Element("style")
    style.text = sheet
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        style,
    )
    page = tag("html", head, tag("body", *body), lang="en")
    for element in page.iter():
        if element.tag in _LINES and not element.tail:
            element.tail = "\n"
    html = "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
    return WebDocument(html, policy)


def _append(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _clean(text: str) -> str:
    return harmless(text, lines=True)
