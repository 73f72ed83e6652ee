"""How fast the access graph is, and how much faster than a loop over all bindings.

``python -m bench.rbac`` measures the reference world, ``python -m bench.rbac --large`` one with
2,000 hubs and 50,000 bindings. Both evaluators are timed in the same run on the same objects.
"""

from __future__ import annotations

import argparse
import statistics
import tracemalloc
from collections.abc import Callable
from typing import Any

from bench.timing import best, once, show
from bench.world import LARGE, REFERENCE, PlanningWorld, Size, build, questions
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import (
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Subject,
)
from responsibility.rbac.parse import parse_binding, parse_role
from tests.unit.rbac import linear

_LINEAR_SAMPLE = 40


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="2,000 hubs and 50,000 bindings")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    measure(LARGE if options.large else REFERENCE, seed=options.seed)


def measure(size: Size, *, seed: int) -> None:
    """Print every figure of a world of that size."""
    world = build(size, seed=seed)
    asked = list(questions(world))
    print(f"seed {seed}: {size}")
    tracemalloc.start()
    graph = AccessGraph.build(world.roles, world.bindings)
    for question in asked:
        graph.holders(question)
    used, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del graph
    print(f"{len(world.bindings):,} bindings, {len(world.roles):,} roles")

    raw = [*map(_raw, world.roles), *map(_raw, world.bindings)]
    show(f"parse {len(raw):,} objects", once(lambda: [_parse(each) for each in raw]))

    build_time, graph = best(lambda: AccessGraph.build(world.roles, world.bindings), 3)
    print(f"{len(graph.subjects()):,} subjects, {len(graph.dangling()):,} dangling bindings")
    show("build", build_time)

    def each(answer: Callable[[Attributes], object]) -> None:
        for question in asked:
            answer(question)

    first = once(lambda: each(graph.holders))
    again, _ = best(lambda: each(graph.holders), 5)
    found = sum(len(graph.holders(question)) for question in asked)
    show(f"holders() of {len(asked):,} questions, first pass", first)
    show(f"holders() of {len(asked):,} questions, later passes", again)
    print(f"    which have {found:,} answers, {found / len(asked):.0f} each")
    halves, _ = best(lambda: each(graph.namespace_holders), 5)
    show("    namespace_holders() alone", halves)

    sample = asked[:: len(asked) // _LINEAR_SAMPLE]
    by_key = {role.key: role for role in world.roles}
    linear_time = once(
        lambda: [linear.holders((by_key, world.bindings), question) for question in sample]
    )
    scaled = linear_time / len(sample) * len(asked)
    show(f"linear holders() of {len(sample)} of these questions", linear_time)
    print(
        f"    scaled to all {len(asked):,}: {scaled:.1f} s; indexed is {scaled / first:,.0f} times"
    )
    print(f"    as fast in the first pass, {scaled / again:,.0f} times in later ones")

    _replace(graph, world)
    print(f"memory of the graph and what it remembers: {used / 2**20:.1f} MiB", end="")
    print(f" (peak {peak / 2**20:.1f}; tracemalloc, without the objects themselves)")


def _raw(item: Role | Binding) -> dict[str, Any]:
    """Return the object as the API sends it."""
    metadata = {"name": item.key.name, "namespace": item.key.namespace, "uid": str(item.key)}
    if isinstance(item, Role):
        fields = ("verbs", "api_groups", "resources", "resource_names", "non_resource_urls")
        names = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
        rules = [
            {name: list(getattr(rule, key)) for key, name in zip(fields, names, strict=True)}
            for rule in item.rules
        ]
        return {"metadata": metadata, "rules": rules}
    kind = "Role" if item.role.namespace else "ClusterRole"
    subjects = [
        {"kind": each.kind, "name": each.name, "namespace": each.namespace}
        for each in item.subjects
    ]
    reference = {"kind": kind, "name": item.role.name}
    return {"metadata": metadata, "roleRef": reference, "subjects": subjects}


def _parse(raw: dict[str, Any]) -> Role | Binding:
    return parse_binding(raw) if "roleRef" in raw else parse_role(raw)


def _replace(graph: AccessGraph, world: PlanningWorld) -> None:
    local, cluster = [], []
    for number, hub in enumerate(world.hubs[:100]):
        binding = _binding(hub, number)
        local.append(once(lambda binding=binding: graph.replace(put_bindings=[binding])))  # type: ignore[misc]  # a default argument
    for number in range(20):
        binding = _binding("", number)
        cluster.append(once(lambda binding=binding: graph.replace(put_bindings=[binding])))  # type: ignore[misc]  # a default argument
    show("replace() of one RoleBinding, median", statistics.median(local))
    show("    slowest of 100", max(local))
    show("replace() of one ClusterRoleBinding, median", statistics.median(cluster))

    hub = world.hubs[0]
    own = [question for question in questions(world) if question.namespace == hub]

    def pass_over_one() -> None:
        changed, affected = graph.replace(put_bindings=[_binding(hub, 0)])
        assert not affected.cluster
        for question in own:
            changed.holders(question)

    show(f"replace() and {len(own)} holders() of its hub", best(pass_over_one, 5)[0])


def _binding(namespace: str, number: int) -> Binding:
    subject = Subject(USER, f"new-{number}@example.org")
    return Binding(BindingKey(namespace, f"new-{number}"), RoleKey("", "view"), (subject,))


if __name__ == "__main__":
    main()
