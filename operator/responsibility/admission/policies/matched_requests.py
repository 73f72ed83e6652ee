"""CEL conditions that match requests on an item's objects, or its fields in those of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.admission.policies import cel, field_paths, requester
from responsibility.admission.policies.guards import ANY_NAME, UPDATE, Field, Items, ObjectGuard
from responsibility.admission.policies.kinds import SCALE

_PLACEHOLDERS = {
    "$(prefix)": "variables.prefix",
    "$(release)": "variables.release",
    "$(namespace)": "variables.place",
}


@dataclass(frozen=True, slots=True)
class RequestGroup:
    """Requests on which the same items have a say."""

    asked: tuple[str, ...]
    guard: ObjectGuard


def request_groups(objects: Iterable[ObjectGuard]) -> list[RequestGroup]:
    """Put together the requests that are judged alike."""
    found: dict[tuple[object, ...], list[ObjectGuard]] = {}
    for guard in objects:
        key = (
            guard.names,
            tuple(guard.allowed.items()),
            guard.excluded and guard.target,
            guard.by_metadata,
        )
        found.setdefault(key, []).append(guard)
    return [
        RequestGroup(
            tuple(_text(g) for g in alike),
            alike[0],
        )
        for alike in found.values()
    ]


def _text(guard: ObjectGuard) -> str:
    kind = f"{guard.target.group}/{guard.target.resource}"
    return kind if guard.by_metadata else f"{kind} {guard.target.operation}"


# What decides how long an object stays: the garbage collector deletes what names an owner that is
# not there, and a finalizer keeps what is being deleted, for as long as it stands there.
_LIFETIME = ("ownerReferences", "finalizers")
# What subresources change beside: ``status`` keeps the object's spec as it is, but not all of its
# metadata (``statusStrategy`` in ``pkg/registry/…/strategy.go`` of each kind). Ingress controllers
# and balancers take orders by annotations, and controllers and Services choose by labels.
_BESIDE = ("labels", "annotations")


def changes_lifetime() -> str:
    """Return that an update changes how long an object stays, or its metadata by a subresource.

    By the object itself, labels and annotations are a change like all others. Not by ``scale``:
    that is an object of its own, which has none of it.
    """
    return cel.all_of(
        [
            f"request.operation == {cel.text(UPDATE)}",
            f"{requester.SUBRESOURCE} != {cel.text(SCALE)}",
            cel.any_of(
                [
                    *map(_changes_metadata, _LIFETIME),
                    cel.all_of(
                        [
                            f"{requester.SUBRESOURCE} != ''",
                            cel.any_of(map(_changes_metadata, _BESIDE)),
                        ]
                    ),
                ]
            ),
        ]
    )


def _changes_metadata(key: str) -> str:
    old, new = (
        f"{cel.at(cel.at(node, 'metadata'), key)}.orValue(dyn([]))"
        for node in (field_paths.OLD, field_paths.NEW)
    )
    return f"{old} != {new}"


def is_asked_in(group: RequestGroup) -> str:
    """Return that what is asked may be one of these requests."""
    if not group.guard.by_metadata:
        return is_asked(group.asked)
    return f"{requester.KIND} in {cel.texts(dict.fromkeys(group.asked))} && variables.lifetime"


@dataclass(slots=True)
class UnownedFields:
    """Conditions that more has changed than the fields of other items, part by part in variables.

    Many objects have parts in common, such as their labels.
    """

    _names: dict[str, str] = field(default_factory=dict)

    def differs(self, masked: Iterable[tuple[str, ...]]) -> str:
        """Return that anything but these paths differs."""
        parts = field_paths.rest_same(masked)
        names = [self._names.setdefault(part, f"part{len(self._names)}") for part in parts]
        return f"!({cel.all_of(f'variables.{name}' for name in names)})"

    def variables(self) -> Iterator[tuple[str, str]]:
        """Yield the variables that the answers so far stand for."""
        for part, name in self._names.items():
            yield name, part


def is_asked(asked: Iterable[str]) -> str:
    """Return that what is asked is one of these, such as "apps/deployments UPDATE"."""
    return f"variables.asked in {cel.texts(dict.fromkeys(asked))}"


def is_in_group(case: RequestGroup, rest: UnownedFields) -> str:
    """Return that a request is one of these, given what it asks for; or nothing, if that is all.

    Its longer parts go into variables of ``rest``.
    """
    guard = case.guard
    parts = []
    if ANY_NAME not in guard.names:
        parts.append(cel.any_of(_is_named(name) for name in sorted(guard.names)))
    if guard.excluded:
        parts.append(_rest(guard.excluded, rest))
    return cel.all_of(parts) if parts else ""


def _rest(excluded: tuple[Field, ...], rest: UnownedFields) -> str:
    """Return that more has changed than the fields of other items."""
    every = [f.steps for f in excluded if f.name == ANY_NAME]
    named: dict[str, list[tuple[str, ...]]] = {}
    for owned in excluded:
        if owned.name != ANY_NAME:
            named.setdefault(owned.name, []).append(owned.steps)
    result = rest.differs(every)
    for name, steps in sorted(named.items()):
        result = f"({_is_named(name)} ? {rest.differs([*every, *steps])} : {result})"
    return result


def changing(owned: Field) -> tuple[str, ...]:
    """Return what has to be asked to change a field."""
    resource = f"{owned.where.group}/{owned.where.resource}"
    # By its scale, replicas stand where those of the object itself do.
    scale = (f"{resource}/{SCALE} {UPDATE}",) if owned.scalable else ()
    return (f"{resource} {UPDATE}", *scale)


def is_changed(owned: Field, old: str, new: str) -> str:
    """Return that an update changes a field, given its value before and after."""
    named = [_is_named(owned.name)] if owned.name != ANY_NAME else []
    return cel.all_of([*named, field_paths.differs(old, new, owned.steps)])


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


def by_name(
    allowed: Mapping[str, Items], ask: requester.Ask, names: Iterable[str] = (ANY_NAME,)
) -> str:
    """Return that the user may act on one of the items, by the object's name.

    It is one of ``names``, so that nothing is said about others.
    """
    of_all = frozenset(names)
    chosen = {
        name: items
        for name, items in allowed.items()
        if name != ANY_NAME and any(_may_be(name, other) for other in of_all)
    }
    if not of_all <= chosen.keys():
        chosen = {ANY_NAME: allowed[ANY_NAME], **chosen}
    result = ""
    for name, items in chosen.items():
        may = ask(items) if items else "false"
        result = f"({_is_named(name)} ? {may} : {result})" if result and may != result else may
    return result


def _may_be(name: str, other: str) -> bool:
    """Whether two names, with placeholders, can be the same on some hub."""
    if ANY_NAME in (name, other):
        return True
    for placeholder in _PLACEHOLDERS:
        if name.startswith(placeholder) and other.startswith(placeholder):
            name, other = name.removeprefix(placeholder), other.removeprefix(placeholder)
    return name == other or "$(" in name + other
