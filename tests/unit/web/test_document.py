"""Nothing that somebody has written into a record becomes a part of the page but as text."""

import base64
import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.web.document import document, isolated, joined, link, tag
from tests.unit.web.reading import Page, read

TEXTS = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", "</bdi></style>", '" onclick="x', "&lt;", "]]>", "<!--", "\x00"]
)


def page(*children: object) -> Page:
    return read(document("title", tag("p", *children)).html)  # type: ignore[arg-type] # as they come


@given(TEXTS)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    read_back = page(isolated(text), " and on")
    plain = "".join("\N{REPLACEMENT CHARACTER}" if _is_no_text(each) else each for each in text)
    assert "".join(read_back.text("bdi")) == plain
    assert [name for name, _ in read_back.elements].count("p") == 1
    assert not read_back.all("script")


def _is_no_text(character: str) -> bool:
    if character in "\t\n":
        return False
    code = ord(character)
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or 0xFDD0 <= code <= 0xFDEF
        or code % 0x10000 in (0xFFFE, 0xFFFF)
    )


@given(TEXTS)
def test_any_text_is_an_attribute_as_it_is(text: str) -> None:
    (element,) = page(tag("i", "x", title=text)).all("i")
    assert set(element) == {"title"}
    assert not page(tag("i", title=text)).all("script")


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://reef.example/a?b=c", "https://reef.example/a?b=c"),
        ("http://reef.example", "http://reef.example"),
        ("lead@reef.example", "mailto:lead@reef.example"),
        ("lead@reef.example?bcc=x@y.example", "mailto:lead@reef.example%3Fbcc%3Dx@y.example"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)//@", None),
        ("data:text/html,x", None),
        ("//elsewhere.example", None),
        ("https://[", None),
        ("ring the bell", None),
    ],
)
def test_a_link_leads_to_a_page_or_writes_to_somebody(address: str, target: str | None) -> None:
    read_back = page(link(address))
    assert [each["href"] for each in read_back.all("a")] == ([target] if target else [])
    assert "".join(read_back.text("bdi")) == address


def test_the_page_may_do_nothing_but_look_as_it_does() -> None:
    read_back = page("text")
    policy = next(
        each["content"]
        for each in read_back.all("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = read_back.text("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy is not None
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_parts_are_put_together_with_a_text_between() -> None:
    assert page(*joined([isolated("a"), "b", isolated("c")], "; ")).shown.strip() == "a; b; c"
    assert joined([]) == []
