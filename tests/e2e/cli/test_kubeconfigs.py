"""Kubeconfigs mean what they mean to kubectl: merged, resolved, with whose credentials."""

import base64
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.kube.login.kubeconfig import Kubeconfig
from tests.e2e.lab.binaries import build
from tests.e2e.seeds import seeds

Json = dict[str, Any]
NAMES = ("a", "b", "c")


def drawn(draw: random.Random) -> Json:
    """Return a kubeconfig of which the others repeat some names, and lack some."""

    def some(kind: str, make: Any) -> list[Json]:
        names = draw.sample(NAMES, draw.randrange(4))
        return [{"name": name, kind: make()} for name in names]

    def context() -> Json:
        found = {"cluster": draw.choice(NAMES), "user": draw.choice(NAMES)}
        return found | ({"namespace": draw.choice(NAMES)} if draw.random() < 0.5 else {})

    def cluster() -> Json:
        found: Json = {"server": f"https://{draw.randrange(1000)}.example.org"}
        if draw.random() < 0.5:
            found["certificate-authority"] = draw.choice(("crt", "../crt"))
        return found | ({"tls-server-name": "x"} if draw.random() < 0.3 else {})

    def user() -> Json:
        return draw.choice(
            (
                {"token": f"token-{draw.randrange(1000)}"},
                {"tokenFile": draw.choice(("token", "sub/token"))},
                {"client-certificate": "crt", "client-key": "../key"},
                {"as": "ann", "as-groups": ["g"], "token": "t"},
                {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./helper"}},
            )
        )

    found: Json = {
        "apiVersion": "v1",
        "kind": "Config",
        "contexts": some("context", context),
        "clusters": some("cluster", cluster),
        "users": some("user", user),
    }
    return found | ({"current-context": draw.choice(("", *NAMES))} if draw.random() < 0.8 else {})


def theirs(*options: str) -> Json | None:
    """Return what kubectl makes of the environment's kubeconfigs: the one context's parts."""
    command = [str(build() / "kubectl"), "config", "view", "--raw", "--minify", "--flatten"]
    command += ["-o", "json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    view = json.loads(done.stdout)
    (context,) = view["contexts"]
    (cluster,), (user,) = view["clusters"], view["users"]
    return {
        "name": context["name"],
        "namespace": context["context"].get("namespace"),
        "cluster": cluster["cluster"],
        "user": user["user"],
    }


def ours(context: str | None) -> Json | None:
    """Return the same by ourselves."""
    found = Kubeconfig.read(None, context)
    # kubectl shows nothing of a context whose user it doesn't have.
    if not found.context or found.user is None or found.cluster is None:
        return None
    loaded = found.as_loaded()
    return {
        "name": found.name,
        "namespace": found.context.get("namespace"),
        "cluster": loaded["clusters"][0]["cluster"],
        "user": loaded["users"][0]["user"],
    }


def _normal(found: Json | None) -> Json | None:
    """Return it with what files hold in the place of their names, as kubectl shows it."""
    if found is None:
        return None
    for part in ("cluster", "user"):
        for key in ("certificate-authority", "client-certificate", "client-key"):
            if file := found[part].pop(key, None):
                data = base64.b64encode(Path(file).read_bytes()).decode()
                found[part][f"{key}-data"] = data
        if "tokenFile" in found[part]:
            found[part]["tokenFile"] = Path(found[part]["tokenFile"]).name
    if "exec" in found["user"]:
        found["user"] = {"exec": Path(found["user"]["exec"]["command"]).name}
    return found


@pytest.mark.parametrize("seed", seeds("KUBECONFIG_WORLDS", 10))
def test_merged_kubeconfigs_mean_what_they_mean_to_kubectl(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    paths = [str(tmp_path / "missing")] * draw.randrange(2)
    for number in range(draw.choice((1, 2, 2, 3))):
        folder = tmp_path / f"folder-{number}"
        folder.mkdir()
        paths.append(str(folder / "config"))
        for file in (folder / "crt", tmp_path / "crt", tmp_path / "key"):
            file.write_text(str(file), encoding="utf-8")
        (folder / "config").write_text(yaml.safe_dump(drawn(draw)), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(paths))
    assert _normal(ours(None)) == _normal(theirs()), f"SEED={seed}"
    for name in NAMES:
        assert _normal(ours(name)) == _normal(theirs(f"--context={name}")), f"SEED={seed}"
