"""The policies of one item: what it guards, who passes, and what the others are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from responsibility.enforcement import cel, keys, paths, ranges, who
from responsibility.enforcement.guards import (
    ANY_NAME,
    CREATE,
    DELETE,
    UPDATE,
    Field,
    ItemGuards,
    Items,
    ObjectGuard,
)
from responsibility.enforcement.kinds import KINDS, SCALE
from responsibility.enforcement.policy import (
    CLUSTER,
    DIGEST,
    NAMESPACED,
    Manifest,
    Rule,
    Validation,
    binding,
    policy,
)
from responsibility.enforcement.requests import ASKED, RESOURCE, WHAT

_NAMESPACES = "namespaces"
_EVENTS = "events"
# Operations of which a request may come without a name.
_NAMELESS = frozenset({CREATE, DELETE})
_STAGES: Mapping[str, tuple[str, str]] = {
    keys.WARN: ("Warn", "Audit"),
    keys.DENY: ("Deny", "Audit"),
}

_PLACEHOLDERS = {
    "$(prefix)": "variables.prefix",
    "$(release)": "variables.release",
    "$(namespace)": "variables.place",
}

# One text for what is asked: "apps/deployments UPDATE", "/pods/exec CONNECT".


def manifests(guards: ItemGuards, glass: Sequence[str]) -> list[Manifest]:
    """Return the policies of an item with their bindings.

    ``glass`` are the model's break-glass subjects, as lists have them.
    """
    name = guards.item.name
    guarded = _Guarded(guards, glass)
    label = f"{keys.STAGE}{name}"
    breaking = keys.break_glass_name(name)
    return [
        guarded.policy(),
        *(
            binding(
                keys.binding_name(name, stage),
                keys.policy_name(name),
                actions,
                selector={"matchLabels": {label: stage}},
            )
            for stage, actions in _STAGES.items()
        ),
        guarded.break_glass(),
        binding(
            breaking,
            breaking,
            ("Warn", "Audit"),
            selector={
                "matchExpressions": [{"key": label, "operator": "In", "values": list(_STAGES)}]
            },
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """Requests on which the same items have a say."""

    asked: tuple[str, ...]
    guard: ObjectGuard


class _Guarded:
    """An item's guards as expressions."""

    def __init__(self, guards: ItemGuards, glass: Sequence[str]) -> None:
        # Known from the model, so that for all others not a variable is evaluated.
        self._glass = f"{who.IS_MASTER} || {cel.texts(glass)}.exists(l, l in {who.ME})"
        self._guards = guards
        self._item = guards.item
        self._entitled = who.Entitled()
        self._cases = _cases(guards.objects)

    def policy(self) -> Manifest:
        """Return the policy that refuses, or warns, those who may not."""
        probe = keys.probe_name(self._item.name)
        is_event = f"request.resource.resource == {cel.text(_EVENTS)}"
        is_probe = f"{is_event} && variables.name == {cel.text(probe)}"
        let_through = ["variables.machine", "!variables.inForce", "variables.breakGlass"]
        validations = [
            Validation(
                expression=f"!({is_probe})",
                message=f"probe {self._item.name} {DIGEST}",
                said=cel.text(f"probe {self._item.name} {DIGEST}"),
            )
        ]
        if self._cases:
            validations.append(
                self._refusal(
                    cel.any_of([*let_through, "!variables.object", "variables.mayObject"]),
                    WHAT,
                )
            )
        if self._guards.fields:
            validations.append(
                self._refusal(
                    cel.any_of(
                        [*let_through, "size(variables.fields) == 0", "variables.mayFields"]
                    ),
                    f"{WHAT} + ' changes ' + variables.fields.join(', ') + '. This'",
                )
            )
        return policy(
            keys.policy_name(self._item.name),
            (*_rules(self._guards), _probe_rule(probe)),
            validations,
            variables=self._variables(),
        )

    def break_glass(self) -> Manifest:
        """Return the policy that warns those who pass all others, and writes it down.

        A policy of its own, since a binding that denies can't also warn. Its condition is decided
        before anything else, so that it costs others next to nothing.
        """
        touched = cel.any_of(self._touched())
        may = cel.all_of(self._may())
        standing = may.replace("variables.mayObject", "variables.standingObject").replace(
            "variables.mayFields", "variables.standingFields"
        )
        broken = f"variables.inForce && variables.breakGlass && ({touched})"
        said = (
            f"'break-glass: ' + {WHAT} + ' is {self._title()} of ' + variables.hub + "
            "'. It belongs to others: ' + variables.contact + '. It was let through; tell them.'"
        )
        return policy(
            keys.break_glass_name(self._item.name),
            _rules(self._guards),
            [
                Validation(
                    expression=f"!({broken}) || ({may})",
                    message=f"break-glass: this is {self._title(plain=True)}, and was let through",
                    said=said,
                )
            ],
            variables=self._variables(),
            conditions=[("breaks-the-glass", f"({self._glass}) && !({who.MACHINE})")],
            # Without the authorizer, which such an expression can't ask.
            audit=[("break-glass", f"{broken} && !({standing}) ? {said} : ''")],
        )

    def _title(self, *, plain: bool = False) -> str:
        """Return the item in words; inside a literal in single quotes unless plain."""
        title = f"item {self._item.number} ({self._item.title})"
        return title if plain else title.replace("\\", "\\\\").replace("'", "\\'")

    def _touched(self) -> Iterator[str]:
        if self._cases:
            yield "variables.object"
        if self._guards.fields:
            yield "size(variables.fields) > 0"

    def _may(self) -> Iterator[str]:
        if self._cases:
            yield "!variables.object || variables.mayObject"
        if self._guards.fields:
            yield "size(variables.fields) == 0 || variables.mayFields"

    def _refusal(self, expression: str, what: str) -> Validation:
        said = (
            f"{what} + ' is {self._title()} of ' + variables.hub + '. It belongs to others: ' + "
            "variables.contact + '. Ask them to do it, or to delegate the item to you; "
            "who owns what: kubectl responsibility matrix ' + variables.place"
        )
        return Validation(
            expression=expression,
            message=f"this is {self._title(plain=True)}, which belongs to others: "
            f"kubectl responsibility who-owns {self._item.name} says to whom",
            said=said,
        )

    def _variables(self) -> list[tuple[str, str]]:
        name = self._item.name
        known = [*who.VARIABLES, *paths.VARIABLES, ("resource", RESOURCE), ("asked", ASKED)]
        texts = {"hub": f"{keys.HUB}", "contact": f"{keys.CONTACT}{name}"}
        fallback = {
            "hub": "'the hub in namespace ' + variables.place",
            "contact": cel.text(f"see kubectl responsibility who-owns {name}"),
        }
        for variable, key in texts.items():
            # A message with a line break would not be shown at all.
            known.append(
                (
                    variable,
                    (
                        f"variables.notes[?{cel.text(key)}].orValue({fallback[variable]})"
                        ".replace('\\n', ' ')"
                    ),
                )
            )
        said = [f"{key}{name}" for key in (keys.OWNERS, keys.DELEGATES, keys.CONTACT)]
        known.append(("inForce", f"{cel.texts(said)}.exists(k, k in variables.notes)"))
        own: list[tuple[str, str]] = []
        if self._cases:
            own.extend(self._object_variables())
        if self._guards.fields:
            own.extend(self._field_variables())
        return [*known, *self._entitled.variables(), *own]

    def _object_variables(self) -> Iterator[tuple[str, str]]:
        guarded = []
        for number, case in enumerate(self._cases):
            variable = f"case{number}"
            guarded.append(f"variables.{variable}")
            rest = _Rest(f"rest{number}")
            condition = _is_case(case, rest)
            yield from rest.variables
            yield variable, condition
        yield "object", cel.any_of(guarded)
        for variable, ask in (
            ("mayObject", self._entitled.may),
            ("standingObject", self._entitled.standing),
        ):
            yield (
                variable,
                cel.all_of(
                    f"!{condition} || {_by_name(case.guard.allowed, ask)}"
                    for condition, case in zip(guarded, self._cases, strict=True)
                ),
            )

    def _field_variables(self) -> Iterator[tuple[str, str]]:
        if any(own.measured for own in self._guards.fields):
            yield from ranges.variables(self._item.name)
        parts, may, standing = [], [], []
        for number, own in enumerate(self._guards.fields):
            variable = f"field{number}"
            changed = f"variables.{variable}"
            old, new = f"variables.was{number}", f"variables.is{number}"
            yield f"was{number}", paths.value(paths.OLD, own.steps)
            yield f"is{number}", paths.value(paths.NEW, own.steps)
            yield variable, _is_changed(own, old, new)
            parts.append(f"({changed} ? [{cel.text(own.path)}] : [])")
            others = {n: items - {self._item.name} for n, items in own.allowed.items()}
            allowed = _by_name(own.allowed, self._entitled.may)
            if own.measured:
                free = _by_name(others, self._entitled.standing)
                yield from ranges.left(own, old, new, str(number))
                inside = cel.any_of([f"!variables.left{number}", free])
                allowed = cel.all_of([allowed, inside])
            may.append(f"!{changed} || ({allowed})")
            standing.append(f"!{changed} || {_by_name(own.allowed, self._entitled.standing)}")
        yield "fields", " + ".join(parts)
        yield "mayFields", cel.all_of(may)
        yield "standingFields", cel.all_of(standing)


def _cases(objects: Iterable[ObjectGuard]) -> list[_Case]:
    """Put together the requests that are judged alike."""
    found: dict[tuple[object, ...], list[ObjectGuard]] = {}
    for guard in objects:
        key = (guard.names, tuple(guard.allowed.items()), guard.aside and guard.target)
        found.setdefault(key, []).append(guard)
    return [
        _Case(
            tuple(f"{g.target.group}/{g.target.resource} {g.target.operation}" for g in alike),
            alike[0],
        )
        for alike in found.values()
    ]


@dataclass(slots=True)
class _Rest:
    """That more has changed than the fields of other items, part by part in variables."""

    prefix: str
    variables: list[tuple[str, str]] = field(default_factory=list)

    def differs(self, masked: Iterable[tuple[str, ...]]) -> str:
        """Return that anything but these paths differs."""
        used = []
        for part in paths.rest_same(masked):
            name = f"{self.prefix}part{len(self.variables)}"
            self.variables.append((name, part))
            used.append(f"variables.{name}")
        return f"!({cel.all_of(used)})"


def _is_case(case: _Case, rest: _Rest) -> str:
    guard = case.guard
    parts = [f"variables.asked in {cel.texts(case.asked)}"]
    if ANY_NAME not in guard.names:
        parts.append(cel.any_of(_is_named(name) for name in sorted(guard.names)))
    if guard.aside:
        parts.append(_rest(guard.aside, rest))
    return cel.all_of(parts)


def _rest(aside: tuple[Field, ...], rest: _Rest) -> str:
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


def _is_changed(own: Field, old: str, new: str) -> str:
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


def _by_name(allowed: Mapping[str, Items], ask: who.Ask) -> str:
    """Return that the user may act on one of the items, by the object's name."""
    result = ask(allowed[ANY_NAME]) if allowed[ANY_NAME] else "false"
    for name, items in allowed.items():
        if name != ANY_NAME:
            result = f"({_is_named(name)} ? {ask(items) if items else 'false'} : {result})"
    return result


def _rules(guards: ItemGuards) -> list[Rule]:
    """Return the requests that an item's policies are asked about, as few entries as possible."""
    versions = {(k.group, k.resource): (k.version,) for k in KINDS.values()}
    exact = {(f.where.group, f.where.resource) for f in guards.fields} | {
        (f.where.group, f.where.resource) for g in guards.objects for f in g.aside
    }
    named = _literal_names(guards)
    operations: dict[tuple[str, str], set[str]] = {}
    for target in guards.targets:
        operations.setdefault((target.group, target.resource), set()).add(target.operation)
    alike: dict[Rule, list[str]] = {}
    for (group, resource), asked in operations.items():
        names = named.get((group, resource), ())
        # A rule with names never sees a request that has none, such as of a whole collection.
        nameless = frozenset(asked & _NAMELESS if names else asked)
        for some, only in ((nameless, ()), (frozenset(asked) - nameless, names)):
            if not some:
                continue
            rule = Rule(
                groups=(group,),
                resources=(),
                operations=tuple(sorted(some)),
                scope=CLUSTER if resource == _NAMESPACES else NAMESPACED,
                names=only,
                versions=versions[group, resource] if (group, resource) in exact else ("*",),
            )
            alike.setdefault(rule, []).append(resource)
    return [
        Rule(r.groups, tuple(sorted(resources)), r.operations, r.scope, r.names, r.versions)
        for r, resources in sorted(alike.items())
    ]


def _literal_names(guards: ItemGuards) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the names that a rule itself can hold, by resource: the same for every hub."""
    names: dict[tuple[str, str], set[str]] = {}
    for guard in guards.objects:
        key = (guard.target.group, guard.target.resource)
        names.setdefault(key, set()).update(guard.names)
    for own in guards.fields:
        names.setdefault((own.where.group, own.where.resource), set()).add(own.name)
    return {
        key: tuple(sorted(found))
        for key, found in names.items()
        if not any(name == ANY_NAME or "$(" in name for name in found)
    }


def _probe_rule(name: str) -> Rule:
    return Rule(("", "events.k8s.io"), (_EVENTS,), (CREATE,), NAMESPACED, (name,))
