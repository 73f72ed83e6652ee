"""Credentials are found where they should be, and stay fresh."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio.config import incluster_config

from responsibility.kube import credentials, errors
from responsibility.kube.client import Api
from tests.unit.kube.fake import FakeServer


def kubeconfig(tmp_path: Path, url: str, user: dict[str, Any]) -> Path:
    path = tmp_path / "kubeconfig"
    contexts = [
        {"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("one", "other")
    ]
    document = {
        "current-context": "one",
        "contexts": contexts,
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


async def sent_token(path: Path, server: FakeServer) -> str:
    server.answers["/version"] = lambda _: {}
    async with Api.connect(path) as api:
        await api.version()
    return server.requests[-1].headers["Authorization"]


async def test_sends_the_token_of_the_kubeconfig(tmp_path: Path, server: FakeServer) -> None:
    path = kubeconfig(tmp_path, server.url, {"token": "abc"})
    assert await sent_token(path, server) == "Bearer abc"


async def test_runs_exec_plugins(tmp_path: Path, server: FakeServer) -> None:
    version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": "fresh"}}
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n", encoding="utf-8")
    plugin.chmod(stat.S_IRWXU)
    user = {"exec": {"apiVersion": version, "command": str(plugin)}}
    assert await sent_token(kubeconfig(tmp_path, server.url, user), server) == "Bearer fresh"


async def test_a_rotated_token_file_is_read_again(tmp_path: Path, server: FakeServer) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    path = kubeconfig(tmp_path, server.url, {"tokenFile": str(token)})
    now = 0.0
    server.answers["/version"] = lambda _: {}
    async with Api(await credentials.load(path, clock=lambda: now)) as api:
        await api.version()
        token.write_text("second", encoding="utf-8")
        await api.version()
        now = credentials.RENEWAL
        await api.version()
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_token_file_that_vanishes_is_trouble_that_may_pass(
    tmp_path: Path, server: FakeServer
) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    path = kubeconfig(tmp_path, server.url, {"tokenFile": str(token)})
    now = 0.0
    server.answers["/version"] = lambda _: {}
    async with Api(await credentials.load(path, clock=lambda: now)) as api:
        token.unlink()
        now = credentials.RENEWAL
        with pytest.raises(errors.UnavailableError):
            await api.version()
        token.write_text("second", encoding="utf-8")
        now += credentials.RENEWAL
        await api.version()
    assert server.requests[-1].headers["Authorization"] == "Bearer second"


async def test_a_missing_kubeconfig_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(credentials.ConfigurationError, match=r"--kubeconfig or \$KUBECONFIG"):
        await credentials.load(tmp_path / "nowhere")


async def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://localhost", {})
    with pytest.raises(credentials.ConfigurationError, match="nowhere"):
        await credentials.load(path, "nowhere")


async def test_what_is_no_kubeconfig_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    for text in ("", "[1, 2]", "{unclosed"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(credentials.ConfigurationError, match="kubeconfig"):
            await credentials.load(path)


async def test_in_a_pod_the_service_account_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(credentials.ConfigurationError, match="token file"):
        await credentials.load()
    # Unless a kubeconfig is named: a command run inside of a pod may mean another cluster.
    path = kubeconfig(tmp_path, "http://elsewhere", {})
    assert (await credentials.load(path)).host == "http://elsewhere"


async def test_in_a_pod_the_server_is_found_without_any_file_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("abc", encoding="utf-8")
    authority.write_text("a certificate", encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = await credentials.load()
    assert found.host == "https://[fd00::1]:443"
    assert found.ssl_ca_cert == str(authority)
    assert found.api_key["BearerToken"] == "bearer abc"
    assert found.refresh_api_key_hook is not None, "the token rotates"


def test_outside_of_a_cluster_there_is_no_own_namespace() -> None:
    assert credentials.own_namespace() is None
