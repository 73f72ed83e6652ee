"""What admission costs: the same requests without policies, and with them in force or not.

``python -m bench.admission`` starts a control plane of its own (kwok), installs the policies of
the shipped model and asks, over one connection and in turns, for the same dry runs in a namespace
in which nothing is enforced and in one in which everything is; with one enforced hub and with 500.
Before that, the same requests are timed without any policy, and after it again, since machines get
warm.

``--before FILE`` measures other policies first, such as those of an earlier version (``kubectl
responsibility render policies``): only two figures of one run can be held against each other.

Two figures are given for each. How long a request took depends on what else the machine does. What
the API server itself counts for its policies (``apiserver_admission_controller_admission_…``)
depends on that much less, and is what policies cost.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from responsibility.admission.policies.rendered import rendered
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import MERGE, STRATEGIC, Asker, Person
from tests.e2e.admission.conftest import RBAC, set_keys, text
from tests.e2e.lab import clusters
from tests.e2e.lab.cluster import Cluster

FREE, HELD = "bench-free", "bench-held"
# The group and plural of what is changed. A Deployment's fields belong to several items, and the
# Secret is guarded by the most of them.
KINDS: Mapping[str, tuple[str, str]] = {
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
}
_OWNER = Person("owner-15")
# Requests that are asked one after the other, between two looks at what the API server counts.
_TOGETHER = 10
# Seconds after which the API server has compiled what was changed, with a good deal to spare.
_TAKEN_OVER = 30
_COUNTED = "apiserver_admission_controller_admission_duration_seconds_"

Case = tuple[str, str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hubs", type=int, default=500, help="enforced hubs in the second round")
    parser.add_argument("--rounds", type=int, default=20, help=f"of {_TOGETHER} requests each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--before", type=Path, help="manifests of policies to measure as well")
    options = parser.parse_args()
    measure(hubs_=options.hubs, rounds=options.rounds, seed=options.seed, other=options.before)


def measure(
    *, hubs_: int = 500, rounds: int = 20, seed: int = 0, other: Path | None = None
) -> None:
    """Print every figure."""
    draw = random.Random(seed)
    print(f"seed {seed}: {rounds} times {_TOGETHER} of each request, in turns; medians")
    with _cluster() as cluster:
        asker = Asker(cluster)
        for name in (FREE, HELD):
            cluster.kubectl("create", "namespace", name)
            for kind in KINDS:
                asker.ask(None, "POST", _path(name, kind), _object(kind), dry=False)
        before = _round(asker, draw, rounds)
        _show("no policies", before, before)
        manifests = rendered(hubs.MODEL, namespace=hubs.OPERATOR_NAMESPACE, account=hubs.ACCOUNT)
        policies = [m for m in manifests if m["kind"] == "ValidatingAdmissionPolicy"]
        cluster.kubectl("apply", "--server-side", "-f", "-", input=text(manifests))
        labels = hubs.stages(hubs.ITEMS, AdmissionStage.DENY)
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
        if other is not None:
            # In turns as well, as far as that goes: those before between two times those of now.
            turns = {f"those of {other.name}": other.read_text(encoding="utf-8")}
            for words, policies_ in (*turns.items(), ("those of now, again", text(manifests))):
                apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
                cluster.kubectl(*apply, input=policies_)
                time.sleep(_TAKEN_OVER)
                _show(f"{hubs_} enforced hubs, {words}", _round(asker, draw, rounds), before)
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
    root, plural = KINDS[kind]
    return f"{root}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def _object(kind: str) -> dict[str, Any]:
    if kind == "Deployment":
        return hubs.workload("Deployment", "hub")
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "hub"}}


@dataclass
class _Taken:
    """Milliseconds of each request, and of the policies in each batch, for one of its requests."""

    requests: list[float] = field(default_factory=list)
    policies: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Figures:
    """Milliseconds of a request, and of its policies; ``least`` in the batch that had least."""

    request: float
    policies: float
    least: float


def _round(asker: Asker, draw: random.Random, rounds: int) -> dict[Case, _Figures]:
    """Return the median of each request in each namespace."""
    cases = [(name, kind) for name in (FREE, HELD) for kind in KINDS]
    taken = {case: _Taken() for case in cases}
    for number in range(rounds + 1):
        draw.shuffle(cases)
        for case in cases:
            # The first is for warming up.
            found = taken[case] if number else _Taken()
            before = _counted(asker)
            found.requests += [_ask(asker, case, number, again) for again in range(_TOGETHER)]
            seconds, asked = (new - old for new, old in zip(_counted(asker), before, strict=True))
            found.policies.append(seconds / asked * 1000)
    return {
        case: _Figures(
            statistics.median(found.requests),
            statistics.median(found.policies),
            min(found.policies),
        )
        for case, found in taken.items()
    }


def _ask(asker: Asker, case: Case, *numbers: int) -> float:
    name, kind = case
    body = {"metadata": {"labels": {"bench": "-".join(map(str, numbers))}}}
    start = time.perf_counter()
    answer = asker.ask(_OWNER, "PATCH", _path(name, kind, "hub"), body, type=STRATEGIC)
    took = time.perf_counter() - start
    assert answer.code == 200, answer.message
    return took * 1000


def _counted(asker: Asker) -> tuple[float, float]:
    """Return the seconds that updates spent in policies so far, and how many updates there were."""
    found = {"sum": 0.0, "count": 0.0}
    for line in asker.text("/metrics").splitlines():
        part, _, labels = line.removeprefix(_COUNTED).partition("{")
        if line.startswith(_COUNTED) and part in found and _is_ours(labels):
            found[part] += float(line.rsplit(" ", 1)[1])
    return found["sum"], found["count"]


def _is_ours(labels: str) -> bool:
    return 'name="ValidatingAdmissionPolicy"' in labels and 'operation="UPDATE"' in labels


def _show(what: str, found: Mapping[Case, _Figures], before: Mapping[Case, _Figures]) -> None:
    print(what)
    for kind in KINDS:
        told = []
        for name, words in ((FREE, "not enforced"), (HELD, "enforced")):
            mine, first = found[name, kind], before[name, kind]
            told.append(
                f"{words} {mine.request:6.2f} ms ({mine.request - first.request:+.2f} ms, "
                f"{mine.request / first.request:4.2f} times), of it policies {mine.policies:.3f} "
                f"(least {mine.least:.3f})"
            )
        print(f"    patch {kind:<11}{';  '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
