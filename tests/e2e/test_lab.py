"""The lab keeps its promises: what other tests stand on is proven here once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import MakeCluster
from tests.e2e.lab import audit, clusters, identities, processes
from tests.e2e.lab.cluster import Cluster, Kubectl, Options
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.lab.errors import KubectlError, LabError, NotSupported
from tests.e2e.lab.existing import ExistingCluster
from tests.e2e.lab.kwok import KwokCluster
from tests.e2e.lab.waiting import STRETCH, eventually, wait_until


@pytest.fixture(scope="module")
def kwok_pair() -> Iterator[tuple[KwokCluster, KwokCluster]]:
    """Two clusters that came up at the same time; the first one may be broken by tests."""
    _only_kwok()
    names = [f"e2e-{os.getpid()}-pair-{number}" for number in (1, 2)]
    open_to_all = Options(authorization_mode="AlwaysAllow")
    first, second = KwokCluster(names[0]), KwokCluster(names[1], open_to_all)
    with ThreadPoolExecutor() as pool:
        # Up first, entered after: only the main thread may have them torn down on SIGTERM.
        list(pool.map(KwokCluster.up, (first, second)))
    with first, second:
        yield first, second


def test_the_session_cluster_serves(cluster: Cluster) -> None:
    assert cluster.is_up()
    version = json.loads(cluster.kubectl("get", "--raw", "/version").stdout)
    assert int(version["minor"]) >= 30


def test_up_is_idempotent(cluster: Cluster) -> None:
    before = cluster.kubeconfig.read_text(encoding="utf-8")
    cluster.up()
    assert cluster.kubeconfig.read_text(encoding="utf-8") == before


def test_rbac_is_enforced(cluster: Cluster) -> None:
    with pytest.raises(KubectlError, match="Forbidden"):
        cluster.kubectl("delete", "namespace", "default", as_user="nobody", as_groups=["nobodies"])
    admin = cluster.kubectl("auth", "can-i", "delete", "namespaces")
    assert admin.stdout.strip() == "yes"


def test_groups_need_a_user(cluster: Cluster) -> None:
    with pytest.raises(LabError, match="pass as_user"):
        cluster.kubectl("get", "namespaces", as_groups=["system:masters"])


def test_a_service_account_has_its_own_kubeconfig(cluster: Cluster, tmp_path: Path) -> None:
    config = identities.service_account_kubeconfig(cluster, "default", "default", tmp_path / "sa")
    assert config.stat().st_mode & 0o077 == 0
    who = cluster.kubectl("auth", "whoami", "-o=json", kubeconfig=config)
    assert _username(who.stdout) == "system:serviceaccount:default:default"
    with pytest.raises(KubectlError, match="Forbidden"):
        cluster.kubectl("get", "secrets", kubeconfig=config)


def test_an_impersonating_kubeconfig_is_that_user(cluster: Cluster, tmp_path: Path) -> None:
    config = identities.impersonating_kubeconfig(cluster, "ada", ["leads"], tmp_path / "ada")
    who = json.loads(cluster.kubectl("auth", "whoami", "-o=json", kubeconfig=config).stdout)
    assert _username(json.dumps(who)) == "ada"
    assert set(who["status"]["userInfo"]["groups"]) == {"leads", "system:authenticated"}


def test_a_line_that_is_being_written_is_not_read_in_part(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(b'{"verb": "get"}\n{"verb": "li')
    since = audit.mark(log)
    with log.open("ab") as sink:
        sink.write(b'st"}\n{"verb": "patch"}\n{"verb": "del')
    assert [event["verb"] for event in audit.events(log)] == ["get", "list", "patch"]
    assert [event["verb"] for event in audit.events(log, since=since)] == ["patch"]
    assert [event["verb"] for event in audit.events(log, since=16)] == ["list", "patch"]


def test_the_audit_log_names_who_wrote_what(cluster: Cluster) -> None:
    since = audit.mark(cluster.audit_log)
    cluster.kubectl("create", "namespace", "audited")
    cluster.kubectl("get", "namespaces", as_user="ada", check=False)

    administrator = _username(cluster.kubectl("auth", "whoami", "-o=json").stdout)

    def written() -> None:
        # A moment after it was answered.
        events = audit.events(cluster.audit_log, since=since, user=administrator)
        # The cluster's own controllers write as the administrator, too.
        about = [event for event in events if event.get("objectRef", {}).get("name") == "audited"]
        created = [event for event in about if event["verb"] == "create"]
        assert created
        assert audit.is_write(created[0])
        assert created[0]["requestObject"]["metadata"]["name"] == "audited"
        # kubectl may ask first which kinds there are.
        hers = audit.events(cluster.audit_log, since=since, user="ada")
        assert {event["verb"] for event in hers if "objectRef" in event} == {"list"}

    eventually(written)


def test_clusters_in_parallel_are_apart(kwok_pair: tuple[KwokCluster, KwokCluster]) -> None:
    first, second = kwok_pair
    first.kubectl("create", "namespace", "only-here")
    assert second.kubectl("get", "namespace", "only-here", check=False).returncode == 1


def test_rbac_can_be_off(kwok_pair: tuple[KwokCluster, KwokCluster]) -> None:
    question = ("auth", "can-i", "delete", "nodes")
    answers = [each.kubectl(*question, as_user="nobody", check=False) for each in kwok_pair]
    assert [answer.stdout.strip() for answer in answers] == ["no", "yes"]


def test_a_pod_that_names_the_node_runs(cluster: Cluster) -> None:
    container = {"name": "main", "image": cluster.image}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "runs"},
        "spec": {"nodeName": cluster.node, "containers": [container]},
    }
    cluster.kubectl("apply", "-f-", input=json.dumps(pod))
    cluster.kubectl("wait", "pod/runs", "--for=jsonpath={.status.phase}=Running", "--timeout=90s")


def test_state_survives_the_api_server(kwok_pair: tuple[KwokCluster, KwokCluster]) -> None:
    first, _ = kwok_pair
    first.kubectl("create", "configmap", "kept")
    first.stop_apiserver()
    assert not first.is_up()
    first.start_apiserver()
    assert first.is_up()
    first.kubectl("get", "configmap", "kept")


def test_up_heals_what_has_died(kwok_pair: tuple[KwokCluster, KwokCluster]) -> None:
    first, _ = kwok_pair
    processes.kill([first._home / "pids" / "kube-controller-manager.pid"], first._home)
    # As a crash leaves it: the file says there is one.
    (first._home / "pids" / "kube-controller-manager.pid").write_text("1", encoding="utf-8")
    assert not first.is_up()
    first.up()
    assert first.is_up()


def test_a_flag_the_api_server_rejects_is_reported_at_once(
    make_cluster: MakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_kwok()
    monkeypatch.setattr("tests.e2e.lab.cluster.KEPT_LOGS", tmp_path)
    with pytest.raises(LabError, match=r"kube-apiserver .* died(.|\n)*unknown flag: --nonsense"):
        make_cluster("bad", Options(apiserver_flags={"nonsense": "1"}))
    [kept] = tmp_path.glob("*/kube-apiserver.log")
    assert "unknown flag" in kept.read_text(encoding="utf-8")


def test_watches_expire_over_a_deletion(kwok_pair: tuple[KwokCluster, KwokCluster]) -> None:
    first, _ = kwok_pair
    _serve_things(first)
    first.kubectl("create", "configmap", "doomed")
    versions = {path: _version(first, path) for path in (_CONFIGMAPS, _THINGS)}
    assert [_watch(first, path, version) for path, version in versions.items()] == [[], []]

    def delete(kubectl: Kubectl) -> None:
        kubectl("delete", "configmap/doomed", "things.lab.example/one")

    first.make_watches_expire(meanwhile=delete)

    assert first.kubectl("get", "configmap", "doomed", check=False).returncode == 1
    for path, version in versions.items():
        # Not the deletions: a watcher that relies on events alone never hears of them.
        [event] = _watch(first, path, version)
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        # From now on watches are as good as ever.
        assert _watch(first, path, _version(first, path)) == []


def test_a_run_that_is_ended_leaves_nothing_behind() -> None:
    _only_kwok()
    endings = (signal.SIGTERM, signal.SIGKILL)
    left = {ending: KwokCluster(f"e2e-{os.getpid()}-{ending.name.lower()}") for ending in endings}
    with ExitStack() as stack:
        runs = {ending: stack.enter_context(_run(each.name)) for ending, each in left.items()}
        pids: dict[signal.Signals, list[int]] = {}
        for ending, run in runs.items():
            assert run.stdout is not None
            assert run.stdout.readline() == "up\n"
            each = left[ending]
            pids[ending] = list(processes.running(each._pid_files, each._home).values())
            assert len(pids[ending]) == 4
        for ending, run in runs.items():
            run.send_signal(ending)
            assert run.wait(timeout=STRETCH * 30) == -ending
    # Nobody can clean up after SIGKILL but the next run.
    assert [each.directory.exists() for each in left.values()] == [False, True]
    clusters.sweep()
    for ending, each in left.items():
        assert not each.directory.exists()
        assert not any(processes.is_ours(pid, each._home) for pid in pids[ending])
        each.down()  # once more does no harm


def test_existing_refuses_contexts_that_are_not_allowed(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "{apiVersion: v1, kind: Config, current-context: production, contexts: "
        "[{name: production, context: {cluster: c, user: u}}]}",
        encoding="utf-8",
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("E2E_ALLOWED_CONTEXTS", "staging, playground")
    program = cluster.kubectl_program()
    monkeypatch.setattr(ExistingCluster, "kubectl_program", lambda _: program)
    with pytest.raises(LabError, match="E2E_ALLOWED_CONTEXTS=production") as refused:
        ExistingCluster("foreign").up()
    assert "staging, playground" in str(refused.value)
    assert not ExistingCluster("foreign").kubeconfig.exists()


def test_existing_uses_the_context_that_is_allowed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("E2E_ALLOWED_CONTEXTS", cluster.context)
    program = cluster.kubectl_program()
    monkeypatch.setattr(ExistingCluster, "kubectl_program", lambda _: program)
    with ExistingCluster(f"e2e-{os.getpid()}-borrowed") as borrowed:
        assert borrowed.is_up()
        with pytest.raises(NotSupported, match="use kwok"):
            borrowed.make_watches_expire()
    assert cluster.is_up()


def test_an_unknown_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2E_CLUSTER", "minikube")
    with pytest.raises(LabError, match=r"'minikube' is unknown; use one of kwok, kind, existing"):
        clusters.choose()


_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.lab.example"},
    "spec": {
        "group": "lab.example",
        "scope": "Cluster",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}
_CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
_THINGS = "/apis/lab.example/v1/things"


def _only_kwok() -> None:
    """Skip where the suite runs on another kind, so that it needs no Go there."""
    if clusters.choose() is not KwokCluster:
        pytest.skip("this is about clusters of kind kwok; set E2E_CLUSTER=kwok")


def _run(name: str) -> subprocess.Popen[str]:
    """Start a process that has a cluster up, says so, and waits to be ended."""
    code = (
        "from tests.e2e.lab.kwok import KwokCluster\n"
        f"with KwokCluster({name!r}):\n"
        "    print('up', flush=True)\n"
        "    input()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _serve_things(cluster: Cluster) -> None:
    """Define a custom resource and make one: the API server keeps those apart from its own."""
    cluster.kubectl("apply", "-f-", input=json.dumps(_CRD))
    thing = {"apiVersion": "lab.example/v1", "kind": "Thing", "metadata": {"name": "one"}}
    wait_until(
        lambda: (
            cluster.kubectl("apply", "-f-", input=json.dumps(thing), check=False).returncode == 0
        ),
        10,
        "things to be served",
    )


def _version(cluster: Cluster, path: str) -> str:
    listed = json.loads(cluster.kubectl("get", "--raw", path).stdout)
    return str(listed["metadata"]["resourceVersion"])


def _watch(cluster: Cluster, path: str, version: str) -> list[Any]:
    """Watch for a second from a resource version, as a reflector would after a lost connection."""
    query = f"{path}?watch=true&timeoutSeconds=1&resourceVersion={version}"
    lines = cluster.kubectl("get", "--raw", query).stdout.splitlines()
    return [json.loads(line) for line in lines]


def _username(whoami: str) -> str:
    return str(json.loads(whoami)["status"]["userInfo"]["username"])
