"""A replay of the audit log says what the API server said when the requests were really sent.

The policies are in force with ``warn``, so that everything takes place, and the API server notes
for each request which of them were not satisfied. The replay never looks at these notes.
``SEED=…`` repeats a run, ``REPLAY_STEPS=…`` makes it longer.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from responsibility.replay.evaluate import Evaluator
from responsibility.replay.stages_at import StagesAt
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import APPLY, MERGE, STRATEGIC, Asker
from tests.e2e.conftest import only_disposable
from tests.e2e.lab import audit, clusters, lifetime
from tests.e2e.lab.cluster import Options
from tests.e2e.replay import comparing, scenes, world
from tests.e2e.seeds import SEED

STEPS = int(os.environ.get("REPLAY_STEPS") or 300)
SENT = "s3cr3t-that-nobody-may-see"

Event = dict[str, Any]


@dataclass
class Logged:
    """An audit log, where the requests of the test begin in it, and what was in force."""

    log: Path
    agreed: Path
    events: list[Event]
    begin: int
    supposed: StagesAt


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """Send requests of everybody to a cluster with policies, and keep what it wrote down."""
    only_disposable("this test writes policies")
    folder = tmp_path_factory.mktemp("replay")
    policy = folder / "audit-policy.yaml"
    policy.write_text(world.AUDIT_POLICY, encoding="utf-8")
    agreed = world.manifests(folder)
    supposed = world.supposed(agreed, "warn")
    assert not supposed.left_out
    options = Options(apiserver_flags={"audit-policy-file": str(policy)})
    with clusters.cluster(f"e2e-{os.getpid()}-replay", options=options) as cluster:
        asker = Asker(cluster)
        world.install(cluster, asker, supposed)
        begin = len(audit.events(cluster.audit_log))
        lifetime.say(f"seed {SEED}, {STEPS} steps")
        for step in [*_chosen(), *scenes.Drawn(asker, SEED).steps(STEPS)]:
            scenes.send(asker, step)
        log = folder / "audit.log"
        log.write_bytes(cluster.audit_log.read_bytes())
    return Logged(log, agreed, audit.events(log), begin, supposed)


def _chosen() -> Iterator[scenes.Step]:
    """Yield the requests that must be there whatever is drawn."""
    hub = "/apis/apps/v1/namespaces/coast/deployments/hub"
    memory = {"containers": [{"name": "main", "resources": {"limits": {"memory": "3Gi"}}}]}
    quota = "/api/v1/namespaces/coast/resourcequotas/quota"
    yield scenes.Step(hubs.owner(14), "PATCH", hub, {"spec": {"replicas": 2}}, STRATEGIC)
    yield scenes.Step(hubs.owner(15), "PATCH", hub, {"spec": {"replicas": 3}}, STRATEGIC)
    yield scenes.Step(world.BOUNDED, "PATCH", hub, {"spec": {"replicas": 1}}, STRATEGIC)
    yield scenes.Step(world.BOUNDED, "PATCH", hub, {"spec": {"replicas": 9}}, STRATEGIC)
    yield scenes.Step(
        world.BOUNDED, "PATCH", hub, {"spec": {"template": {"spec": memory}}}, STRATEGIC
    )
    for delegate in (world.DATED, world.LATE):
        body = {"spec": {"hard": {"limits.memory": f"{len(delegate.user)}Gi"}}}
        yield scenes.Step(delegate, "PATCH", quota, body, MERGE)
    for person in (world.STRANGER, hubs.EVE, hubs.MASTER):
        yield scenes.Step(person, "PATCH", f"{hub}/scale", {"spec": {"replicas": 0}}, MERGE)
        yield scenes.Step(person, "PATCH", f"{hub}/scale", {"spec": {"replicas": 1}}, MERGE)
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}}
    path = "/api/v1/namespaces/coast/configmaps/applied?fieldManager=e2e"
    yield scenes.Step(world.STRANGER, "PATCH", path, made, APPLY)
    yield scenes.Step(world.GUEST, "PATCH", path, {**made, "data": {"a": "b"}}, APPLY)
    secret = {"stringData": {"values.yaml": SENT}}
    yield scenes.Step(hubs.owner(4), "PATCH", "/api/v1/namespaces/coast/secrets/hub", secret, MERGE)


def _at(level: str, event: Event) -> Event:
    """Return an event as the log would hold it at another level."""
    left_out = {"Metadata": ("requestObject", "responseObject"), "Request": ("responseObject",)}
    found = {k: v for k, v in event.items() if k not in left_out.get(level, ())}
    return {**found, "level": level}


def _compared(logged: Logged, level: str) -> comparing.Compared:
    judge = Evaluator(logged.supposed)
    before = [_at(level, event) for event in logged.events[: logged.begin]]
    comparing.compare(before, judge)
    found = comparing.compare([_at(level, event) for event in logged.events[logged.begin :]], judge)
    lifetime.say(f"{level}: {dict(found.alike)} {dict(found.possible)} {dict(found.passed)}")
    return found


def test_a_replay_says_what_the_api_server_said(logged: Logged) -> None:
    found = _compared(logged, "RequestResponse")
    assert not found.differences, f"seed {SEED}:\n" + "\n".join(found.differences)
    assert found.alike["refused"] > 50
    assert found.alike["nothing"] > 50
    # Nothing is missing from such a log but what was never seen before, or changed unseen. Whether
    # finalizers or owners change, which most objects are guarded for, depends on that.
    assert found.possible.total() < found.alike["refused"] / 3
    assert not any("no objects" in reason for reason in found.possible), found.possible


@pytest.mark.parametrize("level", ["Request", "Metadata"])
def test_a_log_without_objects_leaves_doubt_and_no_error(logged: Logged, level: str) -> None:
    found = _compared(logged, level)
    assert not found.differences, f"seed {SEED}:\n" + "\n".join(found.differences)
    assert found.possible[f"the log holds no objects: level {level}"]
    assert found.alike["refused"] > 20


def _run(logged: Logged, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("kubectl-responsibility")), "replay", *arguments]
    command += ["-f", str(logged.agreed)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_tells_who_would_have_been_refused(logged: Logged, tmp_path: Path) -> None:
    lines = logged.log.read_bytes().splitlines(keepends=True)
    packed = tmp_path / "audit.log.gz"
    packed.write_bytes(gzip.compress(b"".join(lines[: logged.begin])))
    rest = tmp_path / "audit-2.log"
    rest.write_bytes(b"".join([*lines[logged.begin :], b'{"kind": "Event", broken\n']))
    done = _run(logged, str(packed), str(rest), "-o", "json")
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["effects"]["refused"] > 50
    assert answer["broken"] == {
        "lines": 1,
        "places": [f"{rest}, line {len(lines) - logged.begin + 1}: not JSON"],
    }
    late = [row for row in answer["requests"] if row["user"] == world.LATE.user]
    assert any(
        row["item"] == hubs.ALL_ITEMS[14]
        and row["owner"]["name"] == "party-14"
        and row["effect"] == "refused"
        for row in late
    )
    assert SENT not in done.stdout + done.stderr


def test_a_log_without_trespasses_ends_with_zero(logged: Logged, tmp_path: Path) -> None:
    reads = [e for e in logged.events if e["verb"] in ("get", "list") and "/exec" not in str(e)]
    path = tmp_path / "reads.log"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in reads), encoding="utf-8")
    done = _run(logged, str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nobody would have been refused or warned")
