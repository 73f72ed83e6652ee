"""JSON of the API server, read object by object: one odd object costs that object only.

Whoever may create an object in a namespace of their own may nest its ``metadata.managedFields``
thousands deep (the API server stores up to 10,000, ``--max-depth`` of its JSON decoder). Python's
parser gives up at the depth of its own stack, and one such object would make every list of its
kind unreadable. So where the parser gives up, the text is cut into objects without recursion, and
each is read alone: without ``managedFields``, which nobody here needs; and as a stub that says why,
where that is not enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

# The key, in place of all fields but the metadata, that says why an object was left out. No field
# of Kubernetes has such a name.
LEFT_OUT = "$leftOut"

_PART = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)


def loads(text: bytes) -> Any:  # noqa: ANN401 - whatever JSON there is
    """Return what a text says: an object, a list of objects, or an event of a watch.

    Objects that can't be read are stubs: their metadata, and ``LEFT_OUT``. Raises ValueError for
    what is no JSON, and for what is too deep and no object of Kubernetes.
    """
    try:
        return json.loads(text)
    except RecursionError:
        return _document(text)


def _document(text: bytes) -> Any:  # noqa: ANN401 - as above
    text = text.strip()
    if not text.startswith(b"{"):
        raise ValueError("what is no object is nested too deep")
    found: Json = {}
    for key, value in members(text):
        if key == "items" and value.startswith(b"["):
            found[key] = [read_object(each) for each in _elements(value)]
        elif key == "object" and value.startswith(b"{"):
            found[key] = read_object(value)
        else:
            try:
                found[key] = json.loads(value)
            except RecursionError:
                # It is an object itself.
                return read_object(text)
    return found


def read_object(text: bytes) -> Any:  # noqa: ANN401 - elements of a list may be anything
    """Return one object, or a stub of it. Raises ValueError for what is none and too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        if not text.startswith(b"{"):
            raise ValueError("what is no object is nested too deep") from None
    found: Json = {}
    deep = ""
    for key, value in members(text):
        if key == "metadata" and value.startswith(b"{"):
            found[key], lost = _shallow(value)
            deep = deep or lost
        else:
            try:
                found[key] = json.loads(value)
            except RecursionError:
                deep = deep or key
    if not deep:
        return found
    metadata = found.get("metadata")
    kept = {key: found[key] for key in ("apiVersion", "kind") if key in found}
    return {**kept, "metadata": metadata, LEFT_OUT: f"{deep} is nested too deep"}


def _shallow(text: bytes) -> tuple[Json, str]:
    """Return an object's metadata without ``managedFields``, and what of the rest is too deep."""
    found: Json = {}
    deep = ""
    for key, value in members(text):
        if key == "managedFields":
            continue
        try:
            found[key] = json.loads(value)
        except RecursionError:
            deep = f"metadata.{key}"
    return found, deep


def members(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the fields of an object, each with the text of its value."""
    for part in _split(text):
        key = _PART.match(part)
        if key is None or not part.startswith(b'"'):
            raise ValueError("an object has a field without a name")
        yield str(json.loads(key[0])), part[key.end() :].lstrip().removeprefix(b":").strip()


def _elements(text: bytes) -> Iterator[bytes]:
    """Yield the texts of a list's elements."""
    return _split(text)


def _split(text: bytes) -> Iterator[bytes]:
    """Yield what stands between the commas of an object or a list. Raises ValueError if cut."""
    depth, begin = 0, 1
    for match in _PART.finditer(text, 1):
        part = match[0]
        if part in (b"{", b"["):
            depth += 1
        elif part in (b"}", b"]"):
            depth -= 1
        if depth < 0 or (not depth and part == b","):
            if piece := text[begin : match.start()].strip():
                yield piece
            begin = match.end()
        if depth < 0:
            return
    raise ValueError("an object or a list does not end")
