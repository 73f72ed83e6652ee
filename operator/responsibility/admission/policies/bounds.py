"""Bounds, as CEL: whoever may move a value only inside a range has to stay there.

A bound's path names a kind and a field of it, or a value one or two keys below a field that the
model gives to the item::

    Deployment/spec.replicas
    Deployment/spec.template.spec.containers[*].resources.limits.memory
    ResourceQuota/spec.hard["limits.memory"]

Values are compared as quantities (``1Gi`` is more than ``1000M``). To remove a value that has a
bound is to leave it. So is to delete the object, to make another one, or to have a controller move
the value (an autoscaler): whoever is held to a range of anything but the chart's values may change
values of the item inside it, and act on none of its objects as a whole. Paths of the chart's values
are inside the hub's Secret, which CEL can't read: no policy sees them.
"""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.admission.policies import cel, field_paths
from responsibility.admission.policies.guards import Field
from responsibility.admission.policies.kinds import REPLICAS
from responsibility.admission.policies.requester import LIKE, lines
from responsibility.api.names import BOUNDS_ANNOTATION, DELEGATES_ANNOTATION, OWNERS_ANNOTATION


def variables(item: str) -> list[tuple[str, str]]:
    """Return what the policy of an item has to know about bounds.

    ``ranges`` are those that the user is held to: none for whoever is listed without any as well.
    """
    owners, delegates = lines(OWNERS_ANNOTATION + item), lines(DELEGATES_ANNOTATION + item)
    entries = f"({owners} + {delegates}.map(l, size(l) > 23 ? l.substring(23) : ''))"
    unbound = "l in variables.me && !variables.bounded.exists(b, b[0] == l)"
    bounds = cel.at("variables.notes", BOUNDS_ANNOTATION + item)
    return [
        (
            "bounded",
            (
                # Mostly there are none, which is found out in a fraction of the time.
                f"{bounds}.orValue('') == '' ? [] : {lines(BOUNDS_ANNOTATION + item)}"
                ".map(l, l.split('\\t'))"
                ".filter(b, size(b) == 5 && b[0] in variables.me)"
            ),
        ),
        (
            "ranges",
            (
                f"size(variables.bounded) == 0 || {entries}.exists(l, {unbound}) || "
                f"{owners}.exists(l, {LIKE}) ? [] : variables.bounded"
            ),
        ),
        # A path in the chart's values has no kind.
        ("held", "variables.ranges.exists(r, r[1] != '')"),
    ]


def left(owned: Field, old: str, new: str, number: str) -> Iterator[tuple[str, str]]:
    """Yield variables, the last of which says that a change leaves a range the user is held to."""
    olds, news = old, new
    if field_paths.EACH not in owned.steps:
        olds, news = f"variables.olds{number}", f"variables.news{number}"
        yield from ((f"olds{number}", _entry(old)), (f"news{number}", _entry(new)))
    place = f"{_PATH}.startsWith({cel.text(_place(owned))})"
    applies = f"variables.ranges.exists(r, r[1] == {cel.text(owned.kind)} && {place})"
    wrong = f"{news}.exists(e, !(e in {olds}) && {_outside(owned, 'e[1]')})"
    gone = f"{olds}.exists(e, {_gone(owned, news)})"
    leaves = cel.all_of([applies, cel.any_of([wrong, gone])])
    if owned.scalable:
        # Another kind's replicas are pods as well.
        replicas = f"r[2] == {cel.text(REPLICAS)}"
        kind = cel.text(owned.kind)
        elsewhere = (
            f"variables.ranges.exists(r, {replicas} && r[1] != {kind}) && "
            f"!variables.ranges.exists(r, {replicas} && r[1] == {kind})"
        )
        leaves = cel.any_of([leaves, elsewhere])
    yield f"left{number}", leaves


def _entry(value: str) -> str:
    """Return a value as a list of one, like those of a list's entries, but without a name."""
    return f"[{value}].filter(v, v != null).map(v, [dyn(''), v])"


def _place(owned: Field) -> str:
    """Return a path as bounds are compared: with dots only, whichever way keys were written."""
    return "".join(s if s == field_paths.EACH else f".{s}" for s in owned.steps).removeprefix(".")


def _outside(owned: Field, value: str) -> str:
    """Return that a value, or one that stands one or two keys below it, is outside."""
    place = cel.text(_place(owned))
    one, two = f"{place} + '.' + j", f"{place} + '.' + j + '.' + k"
    deep = f"{value}[j].exists(k, {_out(two, f'{value}[j][k]')})"
    below = f"{value}.exists(j, type({value}[j]) == map ? {deep} : {_out(one, f'{value}[j]')})"
    return f"(type({value}) == map ? {below} : {_out(place, value)})"


def _gone(owned: Field, new: str) -> str:
    """Return that a value that has a bound is no longer there."""
    place = cel.text(_place(owned))
    one, two = f"{place} + '.' + j", f"{place} + '.' + j + '.' + k"
    here = f"{new}.filter(n, n[0] == e[0]).map(n, n[1])[?0].orValue(dyn({{}}))"
    deep = f"e[1][j].exists(k, !(k in {cel.mapping('m[?j]')}) && {_has(two)})"
    return (
        f"type(e[1]) == map ? [dyn({here})].exists(m, e[1].exists(j, "
        f"type(e[1][j]) == map ? {deep} : !(j in m) && {_has(one)})) : "
        f"!{new}.exists(n, n[0] == e[0]) && {_has(place)}"
    )


_PATH = "r[2].replace('[\"', '.').replace('\"]', '')"


def _has(place: str) -> str:
    return f"variables.ranges.exists(r, {_PATH} == {place})"


def _out(place: str, value: str) -> str:
    text = f"string({value})"
    worse = [
        f"(r[{index}] != '' && isQuantity(r[{index}]) && "
        f"quantity({text}).{comparison}(quantity(r[{index}])))"
        for index, comparison in ((3, "isLessThan"), (4, "isGreaterThan"))
    ]
    return (
        f"variables.ranges.exists(r, {_PATH} == {place} && "
        f"(!isQuantity({text}) || {' || '.join(worse)}))"
    )
