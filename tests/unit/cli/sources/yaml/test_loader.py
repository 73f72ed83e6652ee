"""Values are those of PyYAML itself, but where kubectl reads words in another way."""

from pathlib import Path

import pytest
import yaml

from responsibility.cli.sources.manifests import parse_any
from responsibility.cli.terminal.errors import CliError

REPOSITORY = Path(__file__).parents[4]
TEXTS = (
    "a: 1\nb: 1.5\nc: yes\nd: 'yes'\ne: null\nf: ~\ng: ''\nh:\ni: 0x1F\nj: 1.0e+3\nk: .inf\n",
    "[]\n---\n{}\n---\n- a\n- [b, {c: d}]\n",
    "base: &base {a: 1, b: [x]}\nmore:\n  <<: *base\n  b: [z]\nlist: [*base, *base]\n",
    "a: !!str 1\nb: !!int '2'\nc: |\n  text\n  more\nd: >-\n  folded\n  text\n",
    "=: 1\n? a b\n: c\n",
)
FILES = sorted((REPOSITORY / "crds").glob("*.yaml"))


@pytest.mark.parametrize("text", [*TEXTS, *(file.read_text(encoding="utf-8") for file in FILES)])
def test_values_are_those_of_pyyaml(text: str) -> None:
    expected = [value for value in yaml.safe_load_all(text) if value is not None]
    assert [value for value, _ in parse_any(text, "x.yaml")] == expected


def test_dates_stay_text() -> None:
    (found,) = parse_any("a: 2026-12-31\nb: 2026-12-31T00:00:00Z\n", "x.yaml")
    assert found[0] == {"a": "2026-12-31", "b": "2026-12-31T00:00:00Z"}


# What kubectl makes of words that PyYAML takes for something else; an end-to-end test asks it.
WORDS = {
    "y": True,
    "N": False,
    "08": 8.0,
    "012": 10,
    "0o17": 15,
    "1e3": 1000.0,
    "1:30": "1:30",
    "190:20:30.15": "190:20:30.15",
    "=": "=",
    "!!binary aGk=": "hi",
    "!!float 3": 3.0,
    "!local x": "x",
    "18446744073709551616": 1.8446744073709552e19,
    "1e999": "1e999",
    "0x_": "0x_",
}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", ["a: {}\n", "a: [{}]\n", "a:\n- {}\n"])
def test_words_are_those_of_kubectl(word: str, form: str) -> None:
    ((found, _),) = parse_any(form.format(word), "x.yaml")
    value = found["a"][0] if isinstance(found["a"], list) else found["a"]
    assert (type(value), value) == (type(WORDS[word]), WORDS[word])


@pytest.mark.parametrize(
    ("key", "name"), [("012", "10"), ("y", "true"), ("1.5", "1.5"), ("4.", "4")]
)
@pytest.mark.parametrize("form", ["{}: x\n", "{{{}: x}}\n"])
def test_keys_are_those_of_kubectl(key: str, name: str, form: str) -> None:
    ((found, _),) = parse_any(form.format(key), "x.yaml")
    assert found == {name: "x"}


@pytest.mark.parametrize("value", ["!!int x", "!!bool 1", "!!binary a", "!!null x"])
def test_what_is_not_what_its_tag_says_is_refused(value: str) -> None:
    with pytest.raises(CliError, match=r"x\.yaml, document 1, line 1: .*this is no "):
        list(parse_any(f"a: {value}\n", "x.yaml"))
