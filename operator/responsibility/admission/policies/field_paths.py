"""Paths into objects, such as ``spec.template.spec.containers[*].image``, as CEL.

``a.b`` and ``a["b/c"]`` go into mappings. ``[*]`` stands for every entry of a list; entries are
told apart by their name, so that their order never counts. Two questions are answered: whether
what a path leads to differs between two objects, and whether anything *else* does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from responsibility.admission.policies import cel
from responsibility.api.names import MANAGED_BY_LABEL

EACH: Final = "[*]"

# The object as it will be and as it was. Of no particular type: the API server checks expressions
# against each kind's schema, and writes a long warning for every generic one. No variables, each of
# which costs every request something.
NEW: Final = "dyn(object)"
OLD: Final = "dyn(oldObject)"

_STEP = re.compile(
    r"""(?P<key>(?:^|(?<=.)\.)[A-Za-z0-9_-]+) | (?P<each>\[\*\]) | \["(?P<quoted>[^"\]]+)"\]""",
    re.VERBOSE,
)


def parse(path: str) -> tuple[str, ...]:
    """Return the steps of a path: keys, and ``[*]``.

    Raises ValueError for what is no path.
    """
    steps: list[str] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            break
        steps.append(EACH if match["each"] else match["quoted"] or match["key"].lstrip("."))
        position = match.end()
    if position < len(path) or not steps or EACH in (steps[0], steps[-1]):
        raise ValueError(
            f"{path!r} is no path of a field: write keys with dots between them, "
            '["…"] around a key that has dots or slashes itself, and [*] after a list, such as '
            "spec.template.spec.containers[*].image"
        )
    return tuple(steps)


def value(node: str, steps: tuple[str, ...], depth: int = 0) -> str:
    """Return what stands at a path: a value or null; for lists, pairs of name and value."""
    if EACH not in steps:
        for step in steps:
            node = cel.at(node, step)
        return f"{node}.orValue(dyn(null))"
    place = steps.index(EACH)
    for step in steps[:place]:
        node = cel.at(node, step)
    one = f"e{depth}"
    inner = value(one, steps[place + 1 :], depth + 1)
    entries = f"{cel.sequence(node)}.map({one}, [dyn({_name(one)}), dyn({inner})])"
    # An entry in which the field is not set says nothing about it; the API server writes {} then.
    return f"{entries}.filter({one}, {one}[1] != null && {one}[1] != dyn({{}}))"


def _name(entry: str) -> str:
    return f"{cel.at(entry, 'name')}.orValue(dyn(''))"


def differs(old: str, new: str, steps: tuple[str, ...]) -> str:
    """Return that two values of a field are not the same."""
    if EACH not in steps:
        return f"{new} != {old}"
    # As sets, since the order of containers means nothing. Mostly the whole lists are the same,
    # which is found out in a fraction of the time.
    before, after = (cel.sequence(_list(node, steps)) for node in (OLD, NEW))
    as_sets = f"{new}.all(x, x in {old}) && {old}.all(x, x in {new})"
    return f"{before} != {after} && !({as_sets})"


def _list(node: str, steps: tuple[str, ...]) -> str:
    for step in steps[: steps.index(EACH)]:
        node = cel.at(node, step)
    return node


@dataclass(slots=True)
class Mask:
    """Paths as a tree: what is left out when two objects are compared."""

    below: dict[str, Mask] = field(default_factory=dict)
    whole: bool = False

    @classmethod
    def of(cls, paths: Iterable[tuple[str, ...]]) -> Mask:
        """Return the tree of these paths."""
        root = cls()
        for steps in paths:
            node = root
            for step in steps:
                node = node.below.setdefault(step, cls())
            node.whole = True
        return root


def same(old: str, new: str, mask: Mask, depth: int = 0) -> str:
    """Return that two mappings are equal but for what is masked."""
    if not mask.below:
        return f"{old} == {new}"
    # A list of one is CEL's way to give a name to something long.
    pair = f"p{depth}"
    parts = _same(f"{pair}[0]", f"{pair}[1]", mask, depth)
    # Mostly they are equal altogether, which is found out in a fraction of the time.
    equal = f"{pair}[0] == {pair}[1]"
    return f"[[dyn({old}), dyn({new})]].all({pair}, {equal} || ({cel.all_of(parts)}))"


def _same(old: str, new: str, mask: Mask, depth: int) -> list[str]:
    key, known = f"k{depth}", cel.texts(sorted(mask.below))
    # Whichever of both has a key that the other has not: absent differs from everything.
    parts = [
        f"{old}.all({key}, {key} in {known} || ({key} in {new} && {new}[{key}] == {old}[{key}]))",
        f"{new}.all({key}, {key} in {known} || {key} in {old})",
    ]
    for step, below in sorted(mask.below.items()):
        if below.whole:
            continue
        inner = cel.at(old, step), cel.at(new, step)
        if EACH in below.below:
            olds, news = map(cel.sequence, inner)
            parts.append(_same_entries(olds, news, below.below[EACH], depth + 1))
        else:
            olds, news = map(cel.mapping, inner)
            parts.append(same(olds, news, below, depth + 1))
    return parts


def _same_entries(olds: str, news: str, mask: Mask, depth: int) -> str:
    one, other = f"n{depth}", f"o{depth}"
    matching = cel.all_of([f"{_name(one)} == {_name(other)}", same(other, one, mask, depth + 1)])
    return cel.all_of(
        [f"size({olds}) == size({news})", f"{news}.all({one}, {olds}.exists({other}, {matching}))"]
    )


# What Kubernetes and its clients write beside a change, and what therefore is nobody's.
SIDE_EFFECTS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): ("apiVersion", "kind", "status"),
    ("metadata",): (
        "creationTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    ),
    ("metadata", "annotations"): (
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubernetes.io/change-cause",
        "meta.helm.sh/release-name",
        "meta.helm.sh/release-namespace",
    ),
    ("metadata", "labels"): (
        MANAGED_BY_LABEL,
        "app.kubernetes.io/version",
        "chart",
        "helm.sh/chart",
        "heritage",
    ),
}


def rest_same(masked: Iterable[tuple[str, ...]]) -> list[str]:
    """Return conditions that all hold if only these paths and side effects differ.

    As variables of their own: what it takes to compile an expression grows with the square of
    its length.
    """
    return _same(OLD, NEW, _rest(masked), 0)


def rest_differs(masked: Iterable[tuple[str, ...]]) -> str:
    """Return that the objects differ in anything but these paths and side effects."""
    return f"!({same(OLD, NEW, _rest(masked))})"


def _rest(masked: Iterable[tuple[str, ...]]) -> Mask:
    excluded = [(*at, key) for at, keys in SIDE_EFFECTS.items() for key in keys]
    return Mask.of((*excluded, *masked))
