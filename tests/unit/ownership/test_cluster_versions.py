"""Versions of Kubernetes, told once, with the cluster, to whom nodes belong."""

from __future__ import annotations

import pytest

from responsibility.ownership.results import version_wording, wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.upgrades.versions import ClusterVersions, Unlisted, Version, grouped
from tests.unit.ownership.building import KEEPERS, assess, garden_with, of_kind, record, states

SERVER = Version(1, 33, 2)
OLD = ClusterVersions(SERVER, grouped({"n1": "v1.29.9", "n2": "v1.29.9", "n3": "v1.33.0"}))


def told(versions: ClusterVersions | None, **more: object) -> Assessment:
    # Of the fence nobody's business: nodes are the gate's.
    return assess(*KEEPERS, records=[record(), record("staging")], versions=versions, **more)


def found(assessment: Assessment) -> list[Finding]:
    return of_kind(assessment, "version-skew", "versions-unknown")


def test_where_all_fits_or_nobody_looks_nothing_is_said() -> None:
    fitting = ClusterVersions(SERVER, grouped({"n1": "v1.30.0", "n2": "v1.33.2"}))
    assert found(told(None)) == found(told(fitting)) == []
    assert states(told(None)) == states(told(fitting))


def test_old_kubelets_are_told_once_with_whose_they_are() -> None:
    assessment = told(OLD)
    [finding] = found(assessment)
    assert (finding.kind, finding.item, finding.hub, finding.hubs) == (
        "version-skew",
        "gate",
        None,
        2,
    )
    assert finding in assessment.clusters["garden"].findings
    assert wording.message(finding) == (
        "2 nodes (n1, n2) run kubelet 1.29, 4 minor versions behind the API server, which is "
        "1.33.2; Kubernetes supports 3: Gate is Keeper's"
    )
    assert wording.remedy(finding).startswith("Upgrade these nodes")
    # Nothing differs from what is agreed.
    assert states(assessment) == states(told(None))
    assert {h.cluster_findings for h in assessment.hubs.values()} == {
        1 + h.cluster_findings for h in told(None).hubs.values()
    }


def test_newer_kubelets_came_too_early() -> None:
    nodes = {f"n{number}": "v1.34.0" for number in range(5)}
    [finding] = found(told(ClusterVersions(SERVER, grouped(nodes))))
    assert wording.message(finding).startswith(
        "5 nodes (n0, n1, n2 and 2 more) run kubelet 1.34, newer than the API server, which is "
    )
    assert wording.remedy(finding).startswith("Upgrade the API server")


def test_each_minor_version_is_a_finding_of_its_own_that_stays_itself() -> None:
    nodes = {"n1": "v1.28.0", "n2": "v1.29.0"}
    both = found(told(ClusterVersions(SERVER, grouped(nodes))))
    later = found(told(ClusterVersions(SERVER, grouped({"n1": "v1.33.2", "n9": "v1.29.4"}))))
    assert len({finding.id for finding in both}) == 2
    assert {finding.id for finding in later} < {finding.id for finding in both}


@pytest.mark.parametrize("why", [Unlisted.FORBIDDEN, Unlisted.UNREADABLE, Unlisted.FAILED])
def test_what_can_not_be_listed_is_unknown_and_no_item_is_ok_by_it(why: Unlisted) -> None:
    assessment = told(ClusterVersions(SERVER, (), why))
    [finding] = found(assessment)
    assert finding.kind == "versions-unknown"
    assert version_wording.UNLISTED[why] in wording.message(finding)
    assert states(assessment)["gate"] == "unknown"


_NODES = {"n1": "v1.20.0", "n2": "v1.33.0"}
_MANY = {f"a{number:02}": f"v1.33.{number}" for number in range(16)}


@pytest.mark.parametrize(
    ("known", "why", "kinds"),
    [
        (
            ClusterVersions(None, grouped(_NODES)),
            Unlisted.NO_SERVER_VERSION,
            ["versions-unknown"],
        ),
        (
            ClusterVersions(SERVER, grouped({"n1": "", "n2": "<unknown>"})),
            Unlisted.NO_NODE_VERSION,
            ["versions-unknown"],
        ),
        (
            ClusterVersions(SERVER, grouped(_NODES | {"n3": "junk"})),
            Unlisted.NO_NODE_VERSION,
            ["version-skew", "versions-unknown"],
        ),
        (
            ClusterVersions(SERVER, grouped(_MANY | {"z": "v1.20.0"})),
            Unlisted.NO_NODE_VERSION,
            ["version-skew", "versions-unknown"],
        ),
    ],
)
def test_where_a_version_is_missing_nothing_passes_for_fitting(
    known: ClusterVersions, why: Unlisted, kinds: list[str]
) -> None:
    assessment = told(known)
    by_kind = {each.kind: each for each in found(assessment)}
    assert sorted(by_kind) == kinds
    unknown = by_kind["versions-unknown"]
    assert version_wording.UNLISTED[why] in wording.message(unknown)
    assert "list nodes" not in wording.remedy(unknown)
    assert states(assessment)["gate"] == "unknown"


def test_every_reason_has_words() -> None:
    assert {*version_wording.UNLISTED} == {*Unlisted}


def test_a_model_that_says_nothing_of_nodes_has_nobody_to_tell() -> None:
    gate = {"name": "gate", "number": 3, "title": "Gate", "kinds": ["attested"], "owner": "keeper"}
    assert found(told(OLD, models=[garden_with(gate)])) == []
