"""The policies of one item: what it guards, who passes, and what the others are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from responsibility.admission.policies import bounds, cel, field_paths, requester
from responsibility.admission.policies.guards import ItemGuards, Items
from responsibility.admission.policies.manifests import (
    DIGEST,
    Manifest,
    Validation,
    binding,
    policy,
)
from responsibility.admission.policies.match_rules import EVENTS, probe_rule, rules
from responsibility.admission.policies.matched_requests import (
    UnownedFields,
    by_name,
    changes_lifetime,
    changing,
    is_asked,
    is_asked_in,
    is_changed,
    is_in_group,
    request_groups,
)
from responsibility.admission.policies.requester import ASKED, RESOURCE, WHAT
from responsibility.api.names import (
    CONTACT_ANNOTATION,
    DELEGATES_ANNOTATION,
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    STAGE_LABEL,
    binding_name,
    break_glass_name,
    policy_name,
    probe_name,
)
from responsibility.api.stages import AdmissionStage
from responsibility.rbac.identity import MASTERS

# Variables that cost next to nothing to work out, or no more than the object is large. Those that
# go through lists, or ask the authorizer, stay: what one expression may cost is limited.
_SHORT = re.compile(
    r"machine|breakGlass|inForce|prefix|place|resource|hub|contact|part\d+|object"
    r"|(may|standing)(Object|Fields)"
)

# Of each list, as many as the policy that warns reads.
_FIRST_LINES = 1000

_STAGES: Mapping[AdmissionStage, tuple[str, str]] = {
    AdmissionStage.WARN: ("Warn", "Audit"),
    AdmissionStage.DENY: ("Deny", "Audit"),
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
    label = f"{STAGE_LABEL}{name}"
    breaking = break_glass_name(name)
    return [
        guarded.break_glass(),
        binding(
            breaking,
            breaking,
            ("Warn", "Audit"),
            selector={
                "matchExpressions": [
                    {"key": label, "operator": "In", "values": [stage.value for stage in _STAGES]}
                ]
            },
        ),
        guarded.policy(),
        *(
            binding(
                binding_name(name, stage),
                policy_name(name),
                actions,
                selector={"matchLabels": {label: stage.value}},
            )
            for stage, actions in _STAGES.items()
        ),
    ]


def _harmless(variable: tuple[str, str]) -> tuple[str, str]:
    """Return a variable without what a list can fail by, or take long.

    An owner by a pattern, or beyond the first lines, is warned as well then.
    """
    name, text = variable
    return name, text.replace(requester.LIKE, "false").replace(
        requester.SPLIT, f"split('\\n', {_FIRST_LINES})"
    )


class _Guarded:
    """An item's guards as expressions."""

    def __init__(self, guards: ItemGuards, glass: Sequence[str]) -> None:
        # Known from the model, so that for all others not a variable is evaluated; and the same
        # in both policies, so that nobody is let through by one whom the other does not warn.
        self._glass = requester.is_one_of(dict.fromkeys([f"group:{MASTERS}", *glass]))
        self._guards = guards
        self._item = guards.item
        self._entitled = requester.Entitled()
        self._cases = request_groups(guards.objects)

    def policy(self) -> Manifest:
        """Return the policy that refuses, or warns, those who may not."""
        probe = probe_name(self._item.name)
        is_event = f"request.resource.resource == {cel.text(EVENTS)}"
        is_probe = f"{is_event} && variables.name == {cel.text(probe)}"
        # What decides most requests comes first. Who touches nothing may do all of that. Whoever
        # breaks the glass is let through before a list is read, whatever is in it.
        first, last = ["variables.machine", "variables.breakGlass"], ["!variables.inForce"]
        validations = [
            Validation(
                expression=f"!({is_probe})",
                message=f"probe {self._item.name} {DIGEST}",
            )
        ]
        if self._cases:
            validations.append(
                self._refusal(
                    cel.any_of([*first, "variables.mayObject", *last]),
                    WHAT,
                    unless=cel.any_of(["variables.breakGlass", self._is_fine()]),
                )
            )
        if self._guards.fields:
            validations.append(
                self._refusal(
                    cel.any_of([*first, "variables.mayFields", *last]),
                    f"{WHAT} + ' changes ' + variables.fields.join(', ') + '. This'",
                    unless="variables.breakGlass || size(variables.fields) == 0",
                )
            )
        return policy(
            policy_name(self._item.name),
            (*rules(self._guards), probe_rule(probe)),
            validations,
            variables=self._variables(),
            short=_SHORT,
        )

    def break_glass(self) -> Manifest:
        """Return the policy that warns those who pass all others, and writes it down.

        A policy of its own, since a binding that denies can't also warn. Its condition is decided
        before anything else, so that it costs others next to nothing.

        It must refuse nobody, whatever a Namespace says. What fails in an audit annotation refuses
        a request whatever the binding's actions are (``validator.go`` of the API server's
        ``policy/validating``), and so does what takes longer than a request may.
        """
        touched = cel.any_of(self._touched())
        may = cel.all_of(self._may())
        standing = may.replace("variables.mayObject", "variables.standingObject").replace(
            "variables.mayFields", "variables.standingFields"
        )
        broken = f"variables.inForce && variables.breakGlass && ({touched})"
        message_expression = (
            f"'break-glass: ' + {WHAT} + ' is {self._title()} of ' + variables.hub + "
            "'. It belongs to others: ' + variables.contact + '. It was let through; tell them.'"
        )
        return policy(
            break_glass_name(self._item.name),
            rules(self._guards),
            [
                Validation(
                    expression=f"!({broken}) || ({may})",
                    message=f"break-glass: this is {self._title(plain=True)}, and was let through",
                    message_expression=message_expression,
                )
            ],
            variables=[*map(_harmless, self._variables())],
            short=_SHORT,
            conditions=[("breaks-the-glass", f"({self._glass}) && !({requester.MACHINE})")],
            # Without the authorizer, which such an expression can't ask.
            audit=[("break-glass", f"{broken} && !({standing}) ? {message_expression} : ''")],
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
        sets = [items for case in self._cases for items in case.guard.allowed.values()]
        enough = frozenset[str].intersection(*sets)
        known = {name: self._entitled.listed(name) for name in sorted(enough)}
        if self._measured and self._item.name in known:
            known[self._item.name] = cel.all_of([known[self._item.name], "!variables.held"])
        asked = [a for case in self._cases if not case.guard.by_metadata for a in case.asked]
        untouched = [f"!({is_asked(asked)})"]
        if self._has_lifetimes():
            untouched.append("!variables.lifetime")
        return cel.any_of(
            [
                *known.values(),
                cel.all_of(untouched),
            ]
        )

    @property
    def _measured(self) -> bool:
        """Whether bounds can be about something of the item."""
        return any(owned.measured for owned in self._guards.fields)

    def _free(self, ask: requester.Ask) -> requester.Ask:
        """Return who may act on objects as a whole: nobody by this item who is held to a range."""

        def free(items: Items) -> str:
            may = ask(items)
            if not self._measured or self._item.name not in items:
                return may
            others = items - {self._item.name}
            else_ = self._entitled.standing(others) if others else "false"
            fine = ["!variables.held", "variables.valuesOnly", else_]
            return cel.all_of([may, cel.any_of(fine)])

        return free

    def _changes_values_only(self, rest: UnownedFields) -> str:
        """Return that an update changes nothing but values of the item that bounds can be about.

        That is only asked of objects that are the item's as a whole; of others it has these anyway.
        """
        whole = {a for case in self._cases if not case.guard.by_metadata for a in case.asked}
        values: dict[str, list[tuple[str, ...]]] = {}
        for owned in self._guards.fields:
            asked = changing(owned)[0]
            if owned.measured and asked in whole:
                values.setdefault(asked, []).append(owned.steps)
        return cel.any_of(
            f"{is_asked([asked])} && !({rest.differs(steps)})" for asked, steps in values.items()
        )

    def _has_lifetimes(self) -> bool:
        return any(case.guard.by_metadata for case in self._cases)

    def _refusal(self, expression: str, what: str, *, unless: str) -> Validation:
        """Return a refusal; ``unless`` that holds, which never refuses, its words are made up.

        The API server makes them up with every request, also where nobody gets to hear them.
        """
        message_expression = (
            f"{unless} ? '' : {what} + ' is {self._title()} of ' + variables.hub + "
            "'. It belongs to others: ' + variables.contact + '. Ask them to do it, or to "
            "delegate the item to you; who owns what: kubectl responsibility matrix ' + "
            "variables.place"
            f" + ({requester.IMPERSONATES} ? '. Acting as a ServiceAccount of this namespace "
            "counts for nothing: it takes a token of its own' : '')"
        )
        return Validation(
            expression=expression,
            message=f"this is {self._title(plain=True)}, which belongs to others: "
            f"kubectl responsibility who-owns {self._item.name} says to whom",
            message_expression=message_expression,
        )

    def _variables(self) -> list[tuple[str, str]]:
        name = self._item.name
        known = [
            *requester.VARIABLES,
            ("breakGlass", self._glass),
            ("resource", RESOURCE),
            ("asked", ASKED),
        ]
        texts = {"hub": f"{HUB_ANNOTATION}", "contact": f"{CONTACT_ANNOTATION}{name}"}
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
        keys = [
            f"{key}{name}" for key in (OWNERS_ANNOTATION, DELEGATES_ANNOTATION, CONTACT_ANNOTATION)
        ]
        known.append(("inForce", f"{cel.texts(keys)}.exists(k, k in variables.notes)"))
        owned: list[tuple[str, str]] = []
        if self._cases:
            owned.extend(self._object_variables())
        if self._guards.fields:
            owned.extend(self._field_variables())
        if self._measured:
            known.extend(bounds.variables(self._item.name))
        return [*known, *self._entitled.variables(), *owned]

    def _object_variables(self) -> Iterator[tuple[str, str]]:
        rest = UnownedFields()
        conditions = [is_in_group(case, rest) for case in self._cases]
        values_only = self._changes_values_only(rest)
        yield from rest.variables()
        if self._measured:
            yield "valuesOnly", values_only
        if self._has_lifetimes():
            yield "lifetime", changes_lifetime()
        guarded = []
        for number, (case, condition) in enumerate(zip(self._cases, conditions, strict=True)):
            # What is asked is told quickest, and mostly tells it all.
            asked = is_asked_in(case)
            if condition:
                yield f"case{number}", condition
                asked = f"{asked} && variables.case{number}"
            guarded.append(asked)
        yield "object", cel.any_of(guarded)
        for variable, ask in (
            ("mayObject", self._entitled.may),
            ("standingObject", self._entitled.standing),
        ):
            yield (
                variable,
                cel.all_of(
                    f"!({condition}) || "
                    f"({by_name(case.guard.allowed, self._free(ask), case.guard.names)})"
                    for condition, case in zip(guarded, self._cases, strict=True)
                ),
            )

    def _field_variables(self) -> Iterator[tuple[str, str]]:
        alike: dict[tuple[str, ...], list[_Changed]] = {}
        for number, owned in enumerate(self._guards.fields):
            variable = f"field{number}"
            old, new = (
                field_paths.value(node, owned.steps) for node in (field_paths.OLD, field_paths.NEW)
            )
            if field_paths.EACH in owned.steps:
                yield from ((f"was{number}", old), (f"is{number}", new))
                old, new = f"variables.was{number}", f"variables.is{number}"
            yield variable, is_changed(owned, old, new)
            may = by_name(owned.allowed, self._entitled.may, [owned.name])
            if owned.measured:
                others = {n: items - {self._item.name} for n, items in owned.allowed.items()}
                free = by_name(others, self._entitled.standing, [owned.name])
                yield from bounds.left(owned, old, new, str(number))
                may = cel.all_of([may, cel.any_of([f"!variables.left{number}", free])])
            standing = by_name(owned.allowed, self._entitled.standing, [owned.name])
            changed = f"variables.{variable}"
            part = f"({changed} ? [{cel.text(owned.path)}] : [])"
            alike.setdefault(changing(owned), []).append(
                _Changed(part, f"!{changed} || ({may})", f"!{changed} || ({standing})")
            )
        # Fields of what is not asked about are not even looked at.
        yield (
            "fields",
            " + ".join(
                f"({is_asked(asked)} ? {' + '.join(each.path for each in some)} : [])"
                for asked, some in alike.items()
            ),
        )
        yield "mayFields", _where_asked(alike, lambda each: each.may)
        yield "standingFields", _where_asked(alike, lambda each: each.standing)


@dataclass(frozen=True, slots=True)
class _Changed:
    """Of a field, in CEL: its path if it is changed, and that the user may do that."""

    path: str
    may: str
    standing: str


def _where_asked(
    alike: Mapping[tuple[str, ...], list[_Changed]], take: Callable[[_Changed], str]
) -> str:
    return cel.all_of(
        f"!({is_asked(asked)}) || ({cel.all_of(map(take, some))})" for asked, some in alike.items()
    )
