"""Our reflector against the client's ``SharedInformer``: time until synced, and memory.

``python -m bench.reflector --kubeconfig PATH`` on a live cluster. RoleBindings are created until
there are ``--objects`` of them, in a namespace that is deleted again in the end. Each contender
runs in a fresh process, several times in turn; the best run of each counts, since everything
that disturbs a run makes it slower. Memory is what the process has once it is synced, less what
it had before it began, and its peak.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from responsibility import api_groups
from responsibility.api.names import MANAGED_BY_LABEL

NAMESPACE = "bench-reflector"
_RBAC = f"{api_groups.RBAC}/v1"
ALL = f"/apis/{_RBAC}/rolebindings"
OURS = f"/apis/{_RBAC}/namespaces/{NAMESPACE}/rolebindings"
MIB = 1024.0


def main() -> None:
    """Measure both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--contender", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        print(json.dumps(CONTENDERS[options.contender](options.kubeconfig)), flush=True)
        # The informer's thread blocks in a read until the next event and can't be joined; an
        # interpreter that is torn down under it aborts.
        os._exit(0)
    asyncio.run(_fill(options.kubeconfig, options.objects))
    try:
        _compare(options.kubeconfig, options.runs)
    finally:
        asyncio.run(_clear(options.kubeconfig))


def _compare(kubeconfig: Path, runs: int) -> None:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(runs):
        for name, measured in results.items():
            measured.append(_measure(name, kubeconfig))
    best = {
        name: {figure: min(run[figure] for run in measured) for figure in measured[0]}
        for name, measured in results.items()
    }
    for name, figures in best.items():
        print(
            f"{name:10} {figures['objects']:.0f} objects: synced after {figures['seconds']:.2f} s "
            f"({figures['cpu']:.2f} s of CPU), "
            f"{figures['held']:.1f} MiB held, {figures['peak']:.1f} MiB at most, "
            f"{figures['process']:.1f} MiB the whole process"
        )
    ours, theirs = best["reflector"], best["informer"]
    for figure in ("seconds", "cpu", "held", "peak", "process"):
        print(f"{figure}: the informer takes {theirs[figure] / max(ours[figure], 0.01):.1f} times")


def _measure(name: str, kubeconfig: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.reflector", "--contender", name]
    done = subprocess.run(
        [*command, "--kubeconfig", str(kubeconfig)], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _reflector(kubeconfig: Path) -> dict[str, float]:
    from responsibility.kube.client import Api
    from responsibility.kube.reflector import Reflector
    from responsibility.rbac.objects import Binding, BindingKey
    from responsibility.rbac.parse import parse_binding

    def transform(raw: dict[str, Any]) -> tuple[BindingKey, Binding]:
        # The server leaves the kind out of the items of a list.
        binding = parse_binding({"kind": "RoleBinding", **raw})
        return binding.key, binding

    async def run() -> dict[str, float]:
        async with Api.connect(kubeconfig) as api:
            reflector = Reflector(api, ALL, transform)
            before, began = _memory("VmRSS"), (time.perf_counter(), time.process_time())
            task = asyncio.create_task(reflector.run())
            await reflector.wait_synced(120)
            figures = _figures(len(reflector.items), began, before)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return figures

    return asyncio.run(run())


def _informer(kubeconfig: Path) -> dict[str, float]:
    from kubernetes import client, config
    from kubernetes.informer import SharedInformer

    config.load_kube_config(str(kubeconfig))
    api = client.RbacAuthorizationV1Api()
    informer = SharedInformer(api.list_role_binding_for_all_namespaces)
    before, began = _memory("VmRSS"), (time.perf_counter(), time.process_time())
    informer.start()
    # It has no barrier: the cache is replaced at once when its list is complete.
    while not len(informer.cache.list_keys()):
        time.sleep(0.001)
    return _figures(len(informer.cache.list_keys()), began, before)


CONTENDERS: dict[str, Callable[[Path], dict[str, float]]] = {
    "reflector": _reflector,
    "informer": _informer,
}


def _figures(objects: int, began: tuple[float, float], before: float) -> dict[str, float]:
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    peak = _memory("VmHWM")
    gc.collect()
    process = _memory("VmRSS")
    return {
        "objects": objects,
        "seconds": seconds,
        "cpu": cpu,
        "held": process - before,
        "peak": peak - before,
        "process": process,
    }


def _memory(field: str) -> float:
    """Return a field of the process's status in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / MIB
    raise LookupError(field)


async def _fill(kubeconfig: Path, objects: int) -> None:
    from responsibility.kube.client import Api

    async with Api.connect(kubeconfig) as api:
        there = sum([len(page["items"]) async for page in api.pages(ALL)])
        await api.apply(
            f"/api/v1/namespaces/{NAMESPACE}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            field_manager="bench",
        )
        gate = asyncio.Semaphore(32)

        async def create(number: int) -> None:
            async with gate:
                await api.create(OURS, _binding(number))

        async with asyncio.TaskGroup() as group:
            for number in range(max(0, objects - there)):
                group.create_task(create(number))


async def _clear(kubeconfig: Path) -> None:
    from responsibility.kube.client import Api

    async with Api.connect(kubeconfig) as api:
        await api.delete(f"/api/v1/namespaces/{NAMESPACE}")


def _binding(number: int) -> dict[str, Any]:
    role = {"apiGroup": api_groups.RBAC, "kind": "ClusterRole", "name": "view"}
    return {
        "apiVersion": _RBAC,
        "kind": "RoleBinding",
        "metadata": {
            "name": f"binding-{number}",
            "labels": {MANAGED_BY_LABEL: "Helm", "team": f"team-{number % 50}"},
            "annotations": {"meta.helm.sh/release-name": f"release-{number % 200}"},
        },
        "roleRef": role,
        "subjects": [
            {
                "apiGroup": api_groups.RBAC,
                "kind": "Group",
                "name": f"team-{number % 50}",
            },
            {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": f"account-{number % 300}"},
        ],
    }


if __name__ == "__main__":
    main()
