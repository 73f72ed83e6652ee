"""Clusters that tests take turns on: one is enough for all that ask one after the other.

Whoever takes one has it to itself, and nothing of anybody else's is on it. A second one is started
only while the first is taken, and one that is started in another way than usual, or can't be made
blank again, is used once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from tests.e2e.lab import clusters, lifetime
from tests.e2e.lab.blank import Blank
from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.existing import ExistingCluster


class Pool:
    """Clusters of one process. As a context manager, all are gone when it is left."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)
        # One at most: two at rest would take what one needs.
        self._free: list[tuple[Cluster, Blank]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def taken(self, options: Options | None = None) -> Iterator[Cluster]:
        """Have a blank cluster to oneself.

        Raises:
            NotSupported: clusters of this kind can't be started with such options.
        """
        if options not in (None, Options()) or clusters.choose() is ExistingCluster:
            with self._described(options) as cluster:
                yield cluster
            return
        cluster, blank = self._blank() or self._started()
        try:
            yield cluster
        finally:
            if self._free:
                self._drop(cluster)
            else:
                self._free.append((cluster, blank))

    def _blank(self) -> tuple[Cluster, Blank] | None:
        """Make the free one blank, now that it is known that somebody wants it."""
        if not self._free:
            return None
        cluster, blank = self._free.pop()
        try:
            with lifetime.counted("made blank"):
                blank.restore()
        except LabError as error:
            lifetime.say(f"\ncluster {cluster.name} is used no more: {error}")
            self._drop(cluster)
            return None
        return cluster, blank

    def _started(self) -> tuple[Cluster, Blank]:
        cluster = self._stack.enter_context(self._described())
        return cluster, Blank(cluster)

    def _described(self, options: Options | None = None) -> Cluster:
        return clusters.cluster(f"{self._prefix}-{next(self._numbers)}", options=options)

    @staticmethod
    def _drop(cluster: Cluster) -> None:
        cluster.down()
        lifetime.release(cluster.directory)
