"""What is read line by line is what libyaml reads: values, lines, and what is said to be wrong."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.cli.sources.yaml.composer import DocumentError, YamlDocument, compose
from responsibility.cli.sources.yaml.documents import documents

# What a line may begin with, and what may follow: all that means something somewhere in YAML.
HEADS = (
    "",
    "a: ",
    "b: ",
    "items:",
    "items: ",
    "a:",
    "- ",
    "- a: ",
    "- a:",
    "-",
    "- - ",
    "? ",
    ": ",
)
VALUES = """\
|x|x y|x  y|'x'|"x"|''|'it''s'|"a\\n\\"b"|'x|"x|x'|"x|[]|{}|[x, y]|[x, [y]]|{a: x}
|{a: {b: [x]}}|[|]|{|}|{a|#|# x|x # y|x #|x#y|#x|: |x:|x: y|x:y|x ::y|x :y|a: # x|a: |&x y
|*x|&x|!t x|!!str 1|!!int '1'|@|`|%|%YAML 1.1|-|--|---|---x|--- x|--- # x|...|.|~|null|yes
|no|on|1|1.5|0x1F|0o17|017|1_0|1e3|.inf|.nan|-1|- x|-x|0x_|1:30|2026-12-31
|2026-12-31T00:00:00Z|<<|=|<<: x|*|&|!|>|>-|?|?x|,x|$(x)|{{ x }}|x {{ y }}|\\|'a': b|"a": ||
|[a]: b|(x)|\tx|x\ty|x\t|é|\xa0x|x\u2028y|x\u0085y|\ufeffx|x\ry|\r|\x00|\x07|\U0001f600|x'y
|x"y|x, y|x]|it's|a/b.c-d_e|+1
""".replace("\n", "").split("|")
VALUES += ["|", "|-", "|+", "|2", "| # x", "|- # x", "| x", '"a": |', "a: |", "[a]: | # ]", "a: >"]
LINES = st.builds(
    "{}{}{}{}".format,
    st.integers(0, 6).map(" ".__mul__),
    st.sampled_from(HEADS),
    st.sampled_from(VALUES),
    st.sampled_from(("", "", "", " ", "  # x")),
)
SOUP = st.builds(
    lambda lines, end: "\n".join(lines) + end,
    st.lists(LINES | st.sampled_from(("---", "", "  ", "x: y", "  x", "  - x", "    x"))),
    st.sampled_from(("\n", "", "\n\n", " ")),
)
# More like what there is.
SENSIBLE = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(("", "  ", "  ", "    ")),
        st.sampled_from(("a: ", "b: ", "c:", "d:", "- ", "- ", "- a: ", "- items:", "items:", "")),
        st.sampled_from(("", "", "x", "y", "'x'", "[]", "[x, 'y']", "|", "|-", "1", "# x", "x:")),
    )
    | st.just("---"),
    max_size=12,
).map("\n".join)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.text(alphabet=" ab:#-'\"\n|>[]{}&*!%@`,?~0.", max_size=12)
    | st.sampled_from(VALUES)
)
VALUES_OF_ALL_KINDS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("a", "b.c/d", "items", "e-f")) | st.text(), inner)
    ),
    max_leaves=12,
)
DUMPED = st.builds(
    lambda value, style, flow, indent, width, start: yaml.safe_dump_all(
        [value, value],
        default_style=style,
        default_flow_style=flow,
        indent=indent,
        width=width,
        explicit_start=start,
        allow_unicode=start,
    ),
    VALUES_OF_ALL_KINDS,
    st.sampled_from((None, None, "|", '"', "'")),
    st.sampled_from((False, False, None, True)),
    st.integers(2, 4),
    st.sampled_from((20, 80, 1000)),
    st.booleans(),
)


Seen = tuple[list[object], object]


def result(found: Iterable[YamlDocument]) -> Seen:
    """Return all that is known of the documents, and what is wrong in the end."""
    seen: list[object] = []
    try:
        seen.extend(
            (each.number, each.line, repr(each.value), list(item_lines(each.value, each)))
            for each in found
            if each.value is not None
        )
    except DocumentError as error:
        return seen, (error.number if error.line else None, error.line, str(error))
    return seen, None


def item_lines(value: Any, document: YamlDocument) -> Iterator[list[int] | None]:
    """Yield the lines of the items of every list, in order."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, list) and document.items.get(id(value)):
        yield list(document.items[id(value)])
    for each in inner:
        yield from item_lines(each, document)


def same(text: str) -> None:
    values, wrong = result(documents(text))
    expected, expected_wrong = result(compose(text))
    assert wrong == expected_wrong
    # What libyaml refuses to read at all it finds some documents ahead.
    assert values[: len(expected)] == expected
    assert wrong or len(values) == len(expected)


@given(SOUP)
@settings(max_examples=500)
def test_a_soup_of_lines(text: str) -> None:
    same(text)


@given(SENSIBLE)
@settings(max_examples=500)
def test_lines_that_could_be_a_manifest(text: str) -> None:
    same(text)


@given(DUMPED)
@settings(max_examples=300)
def test_what_a_program_writes(text: str) -> None:
    same(text)


@given(DUMPED, st.data())
@settings(max_examples=300)
def test_what_a_program_writes_with_a_slip_of_the_pen(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 3))
    slip = data.draw(
        st.sampled_from(("", " ", "\n", ":", "- ", "'", "#", " #", "\n---\n", "|", "\t"))
    )
    same(text[:at] + slip + text[at + length :])


@pytest.mark.parametrize(("head", "value"), list(product(HEADS, VALUES)))
def test_every_value_after_every_beginning(head: str, value: str) -> None:
    for text in (
        f"{head}{value}\n",
        f"c:\n  {head}{value}\n  # x\n  d: e\n",
        f"- {head}{value}\n  y",
    ):
        same(text)


# As `kubectl get -o yaml` and `helm template` write it.
WRITTEN = """\
---
# Source: hub/templates/rbac.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role"}

    script: |-
      if x; then
      \techo "y: z"  # no comment
        fi
  creationTimestamp: "2026-01-02T03:04:05Z"
  labels: {}
  name: hub # the hub's
rules:
  - apiGroups: [""]       # "" indicates the core API group
    resources: ["pods", "persistentvolumeclaims"]
    verbs: ["get", 'list', watch]
  - apiGroups:
    - apps
    resourceNames: []
    resources:
    - deployments/scale
    verbs: [ '*' ]
---
apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- kind: Role

  metadata:
    generation: 3
    name: "a"
- kind: Role
  metadata:
    name: b
"""


def test_what_kubectl_and_helm_write_does_not_take_libyaml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    same(WRITTEN)
    expected = list(compose(WRITTEN))

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("libyaml was asked for a whole document")

    monkeypatch.setattr("responsibility.cli.sources.yaml.documents.compose", refuse)
    found = list(documents(WRITTEN))
    assert [each.value for each in found] == [each.value for each in expected]
    text = found[0].value["metadata"]["annotations"]["script"]
    assert text == 'if x; then\n\techo "y: z"  # no comment\n  fi'
    assert list(found[1].items.values()) == list(expected[1].items.values()) == [[32, 37]]


def test_values_of_the_same_line_are_not_one_object() -> None:
    first, second = (each.value for each in documents("a: {b: {}}\n---\na: {b: {}}\n"))
    first["a"]["b"]["c"] = 1
    assert second == {"a": {"b": {}}}


def test_a_value_that_only_looks_like_a_number_is_text() -> None:
    (found,) = documents("a: 0x_\nb: !!str 1\n")
    assert found.value == {"a": "0x_", "b": "1"}


def test_a_tag_that_its_value_belies_is_told() -> None:
    with pytest.raises(DocumentError, match="this is no int") as wrong:
        list(documents("a: x\n---\nb: !!int x\n"))
    assert (wrong.value.number, wrong.value.line) == (2, 3)
