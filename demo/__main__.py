"""The demo from a shell: a control plane with an organisation on it, and the operator beside it.

python -m demo up | tell | tour | down
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from demo import story, tour
from demo.background import Operator
from demo.installation import install
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.clusters import choose, cluster
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.existing import ExistingCluster

NAME = "demo"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a cluster that can't be had is an error of one sentence."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "command",
        choices=["up", "tell", "tour", "down"],
        help="start it and tell its story, tell it once more, record docs/tour.md, remove it",
    )
    parser.add_argument(
        "--name",
        default=os.environ.get("DEMO_NAME") or NAME,
        help=f"the cluster's name (default: $DEMO_NAME, else {NAME})",
    )
    parsed = parser.parse_args(arguments)
    try:
        commands[parsed.command](_cluster(parsed.name))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _cluster(name: str) -> Cluster:
    """Describe the demo's cluster; never one that is somebody else's."""
    if choose() is ExistingCluster:
        raise LabError(
            "the demo binds strangers to cluster-admin, which is nothing for a cluster that "
            "somebody uses: set E2E_CLUSTER=kwok or kind"
        )
    return cluster(name)


def up(chosen: Cluster) -> None:
    """Start the cluster, put the organisation on it, start the operator, and tell the story."""
    operator = Operator(chosen)
    for what, step in (
        (f"control plane ({chosen.kind})", chosen.up),
        ("three hubs, the people around them, and who owns what", lambda: install(chosen)),
        ("operator", operator.start),
    ):
        started = time.monotonic()
        step()
        print(f"{what} … {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    tell(chosen)


def tell(chosen: Cluster) -> None:
    """Tell what the operator has written into the cluster by now."""
    operator = Operator(chosen)
    if not (chosen.is_up() and operator.is_up()):
        raise LabError(f"the demo {chosen.name} is not up: start it with `make demo`")
    story.tell(chosen, operator)


def record_tour(chosen: Cluster) -> None:
    """Run the commands of docs/tour.md and write what they show into it."""
    if not chosen.is_up():
        raise LabError(f"the demo {chosen.name} is not up: start it with `make demo`")
    tour.write(chosen)


def down(chosen: Cluster) -> None:
    """Stop the operator and remove the cluster with everything that it kept on disk."""
    Operator(chosen).stop()
    chosen.down()


commands = {"up": up, "tell": tell, "tour": record_tour, "down": down}


if __name__ == "__main__":
    sys.exit(main())
