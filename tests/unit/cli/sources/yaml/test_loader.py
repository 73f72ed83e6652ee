"""Values are those of PyYAML itself, but dates, which Kubernetes takes for text."""

from pathlib import Path

import pytest
import yaml

from responsibility.cli.sources.manifests import parse_any

REPOSITORY = Path(__file__).parents[4]
TEXTS = (
    "a: 1\nb: 1.5\nc: yes\nd: 'yes'\ne: null\nf: ~\ng: ''\nh:\ni: 0x1F\nj: 1e3\nk: .inf\nl: '1'\n",
    "[]\n---\n{}\n---\n- a\n- [b, {c: d}]\n",
    "base: &base {a: 1, b: [x]}\nmore:\n  <<: *base\n  b: [y]\nlist: [*base, *base]\n",
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
