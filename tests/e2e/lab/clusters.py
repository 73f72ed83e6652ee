"""Which kind of cluster the tests get, and the way to one of it."""

import os
import shutil
from functools import cache

from tests.e2e.lab import lifetime
from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.directories import clusters_root
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.existing import ExistingCluster
from tests.e2e.lab.kind import KindCluster, why_not
from tests.e2e.lab.kwok import KwokCluster

KINDS: dict[str, type[Cluster]] = {
    KwokCluster.kind: KwokCluster,
    KindCluster.kind: KindCluster,
    ExistingCluster.kind: ExistingCluster,
}


def choose(kind: str | None = None) -> type[Cluster]:
    """Choose the kind of cluster: `kind`, else E2E_CLUSTER, else what the machine can do.

    Raises:
        LabError: there is no such kind.
    """
    asked = kind or os.environ.get("E2E_CLUSTER") or _possible()
    if asked not in KINDS:
        raise LabError(f"E2E_CLUSTER={asked!r} is unknown; use one of {', '.join(KINDS)}")
    return KINDS[asked]


def cluster(name: str, *, kind: str | None = None, options: Options | None = None) -> Cluster:
    """Describe a cluster, not yet up; use it with `with`, or call `up` and `down`."""
    return choose(kind)(name, options)


def sweep() -> None:
    """Tear down what killed runs have left; clusters that were brought up to stay, stay."""
    for directory, kind in lifetime.orphans(clusters_root()):
        if kind in KINDS:
            lifetime.say(f"tearing down cluster {directory.name}, whose owner has died")
            try:
                KINDS[kind](directory.name).down()
            except LabError as error:
                # Its tool may be gone. What is left over keeps nobody from clusters of their own.
                lifetime.say(f"cluster {directory.name} is left: {error}")


@cache
def _possible() -> str:
    """`kind` where it can work, since it is closest to the real thing; else `kwok`."""
    reason = why_not()
    if not reason:
        return KindCluster.kind
    if shutil.which(KindCluster.kind) is not None:
        lifetime.say(f"clusters are of kind kwok, since kind can't work here: {reason}")
    return KwokCluster.kind
