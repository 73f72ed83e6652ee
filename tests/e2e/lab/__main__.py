"""The lab from a shell: clusters that stay up until they are told to go.

python -m tests.e2e.lab build [--with helm|monitoring] | prepare | status
python -m tests.e2e.lab tool actionlint|krew
python -m tests.e2e.lab up NAME | down NAME | kubeconfig NAME
"""

import argparse
import sys
import time

from tests.e2e.lab.binaries import RELEASING, build, build_helm, build_monitoring, build_releasing
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.clusters import KINDS, choose, cluster
from tests.e2e.lab.directories import clusters_root
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.kwok import KwokCluster
from tests.e2e.lab.programs import can_build


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Results go to stdout, for scripts; everything else to stderr."""
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.command == "build":
            _print(build(set(parsed.need) - {"monitoring"}))
            if "monitoring" in parsed.need:
                _print(build_monitoring())
        elif parsed.command == "prepare":
            chosen = choose(parsed.kind)
            if chosen is KwokCluster:
                build()
            if can_build():
                build_helm()
                build_monitoring()
                build_releasing("alertmanager")
        elif parsed.command == "tool":
            _print(build_releasing(parsed.name))
        elif parsed.command == "status":
            _status(choose(parsed.kind))
        else:
            _one(parsed.command, cluster(parsed.name, kind=parsed.kind))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _one(command: str, chosen: Cluster) -> None:
    if command == "up":
        started = time.monotonic()
        chosen.up()
        print(
            f"cluster {chosen.name} ({chosen.kind}) is up after {time.monotonic() - started:.1f} s",
            file=sys.stderr,
        )
    if command == "down":
        chosen.down()
        return
    if not chosen.kubeconfig.exists():
        raise LabError(
            f"there is no {chosen.kind} cluster {chosen.name}: "
            f"start it with `python -m tests.e2e.lab up {chosen.name}`"
        )
    _print(chosen.kubeconfig)


def _status(kind: type[Cluster]) -> None:
    names = sorted(path.parent.name for path in clusters_root().glob("*/kubeconfig"))
    for name in names:
        found = kind(name)
        _print(f"{name}\t{'up' if found.is_up() else 'down'}\t{found.kubeconfig}")
    if not names:
        print("no clusters", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.lab", description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), help="default: E2E_CLUSTER, or what works")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build the programs and print where they are")
    building.add_argument(
        "--with",
        dest="need",
        action="append",
        default=[],
        choices=["helm", "monitoring"],
        help="build more",
    )
    commands.add_parser("prepare", help="build what the tests will run, with progress on stderr")
    tool = commands.add_parser("tool", help="build a tool of releases, and print where it is")
    tool.add_argument("name", choices=[command.name for command in RELEASING])
    commands.add_parser("status", help="list clusters and whether they answer")
    for name, text in (
        ("up", "start a cluster that stays, and print its kubeconfig's path"),
        ("down", "tear a cluster down"),
        ("kubeconfig", "print the path of a cluster's kubeconfig"),
    ):
        commands.add_parser(name, help=text).add_argument("name", metavar="NAME")
    return parser


def _print(line: object) -> None:
    print(line)


if __name__ == "__main__":
    sys.exit(main())
