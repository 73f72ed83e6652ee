"""Versions of the API server and of the nodes' kubelets, and whether they fit each other.

The rule is Kubernetes' own (https://kubernetes.io/releases/version-skew-policy/): a kubelet must
not be newer than the API server, and may be up to three minor versions older. What a node says of
itself is its kubelet's word: it is taken for a version only where it is written as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Minor versions by which a kubelet may be older than the API server.
MOST_BEHIND: Final = 3
# Versions of kubelets that are told apart, half of them the oldest and half the newest; of those
# between only how many nodes have them. A cluster in the middle of an upgrade has two or three.
MOST_VERSIONS: Final = 16

# As they are written: v1.33.2, v1.33.2-eks-1-30-8, v1.33.2-gke.1014001, v1.33.2+k3s1.
_VERSION = re.compile(
    r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:[-+][0-9A-Za-z.+_-]{0,200})?"
)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version without what its maker adds: of ``v1.33.2-eks-a1b2`` the three numbers."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: object) -> Version | None:
        """Return the version that a text says; None for what is none."""
        found = _VERSION.fullmatch(text) if isinstance(text, str) else None
        return None if found is None else cls(*(int(part or 0) for part in found.groups()))

    def __str__(self) -> str:
        """Return it as people write it: ``1.33.2``."""
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def release(self) -> str:
        """Return its minor version, by which skew goes: ``1.33``."""
        return f"{self.major}.{self.minor}"

    def behind(self, other: Version) -> int:
        """Return how many minor versions it is older than another; less than 0 if newer."""
        # There is no second major version, nor a rule about one: far away it is.
        return (other.major - self.major) * 10_000 + other.minor - self.minor


class Unlisted(StrEnum):
    """Why it is not known whether all nodes fit the API server: for programs, and for metrics."""

    FORBIDDEN = "forbidden"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    NO_SERVER_VERSION = "no-server-version"
    NO_NODE_VERSION = "no-node-version"


@dataclass(frozen=True, slots=True, order=True)
class Kubelets:
    """Nodes whose kubelets have one version: how many, and the first of them by name.

    Without a version they are those of which it can't be read, or more than are told apart.
    """

    version: Version | None
    nodes: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterVersions:
    """Versions as they were last seen; the oldest kubelets come first.

    ``server`` is None where the API server says none; ``unlisted`` why nodes could not be listed.
    """

    server: Version | None
    kubelets: tuple[Kubelets, ...] = ()
    unlisted: Unlisted | None = None

    @property
    def unknown(self) -> Unlisted | None:
        """Return why it is not known of all nodes whether they fit; None where it is."""
        if self.unlisted is not None:
            return self.unlisted
        if self.server is None:
            return Unlisted.NO_SERVER_VERSION
        untold = any(each.version is None and each.nodes for each in self.kubelets)
        return Unlisted.NO_NODE_VERSION if untold else None

    @property
    def releases(self) -> tuple[str, ...]:
        """Return the versions of the kubelets, the oldest first."""
        return tuple(str(each.version) for each in self.kubelets if each.version is not None)

    @property
    def most_behind(self) -> int | None:
        """Return by how many minor versions the oldest kubelet is behind; None if not known."""
        if self.server is None:
            return None
        behind = [k.version.behind(self.server) for k in self.kubelets if k.version is not None]
        return max(behind, default=None)


def grouped(nodes: Mapping[str, str]) -> tuple[Kubelets, ...]:
    """Return the versions of nodes' kubelets, by the nodes' names; the oldest first.

    A node may say what it likes of itself, and a node of each version is many. The oldest and the
    newest are those that may not fit, so they are told apart whatever the others say.
    """
    read = {name: Version.parse(text) for name, text in sorted(nodes.items())}
    versions = sorted({version for version in read.values() if version is not None})
    if len(versions) > MOST_VERSIONS:
        half = MOST_VERSIONS // 2
        versions = [*versions[:half], *versions[-half:]]
    told = frozenset(versions)
    found: dict[Version | None, list[str]] = {}
    for name, version in read.items():
        found.setdefault(version if version in told else None, []).append(name)
    return tuple(
        Kubelets(version, len(names), tuple(names[:_NAMED]))
        for version, names in sorted(found.items(), key=_oldest_first)
    )


# Nodes that are named of each version.
_NAMED = 3


def _oldest_first(entry: tuple[Version | None, list[str]]) -> tuple[bool, Version]:
    version, _ = entry
    return version is None, version or Version(0, 0)


@dataclass(frozen=True, slots=True)
class Skew:
    """Kubelets of one minor version that don't fit the API server: by how much they are older.

    ``behind`` is less than 0 where they are newer.
    """

    release: str
    behind: int
    nodes: int
    names: tuple[str, ...]


def skews(versions: ClusterVersions) -> Iterator[Skew]:
    """Yield the kubelets that Kubernetes does not support with this API server."""
    server = versions.server
    if server is None:
        return
    together: dict[str, list[Kubelets]] = {}
    for each in versions.kubelets:
        if each.version is not None and not 0 <= each.version.behind(server) <= MOST_BEHIND:
            together.setdefault(each.version.release, []).append(each)
    for release, found in together.items():
        [version, *_] = [each.version for each in found if each.version is not None]
        yield Skew(
            release,
            version.behind(server),
            sum(each.nodes for each in found),
            tuple(name for each in found for name in each.names)[:_NAMED],
        )
