"""What the operator costs beside a real API server: ``python -m bench.live [--before REVISION]``.

A control plane of its own (kwok) gets the fleet of ``bench.fleet``, and the operator runs as a
process with the chart's rights: its first start on one core, then with more hubs and many
strangers, in a burst of bindings, and with all that scrape it at once. Each revision has a cluster
of its own, one after the other, with the same objects. Seconds say what the machine did as well;
CPU seconds (the process that plans included) and MiB hardly do.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import fleet
from bench.compare import tree
from bench.process_tree import Peak, ProcessTree, peak_of
from demo import organisation
from responsibility.api import names
from responsibility.subject_kinds import SubjectKind
from tests.e2e.lab import audit
from tests.e2e.lab.kwok import KwokCluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, Manifest, where
from tests.e2e.operator.process import PROGRAM, Operator, spawned
from tests.e2e.operator.world import World, role_binding

_HERE = Path(__file__).resolve().parent
_LATER_HUBS = 300
_STRANGERS, _BURST, _USERS, _SCRAPES = 8, 2_000, 3_000, 100
_PATIENCE = 600.0
# Seconds after which no plan is waited for any more.
_PLANNING = 60.0
# Seconds without a write after which all is settled.
_QUIET = 3.0
_RUN = "import sys; from responsibility.cli.main import script; sys.exit(script())"
# What of a hub the operator doesn't read.
_UNSEEN = ("Service", "NetworkPolicy", "PodDisruptionBudget", "PersistentVolumeClaim")
_NOTHING = subprocess.DEVNULL


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and what it should be at most, where there is a limit."""

    name: str
    value: float
    unit: str
    limit: float | None = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", help="a revision, or a folder that has one")
    parser.add_argument("--hubs", type=int, default=_LATER_HUBS, help="in all but the first start")
    options = parser.parse_args()
    with tree(options.before) as before:
        trees = {"before": before, "now": _HERE.parent} if before else {"now": _HERE.parent}
        measured = {name: list(_told(rows(at, options.hubs))) for name, at in trees.items()}
    _show(measured)


def _told(found: Iterator[Row]) -> Iterator[Row]:
    """Say each as soon as it is known: a run takes minutes."""
    for row in found:
        print(f"    {row.name}: {row.value:,.1f} {row.unit}", file=sys.stderr, flush=True)
        yield row


def _show(measured: dict[str, list[Row]]) -> None:
    before = {row.name: row for row in measured.get("before", [])}
    print(f"{'':<56}{'before' if before else '':>10}{'now':>10}{'at most':>10}")
    for row in measured["now"]:
        earlier = f"{before[row.name].value:,.1f}" if row.name in before else ""
        limit = "" if row.limit is None else f"{row.limit:,.1f}"
        print(f"{f'{row.name}, {row.unit}':<56}{earlier:>10}{row.value:>10,.1f}{limit:>10}")


@dataclass(slots=True)
class Live:
    """A world and the tree of the operator that is measured in it."""

    world: World
    tree: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Work out what programs of this tree are run with."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("KUBE")}
        path = os.pathsep.join(map(str, (self.tree / "operator", self.tree)))
        self.environment = {**kept, "PYTHONPATH": path}

    @contextmanager
    def operator(self, *, cores: str = "") -> Iterator[Operator]:
        """Run it, by itself and not forked: its memory is all its own. ``cores`` as of taskset."""
        kubeconfig = self.world.identity()
        command = [sys.executable, "-m", PROGRAM]
        if cores:
            command = ["taskset", "--cpu-list", cores, *command]
        settings = {
            **self.environment,
            "RESPONSIBILITY_KUBECONFIG": str(kubeconfig),
            "RESPONSIBILITY_LISTEN": "127.0.0.1:0",
            "RESPONSIBILITY_NAMESPACE": chart.NAMESPACE,
        }
        running = Operator(
            spawned(command, settings, kubeconfig.with_suffix(".log")),
            kubeconfig.with_suffix(".log"),
        )
        try:
            yield running
        finally:
            running.kill()

    def assessed(self) -> int:
        """Return of how many records there is a status."""
        records = self.world.admin.items(where(OURS, "Responsibility"))
        return sum("status" in record for record in records)


def rows(tree_: Path, hubs: int) -> Iterator[Row]:
    """Yield the figures of one tree."""
    name = f"bench-live-{os.getpid()}"
    with KwokCluster(name) as cluster, tempfile.TemporaryDirectory() as folder:
        world = World(cluster, Path(folder))
        world.install()
        live = Live(world, tree_)
        chosen = fleet.hubs(together=True)
        world.admin.apply(*fleet.cluster_manifests())
        _deploy(world, chosen)
        yield from _first_start(live, len(chosen))
        more = [_further(number) for number in range(len(chosen), hubs)]
        _deploy(world, more)
        namespaces = [hub.namespace for hub in (*chosen, *more)]
        world.admin.apply(*_strangers(namespaces))
        with live.operator() as operator:
            yield from _large(live, operator, namespaces)
        yield from _questions(live, namespaces[0])


def _deploy(world: World, hubs: Sequence[fleet.FleetHub]) -> None:
    manifests = [each for hub in hubs for each in fleet.hub_manifests(hub)]
    world.admin.apply(*(_at_rest(each) for each in manifests if each["kind"] not in _UNSEEN))
    world.admin.apply(*map(fleet.record_manifest, hubs))


def _at_rest(manifest: Manifest) -> Manifest:
    """Return the same without pods, which nobody looks at here."""
    spec = manifest.get("spec")
    return (
        {**manifest, "spec": {**spec, "replicas": 0}} if spec and "replicas" in spec else manifest
    )


def _further(number: int) -> fleet.FleetHub:
    return fleet.FleetHub(number, "more", f"college-{number}", f"more-college-{number}")


def _strangers(namespaces: Sequence[str]) -> list[Manifest]:
    """Return people with rights that are none of theirs, as many in each hub's namespace."""
    return [
        role_binding(name, f"stranger-{n}", "admin", f"stranger-{n}@{name}.example")
        for name in namespaces
        for n in range(_STRANGERS)
    ]


def _first_start(live: Live, hubs: int) -> Iterator[Row]:
    since = live.world.mark()
    began = time.monotonic()
    with live.operator(cores="0") as operator:
        processes = ProcessTree(operator.process.pid)
        _until(operator, lambda: live.assessed() == hubs, f"{hubs} statuses", interval=0.3)
        seconds, cpu = time.monotonic() - began, processes.cpu()
        yield Row(f"first start, {hubs} hubs, one core: all statuses", seconds, "s", 8)
        yield Row("    the same", cpu, "CPU s")
        _until_settled(live.world, operator)
        asked = live.world.requests(since)
        yield Row("    requests for each hub until settled", len(asked) / hubs, "", 3)
        kinds = Counter(
            f"{event['verb']} {event.get('objectRef', {}).get('resource', event['requestURI'])}"
            for event in asked
        )
        for kind, number in kinds.most_common(4):
            yield Row(f"        {kind}", number, "")


def _large(live: Live, operator: Operator, namespaces: Sequence[str]) -> Iterator[Row]:
    processes = ProcessTree(operator.process.pid)
    began = time.monotonic()
    hubs = len(namespaces)
    _until(operator, lambda: _planned(operator) >= 0, "plans under way", interval=2)
    yield _appears(live, operator, "a ClusterRoleBinding in the metrics, plans under way", 2)
    wanted = _planned(operator)
    before, end = processes.cpu(), time.monotonic() + _PLANNING
    with processes.watched() as memory:
        _until(
            operator,
            lambda: _planned(operator) == 0 or time.monotonic() > end,
            "all plans",
            interval=2,
        )
        left = _planned(operator)
    yield Row(f"all plans, {hubs} hubs, or {_PLANNING:g} s", time.monotonic() - began, "s", 20)
    yield Row("    plans that are still to be made", left, "")
    cost = (processes.cpu() - before) / max(1.0, wanted - left)
    yield Row("    each plan, with its pass and writes", cost * 1e3, "CPU ms")
    yield Row("findings", operator.metrics().total("drift"), "")
    yield Row("memory with what plans, at most", memory.most, "MiB", 200)
    yield Row("    at rest", processes.memory(), "MiB")
    yield from _page(operator, processes)
    with processes.watched() as memory:
        _scrape_at_once(operator)
    yield Row(f"memory, {_SCRAPES} scrapes at once, at most", memory.most, "MiB", 256)
    yield from _burst(live, operator, processes, namespaces)
    before = processes.cpu()
    users = [f"user-{n}@example.org" for n in range(_USERS)]
    yield _appears(live, operator, f"{_USERS:,} users in one binding in the metrics", 1, users)
    yield Row("    users until then", processes.cpu() - before, "CPU s")
    yield Row("    memory then", processes.memory(), "MiB")


def _planned(operator: Operator) -> float:
    """Return for how many hubs plans are awaited; -1 before there was a pass."""
    metrics = operator.metrics()
    if not metrics.of("hub_info"):
        return -1
    return metrics.value("plans_pending")


def _appears(
    live: Live, operator: Operator, what: str, limit: float, users: Sequence[str] = ()
) -> Row:
    """Give rights to somebody new, and return how long it takes until a metric says so."""
    before = operator.metrics().total("drift")
    if users:
        name = fleet.hubs(together=True)[0].namespace
        live.world.admin.apply(role_binding(name, "many-users", "admin", *users))
    else:
        newcomer = {"kind": str(SubjectKind.USER), "name": "newcomer@example.org"}
        live.world.admin.apply(organisation.cluster_binding("newcomer", "cluster-admin", newcomer))
    began = time.monotonic()
    more = len(users) or 1
    _until(
        operator,
        lambda: operator.metrics().total("drift") >= before + more,
        "it in the metrics",
        interval=0.5,
    )
    return Row(what, time.monotonic() - began, "s", limit)


def _page(operator: Operator, processes: ProcessTree) -> Iterator[Row]:
    """Yield what the metrics page is, and what one more look at it costs."""
    text = operator.metrics().text
    times = 10
    before = processes.cpu()
    for _ in range(times):
        operator.metrics()
    cost = (processes.cpu() - before) / times
    yield Row(
        "metrics page, series", sum(not x.startswith("#") for x in text.splitlines()), "", 1e4
    )
    yield Row("    size", len(text) / 1e3, "kB")
    yield Row("    size compressed", len(gzip.compress(text.encode(), 6)) / 1e3, "kB")
    yield Row("    one scrape", cost * 1e3, "CPU ms")


def _scrape_at_once(operator: Operator) -> None:
    with ThreadPoolExecutor(_SCRAPES) as pool:
        for _ in range(2):
            list(pool.map(lambda _: operator.page("/metrics")[0], range(_SCRAPES)))


def _burst(
    live: Live, operator: Operator, processes: ProcessTree, namespaces: Sequence[str]
) -> Iterator[Row]:
    each = _BURST // len(namespaces) + 1
    bindings = [
        role_binding(name, f"burst-{n}", "edit", f"burst-{n}@{name}.example")
        for n in range(each)
        for name in namespaces
    ][:_BURST]
    before, known = processes.cpu(), operator.metrics().total("drift")
    with processes.watched() as memory, _stall(operator) as late:
        live.world.admin.apply(*bindings)
        applied = time.monotonic()
        # Each gives somebody one thing at least that is not theirs.
        _until(
            operator,
            lambda: operator.metrics().total("drift") >= known + len(bindings),
            "all of them in the metrics",
            interval=0.5,
        )
        seen = time.monotonic()
    yield Row(f"{_BURST:,} bindings: longest wait for /healthz", late.most, "s", 0.2)
    yield Row("    in the metrics after the last", seen - applied, "s", 5)
    yield Row("    burst until then", processes.cpu() - before, "CPU s")
    yield Row("    memory, at most", memory.most, "MiB", 256)


def _stall(operator: Operator) -> AbstractContextManager[Peak]:
    """Have ``/healthz`` asked again and again: the most seconds that it took."""

    def answer() -> float:
        began = time.monotonic()
        operator.page("/healthz")
        return time.monotonic() - began

    return peak_of(answer, 0.02)


def _until_settled(world: World, operator: Operator) -> float:
    """Wait until nothing has been written for a while; return when (monotonic) it last was."""
    last = time.monotonic()
    since = world.mark()

    def quiet() -> bool:
        nonlocal last, since
        now = world.mark()
        if any(
            map(_is_news, audit.events(world.cluster.audit_log, since=since, user=chart.ACCOUNT))
        ):
            last = time.monotonic()
        since = now
        return time.monotonic() - last > _QUIET

    _until(operator, quiet, "nothing to be written", interval=0.2)
    return last


def _is_news(event: audit.Event) -> bool:
    return audit.is_write(event) and event["objectRef"]["resource"] in _PUBLISHED


_PUBLISHED = frozenset({names.RECORDS, names.MODELS, "deployments", "events"})


def _questions(live: Live, namespace: str) -> Iterator[Row]:
    """Yield what ``who-can`` takes as a process, asked of the cluster."""
    command = [sys.executable, "-c", _RUN, "who-can", "delete", "pods", "-n", namespace]
    command += ["--kubeconfig", str(live.world.cluster.kubeconfig)]
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command,
            check=True,
            env=live.environment,
            cwd=live.tree,
            stdout=_NOTHING,
            stderr=_NOTHING,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    yield Row("who-can, one namespace, whole process", min(taken) * 1e3, "CPU ms", 180)


def _until(
    operator: Operator, reached: Callable[[], object], what: str, *, interval: float
) -> None:
    def looked() -> object:
        assert operator.running, f"the operator has ended:\n{operator.log[-3000:]}"
        return reached()

    wait_until(looked, _PATIENCE, what, interval=interval)


if __name__ == "__main__":
    main()
