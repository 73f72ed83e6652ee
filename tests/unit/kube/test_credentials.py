"""Credentials are found where they should be, and stay fresh."""

import errno
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
from tests.unit.kube.pod import Pod, in_pod


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


async def test_refused_credentials_are_read_again_at_once(
    tmp_path: Path, server: FakeServer
) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    path = kubeconfig(tmp_path, server.url, {"tokenFile": str(token)})
    server.answers["/version"] = lambda _: {"major": "1"}
    async with Api(await credentials.load(path, clock=lambda: 0.0)) as api:
        token.write_text("second", encoding="utf-8")
        server.fail(401, "Unauthorized")
        assert (await api.version())["major"] == "1", "the new token is tried"
        server.fail(401, "Unauthorized")
        with pytest.raises(errors.UnauthorizedError):
            await api.version()
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer first", "Bearer second", "Bearer second"], "the same is not tried again"


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return in_pod(tmp_path, monkeypatch)


async def test_in_a_pod_the_service_account_is_used(tmp_path: Path, pod: Pod) -> None:
    found = await credentials.load()
    assert found.host == "https://[fd00::1]:443"
    assert found.ssl_ca_cert == str(pod.authority)
    assert found.api_key["BearerToken"] == "bearer first"
    # Unless a kubeconfig is named: a command run inside of a pod may mean another cluster.
    path = kubeconfig(tmp_path, "http://elsewhere", {})
    assert (await credentials.load(path)).host == "http://elsewhere"


async def test_in_a_pod_a_rotated_token_is_read_again(pod: Pod) -> None:
    now = 0.0
    found = await credentials.load(clock=lambda: now)
    pod.rotate("second")
    assert await found.get_api_key_with_prefix("BearerToken") == "bearer first"
    now = credentials.RENEWAL
    assert await found.get_api_key_with_prefix("BearerToken") == "bearer second"
    pod.rotate("third")
    assert await found.renew(), "it was refused"
    assert await found.get_api_key_with_prefix("BearerToken") == "bearer third"
    assert not await found.renew()


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"], ids=["none", "empty", "no text"])
async def test_in_a_pod_without_a_token_it_says_what_to_set(
    pod: Pod, content: bytes | None
) -> None:
    pod.lose()
    if content is not None:
        pod.token.write_bytes(content)
    with pytest.raises(
        credentials.ConfigurationError, match="automountServiceAccountToken"
    ) as said:
        await credentials.load()
    assert str(pod.token) in str(said.value)


async def test_in_a_pod_a_token_that_cannot_be_read_says_why(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(pod.token))

    monkeypatch.setattr(incluster_config.InClusterConfigLoader, "_read_token_file", refuse)
    with pytest.raises(credentials.ConfigurationError, match="token can't be read: Permission den"):
        await credentials.load()


def test_outside_of_a_cluster_there_is_no_own_namespace() -> None:
    assert credentials.own_namespace() is None
