"""Items of a model that own a place in the values of a hub.

As ``who-owns --path`` has it, the most precise path decides, and items that name the same path
share it. What no item names belongs to the items that entitle to making the Secret as a whole: to
whoever deploys. It is the rule of fields (see ``guards``), inside the one object that has none.
Where a model lets nobody make it, such settings are for all whom the policies let change it.

A path that ends in stars is about the inside of a value: with ``env`` one item's and ``env.*.*``
another's, ``env.HOME`` as a text belongs to the first, and as a map to the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.admission.policies.guards import ANY_NAME, CREATE, Guards, Items, Target
from responsibility.api.model import ResponsibilityModel
from responsibility.hub.values.difference import SettingChange
from responsibility.hub.values.paths import Place, precision, split
from responsibility.hub.values.secret import SECRET
from responsibility.ownership.terms.agreement import ItemTerms

_MAKING = Target("", "secrets", CREATE)
_ANY_ENTRY = "[*]"


@dataclass(slots=True)
class _PatternNode:
    """What patterns say at one place, and from there on, part by part."""

    exact: dict[str, _PatternNode] = field(default_factory=dict)
    starred: dict[str, tuple[re.Pattern[str], _PatternNode]] = field(default_factory=dict)
    # The items whose pattern ends here, and how precise it is.
    ends: dict[tuple[int, int], set[str]] = field(default_factory=dict)

    def add(self, pattern: str, item: str) -> None:
        step = self
        for part in split(pattern):
            if "*" not in part:
                step = step.exact.setdefault(part, _PatternNode())
            else:
                step = step.starred.setdefault(part, (_compiled(part), _PatternNode()))[1]
        step.ends.setdefault(precision(pattern), set()).add(item)

    def next(self, part: str) -> Iterator[_PatternNode]:
        if part in self.exact:
            yield self.exact[part]
        for pattern, step in self.starred.values():
            if pattern.fullmatch(part):
                yield step

    def below(self, *, named: bool = False) -> Iterator[Items]:
        """Yield the items of the patterns that end further on and name something on their way.

        What only stars lead to is the inside of something, and a text has none.
        """
        for step, names in (
            *((step, True) for step in self.exact.values()),
            *((step, named) for _, step in self.starred.values()),
        ):
            if names:
                yield from map(frozenset, step.ends.values())
            yield from step.below(named=names)


def _compiled(part: str) -> re.Pattern[str]:
    if part == _ANY_ENTRY:
        return re.compile(r"\[\d+\]")
    # A star stands for a piece of a key, and never for an entry of a list.
    pieces = ".*".join(map(re.escape, part.split("*")))
    return re.compile(rf"(?!\[){pieces}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ValuesGuard:
    """The items that settings belong to, by name, and to whom the rest of the settings does."""

    items: Mapping[str, ItemTerms]
    rest: Items
    guards: Guards
    _top: _PatternNode = field(repr=False)

    @classmethod
    def of(cls, model: ResponsibilityModel) -> ValuesGuard:
        """Return the guard of a model; raises ValueError where no policies can be made of it."""
        guards = Guards.of(model)
        top = _PatternNode()
        for item in model.spec.items:
            for pattern in item.values_paths:
                top.add(pattern, item.name)
        rest = frozenset(
            item
            for item, rights in guards.rights.items()
            if not rights.isdisjoint({(_MAKING, SECRET), (_MAKING, ANY_NAME)})
        )
        named = {item.name for item in model.spec.items if item.values_paths} | rest
        items = {item.name: item for item in guards.terms.items if item.name in named}
        return cls(items, rest, guards, top)

    def owners(self, change: SettingChange) -> set[Items]:
        """Return sets of items: whoever makes the change needs to act on one of each."""
        reached, here = self._reached(change.place)
        found = {reached or self.rest}
        if change.fills:
            # One value in the place of a map says something about all that might be in it.
            found.update(items for step in here for items in step.below())
        return {items for items in found if items}

    def _reached(self, place: Place) -> tuple[Items, list[_PatternNode]]:
        """Return the items with the most precise pattern, and the steps that a place leads to."""
        best: tuple[tuple[int, int], set[str]] = ((0, 0), set())
        here = [self._top]
        for part in place:
            here = [after for step in here for after in step.next(part)]
            if not here:
                break
            for step in here:
                for worth, items in step.ends.items():
                    if worth > best[0]:
                        best = (worth, set(items))
                    elif worth == best[0]:
                        best = (worth, best[1] | items)
        return frozenset(best[1]), here
