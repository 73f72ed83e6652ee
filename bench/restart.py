"""How long a restarted API server is of no use, with all policies of the shipped model and without.

``python -m bench.restart`` kills the API server of a control plane of its own (kwok) and starts it
again, twice each way. It counts from the start of the new process until the server says that it is
ready, and until the first write goes through, in a namespace in which everything is enforced.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable

from bench.admission import FREE, HELD
from responsibility.admission.policies.rendered import rendered
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker
from tests.e2e.admission.conftest import RBAC, set_keys, text
from tests.e2e.lab.kwok import KwokCluster

_PATIENCE = 180.0
_PAUSE = 0.05


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2)
    times = parser.parse_args().times
    with KwokCluster("bench-restart") as cluster:
        cluster.kubectl("apply", "-f", "crds")
        cluster.kubectl("apply", "-f", "-", input=RBAC)
        asker = Asker(cluster)
        for name in (FREE, HELD):
            cluster.kubectl("create", "namespace", name)
        for _ in range(times):
            _show("no policies", cluster, asker)
        manifests = rendered(hubs.MODEL, namespace=hubs.OPERATOR_NAMESPACE, account=hubs.ACCOUNT)
        cluster.kubectl("apply", "--server-side", "-f", "-", input=text(manifests))
        set_keys(
            asker,
            HELD,
            dict(hubs.stages(hubs.ITEMS, AdmissionStage.DENY)),
            dict(hubs.notes(HELD)),
        )
        for _ in range(times):
            _show("all policies", cluster, asker)


def _show(what: str, cluster: KwokCluster, asker: Asker) -> None:
    cluster.stop_apiserver()
    began = time.monotonic()
    starting = threading.Thread(target=cluster.start_apiserver)
    starting.start()
    ready = _until(lambda: asker.ask(None, "GET", "/readyz", dry=False).code == 200) - began
    refused: set[str] = set()

    def written() -> bool:
        body = {"metadata": {"name": "first"}}
        path = f"/api/v1/namespaces/{HELD}/configmaps"
        answer = asker.ask(hubs.owner(15), "POST", path, body)
        if answer.code != 201:
            refused.add(f"{answer.code} {answer.message.rpartition(': ')[2]}")
        return answer.code == 201

    write = _until(written) - began
    starting.join()
    told = f"; until then: {', '.join(sorted(refused))}" if refused else ""
    print(
        f"{what:<14} ready after {ready:5.1f} s, first write after {write:5.1f} s{told}", flush=True
    )


def _until(done: Callable[[], bool]) -> float:
    """Wait for something; return when (monotonic) it came."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if done():
                return time.monotonic()
        except OSError:
            pass
        time.sleep(_PAUSE)
    raise TimeoutError(f"nothing within {_PATIENCE:.0f} s")


if __name__ == "__main__":
    main()
