"""What a container may do, as the kernel of its node sees it."""

from __future__ import annotations

from tests.e2e.lab.cluster import Cluster


def assert_holds_nothing(cluster: Cluster, pod: str, namespace: str) -> None:
    """Fail unless it is nobody: no capability, a filter of system calls, a root only to read."""
    run = ("exec", pod, f"-n={namespace}", "--")
    shown = cluster.kubectl(*run, "cat", "/proc/1/status").stdout
    status = {k: v.strip() for k, _, v in (line.partition(":") for line in shown.splitlines())}
    assert status["Uid"].split() == ["65532"] * 4
    assert {int(status[field], 16) for field in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    refused = cluster.kubectl(*run, "touch", "/x", check=False)
    assert "Read-only file system" in refused.stderr
    assert cluster.kubectl(*run, "touch", "/tmp/x").returncode == 0  # noqa: S108 - in the pod
