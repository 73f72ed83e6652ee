"""One odd object costs that object only, however deep, wherever the depth is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.kube import object_reader
from responsibility.kube.object_reader import LEFT_OUT

# As deep as an API server stores, and no parser of Python's goes.
DEPTH = 20_000

PLACES = ["managedFields", "annotations", "spec", "everything"]


def deep(shape: str = "{") -> str:
    opening, closing = ('{"a":', "}") if shape == "{" else ("[", "]")
    return opening * DEPTH + "1" + closing * DEPTH


def odd(name: str, place: str, shape: str = "{") -> str:
    """Return an object that is too deep somewhere."""
    metadata = f'"name": "{name}", "namespace": "team", "resourceVersion": "7"'
    if place in {"managedFields", "everything"}:
        metadata += f', "managedFields": [{deep(shape)}]'
    if place in {"annotations", "everything"}:
        metadata += f', "annotations": {deep(shape)}'
    spec = deep(shape) if place in {"spec", "everything"} else '{"x": "}],[{"}'
    return f'{{"metadata": {{{metadata}}}, "spec": {spec}, "other": "b\\\\"}}'


def plain(name: str) -> str:
    return json.dumps({"metadata": {"name": name, "managedFields": [{"f": {}}]}, "text": '"{[,'})


@pytest.mark.parametrize("shape", ["{", "["])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("around", ["list", "event", "alone"])
def test_an_odd_object_costs_itself_only(place: str, shape: str, around: str) -> None:
    found: Any
    if around == "list":
        items = ", ".join([plain("one"), odd("two", place, shape), plain("three")])
        text = f'{{"kind": "XList", "metadata": {{"continue": "c"}}, "items": [{items}]}}\n'
        page = object_reader.loads(text.encode())
        assert (page["kind"], page["metadata"]) == ("XList", {"continue": "c"})
        one, found, three = page["items"]
        assert (one, three) == (json.loads(plain("one")), json.loads(plain("three")))
    elif around == "event":
        text = f'{{"type": "ADDED", "object": {odd("two", place, shape)}}}'
        event = object_reader.loads(text.encode())
        assert event["type"] == "ADDED"
        found = event["object"]
    else:
        found = object_reader.loads(odd("two", place, shape).encode())
    assert found["metadata"] == {"name": "two", "namespace": "team", "resourceVersion": "7"}
    if place == "managedFields":
        assert found["spec"] == {"x": "}],[{"}
        assert found["other"] == "b\\"
        assert LEFT_OUT not in found
    else:
        where = "spec" if place == "spec" else "metadata.annotations"
        assert found[LEFT_OUT] == f"{where} is nested too deep"


@pytest.mark.parametrize(
    "text",
    [
        "<html></html>",
        "",
        odd("x", "spec")[:-30],
        odd("x", "managedFields")[:-DEPTH],
        deep("["),
        '{"items": [' + deep("[") + "]}",
        "{" + deep() + "}",
    ],
    ids=["HTML", "nothing", "cut", "cut deep", "no object", "a list of lists", "no key"],
)
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        object_reader.loads(text.encode())


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(st.dictionaries(st.text(), trees, max_size=4), max_size=4), st.booleans())
def test_cut_by_hand_it_reads_as_the_parser_does(things: list[Any], escaped: bool) -> None:
    page = {"items": things, "metadata": {"x": "y"}}
    text = json.dumps(page, ensure_ascii=escaped, indent=1).encode()
    assert object_reader._document(text) == page
