"""Reading a page as a browser's parser does."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Page:
    """What is in a document: each element with its attributes, and texts by the element."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == name]

    def text(self, *names: str) -> list[str]:
        return [text for name, text in self.texts if name in names]

    @property
    def links(self) -> set[str]:
        return {str(each.get("href")) for each in self.all("a")}

    @property
    def shown(self) -> str:
        return "".join(text for name, text in self.texts if name not in ("style", "title"))


def read(source: str) -> Page:
    """Return what a parser sees; tags that don't match fail."""
    page, open_ = Page(), []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            page.elements.append((tag, dict(attrs)))
            if tag not in _VOID:
                open_.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_.pop() == tag

        def handle_data(self, data: str) -> None:
            page.texts.append((open_[-1] if open_ else "", data))

    parser = Parser(convert_charrefs=True)
    parser.feed(source)
    parser.close()
    assert not open_
    return page
