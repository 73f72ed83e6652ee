"""libyaml's composer, with a quicker answer to the question that takes most of its time.

For each scalar of a file PyYAML asks its resolver, in Python, whether the text looks like a number,
a truth value or a date, and before and after each node it offers to look at paths, which nobody
registers. Manifests say the same few words thousands of times, so the answers are remembered.
"""

from __future__ import annotations

from operator import is_
from typing import Any, Final

import yaml

from responsibility.cli.sources.yaml.words import STRING, meaning

_DEFAULT = yaml.resolver.BaseResolver


class _Tags(dict[str, str]):
    """What a plain scalar is taken for, by its text."""

    def __missing__(self, text: str) -> str:
        tag, _ = meaning(text)
        self[text] = tag
        return tag


TAGS: Final = _Tags()


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml's, where it is there
    """A safe loader; only its nodes are used."""

    # Called for every node, and nothing is to be done: two builtins that do nothing.
    descend_resolver = staticmethod(is_)
    ascend_resolver = staticmethod(tuple)

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:  # noqa: ANN401 - as PyYAML has it
        """Return the tag of a node; ``implicit`` says whether it is plain, then quoted."""
        if kind is yaml.ScalarNode:
            return TAGS[value or ""] if implicit[0] else STRING
        sequence = kind is yaml.SequenceNode
        return _DEFAULT.DEFAULT_SEQUENCE_TAG if sequence else _DEFAULT.DEFAULT_MAPPING_TAG
