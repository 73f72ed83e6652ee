"""The table of removed API versions is what Kubernetes itself goes by, and what its server does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from responsibility.upgrades.removals import REMOVED_APIS
from responsibility.upgrades.versions import Version
from tests.e2e.lab import binaries
from tests.e2e.lab.cluster import Cluster

# Where the lifecycles of all kinds are that a release could deploy.
_SOURCES: Final = (
    ("k8s.io/api", ""),
    ("k8s.io/apiextensions-apiserver", "pkg/apis"),
    ("k8s.io/kube-aggregator", "pkg/apis"),
)
# Nobody deploys these: they are asked, or are a part of others.
_NOT_DEPLOYED: Final = re.compile(
    r".*(?:Review|List|Options)|Scale|Eviction|DeploymentRollback|APIGroupDiscovery"
)
_LIFECYCLE: Final = re.compile(
    r"func \(in \*(\w+)\) APILifecycle(Deprecated|Removed)\(\) \(major, minor int\) \{\s*"
    r"return (\d+), (\d+)"
)
_PINNED: Final = Version.parse(binaries.pinned_version("kubernetes", "k8s.io/kubernetes"))


def test_what_the_table_has_is_what_the_api_server_goes_by() -> None:
    assert _PINNED is not None
    known = {kind: removed for kind, _, removed in _lifecycles()}
    # Of what is deprecated by now it is settled; what may still be put off is not told.
    expected = {
        kind: removed
        for kind, deprecated, removed in _lifecycles()
        if deprecated <= _PINNED and "alpha" not in kind[0] and not _NOT_DEPLOYED.fullmatch(kind[1])
    }
    said = {kind: each.removed_in for kind, each in REMOVED_APIS.items()}
    assert len(expected) > 50, "the source has another form than it had"
    assert {kind: said.get(kind) for kind in expected} == expected
    # What the source no longer has at all went long ago.
    others = {kind: version for kind, version in said.items() if kind not in expected}
    assert all(kind not in known for kind in others), others
    assert all(version <= Version(1, 27) for version in others.values()), others


def test_the_api_server_serves_none_of_those_that_are_gone(cluster: Cluster) -> None:
    told = json.loads(cluster.kubectl("get", "--raw", "/version").stdout)
    server = Version.parse(told["gitVersion"])
    assert server is not None
    groups = json.loads(cluster.kubectl("get", "--raw", "/apis").stdout)["groups"]
    there = {version["groupVersion"] for group in groups for version in group["versions"]}
    kinds = {
        (version, resource["kind"])
        for version in sorted(there & {version for version, _ in REMOVED_APIS})
        for resource in json.loads(cluster.kubectl("get", "--raw", f"/apis/{version}").stdout)[
            "resources"
        ]
    }
    gone = {kind for kind, each in REMOVED_APIS.items() if each.removed_in <= server}
    assert "apps/v1" in there
    assert not kinds & gone


def _lifecycles() -> Iterator[tuple[tuple[str, str], Version, Version]]:
    """Yield each kind by its API version, with when it is deprecated and when removed."""
    for dependency, folder in _SOURCES:
        root = binaries.module_source("kubernetes", dependency) / folder
        for file in sorted(root.rglob("zz_generated.prerelease-lifecycle.go")):
            found: dict[str, dict[str, Version]] = {}
            for kind, what, major, minor in _LIFECYCLE.findall(file.read_text(encoding="utf-8")):
                found.setdefault(kind, {})[what] = Version(int(major), int(minor))
            for kind, versions in found.items():
                if "Removed" in versions:
                    about = (f"{_group(file.parent)}/{file.parent.name}", kind)
                    yield about, versions["Deprecated"], versions["Removed"]


def _group(folder: Path) -> str:
    """Return the API group of a package: it stands beside its types, or beside all versions."""
    for each in (folder / "register.go", folder.parent / "register.go"):
        if each.exists() and (
            found := re.search(r'GroupName\s*=\s*"([^"]*)"', each.read_text(encoding="utf-8"))
        ):
            return found[1]
    raise AssertionError(f"{folder} says no group")
