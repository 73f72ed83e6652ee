"""What the parts of one hub can come by through each other is told once: of who really holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from responsibility.api.record import Responsibility
from responsibility.ownership.access.hub_service_accounts import TOGETHER
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment
from tests.unit.ownership.building import (
    KEEPERS,
    Grant,
    assess,
    exempt,
    garden,
    grant,
    of_kind,
    people,
    record,
    snapshot,
)

POTTER, PROXY = "ServiceAccount a/potter", "ServiceAccount a/proxy"
RUNS_PODS = grant(POTTER, "create", "pods", ns="a")
REACHES_ALL = grant(PROXY, "create", "configmaps", ns="")
OWN = [
    exempt("ServiceAccount $(namespace)/potter", "*", reason="part of the hub"),
    exempt("ServiceAccount $(namespace)/proxy", "*", reason="part of the hub"),
]
RECORDS = [record("a"), record("b")]


def world(*grants: Grant, records: Sequence[Responsibility] = RECORDS, **spec: Any) -> Assessment:
    model = garden(**{"exemptions": OWN, **spec})
    return assess(*KEEPERS, *grants, models=[model], records=records, routes=True)


def told(found: Assessment) -> list[str]:
    """Return whom findings about beds are about, on the cluster."""
    return sorted(
        str(f.subject)
        for f in of_kind(found, "excess-access")
        if f.item == "beds" and f.hub is None
    )


def listed(found: Assessment) -> list[tuple[str, tuple[str, ...]]]:
    exempted = found.clusters["garden"].exempt
    return [(str(e.subject), e.items) for e in exempted if e.reason == TOGETHER]


def test_it_is_told_of_who_holds_it_and_listed_of_the_others() -> None:
    found = world(RUNS_PODS, REACHES_ALL)
    assert told(found) == [PROXY]
    assert listed(found) == [(POTTER, ("beds",))]


def test_what_was_accepted_for_one_part_is_accepted() -> None:
    let = exempt("ServiceAccount */proxy", "*", reason="as the chart has it")
    found = world(RUNS_PODS, REACHES_ALL, exemptions=[*OWN, let])
    assert not told(found)
    assert listed(found) == [(POTTER, ("beds",))]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(grant(POTTER, "get", "pods", ns="b"), id="bound elsewhere"),
        pytest.param(grant(POTTER, "get", "nodes", ns=""), id="bound cluster-wide"),
    ],
)
def test_a_part_that_is_bound_elsewhere_is_told(more: Grant) -> None:
    found = world(RUNS_PODS, REACHES_ALL, more)
    assert told(found) == [POTTER, PROXY]
    assert not listed(found)


def test_who_is_no_part_of_the_hub_is_told() -> None:
    stranger = "ServiceAccount a/stranger"
    found = world(grant(stranger, "create", "pods", ns="a"), REACHES_ALL)
    assert told(found) == [PROXY, stranger]


def test_who_can_become_a_party_is_told() -> None:
    """Nothing is said of the party itself: it may."""
    parties = {"guests": people(PROXY)}
    found = world(RUNS_PODS, REACHES_ALL, records=[record("a"), record("b", parties=parties)])
    assert POTTER in told(found)


def test_who_can_become_a_holder_of_the_break_glass_is_told() -> None:
    proxy = {"kind": "ServiceAccount", "namespace": "a", "name": "proxy"}
    glass = [{"subject": proxy, "reason": "in the envelope"}]
    found = world(RUNS_PODS, REACHES_ALL, breakGlass=glass)
    assert told(found) == [POTTER]


def test_who_comes_by_it_outside_of_its_namespace_is_told() -> None:
    everyone = grant("Group system:serviceaccounts:a", "create", "serviceaccounts/token", ns="c")
    outside = grant("ServiceAccount c/clerk", "create", "configmaps", ns="")
    assert POTTER in told(world(RUNS_PODS, everyone, outside))


def test_a_binding_elsewhere_is_seen_when_it_comes() -> None:
    """Also where it brings nothing that was not known to be within reach."""
    assessor = Assessor()
    model = garden(exemptions=OWN)
    before, after = (
        snapshot(
            *KEEPERS, RUNS_PODS, REACHES_ALL, *more, models=[model], records=RECORDS, routes=True
        )
        for more in ((), (grant(POTTER, "get", "pods", ns="b"),))
    )
    for each, expected in ((before, [PROXY]), (after, [POTTER, PROXY]), (before, [PROXY])):
        assert told(assessor.assess(each)) == expected
