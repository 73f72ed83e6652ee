"""The demo from a shell: a control plane with an organisation on it.

python -m demo up | down
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import yaml

from demo import organisation, story
from demo.labels import Manifest
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.clusters import cluster
from tests.e2e.lab.errors import LabError

NAME = "demo"
FIELD_MANAGER = "demo"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a cluster that can't be had is an error of one sentence."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    command: str = parser.parse_args(arguments).command
    try:
        chosen = cluster(NAME)
        if command == "up":
            up(chosen)
        else:
            chosen.down()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def up(chosen: Cluster) -> None:
    """Start the cluster, put the organisation on it, and tell its story."""
    chosen.up()
    apply(chosen, [*organisation.manifests(), *organisation.third_hub()])
    story.tell()
    print(f"export KUBECONFIG={chosen.kubeconfig}")


def apply(chosen: Cluster, manifests: Iterable[Manifest]) -> None:
    """Apply manifests server-side, as one stream of documents.

    Not as a List: kubectl then checks the entries itself, and refuses the partial objects that
    server-side apply is there for.
    """
    stream = yaml.safe_dump_all(manifests, sort_keys=False)
    chosen.kubectl(
        "apply", "--server-side", f"--field-manager={FIELD_MANAGER}", "-f=-", input=stream
    )


if __name__ == "__main__":
    sys.exit(main())
