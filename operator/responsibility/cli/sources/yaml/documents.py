"""The documents of a YAML text: each as plain values, with the lines of what is in it.

Nearly all manifests are in the plain block style that kubectl and Helm write, which is read line
by line in a fraction of the time that libyaml and the objects for its nodes take. Whatever else
YAML can say is left to libyaml, document by document, and so is everything that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from responsibility.cli.sources.yaml import block_style
from responsibility.cli.sources.yaml.composer import DocumentError, YamlDocument, compose

__all__ = ["DocumentError", "YamlDocument", "documents"]

# What may stand beside the marker of a document in block style.
_BARE: Final = re.compile(r"---(?: +#.*| *)")
# What libyaml counts as the end of a line; in block style, there is only the first.
_AFTER_MARKER: Final = frozenset({"", "\n", "\r", " ", "\t"})
_BREAK: Final = re.compile("\n|\r\n?|[\x85\u2028\u2029]")


def documents(text: str) -> Iterator[YamlDocument]:
    """Yield every document that says anything. Raises DocumentError."""
    return (document for document in _parts(text) if document.value is not None)


def _markers(text: str) -> Iterator[int]:
    """Yield where documents begin, whatever stands before: nothing goes on beyond a marker."""
    at = text.find("\n---")
    while at >= 0:
        if text[at + 4 : at + 5] in _AFTER_MARKER:
            yield at + 1
        at = text.find("\n---", at + 4)


def _parts(text: str) -> Iterator[YamlDocument]:
    """Yield every document, empty ones too, each read by itself."""
    meanings = block_style.Meanings()
    number = before = 0
    for start, end in pairwise((0, *_markers(text), len(text))):
        part = text[start:end]
        lines = part.split("\n")
        marked = part.startswith("---")
        block = None
        if not marked or _BARE.fullmatch(lines[0]):
            block = block_style.read(lines, meanings, skip=int(marked))
        if block is None:
            try:
                found = list(compose(part, after=number, lines=before))
            except DocumentError:
                # What is wrong is said of the text as a whole: it may be at the next marker.
                yield from compose(text[start:], after=number, lines=before)
                return
            yield from (replace(each, end=start + each.end) for each in found)
            number += len(found)
            before += len(_BREAK.findall(part))
            continue
        if marked or block.value is not None:
            number += 1
            items = {key: [before + line + 1 for line in some] for key, some in block.items.items()}
            yield YamlDocument(number, before + block.line + 1, block.value, items, end)
        before += len(lines) - 1
