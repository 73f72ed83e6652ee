"""JSONPath templates as kubectl takes them, for ``-o jsonpath=…`` and ``-o custom-columns=…``.

The dialect is Kubernetes' own: text with paths in braces, ``{range …}{end}``, filters of one
comparison, and what is missing is nothing instead of an error. No library for Python speaks it.
Source: ``k8s.io/client-go/util/jsonpath``; a test puts the same templates to kubectl.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from responsibility.api.foreign_text import escaped, harmless

# From values to values, as each step of a path.
Step = Callable[[Sequence[Any]], list[Any]]


class JsonPathError(ValueError):
    """A template that can't be read or followed; the message says why."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The inner part of ``{range PATH}…{end}``, once for each value."""

    values: Step
    parts: tuple[_Part, ...]


_Part = str | Step | _Range

_ACTION: Final = re.compile(r"""\{((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^{}"'])*)\}""")
_QUOTED: Final = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<recursive>\.\.)
    | \.?(?P<wildcard>\*)
    | \.(?P<field>(?:\\.|[^\s.,\[\]$@{}\\])+)
    | (?P<root>[$@])
    | \[\?\((?P<filter>(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^"'])*?)\)\]
    | \[(?P<index>[^\]]*)\]
    | (?P<bare>(?:\\.|[^\s.,\[\]$@{}\\])+)
    )""",
    re.VERBOSE,
)
_SLICE: Final = re.compile(r"(-?\d+)?(?:(:)(-?\d+)?(?::(\d+)?)?)?")
_KEY: Final = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_COMPARISON: Final = re.compile(r"([^!<>=]+?)\s*(==|!=|<=|>=|<|>)\s*(.+)", re.DOTALL)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def render(template: str, data: object) -> str:
    """Return a template filled in. Raises JsonPathError."""
    return "".join(_filled(_parsed(template), data))


def check(template: str) -> None:
    """Raise JsonPathError if a template can't be read."""
    _parsed(template)


def values(path: str) -> Step:
    """Return what finds the values of a path, with or without braces and the first dot.

    Raises JsonPathError, as do its calls.
    """
    inner = path.strip().removeprefix("{").removesuffix("}").strip()
    if inner and inner[0] not in ".[$@*":
        inner = f".{inner}"
    return _path(inner)


def text(value: object) -> str:
    """Return a value as kubectl writes it: texts as they are, lists and mappings as JSON.

    Unlike there, nothing is left in it that a terminal would obey.
    """
    if isinstance(value, str):
        return harmless(value)
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # As Go's encoder has it, so that JSON may stand in HTML.
    return escaped(re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", written))


def _filled(parts: Iterable[_Part], data: object) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Range):
            for value in part.values([data]):
                yield from _filled(part.parts, value)
        else:
            yield " ".join(map(text, part([data])))


def _parsed(template: str) -> tuple[_Part, ...]:
    open_: list[tuple[Step | None, list[_Part]]] = [(None, [])]
    at = 0
    while at < len(template):
        brace = template.find("{", at)
        if brace != at:
            end = len(template) if brace < 0 else brace
            open_[-1][1].append(template[at:end])
            at = end
            continue
        found = _ACTION.match(template, at)
        if found is None:
            raise JsonPathError(f"a brace is not closed: {template[at:]}")
        at, inner = found.end(), found[1].strip()
        if inner == "end":
            finished, parts = open_.pop()
            if finished is None:
                raise JsonPathError("{end} stands without a {range …}")
            open_[-1][1].append(_Range(finished, tuple(parts)))
        elif re.match(r"range\b", inner):
            open_.append((_path(inner.removeprefix("range").strip()), []))
        elif _QUOTED.fullmatch(inner):
            open_[-1][1].append(_unquoted(inner))
        else:
            open_[-1][1].append(_path(inner))
    if len(open_) > 1:
        raise JsonPathError("{range …} stands without an {end}")
    return tuple(open_[0][1])


def _path(inner: str) -> Step:
    steps: list[Step] = []
    at = 0
    inner = inner.strip()
    while at < len(inner):
        found = _TOKEN.match(inner, at)
        if found is None or found.end() == at:
            raise JsonPathError(f"this is no path: {inner[at:]}")
        kind = found.lastgroup or ""
        if kind == "bare" and not (steps and steps[-1] is _descend):
            raise JsonPathError(f"a path begins with a dot: .{found[kind]}")
        if kind != "root":
            steps.append(_STEPS[kind](found[kind]))
        at = found.end()

    def follow(given: Sequence[Any]) -> list[Any]:
        current = list(given)
        for step in steps:
            current = step(current)
        return current

    return follow


def _field(name: str) -> Step:
    name = re.sub(r"\\(.)", r"\1", name)
    return lambda given: [each[name] for each in given if isinstance(each, dict) and name in each]


def _all(given: Sequence[Any]) -> list[Any]:
    return [child for each in given for child in _children(each)]


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _descend(given: Sequence[Any]) -> list[Any]:
    """Return all that has something inside, at any depth."""
    found: list[Any] = []
    for each in given:
        if children := _children(each):
            found += [each, *_descend(children)]
    return found


def _bracket(inside: str) -> Step:
    if inside.strip() == "*":
        return _all_of_list
    parts = [_one(part.strip()) for part in inside.split(",")]
    return lambda given: [value for part in parts for value in part(given)]


def _one(part: str) -> Step:
    if key := _KEY.fullmatch(part):
        return _field(key[1] if key[1] is not None else key[2])
    found = _SLICE.fullmatch(part)
    if found is None or not part:
        raise JsonPathError(f"[{part}] is no index: write a number, a range or a key in quotes")
    start, several, stop, step = found.groups()
    if step == "0":
        raise JsonPathError(f"[{part}]: a step is more than 0")
    if not several:
        return lambda given: [_at(each, int(start)) for each in _lists(given)]
    cut = slice(*(None if each is None else int(each) for each in (start, stop, step)))
    return lambda given: [value for each in _lists(given) for value in _cut(each, cut)]


def _cut(values: list[Any], cut: slice) -> list[Any]:
    """Return a part of a list, all of which must be there: as kubectl, unlike Python."""
    bounds = [
        default if end is None else end + len(values) if end < 0 else end
        for end, default in ((cut.start, 0), (cut.stop, len(values)))
    ]
    start, stop = bounds
    if start != stop and not 0 <= start < stop <= len(values):
        raise JsonPathError(f"there is no [{start}:{stop}] in a list of {len(values)}")
    return values[start : stop : cut.step]


def _at(values: list[Any], index: int) -> object:
    if not -len(values) <= index < len(values):
        raise JsonPathError(f"there is no [{index}] in a list of {len(values)}")
    return values[index]


def _lists(given: Sequence[Any]) -> Iterator[list[Any]]:
    for each in given:
        if isinstance(each, list):
            yield each
        elif each is not None:
            raise JsonPathError(f"{text(each):.40} is no list")


def _all_of_list(given: Sequence[Any]) -> list[Any]:
    return [value for each in _lists(given) for value in each]


def _filter(condition: str) -> Step:
    found = _COMPARISON.fullmatch(condition.strip())
    if found is None:
        there = _path(condition)
        return lambda given: [value for each in _lists(given) for value in each if there([value])]
    left, compare, right = _operand(found[1]), _COMPARE[found[2]], _operand(found[3])

    def chosen(value: object) -> bool:
        sides = [side([value]) for side in (left, right)]
        if any(len(side) > 1 for side in sides):
            raise JsonPathError(f"{condition}: only one value can be compared at a time")
        if not all(sides):
            return False
        (one,), (other,) = sides
        if isinstance(one, str) != isinstance(other, str):
            raise JsonPathError(f"{condition}: {text(one)} and {text(other)} can't be compared")
        return bool(compare(one, other))

    return lambda given: [value for each in _lists(given) for value in each if chosen(value)]


def _operand(written: str) -> Step:
    written = written.strip()
    if _QUOTED.fullmatch(written):
        constant: Any = _unquoted(written)
    elif written in ("true", "false"):
        constant = written == "true"
    elif re.fullmatch(r"[-+]?\d+", written):
        constant = int(written)
    elif re.fullmatch(r"[-+]?\d+\.\d+", written):
        constant = float(written)
    else:
        return _path(written)
    return lambda given: [constant for _ in given]


def _unquoted(written: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), written[1:-1])


_STEPS: Final[dict[str, Callable[[str], Step]]] = {
    "recursive": lambda _: _descend,
    "wildcard": lambda _: _all,
    "field": _field,
    "bare": _field,
    "filter": _filter,
    "index": _bracket,
}
