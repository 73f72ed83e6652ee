"""What holds of assessments in every world, held against slow and obvious second opinions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from responsibility.api.common import ExemptBinding, ExemptionSpec
from responsibility.api.permission import PermissionRule, Scope
from responsibility.api.record import Responsibility
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.entitlement import Entitlement
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import Binding, BindingKey, RoleKey, Subject
from tests.unit.deciding import law
from tests.unit.ownership.building import NOW
from tests.unit.ownership.law_worlds import SEEDS, Spec, few, fresh, pairs, seen, snapshot
from tests.unit.ownership.worlds import HUBS, PARTIES, World, manifest, world

# -- whole passes ------------------------------------------------------------------------------


@law(SEEDS, st.booleans(), least=0.5, settings=few)
def test_the_order_of_objects_never_matters(seed: int, routes: bool) -> bool:
    it = world(seed)
    draw = random.Random(seed)
    shuffled = AccessGraph.build(
        draw.sample(it.roles, len(it.roles)), draw.sample(it.bindings, len(it.bindings))
    )
    records = {r.name: r for r in draw.sample(it.records, len(it.records))}
    hubs = {h.key: h for h in draw.sample(HUBS, len(HUBS))}
    again = fresh(it, shuffled, records=records, hubs=hubs, routes=routes)
    one, other = seen(fresh(it, routes=routes)), seen(again)
    assert one == other
    return "Finding(" in str(one)


@law(SEEDS, st.booleans(), least=0.5, settings=settings(max_examples=25, deadline=None))
def test_an_assessor_with_a_past_says_what_a_new_one_says(seed: int, routes: bool) -> bool:
    it = world(seed)
    draw = random.Random(seed)
    assessor = Assessor()
    graph = AccessGraph.build(it.roles, it.bindings)
    records = {r.name: r for r in it.records}
    hubs = {h.key: h for h in HUBS}
    now: datetime = NOW
    current = snapshot(it, graph, routes=routes)
    enforced: bool | None = True
    said = set()
    for step in range(10):
        match draw.randint(0, 7):
            case 0 | 1:
                binding = it.rbac.binding(f"b{draw.randint(0, 9)}")
                graph, _ = graph.replace(put_bindings=[binding])
            case 2:
                keys = sorted(graph.bindings)
                graph, _ = graph.replace(drop_bindings=draw.sample(keys, min(1, len(keys))))
            case 3:
                key = RoleKey(draw.choice(("", "ns-a")), draw.choice(("alpha", "missing")))
                graph, _ = graph.replace(put_roles=[it.rbac.role(key)])
            case 4:
                changed = it.agreements.record(draw.choice(HUBS))
                records = {**records, changed.name: changed}
                if draw.random() < 0.3:
                    records.pop(draw.choice(sorted(records)))
            case 5:
                now += timedelta(days=draw.choice((-40, 1, 40)))
            case 6:
                at = draw.choice(HUBS)
                hubs = {k: h for k, h in hubs.items() if k != at.key}
                if draw.random() < 0.7:
                    hubs[at.key] = replace(at, prefix=draw.choice(("", "x-")))
            case _:
                enforced = draw.choice((True, True, False, None))
        current = replace(
            current, graph=graph, records=records, hubs=hubs, now=now, rbac_enforced=enforced
        )
        found = assessor.assess(current)
        said.add(found.findings())
        assert seen(found) == seen(Assessor().assess(current)), step
    return len(said) > 1


@law(SEEDS, least=0.2, settings=few)
def test_one_more_binding_never_ends_an_excess_nor_begins_a_shortfall(seed: int) -> bool:
    it = world(seed)
    graph = AccessGraph.build(it.roles, it.bindings)
    # One that gives somebody something.
    drawn = [it.rbac.binding("zz") for _ in range(20)]
    binding = next(
        (b for b in drawn if b.subjects and b.role in graph.roles and graph.roles[b.role].rules),
        drawn[0],
    )
    more, _ = graph.replace(put_bindings=[binding])
    before, after = fresh(it, graph), fresh(it, more)
    # A subject that now can do everything has one finding, which speaks for all it exceeds; where
    # items reserve everything, only those are named. So compare who exceeds, and on which hubs.
    assert {_who(f) for f in _excess(before)} <= {_who(f) for f in _excess(after)}
    assert {f.id for f in _of(after, "missing-access")} <= {
        f.id for f in _of(before, "missing-access")
    }
    return before.findings() != after.findings()


def _of(assessment: Assessment, kind: str) -> list[Finding]:
    return [f for f in assessment.findings() if f.kind == kind]


def _excess(assessment: Assessment) -> list[Finding]:
    return _of(assessment, "excess-access")


def _who(finding: Finding) -> tuple[str, str]:
    return (str(finding.subject), str(finding.hub))


@law(SEEDS, least=0.3, settings=few)
def test_whom_a_party_names_never_exceeds_more_for_it(seed: int) -> bool:
    it = world(seed)
    if not it.records:
        return False
    draw = random.Random(seed)
    before = fresh(it)
    exceeding = [f.subject for f in _excess(before) if f.subject is not None]
    exceeding = [s for s in exceeding if "*" not in s.name and s.kind != "Robot"]
    if not exceeding:
        return False
    subject = draw.choice(exceeding)
    chosen = draw.choice(it.records)
    party = draw.choice(PARTIES)
    agreement = before.hubs[chosen.name].agreement
    raw = chosen.model_dump(by_alias=True, mode="json", exclude_unset=True)
    parties = [p for p in raw["spec"].get("parties", []) if p["name"] != party]
    own = next((p for p in raw["spec"].get("parties", []) if p["name"] == party), {"name": party})
    named = [manifest(s) for s in (*agreement.parties[party].subjects, subject)]
    raw["spec"]["parties"] = [*parties, {**own, "subjects": named}]
    try:
        changed = Responsibility.model_validate(raw)
    except ValueError:
        return False  # not a subject that a record can name
    records = {**{r.name: r for r in it.records}, changed.name: changed}
    after = fresh(it, records=records)
    mine = [f for f in _excess(after) if f.subject == subject]
    then = [f for f in _excess(before) if f.subject == subject]
    assert not pairs(mine, "excess-access") - pairs(then, "excess-access")
    others = [f for f in _excess(after) if f.subject != subject]
    assert not pairs(others, "excess-access") - pairs(_excess(before), "excess-access")
    return True


@law(SEEDS, least=0.2, settings=few, examples=[(225,), (117,), (5100,)])
def test_exempting_never_adds_a_finding_and_hides_nobody(seed: int) -> bool:
    it = world(seed, exemptions=False)
    before = fresh(it, routes=True)
    after = fresh(_exempting(it, before, random.Random(seed)), routes=True)
    gone = pairs(before.findings(), "excess-access") - pairs(after.findings(), "excess-access")
    more = pairs(after.findings(), "excess-access") - pairs(before.findings(), "excess-access")
    # Who can do everything was told of under one item, and is under others where it may do that.
    assert not [new for new in more if not _was_told(before, *new)]
    listed = {str(e.subject) for hub in after.hubs.values() for e in hub.exempt} | {
        str(e.subject) for cluster in after.clusters.values() for e in cluster.exempt
    }
    assert {who for who, *_ in gone} <= listed
    return bool(gone)


def _was_told(before: Assessment, who: str, item: str, hub: str) -> bool:
    return any(
        str(f.subject) == who and str(f.hub) in (hub, "None") and f.speaks_for(item)
        for f in _excess(before)
    )


def _exempting(it: World, assessment: Assessment, draw: random.Random) -> World:
    """Return the world with exemptions of some who exceed what they are due."""
    exceeding = sorted({f.subject for f in _excess(assessment) if f.subject is not None})
    found: list[ExemptionSpec] = []
    for subject in draw.sample(exceeding, len(exceeding)):
        items = [draw.choice(("*", "*", "item-1", "item-2"))]
        # Not every subject is one that a record can name.
        with suppress(ValueError):
            raw = {"subject": manifest(subject), "items": items, "reason": "x"}
            found.append(ExemptionSpec.model_validate(raw))
    for_model, others = found[:1], tuple(found[1:3])
    if draw.random() < 0.5:
        for_model, others = [], tuple(found[:3])
    spec = it.model.spec.model_copy(update={"exemptions": tuple(for_model)})
    records = tuple(
        r.model_copy(update={"spec": r.spec.model_copy(update={"exemptions": others})})
        for r in it.records
    )
    return replace(it, model=it.model.model_copy(update={"spec": spec}), records=records)


def _narrowed(exemption: ExemptionSpec, draw: random.Random) -> ExemptionSpec:
    """Return an exemption for fewer rights."""
    rule = PermissionRule(
        verbs=tuple(draw.sample(["get", "update", "delete", "create", "patch", "*"], 2)),
        api_groups=(draw.choice(["", "apps", "*"]),),
        resources=(draw.choice(["secrets", "configmaps", "pods", "nodes", "*"]),),
        scope=draw.choice(list(Scope)),
    )
    binding = ExemptBinding(name="*", namespace=draw.choice(["", "$(namespace)"]))
    fewer: dict[str, object] = draw.choice([{"permissions": (rule,)}, {"bindings": (binding,)}, {}])
    return exemption.model_copy(update=fewer)


@law(SEEDS, least=0.2, settings=settings(max_examples=30, deadline=None))
def test_the_fewer_rights_are_exempt_the_more_is_told_and_never_more_than_without(
    seed: int,
) -> bool:
    it, draw = world(seed, exemptions=False), random.Random(seed)
    it = _exempting(it, fresh(it, routes=True), draw)

    def found(
        change: Callable[[ExemptionSpec], tuple[ExemptionSpec, ...]],
    ) -> Counter[tuple[str, str, str]]:
        def changed(spec: Spec) -> Spec:
            own = tuple(each for e in spec.exemptions for each in change(e))
            return spec.model_copy(update={"exemptions": own})

        records = tuple(r.model_copy(update={"spec": changed(r.spec)}) for r in it.records)
        model = it.model.model_copy(update={"spec": changed(it.model.spec)})
        assessment = fresh(replace(it, records=records, model=model), routes=True)
        return pairs(assessment.findings(), "excess-access")

    whole = found(lambda e: (e,))
    some = found(lambda e: (_narrowed(e, draw),))
    none = found(lambda _: ())
    # Who can do everything is told of under one item, and else under each.
    assert {who for who, *_ in whole} <= {who for who, *_ in some}
    assert {who for who, *_ in some} <= {who for who, *_ in none}
    return not whole == some == none


@law(SEEDS, least=0.5, settings=settings(max_examples=25, deadline=None))
def test_the_sources_of_an_excess_are_real_and_complete(seed: int) -> bool:
    it = world(seed, exemptions=False)
    graph = AccessGraph.build(it.roles, it.bindings)
    assessment = fresh(it, graph)
    # The sources of an indirect finding are those of its first step; there may be other routes.
    findings = [f for f in _excess(assessment) if not f.route]
    for finding in random.Random(seed).sample(findings, min(6, len(findings))):
        assert finding.subject is not None
        assert finding.sources
        keys = {s.binding for s in finding.sources if s.binding is not None}
        without = _excess(fresh(it, _without(graph, finding, keys)))
        assert finding.id not in {f.id for f in without if not f.route}
        if _due_in_the_cluster(assessment, finding.subject):
            continue  # What it holds cluster-wide is its due, by another record if not by this.
        for kept in keys:
            left = _excess(fresh(it, _without(graph, finding, keys - {kept})))
            # What is left of a hub's finding may be a cluster-wide right, which is the cluster's.
            assert any(
                f.subject == finding.subject and (f.hub in (finding.hub, None)) for f in left
            ), (finding, kept)
    return bool(findings)


def _due_in_the_cluster(assessment: Assessment, subject: Subject) -> int:
    due = 0
    for hub in assessment.hubs.values():
        mask = Entitlement.of(hub.agreement, NOW).of_subject(subject)
        due |= mask & hub.agreement.terms.permissions.cluster_mask
    return due


def _without(graph: AccessGraph, finding: Finding, keys: set[BindingKey]) -> AccessGraph:
    """Return the graph in which the finding's subject is in none of these bindings."""
    changed: list[Binding] = []
    for key in keys:
        binding = graph.bindings[key]
        left = tuple(s for s in binding.subjects if canonical(s) != finding.subject)
        changed.append(replace(binding, subjects=left))
    return graph.replace(put_bindings=changed)[0]


@law(SEEDS, least=0.3, settings=few)
def test_looking_for_routes_changes_no_direct_finding(seed: int) -> bool:
    it = world(seed)
    direct, all_of_it = fresh(it).findings(), fresh(it, routes=True).findings()
    assert tuple(f for f in all_of_it if not f.route) == direct
    assert all(f.route_kind != "direct" and f.sources for f in all_of_it if f.route)
    return any(f.route for f in all_of_it)


@pytest.mark.parametrize("seed", range(20))
def test_every_finding_has_an_identifier_of_its_own(seed: int) -> None:
    found = fresh(world(seed), routes=True).findings()
    assert len({f.id for f in found}) == len(found)


def test_the_worlds_have_everything_in_them() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(60):
        found = fresh(world(seed))
        kinds.update(f.kind for f in found.findings())
        kinds.update("cluster" for f in found.findings() if f.hub is None)
        kinds.update("exempt" for hub in found.hubs.values() if hub.exempt)
        kinds.update("pending" for hub in found.hubs.values() if hub.pending)
        kinds.update(
            "one-for-all" for f in found.findings() if f.kind == "excess-access" and f.items
        )
    wanted = {
        *("missing-access", "excess-access", "owners-disagree", "delegation-expired", "unknown"),
        *("cluster", "exempt", "pending", "one-for-all"),
    }
    assert wanted <= kinds.keys()
