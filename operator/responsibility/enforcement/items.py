"""The policies of one item: what it guards, who passes, and what the others are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from responsibility.enforcement import cel, keys, paths, ranges, who
from responsibility.enforcement.guards import ItemGuards
from responsibility.enforcement.item_rules import EVENTS, probe_rule, rules
from responsibility.enforcement.policy import DIGEST, Manifest, Validation, binding, policy
from responsibility.enforcement.requests import ASKED, RESOURCE, WHAT
from responsibility.enforcement.touching import Rest, by_name, cases, is_case, is_changed
from responsibility.rbac.identity import MASTERS

_STAGES: Mapping[str, tuple[str, str]] = {
    keys.WARN: ("Warn", "Audit"),
    keys.DENY: ("Deny", "Audit"),
}


def manifests(guards: ItemGuards, glass: Sequence[str]) -> list[Manifest]:
    """Return the policies of an item with their bindings.

    ``glass`` are the model's break-glass subjects, as lists have them.

    The policy that warns whoever breaks the glass comes first, and so does its binding. The API
    server takes policies over in the order in which they were written, so a trial that the last of
    them refuses proves that nobody is let through whom the first does not warn.
    """
    name = guards.item.name
    guarded = _Guarded(guards, glass)
    label = f"{keys.STAGE}{name}"
    breaking = keys.break_glass_name(name)
    return [
        guarded.break_glass(),
        binding(
            breaking,
            breaking,
            ("Warn", "Audit"),
            selector={
                "matchExpressions": [{"key": label, "operator": "In", "values": list(_STAGES)}]
            },
        ),
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
    ]


class _Guarded:
    """An item's guards as expressions."""

    def __init__(self, guards: ItemGuards, glass: Sequence[str]) -> None:
        # Known from the model, so that for all others not a variable is evaluated; and the same
        # in both policies, so that nobody is let through by one whom the other does not warn.
        self._glass = who.is_one_of(dict.fromkeys([f"group:{MASTERS}", *glass]))
        self._guards = guards
        self._item = guards.item
        self._entitled = who.Entitled()
        self._cases = cases(guards.objects)

    def policy(self) -> Manifest:
        """Return the policy that refuses, or warns, those who may not."""
        probe = keys.probe_name(self._item.name)
        is_event = f"request.resource.resource == {cel.text(EVENTS)}"
        is_probe = f"{is_event} && variables.name == {cel.text(probe)}"
        # What decides most requests comes first.
        first, last = ["variables.machine"], ["!variables.inForce", "variables.breakGlass"]
        validations = [
            Validation(
                expression=f"!({is_probe})",
                message=f"probe {self._item.name} {DIGEST}",
            )
        ]
        if self._cases:
            validations.append(
                self._refusal(
                    cel.any_of([*first, "!variables.object", "variables.mayObject", *last]),
                    WHAT,
                    unless=self._is_fine(),
                )
            )
        if self._guards.fields:
            validations.append(
                self._refusal(
                    cel.any_of(
                        [*first, "size(variables.fields) == 0", "variables.mayFields", *last]
                    ),
                    f"{WHAT} + ' changes ' + variables.fields.join(', ') + '. This'",
                    unless="size(variables.fields) == 0",
                )
            )
        return policy(
            keys.policy_name(self._item.name),
            (*rules(self._guards), probe_rule(probe)),
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
            rules(self._guards),
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

    def _is_fine(self) -> str:
        """Return quick signs that no object is touched, or by somebody who may touch them all."""
        asked = dict.fromkeys(asked for case in self._cases for asked in case.asked)
        sets = [items for case in self._cases for items in case.guard.allowed.values()]
        enough = frozenset[str].intersection(*sets)
        return cel.any_of(
            [
                f"!(variables.asked in {cel.texts(asked)})",
                *(self._entitled.listed(name) for name in sorted(enough)),
            ]
        )

    def _refusal(self, expression: str, what: str, *, unless: str) -> Validation:
        """Return a refusal; ``unless`` that holds, which never refuses, its words are made up.

        The API server makes them up with every request, also where nobody gets to hear them.
        """
        said = (
            f"{unless} ? '' : {what} + ' is {self._title()} of ' + variables.hub + "
            "'. It belongs to others: ' + variables.contact + '. Ask them to do it, or to "
            "delegate the item to you; who owns what: kubectl responsibility matrix ' + "
            "variables.place"
        )
        return Validation(
            expression=expression,
            message=f"this is {self._title(plain=True)}, which belongs to others: "
            f"kubectl responsibility who-owns {self._item.name} says to whom",
            said=said,
        )

    def _variables(self) -> list[tuple[str, str]]:
        name = self._item.name
        known = [
            *who.VARIABLES,
            ("breakGlass", self._glass),
            *paths.VARIABLES,
            ("resource", RESOURCE),
            ("asked", ASKED),
        ]
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
        rest = Rest()
        conditions = [is_case(case, rest) for case in self._cases]
        yield from rest.variables()
        yield from ((f"case{number}", text) for number, text in enumerate(conditions))
        guarded = [f"variables.case{number}" for number in range(len(conditions))]
        yield "object", cel.any_of(guarded)
        for variable, ask in (
            ("mayObject", self._entitled.may),
            ("standingObject", self._entitled.standing),
        ):
            yield (
                variable,
                cel.all_of(
                    f"!{condition} || {by_name(case.guard.allowed, ask)}"
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
            old, new = (paths.value(node, own.steps) for node in (paths.OLD, paths.NEW))
            if paths.EACH in own.steps:
                yield from ((f"was{number}", old), (f"is{number}", new))
                old, new = f"variables.was{number}", f"variables.is{number}"
            yield variable, is_changed(own, old, new)
            parts.append(f"({changed} ? [{cel.text(own.path)}] : [])")
            others = {n: items - {self._item.name} for n, items in own.allowed.items()}
            allowed = by_name(own.allowed, self._entitled.may)
            if own.measured:
                free = by_name(others, self._entitled.standing)
                yield from ranges.left(own, old, new, str(number))
                inside = cel.any_of([f"!variables.left{number}", free])
                allowed = cel.all_of([allowed, inside])
            may.append(f"!{changed} || ({allowed})")
            standing.append(f"!{changed} || {by_name(own.allowed, self._entitled.standing)}")
        yield "fields", " + ".join(parts)
        yield "mayFields", cel.all_of(may)
        yield "standingFields", cel.all_of(standing)
