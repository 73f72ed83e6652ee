"""API versions that a hub was deployed by, told to those who upgrade."""

from __future__ import annotations

import pytest

from responsibility.hub.discovery import HubKey
from responsibility.hub.release.changes import (
    HubRelease,
    ReleaseDrift,
    ReleaseUnread,
    UnreadRelease,
)
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.upgrades.removals import removed_apis
from responsibility.upgrades.versions import ClusterVersions, Version
from tests.unit.ownership.building import KEEPERS, assess, garden_with, of_kind, record, states

BUDGET = ("policy/v1beta1", "PodDisruptionBudget")
FLOW = ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema")


def deployed(*apis: tuple[str, str]) -> HubRelease:
    return ReleaseDrift(3, apis=removed_apis(apis))


def told(release: HubRelease | None, server: Version | None = None, **more: object) -> Assessment:
    return assess(
        *KEEPERS,
        records=[record()],
        hub_release={} if release is None else {HubKey("prod", "prod"): release},
        versions=None if server is None else ClusterVersions(server),
        **more,
    )


def found(assessment: Assessment) -> list[Finding]:
    return of_kind(assessment, "api-removed")


@pytest.mark.parametrize(
    "release", [None, deployed(), UnreadRelease(ReleaseUnread.FORBIDDEN), deployed(("v1", "Pod"))]
)
def test_where_there_is_none_or_it_is_not_known_nothing_is_said(release: HubRelease | None) -> None:
    assert found(told(release)) == []


@pytest.mark.parametrize("server", [None, Version(1, 25), Version(1, 33, 2)])
def test_what_is_gone_is_told_to_the_owner_of_upgrades(server: Version | None) -> None:
    assessment = told(deployed(BUDGET, FLOW), server)
    [finding] = found(assessment)
    assert (finding.item, str(finding.hub)) == ("gate", "prod/prod")
    assert wording.message(finding) == (
        "The hub was deployed with PodDisruptionBudget by policy/v1beta1 (and 1 other), which "
        "Kubernetes has no more since 1.25, so Helm can't upgrade it: Gate is Keeper's"
    )
    assert states(assessment) == states(told(None, server))


def test_what_goes_with_the_next_upgrade_is_told_before_it() -> None:
    [finding] = found(told(deployed(FLOW), Version(1, 31, 4)))
    assert wording.message(finding).startswith(
        "The hub was deployed with FlowSchema by flowcontrol.apiserver.k8s.io/v1beta3, which "
        "Kubernetes 1.32 has no more; 1.31.4 runs, and once that is upgraded Helm can't"
    )


def test_a_model_that_says_nothing_of_nodes_has_nobody_to_tell() -> None:
    gate = {"name": "gate", "number": 3, "title": "Gate", "kinds": ["attested"], "owner": "keeper"}
    assert found(told(deployed(BUDGET), models=[garden_with(gate)])) == []
