"""That a request touches what is an item's, as CEL: whole objects, or fields in those of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.enforcement import cel, paths, who
from responsibility.enforcement.guards import ANY_NAME, UPDATE, Field, Items, ObjectGuard
from responsibility.enforcement.kinds import SCALE

_PLACEHOLDERS = {
    "$(prefix)": "variables.prefix",
    "$(release)": "variables.release",
    "$(namespace)": "variables.place",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Requests on which the same items have a say."""

    asked: tuple[str, ...]
    guard: ObjectGuard


def cases(objects: Iterable[ObjectGuard]) -> list[Case]:
    """Put together the requests that are judged alike."""
    found: dict[tuple[object, ...], list[ObjectGuard]] = {}
    for guard in objects:
        key = (guard.names, tuple(guard.allowed.items()), guard.aside and guard.target)
        found.setdefault(key, []).append(guard)
    return [
        Case(
            tuple(f"{g.target.group}/{g.target.resource} {g.target.operation}" for g in alike),
            alike[0],
        )
        for alike in found.values()
    ]


@dataclass(slots=True)
class Rest:
    """That more has changed than the fields of other items, part by part in variables.

    Many objects have parts in common, such as their labels.
    """

    _names: dict[str, str] = field(default_factory=dict)

    def differs(self, masked: Iterable[tuple[str, ...]]) -> str:
        """Return that anything but these paths differs."""
        parts = paths.rest_same(masked)
        names = [self._names.setdefault(part, f"part{len(self._names)}") for part in parts]
        return f"!({cel.all_of(f'variables.{name}' for name in names)})"

    def variables(self) -> Iterator[tuple[str, str]]:
        """Yield the variables that the answers so far stand for."""
        for part, name in self._names.items():
            yield name, part


def is_case(case: Case, rest: Rest) -> str:
    """Return that a request is one of these; its longer parts go into variables of ``rest``."""
    guard = case.guard
    parts = [f"variables.asked in {cel.texts(case.asked)}"]
    if ANY_NAME not in guard.names:
        parts.append(cel.any_of(_is_named(name) for name in sorted(guard.names)))
    if guard.aside:
        parts.append(_rest(guard.aside, rest))
    return cel.all_of(parts)


def _rest(aside: tuple[Field, ...], rest: Rest) -> str:
    """Return that more has changed than the fields of other items."""
    every = [f.steps for f in aside if f.name == ANY_NAME]
    named: dict[str, list[tuple[str, ...]]] = {}
    for own in aside:
        if own.name != ANY_NAME:
            named.setdefault(own.name, []).append(own.steps)
    result = rest.differs(every)
    for name, steps in sorted(named.items()):
        result = f"({_is_named(name)} ? {rest.differs([*every, *steps])} : {result})"
    return result


def is_changed(own: Field, old: str, new: str) -> str:
    """Return that a request changes a field, given its value before and after."""
    resource = f"{own.where.group}/{own.where.resource}"
    asked = [f"{resource} {UPDATE}"]
    if own.scalable:
        # Its replicas stand where those of the object itself do.
        asked.append(f"{resource}/{SCALE} {UPDATE}")
    parts = [f"variables.asked in {cel.texts(asked)}"]
    if own.name != ANY_NAME:
        parts.append(_is_named(own.name))
    return cel.all_of([*parts, paths.differs(old, new, own.steps)])


def _is_named(name: str) -> str:
    return f"variables.name == {_filled(name)}"


def _filled(name: str) -> str:
    """Return a name with its placeholders as an expression."""
    parts = [name]
    for placeholder in _PLACEHOLDERS:
        parts = [
            piece
            for part in parts
            for piece in ([part] if part in _PLACEHOLDERS else _split(part, placeholder))
        ]
    return " + ".join(_PLACEHOLDERS.get(part) or cel.text(part) for part in parts if part)


def _split(text: str, placeholder: str) -> list[str]:
    pieces: list[str] = []
    for piece in text.split(placeholder):
        pieces += [piece, placeholder]
    return pieces[:-1]


def by_name(allowed: Mapping[str, Items], ask: who.Ask) -> str:
    """Return that the user may act on one of the items, by the object's name."""
    result = ask(allowed[ANY_NAME]) if allowed[ANY_NAME] else "false"
    for name, items in allowed.items():
        if name != ANY_NAME:
            result = f"({_is_named(name)} ? {ask(items) if items else 'false'} : {result})"
    return result
