"""Every example of every help works on the demo, as it stands there."""

import gzip
import json
import os
import shlex
import subprocess
import sys
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from demo import installation, organisation
from responsibility.cli.main import COMMANDS, main

# Somebody has read a hub's Deployment.
AUDITED = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/apis/apps/v1/namespaces/leap-prod/deployments/hub",
    "verb": "get",
    "user": {"username": "ann", "groups": ["system:authenticated"]},
    "objectRef": {
        "resource": "deployments",
        "namespace": "leap-prod",
        "name": "hub",
        "apiGroup": "apps",
        "apiVersion": "v1",
    },
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
    "stageTimestamp": "2026-01-01T00:00:00.000000Z",
}


def _examples(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return every example of every --help, as it stands there."""
    found: list[str] = []
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        examples = capsys.readouterr().out.partition("Examples:\n")[2].partition("\n\n")[0]
        found.extend(line.strip() for line in examples.splitlines())
    # Need programs that this machine may not have.
    return [line for line in found if not line.startswith("helm ") and "fish" not in line]


def _shell(line: str, where: Path) -> tuple[int, str, str]:
    """Run a line as a person would: exit code, stdout, stderr."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=where,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _authority(kubeconfig: Path) -> bytes:
    """Return a certificate of some authority, in PEM: the cluster's own."""
    cluster = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    data = cluster.get("certificate-authority-data")
    return b64decode(data) if data else Path(cluster["certificate-authority"]).read_bytes()


def _repository(folder: Path) -> None:
    """Make a checkout of it, in which everything is as on the main branch elsewhere."""
    as_somebody = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for arguments in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*as_somebody, "commit", "--quiet", "--message=everything"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_every_example_of_every_help_works(
    kubeconfig: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kubeconfig.exists()
    now = datetime.now(UTC)
    documents = {
        "manifests/hubs.yaml": [*organisation.hubs(), *organisation.third_hub()],
        "manifests/people.yaml": [*organisation.communities(), *organisation.problems()],
        "rbac.yaml": organisation.provider(),
    }
    for record in (*organisation.records(now), organisation.third_record()):
        documents[f"records/{record['metadata']['name']}.yaml"] = [record]
    for name, manifests in documents.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    (tmp_path / "ours.yaml").write_bytes(installation.MODEL.read_bytes())
    # Models beside each other, which are not one world.
    models = tmp_path_factory.mktemp("models")
    for name in ("our-model.yaml", "old.yaml", "helm/hub-responsibility/files/model.yaml"):
        (models / name).parent.mkdir(parents=True, exist_ok=True)
        (models / name).write_bytes(installation.MODEL.read_bytes())
    (tmp_path / "hubs.csv").write_text("hub,email\ncoast,leads@coast.example\n", "utf-8")
    (tmp_path / "config/clusters/leap").mkdir(parents=True)
    (tmp_path / "config/clusters/leap/cluster.yaml").write_text(
        "name: leap\nhubs:\n- {name: coast, display_name: Coast, helm_chart_values_files: []}\n",
        "utf-8",
    )
    (tmp_path / "clusters.yaml").write_text(
        "- {name: west, files: [manifests, records, rbac.yaml]}\n"
        f"- {{name: east, kubeconfig: {kubeconfig}}}\n",
        "utf-8",
    )
    (tmp_path / "ca.crt").write_bytes(_authority(kubeconfig))
    log = json.dumps(AUDITED).encode() + b"\n"
    (tmp_path / "audit.log").write_bytes(log)
    for name in ("audit.log.gz", "audit-1.log.gz"):
        (tmp_path / name).write_bytes(gzip.compress(log))
    monkeypatch.chdir(tmp_path)
    _repository(tmp_path)
    examples = _examples(capsys)
    assert len(examples) > 25
    failed = {}
    for line in examples:
        monkeypatch.chdir(models if " model diff" in line else tmp_path)
        if plain := line.startswith("kubectl responsibility ") and not set("<|>*") & set(line):
            code = main(shlex.split(line)[2:])
            told = capsys.readouterr()
            done = (code, told.out, told.err)
        else:
            done = _shell(line, tmp_path)
        if done[0] not in (0, 1, 3) or "error:" in done[2] or "Usage" in done[2]:
            failed[line] = done
        if plain and not done[1] and not done[2]:
            failed[line] = done
    assert not failed


def test_kubectl_finds_its_plugin(kubeconfig: Path, tmp_path: Path) -> None:
    assert kubeconfig.exists()
    code, out, _ = _shell("kubectl responsibility who-can delete namespaces/atlas", tmp_path)
    assert code == 0
    assert "ServiceAccount   ci/deployer" in out
