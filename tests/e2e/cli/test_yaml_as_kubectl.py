"""Words of YAML are what kubectl takes them for, which decides what a cluster makes of files."""

import json
import random
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from responsibility.cli.sources.yaml.documents import DocumentError, documents
from tests.e2e.cli.odd_documents import WORDS
from tests.e2e.lab.binaries import build
from tests.e2e.seeds import SEED, seeds

LETTERS = "0123456789eExXobB_.:+-TZ yYnNsfFinaN~"
NOTHING = ("null", "~", "NULL", "nULL", "")
MAPPING = re.compile(":( |$)")
# JSON has no word for these, so kubectl ends with them.
NO_JSON = {"inf", "nan"}


def _drawn(draw: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        word = "".join(draw.choices(LETTERS, k=draw.choice((1, 2, 2, 3, 4, 5, 6, 8, 10)))).strip()
        # A colon with nothing behind it makes a mapping of a word, whose key is written by Go.
        if word.lower().strip(".+-") not in NO_JSON and not MAPPING.search(word):
            yield word


def _text(words: list[str]) -> str:
    return "apiVersion: v1\nkind: Odd\nmetadata: {name: x}\nwords:\n" + "".join(
        f"- {word}\n" for word in words
    )


def _theirs(words: list[str]) -> Iterator[Any]:
    """Yield what kubectl makes of each, or its complaint: it reads a whole file or none of it."""
    command = [str(build() / "kubectl"), "annotate", "--local", "-f", "-", "a=b", "-o", "json"]
    done = subprocess.run(
        command, input=_text(words), capture_output=True, text=True, check=False, timeout=60
    )
    if not done.returncode:
        yield from json.loads(done.stdout)["words"]
    elif len(words) == 1:
        yield subprocess.SubprocessError(done.stderr)
    else:
        yield from _theirs(words[: len(words) // 2])
        yield from _theirs(words[len(words) // 2 :])


def _ours(word: str) -> Any:
    try:
        (found,) = documents(_text([word]))
    except DocumentError as error:
        return error
    return found.value["words"][0]


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        return isinstance(ours, Exception) and isinstance(theirs, Exception)
    # In JSON, a whole number is one whichever way it was written.
    numbers = [
        isinstance(each, int | float) and not isinstance(each, bool) for each in (ours, theirs)
    ]
    return ours == theirs and (all(numbers) or type(ours) is type(theirs))


@pytest.mark.parametrize("seed", seeds("YAML_WORDS", 1))
def test_words_are_what_kubectl_takes_them_for(seed: int) -> None:
    words = list(dict.fromkeys([*WORDS, *NOTHING, *_drawn(random.Random(seed), 400)]))
    wrong = {
        word: (_ours(word), theirs)
        for word, theirs in zip(words, _theirs(words), strict=True)
        if not _same(_ours(word), theirs)
    }
    assert not wrong, f"SEED={SEED}"
