"""What admission costs: the same requests without policies, and with them in force or not.

``python -m bench.admission`` starts a control plane of its own (kwok), installs the policies of
the shipped model and asks, in turns, for the same dry runs in a namespace in which nothing is
enforced and in one in which everything is; with one enforced hub and with 500. Before that, the
same requests are timed without any policy, and after it again, since machines get warm.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from responsibility.enforcement import keys
from responsibility.enforcement.rendered import rendered
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import MERGE, STRATEGIC, Asker, Person
from tests.e2e.admission.conftest import RBAC, set_keys, text
from tests.e2e.lab import clusters
from tests.e2e.lab.cluster import Cluster

FREE, HELD = "bench-free", "bench-held"
_OWNER = Person("owner-15")
_WARM = 30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hubs", type=int, default=500, help="enforced hubs in the second round")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    measure(hubs_=options.hubs, rounds=options.rounds, seed=options.seed)


def measure(*, hubs_: int = 500, rounds: int = 60, seed: int = 0) -> None:
    """Print every figure."""
    draw = random.Random(seed)
    print(f"seed {seed}: {rounds} rounds of each request, interleaved")
    with _cluster() as cluster:
        asker = Asker(cluster)
        for name in (FREE, HELD):
            cluster.kubectl("create", "namespace", name)
            for kind in ("Deployment", "ConfigMap"):
                asker.ask(None, "POST", _path(name, kind), _object(kind), dry=False)
        before = _round(asker, draw, rounds)
        _show("no policies", before, before)
        manifests = rendered(hubs.MODEL, namespace=hubs.OPERATOR_NAMESPACE, account=hubs.ACCOUNT)
        policies = [m for m in manifests if m["kind"] == "ValidatingAdmissionPolicy"]
        cluster.kubectl("apply", "--server-side", "-f", "-", input=text(manifests))
        labels = hubs.stages(hubs.ITEMS, keys.DENY)
        set_keys(asker, HELD, dict(labels), dict(hubs.notes(HELD)))
        print(f"{len(policies)} policies, {len(manifests) - len(policies)} bindings")
        _show("1 enforced hub", _round(asker, draw, rounds), before)
        for number in range(hubs_ - 1):
            name = f"bench-{number}"
            body = hubs.namespace(name, {}, {})
            asker.ask(None, "POST", "/api/v1/namespaces", body, dry=False)
            body = hubs.namespace(name, labels, hubs.notes(name))
            path = f"/api/v1/namespaces/{name}"
            asker.ask(hubs.OPERATOR, "PATCH", path, body, type=MERGE, dry=False)
        _show(f"{hubs_} enforced hubs", _round(asker, draw, rounds), before)
        names = [m["metadata"]["name"] for m in manifests]
        kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings"
        cluster.kubectl("delete", kinds, *dict.fromkeys(names), "--ignore-not-found")
        _show("no policies, again", _round(asker, draw, rounds), before)


@contextmanager
def _cluster() -> Iterator[Cluster]:
    with clusters.cluster("bench-admission", kind="kwok") as fresh:
        fresh.kubectl("apply", "-f", "crds")
        fresh.kubectl("apply", "-f", "-", input=RBAC)
        yield fresh


def _path(namespace: str, kind: str, name: str = "") -> str:
    root = "/apis/apps/v1" if kind == "Deployment" else "/api/v1"
    plural = "deployments" if kind == "Deployment" else "configmaps"
    return f"{root}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def _object(kind: str) -> dict[str, Any]:
    if kind == "Deployment":
        return hubs.workload("Deployment", "hub")
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "hub"}, "data": {"a": "b"}}


def _round(asker: Asker, draw: random.Random, rounds: int) -> dict[tuple[str, str], float]:
    """Return the median milliseconds of each request in each namespace."""
    cases = [(name, kind) for name in (FREE, HELD) for kind in ("Deployment", "ConfigMap")]
    taken: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    for number in range(rounds + _WARM):
        draw.shuffle(cases)
        for name, kind in cases:
            body = {"metadata": {"labels": {"bench": str(number)}}}
            path = _path(name, kind, "hub")
            start = time.perf_counter()
            answer = asker.ask(_OWNER, "PATCH", path, body, type=STRATEGIC)
            took = time.perf_counter() - start
            assert answer.code == 200, answer.message  # noqa: S101
            if number >= _WARM:
                taken[name, kind].append(took * 1000)
    return {case: statistics.median(times) for case, times in taken.items()}


def _show(
    what: str, found: dict[tuple[str, str], float], before: dict[tuple[str, str], float]
) -> None:
    print(what)
    for kind in ("Deployment", "ConfigMap"):
        free, held = found[FREE, kind], found[HELD, kind]
        first = before[FREE, kind]
        print(
            f"    patch {kind:<11} not enforced {free:6.2f} ms ({free / first:4.2f} of none), "
            f"enforced {held:6.2f} ms (+{held - free:5.2f} ms, {held / free:4.2f} times)",
            flush=True,
        )


if __name__ == "__main__":
    main()
