"""Masks of permissions say what rules, bindings and graphs say, in every world."""

from __future__ import annotations

import random
from dataclasses import replace

from responsibility.ownership.access.grant_masks import ability, collect
from responsibility.ownership.terms.permission_index import Names, PermissionIndex
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.identity import canonical, is_node, is_somebody
from responsibility.rbac.index import RuleSet
from responsibility.rbac.objects import Rule, Subject, Truth
from responsibility.rbac.rules import rule_allows
from tests.unit.deciding import law
from tests.unit.ownership.law_worlds import SEEDS, few
from tests.unit.ownership.worlds import Agreements, world

# -- questions ---------------------------------------------------------------------------------


@law(SEEDS, least=0.5, settings=few)
def test_masks_say_what_the_rules_say(seed: int) -> bool:
    draw = random.Random(seed)
    permissions = PermissionIndex(Agreements(draw).by_bit(40))
    names = Names("ns-a", "one", draw.choice(("", "two-")))
    rules, decided = world(seed).rbac, 0
    for _ in range(10):
        rule = rules.rule("")
        granted = permissions.granted_by((rule,))
        decided += bool(granted.full or granted.symbolic)
        symbolic = {p.bit for p in granted.symbolic}
        some = {p.bit for p in granted.some}
        for bit, permission in enumerate(permissions.by_bit):
            asked = permission.attributes(names)
            held = bool(granted.full >> bit & 1) or (
                bit in symbolic and asked.name in rule.resource_names
            )
            assert held == rule_allows(rule, asked), (rule, permission)
            assert (held or bit in some) == rule_allows(rule, asked, any_name=True), (
                rule,
                permission,
            )
        assert sum(mask for *_, mask in granted.by_rule) == granted.full
    return decided > 0


@law(SEEDS, least=0.5, settings=few)
def test_whoever_is_entitled_to_a_question_is_entitled_to_what_it_includes(seed: int) -> bool:
    permissions = PermissionIndex(Agreements(random.Random(seed)).by_bit(40))
    for bit, permission in enumerate(permissions.by_bit):
        names = (permission.name,) if permission.name else ()
        rule = Rule((permission.verb,), (permission.group,), (permission.full_resource,), names)
        for other, wanted in enumerate(permissions.by_bit):
            asked = replace(wanted.attributes(Names()), name=wanted.name)
            place = permission.namespace in ("", wanted.namespace)
            assert bool(permissions.covers[bit] >> other & 1) == (
                place and rule_allows(rule, asked)
            )
    return any(mask & ~(1 << bit) for bit, mask in enumerate(permissions.covers))


def test_equal_rules_are_worked_out_once() -> None:
    permissions = PermissionIndex(Agreements(random.Random(1)).by_bit(5))
    rules = RuleSet((Rule(("*",), ("*",), ("*",)),))
    assert permissions.granted(rules) is permissions.granted(rules)
    assert permissions.granted(rules).full == permissions.all


# -- holdings ----------------------------------------------------------------------------------


@law(SEEDS, least=0.5, settings=few, examples=[(215,)])
def test_holdings_are_the_holders_of_each_question(seed: int) -> bool:
    it = world(seed)
    permissions = PermissionIndex(it.agreements.by_bit(25))
    graph = AccessGraph.build(it.roles, it.bindings)
    names = Names("ns-a", "one", "")
    scopes = {ns: collect(graph.scope(ns), permissions) for ns in ("", "ns-a", "ns-c")}
    decided = 0
    for bit, permission in enumerate(permissions.by_bit):
        asked = permission.attributes(names)
        layers = [scopes[ns] for ns in dict.fromkeys(("", asked.namespace))]
        for any_name in (False, True):
            held: dict[Subject, set[object]] = {}
            for layer in layers:
                for subject, holding in layer.items():
                    has = holding.mask(permissions, names) >> bit & 1
                    if any_name:
                        has |= any(p.bit == bit for p in holding.some())
                    if has:
                        sources = holding.sources(1 << bit, permissions, names)
                        held.setdefault(subject, set()).update(sources)
            expected = {
                subject: {s for s in sources if s.binding}
                for subject, sources in graph.holders(asked, any_name=any_name).items()
            }
            expected = {s: sources for s, sources in expected.items() if sources}
            assert held.keys() == expected.keys()
            decided += bool(held)
            if any_name:
                assert held == expected
    return decided > 0


@law(SEEDS, least=0.5, settings=few)
def test_ability_is_what_the_graph_says_a_subject_holds(seed: int) -> bool:
    it = world(seed)
    permissions = PermissionIndex(it.agreements.by_bit(25))
    graph = AccessGraph.build(it.roles, it.bindings)
    names = Names("ns-a", "one", "")
    layers = [collect(graph.scope(ns), permissions) for ns in ("", "ns-a")]
    subjects = {*map(canonical, graph.subjects()), MASTERS_SUBJECT}
    decided = 0
    for subject in filter(is_somebody, subjects):
        if is_node(subject) or subject.name == "system:anonymous":
            continue
        able = ability(subject, layers, permissions, names)
        for bit, permission in enumerate(permissions.by_bit):
            asked = permission.attributes(names)
            if asked.namespace != "ns-a":
                continue
            truth, _ = graph.holds(subject, asked)
            decided += truth is Truth.YES and subject != MASTERS_SUBJECT
            mine = Truth.YES if able.sure >> bit & 1 else Truth.NO
            mine = Truth.UNKNOWN if able.perhaps >> bit & 1 else mine
            assert mine is truth, (subject, permission)
    return decided > 0
