"""Who cannot do what an item reserves, but can make itself able to, is a stranger all the same."""

from responsibility.ownership.assessment import Assessment
from responsibility.ownership.findings import Finding, Severity
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    everything,
    excess,
    exempt,
    grant,
    of_kind,
    people,
    record,
    states,
)

HOLDER = grant("ServiceAccount prod/gardener", "patch", "deployments", group="apps", names="hub")
POTTER = grant("User ann", "create", "pods")


def indirect(assessment: Assessment) -> list[Finding]:
    return [f for f in of_kind(assessment, "excess-access") if f.steps]


def test_who_can_run_a_pod_as_a_holder_has_what_it_holds() -> None:
    found = assess(HOLDER, POTTER, records=[record(parties={"keeper": _gardener()})], routes=True)
    (finding,) = indirect(found)
    assert (str(finding.subject), finding.item, finding.route) == ("User ann", "fence", "workload")
    assert len(finding.steps) == 1
    assert "ServiceAccount prod/gardener" in finding.steps[0]
    assert [str(s.binding) for s in finding.sources] == ["RoleBinding prod/to-User-ann-create-pods"]
    assert "so it can patch deployments.apps/hub in namespace prod" in finding.message
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
    assert [f.item for f in of_kind(found, "excess-access") if not f.steps] == ["fence"]
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
    assert [(f.hub, f.route, f.hubs) for f in mine] == [(None, "impersonate", 2)]
    assert "so it can do everything cluster-wide" in mine[0].message


def test_the_steps_of_a_longer_route_are_told_in_order() -> None:
    chain = (
        grant("User cleo", "create", "serviceaccounts/token", names="clerk"),
        grant("ServiceAccount prod/clerk", "create", "pods/exec"),
    )
    found = assess(HOLDER, *chain, records=[record(parties={"keeper": _gardener()})], routes=True)
    (mine,) = [f for f in indirect(found) if str(f.subject) == "User cleo"]
    assert mine.route == "token"
    assert [step.split(" can ")[0] for step in mine.steps] == [
        "User cleo",
        "ServiceAccount prod/clerk",
    ]
