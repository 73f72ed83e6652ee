"""Who cannot do what an item reserves, but can make itself able to, is a stranger all the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.ownership.access import escalations as indirect_module
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.results.severity import Severity
from responsibility.rbac.escalation.shortest_paths import RouteSearch
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    everything,
    excess,
    exempt,
    garden,
    grant,
    of_kind,
    people,
    record,
    snapshot,
    states,
)
from tests.unit.rbac.escalation.mazes import Maze

HOLDER = grant("ServiceAccount prod/gardener", "patch", "deployments", group="apps", names="hub")
POTTER = grant("User ann", "create", "pods")


def indirect(assessment: Assessment) -> list[Finding]:
    return [f for f in of_kind(assessment, "excess-access") if f.route]


def test_who_can_run_a_pod_as_a_holder_has_what_it_holds() -> None:
    found = assess(HOLDER, POTTER, records=[record(parties={"keeper": _gardener()})], routes=True)
    (finding,) = indirect(found)
    assert (str(finding.subject), finding.item, finding.route_kind) == (
        "User ann",
        "fence",
        "workload",
    )
    assert len(finding.route) == 1
    assert "ServiceAccount prod/gardener" in wording.step_texts(finding)[0]
    assert [str(s.binding) for s in finding.sources] == ["RoleBinding prod/to-User-ann-create-pods"]
    assert "so it can patch deployments.apps/hub in namespace prod" in wording.message(finding)
    assert finding.severity is Severity.LOW
    assert states(found)["fence"] == "drift"


def _gardener() -> dict[str, object]:
    return people("ServiceAccount prod/gardener", contact={"email": "keeper@example.org"})


def test_routes_are_looked_for_only_where_asked() -> None:
    assert not excess(assess(HOLDER, POTTER, records=[record(parties={"keeper": _gardener()})]))


def test_who_has_it_directly_is_told_once_and_directly() -> None:
    both = grant("User ann", "patch create", "deployments", group="apps")
    found = assess(
        HOLDER, POTTER, both, records=[record(parties={"keeper": _gardener()})], routes=True
    )
    assert [f.item for f in of_kind(found, "excess-access") if not f.route] == ["fence"]
    assert not indirect(found)


def test_who_is_entitled_may_take_a_route() -> None:
    keeper = people("ServiceAccount prod/gardener", "User ann")
    found = assess(HOLDER, POTTER, records=[record(parties={"keeper": keeper})], routes=True)
    assert not indirect(found)


def test_who_is_exempt_is_listed_with_what_it_could_come_by() -> None:
    let = record(
        parties={"keeper": _gardener()}, exemptions=[exempt("User ann", "*", reason="pots")]
    )
    found = assess(HOLDER, POTTER, records=[let], routes=True)
    assert not indirect(found)
    assert [(str(e.subject), e.items, e.reason) for e in found.hubs["prod"].exempt] == [
        ("User ann", ("fence",), "pots")
    ]


def test_a_way_to_everything_is_one_finding_of_the_cluster() -> None:
    """Not one an item, and not one a hub: what could be done there is all the same."""
    lifter = grant("User bob", "impersonate", "users", ns="", names="root")
    records = [record("a"), record("b")]
    found = assess(*KEEPERS, everything("User root"), lifter, records=records, routes=True)
    mine = [f for f in indirect(found) if str(f.subject) == "User bob"]
    assert [(f.hub, f.route_kind, f.hubs) for f in mine] == [(None, "impersonate", 2)]
    assert "so it can do everything cluster-wide" in wording.message(mine[0])


def test_the_steps_of_a_longer_route_are_told_in_order() -> None:
    chain = (
        grant("User cleo", "create", "serviceaccounts/token", names="clerk"),
        grant("ServiceAccount prod/clerk", "create", "pods/exec"),
    )
    found = assess(HOLDER, *chain, records=[record(parties={"keeper": _gardener()})], routes=True)
    (mine,) = [f for f in indirect(found) if str(f.subject) == "User cleo"]
    assert mine.route_kind == "token"
    assert [step.split(" can ")[0] for step in wording.step_texts(mine)] == [
        "User cleo",
        "ServiceAccount prod/clerk",
    ]


def test_what_a_cluster_wide_right_opens_on_every_hub_is_one_finding() -> None:
    """Whoever can act as any ServiceAccount can as those of every hub; that is told once."""
    gardeners = [
        grant("ServiceAccount a/gardener", "patch", "deployments", ns="a", group="apps"),
        grant("ServiceAccount b/gardener", "patch", "deployments", ns="b", group="apps"),
    ]
    parties = [{"keeper": people(f"ServiceAccount {ns}/gardener")} for ns in "abc"]
    records = [record(ns, parties=some) for ns, some in zip("abc", parties, strict=True)]
    potter = grant("User ann", "create", "pods", ns="")
    found = assess(*gardeners, potter, records=records, routes=True)
    mine = [f for f in indirect(found) if f.item == "fence"]
    assert [(str(f.subject), f.hub, f.hubs, f.route_kind) for f in mine] == [
        ("User ann", None, 2, "workload")
    ]
    assert found.hubs["a"].cluster_findings - found.hubs["c"].cluster_findings == 1
    # A right in one namespace is that hub's matter.
    here = grant("User ann", "create", "pods", ns="a")
    found = assess(*gardeners, here, records=records, routes=True)
    assert [str(f.hub) for f in indirect(found) if f.item == "fence"] == ["a/a"]


def test_who_could_become_only_itself_gains_nothing() -> None:
    parties = {"keeper": people("Group keepers")}
    both = [
        grant("ServiceAccount prod/gardener", "create", "pods", ns=""),
        grant("ServiceAccount prod/gardener", "patch", "deployments", group="apps"),
    ]
    found = assess(*both, records=[record(parties=parties)], routes=True)
    assert [f.route_kind for f in of_kind(found, "excess-access")] == ["direct"]


def test_a_way_into_whom_the_cluster_knows_nothing_of_leaves_the_clusters_search_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searches: list[str] = []
    search = indirect_module.searched

    def counted(*args: Any, local: bool = False, **more: Any) -> RouteSearch:
        searches.append("hub" if local else "cluster")
        return search(*args, local=local, **more)

    monkeypatch.setattr(indirect_module, "searched", counted)
    gardeners = [
        grant(f"ServiceAccount {ns}/gardener", "patch", "deployments", ns=ns, group="apps")
        for ns in "ab"
    ]
    # In b, an account is known to the cluster.
    scout = grant("ServiceAccount b/scout", "patch", "deployments", ns="", group="apps")
    records = [
        record(ns, parties={"keeper": people(f"ServiceAccount {ns}/gardener")}) for ns in "ab"
    ]
    assessor = Assessor()
    current = snapshot(*gardeners, scout, records=records, routes=True)
    assessor.assess(current)
    for ns, expected in (("a", ["hub"]), ("b", ["hub", "cluster"])):
        searches.clear()
        role, binding = grant("User ann", "create", "pods", ns=ns)
        graph, _ = current.graph.replace(put_roles=[role], put_bindings=[binding])
        current = replace(current, graph=graph)
        found = assessor.assess(current)
        assert searches == expected
        assert any(str(f.subject) == "User ann" for f in indirect(found))
        assert found.findings() == Assessor().assess(current).findings()


_THINGS = {"verbs": ["delete", "update"], "apiGroups": [""]}
_MAZE_MODEL = garden(
    items=[
        {
            "name": name,
            "number": number,
            "title": name,
            "kinds": ["kubernetes"],
            "owner": owner,
            "reserved": [{**_THINGS, "resources": list(resources)}],
            "required": [{**_THINGS, "resources": [resources[0]]}],
        }
        for number, name, owner, resources in (
            (1, "beds", "guests", ("pods", "secrets")),
            (2, "fence", "keeper", ("services", "configmaps")),
        )
    ],
)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_what_is_remembered_of_routes_is_what_is_found(seed: int, constrained: bool) -> None:
    maze = Maze(seed, constrained=constrained)
    guests = {"guests": people("Group crew", "ServiceAccount ns-a/robot")}
    world = snapshot(
        records=[record("ns-a", parties=guests, enforcement={"rbac": "grant"}), record("ns-b")],
        models=[_MAZE_MODEL],
        routes=True,
    )
    graph = maze.graph(16)
    assessor = Assessor()
    assessor.assess(replace(world, graph=graph))
    for number in range(5):
        role, binding = maze.binding(maze.draw.randrange(20) if number % 2 else 50 + number)
        drop = [] if number % 3 else [maze.draw.choice(sorted(graph.bindings))]
        graph, _ = graph.replace(put_roles=[role], put_bindings=[binding], drop_bindings=drop)
        now = replace(world, graph=graph)
        one, other = assessor.assess(now), Assessor().assess(now)
        assert one.findings() == other.findings()
        assert {n: h.cluster_findings for n, h in one.hubs.items()} == {
            n: h.cluster_findings for n, h in other.hubs.items()
        }
