"""Plainly written YAML is read in short; it means what libyaml says it means, or isn't read so."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.cli import block, manifests
from responsibility.cli.trouble import CliError

ROOT = Path(__file__).parents[3]

VALUES = (
    *("", "get", "'*'", '"x y"', "[]", "{}", "a:b", "a: b", "a # b", "1", "0x1f", "012", "1.5"),
    *("true", "No", "~", "null", "2026-01-01", "$(prefix)hub", "it's", "a b", "- a", "*x", "&x"),
    *("|", ">", "| ", "[a, b]", "{a: b}", "\u00e4", "'it''s'", '"\\n"', "a,b]", "# c", "a#b", "%x"),
    *("!x", "? a", "a:", ": a", "x  y ", "a\\b", "=", ".", "1:30", "'a' b", "@a", "`a", "\tx"),
)


_LEAVES = st.sampled_from(
    ("", "get", "*", "true", "1", "a b", "a: b", "#", "system:masters", "- x", "ä", "'", '"')
) | st.sampled_from((None, True, 7, 1.5))
_WORDS = st.sampled_from(("a", "b", "items", "kind", "rules", "app.io/x", "null", "1"))
VALUES_OF_DOCUMENTS = st.dictionaries(
    _WORDS,
    st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


class _Indented(yaml.SafeDumper):
    """Writes lists with their dashes further in than their key, as many tools do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - as PyYAML has it
        super().increase_indent(flow, False)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw documents as tools write them, and then spoil a line or two of some."""
    dumper = draw(st.sampled_from((yaml.SafeDumper, _Indented)))
    documents = draw(st.lists(VALUES_OF_DOCUMENTS, min_size=1, max_size=3))
    lines = "---\n".join(
        yaml.dump(each, Dumper=dumper, sort_keys=False, allow_unicode=True) for each in documents
    ).splitlines()
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        at = draw(st.integers(0, len(lines) - 1))
        spoil = draw(st.sampled_from(SPOILT))
        lines[at : at + 1] = spoil(lines[at], draw(st.sampled_from(VALUES)))
        if not lines:
            break
    return "\n".join(lines) + draw(st.sampled_from(("", "\n", "\n\n")))


def _value_of(line: str, value: str) -> list[str]:
    key, colon, _ = line.partition(":")
    return [f"{key}: {value}" if colon else f"{line.partition('-')[0]}- {value}"]


# From a line and a value to lines: what people do to files.
SPOILT: tuple[Callable[[str, str], list[str]], ...] = (
    lambda _line, _value: [],
    lambda line, _value: [line, line],
    lambda line, _value: [f" {line}"],
    lambda line, _value: [f"  {line}"],
    lambda line, _value: [line[1:]],
    lambda line, _value: [line[2:]],
    lambda line, _value: [line, ""],
    lambda line, _value: ["# why", line],
    lambda line, value: [line, f"  {value}"],
    lambda line, value: [line, value],
    lambda line, value: [f"{line} {value}"],
    lambda line, _value: [line, "---"],
    _value_of,
    _value_of,
)


Told = list[tuple[object, int, object]] | str


def _told(text: str, *, short: bool) -> Told:
    read = manifests._documents if short else manifests._composed
    try:
        return [(found.value, found.number, found.lines) for found in read(text, "f")]
    except CliError as error:
        # Where libyaml stumbles is the same; which words it finds may depend on what follows.
        return str(error).partition(": this is not")[0]


@settings(max_examples=600, deadline=None)
@given(texts())
def test_documents_are_those_of_libyaml(text: str) -> None:
    assert _same(_told(text, short=True), _told(text, short=False)), text


def test_enough_of_what_is_drawn_is_read_in_short() -> None:
    """Else the test above would hold libyaml against itself."""
    read = []

    @settings(max_examples=200, deadline=None, database=None)
    @given(texts())
    def draw(text: str) -> None:
        parts = block.parts(text) or ()
        scalar = manifests._scalars.__getitem__
        read.append(any(block.document(text[p.start : p.end], scalar) for p in parts))

    draw()
    assert sum(read) > len(read) / 10


def _same(short: Told, whole: Told) -> bool:
    # repr, since 1 and True and 1.0 are equal.
    return repr(short) == repr(whole)


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("crds/*.yaml"), *ROOT.glob("operator/responsibility/api/models/*.yaml")]),
    ids=lambda path: path.name,
)
def test_our_own_files_are_read_as_libyaml_reads_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert _same(_told(text, short=True), _told(text, short=False))


def test_what_kubectl_writes_is_read_in_short() -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "x", "namespace": "y", "labels": {"a.io/b": "true", "n": "1"}},
        "rules": [{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["*", "get"]}, {}],
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [role, copy.deepcopy(role)]}
    for value in (role, items):
        text = yaml.safe_dump(value)
        found = block.document(text, manifests._scalars.__getitem__)
        assert found is not None
        assert found.value == value
    assert found is not None
    assert [text.splitlines()[line][:2] for line in found.items] == ["- ", "- "]


UNPLAIN = (
    *("a: &x b", "a: *x", "a: |\n  b", "a: b\n  c", "a: [b]", "a: {b: c}", "a: b # c", "- a"),
    *("a: b\na: c", "a:\n\tb: c", "a: b\n  c: d", "a:\n- b\n  c: d", "  a: b\nc: d", "a", "? a"),
    *("'a': b", "a: \u00e4", "a: 'b\n  c'", "<<: {a: b}", "a: !x b", "a: 'it''s'", "", "# a"),
)


@pytest.mark.parametrize("text", UNPLAIN)
def test_what_is_written_otherwise_is_left_to_libyaml(text: str) -> None:
    assert block.document(text, manifests._scalars.__getitem__) is None


@pytest.mark.parametrize("text", ["a: b\r\n", "%YAML 1.1\n---\na: b", "a: b\n...\n", "--- a\n"])
def test_files_with_other_markers_are_left_to_libyaml(text: str) -> None:
    assert block.parts(text) is None
