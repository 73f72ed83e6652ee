"""Versions of Kubernetes: how they are read, told apart, and what fits together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.upgrades.versions import (
    MOST_BEHIND,
    MOST_VERSIONS,
    ClusterVersions,
    Skew,
    Unlisted,
    Version,
    grouped,
    skews,
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.33.2", Version(1, 33, 2)),
        ("1.33.2", Version(1, 33, 2)),
        ("v1.31.4-eks-aeac579", Version(1, 31, 4)),
        ("v1.30.5-gke.1014001", Version(1, 30, 5)),
        ("v1.32.1+k3s1", Version(1, 32, 1)),
        ("v1.37.0-alpha.1.5+a1b2c3-dirty", Version(1, 37)),
        ("v1.33", Version(1, 33)),
    ],
)
def test_what_makers_of_clusters_write_is_read(text: str, version: Version) -> None:
    assert Version.parse(text) == version


@pytest.mark.parametrize(
    "text",
    [
        *("", "v", "latest", "v1", "1.33.2.evil", "v1.33.2\n", "v99999.1.1", "v1.33.2 \u202e"),
        *(None, 1.33, {"major": 1}, "v1.33.2-" + "a" * 300, "v１.３３.2"),
    ],
)
def test_what_is_no_version_is_none(text: object) -> None:
    assert Version.parse(text) is None


@given(st.tuples(*[st.integers(0, 9999)] * 3), st.sampled_from(["", "-x", "+y"]))
def test_a_version_is_read_as_it_is_written(numbers: tuple[int, int, int], more: str) -> None:
    assert Version.parse(f"v{Version(*numbers)}{more}") == Version(*numbers)


def versions(server: str, **nodes: str) -> ClusterVersions:
    return ClusterVersions(Version.parse(server), grouped(nodes))


@pytest.mark.parametrize("behind", range(-2, MOST_BEHIND + 3))
def test_the_rule_is_that_of_kubernetes(behind: int) -> None:
    """https://kubernetes.io/releases/version-skew-policy/: none newer, at most three older."""
    found = list(skews(versions("v1.33.0", a=f"v1.{33 - behind}.9")))
    expected = [] if behind in (0, 1, 2, 3) else [Skew(f"1.{33 - behind}", behind, 1, ("a",))]
    assert found == expected


def test_patches_make_no_difference_and_minor_versions_are_told_once() -> None:
    known = versions("v1.33.0", a="v1.29.1", b="v1.29.7", c="v1.29.7", d="v1.29.7", e="v1.33.9")
    assert list(skews(known)) == [Skew("1.29", 4, 4, ("a", "b", "c"))]
    assert known.most_behind == 4


def test_another_major_version_is_far_away() -> None:
    [newer, older] = sorted(
        skews(versions("v2.1.0", a="v1.99.0", b="v3.0.0")), key=lambda skew: skew.behind
    )
    assert newer.behind < -1000
    assert older.behind > 1000


def test_without_the_servers_version_nothing_is_known() -> None:
    known = ClusterVersions(None, grouped({"a": "v1.1.1"}))
    assert not list(skews(known))
    assert known.most_behind is None
    assert known.unknown is Unlisted.NO_SERVER_VERSION


@pytest.mark.parametrize("text", ["", "<unknown>", "junk", "v1"])
def test_a_node_without_a_version_is_said(text: str) -> None:
    for nodes in ({"a": text}, {"a": text, "b": text}, {"a": "v1.33.0", "b": text}):
        assert versions("v1.33.0", **nodes).unknown is Unlisted.NO_NODE_VERSION
    assert versions("v1.33.0", a="v1.33.0").unknown is None
    assert versions("v1.33.0").unknown is None


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1),
        st.tuples(st.just(1), st.integers(20, 40), st.integers(0, 9)),
        max_size=60,
    )
)
def test_nothing_that_does_not_fit_passes_for_fitting(
    nodes: dict[str, tuple[int, int, int]],
) -> None:
    """Whatever others say, and whatever the nodes' names are."""
    known = ClusterVersions(
        Version(1, 33), grouped({name: f"v{Version(*each)}" for name, each in nodes.items()})
    )
    bad = [each for each in nodes.values() if not 0 <= 33 - each[1] <= MOST_BEHIND]
    assert bool(bad) == bool(list(skews(known)))
    told = {Version(*each) for each in nodes.values()}
    assert (known.unknown is None) == (len(told) <= MOST_VERSIONS)
    if told:
        read = [each.version for each in known.kubelets if each.version is not None]
        assert (read[0], read[-1]) == (min(told), max(told))


def test_nodes_that_each_say_something_else_are_counted_together() -> None:
    nodes = {f"n{number:04}": f"v1.{number}.0" for number in range(500)}
    found = grouped(nodes | {"odd": "\x1b[2Jv1.0.0"})
    assert len(found) <= MOST_VERSIONS + 1
    assert sum(each.nodes for each in found) == 501
    assert found[-1].version is None
    assert all(len(each.names) <= 3 for each in found)
    # The oldest first, whichever came first.
    read = [each.version for each in found if each.version is not None]
    assert read == sorted(read)
