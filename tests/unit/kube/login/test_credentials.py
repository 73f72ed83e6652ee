"""Credentials are found where they should be, and stay fresh."""

import errno
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio.config import incluster_config

from responsibility.kube import errors
from responsibility.kube.client import Api
from responsibility.kube.login import credentials
from tests.apiserver.over_http import HttpApiServer
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


async def sent_token(path: Path, server: HttpApiServer) -> str:
    server.answers["/version"] = lambda _: {}
    async with Api.connect(path) as api:
        await api.version()
    return server.requests[-1].headers["Authorization"]


async def test_sends_the_token_of_the_kubeconfig(tmp_path: Path, server: HttpApiServer) -> None:
    path = kubeconfig(tmp_path, server.url, {"token": "abc"})
    assert await sent_token(path, server) == "Bearer abc"


async def test_runs_exec_plugins(tmp_path: Path, server: HttpApiServer) -> None:
    version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": "fresh"}}
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n", encoding="utf-8")
    plugin.chmod(stat.S_IRWXU)
    user = {"exec": {"apiVersion": version, "command": str(plugin)}}
    assert await sent_token(kubeconfig(tmp_path, server.url, user), server) == "Bearer fresh"


VERSION = "client.authentication.k8s.io/v1"


def helper(folder: Path, *lines: str, name: str = "helper", **answer: Any) -> dict[str, Any]:
    """Write a credential helper; return the user of a kubeconfig that names it."""
    status = {"apiVersion": VERSION, "kind": "ExecCredential", "status": answer}
    (folder / "answer.json").write_text(json.dumps(status), encoding="utf-8")
    script = "\n".join(("#!/bin/sh", 'cd "${0%/*}"', *lines, "cat answer.json", ""))
    (folder / name).write_text(script, encoding="utf-8")
    (folder / name).chmod(stat.S_IRWXU)
    return {"exec": {"apiVersion": VERSION, "command": f"./{name}", "interactiveMode": "Never"}}


async def test_a_helper_is_looked_for_beside_its_kubeconfig(
    tmp_path: Path, server: HttpApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    user = helper(tmp_path, 'echo "$KUBERNETES_EXEC_INFO" > info', token="beside")  # noqa: S106 - none
    user["exec"] |= {"provideClusterInfo": True, "env": [{"name": "X", "value": "y"}]}
    assert await sent_token(kubeconfig(tmp_path, server.url, user), server) == "Bearer beside"
    info = json.loads((tmp_path / "info").read_text(encoding="utf-8"))
    assert info["spec"] == {"interactive": False, "cluster": {"server": server.url}}


async def test_a_helper_is_asked_again_when_its_credential_ends(
    tmp_path: Path, server: HttpApiServer
) -> None:
    lasting = {"token": "a", "expirationTimestamp": "2999-01-01T00:00:00Z"}
    user = helper(tmp_path, "echo asked >> asked", **lasting)
    now = 0.0
    server.answers["/version"] = lambda _: {}
    path = kubeconfig(tmp_path, server.url, user)
    async with Api(await credentials.load(path, clock=lambda: now)) as api:
        now = credentials.RENEWAL
        await api.version()
        assert (tmp_path / "asked").read_text(encoding="utf-8") == "asked\n"
    ended = {"token": "b", "expirationTimestamp": "2000-01-01T00:00:00Z"}
    helper(tmp_path, "echo asked >> asked", **ended)
    async with Api(await credentials.load(path, clock=lambda: now)) as api:
        now += credentials.RENEWAL
        await api.version()
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "asked\n" * 3


# What a helper does instead, and what must be said; a secret is in each answer.
BAD_HELPERS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "fails": (("echo 'log in first' >&2", "exit 7"), {}, r"helper ended with 7: log in first"),
    "fails silently": (("exit 1",), {}, r"helper ended with 1$"),
    "says nothing": (("exit 0",), {}, "answers something that is no ExecCredential"),
    "has no credential": ((), {"other": "secret"}, "answers no credential"),
    "has half a certificate": ((), {"clientCertificateData": "secret"}, "answers no credential"),
    "has a bad end": ((), {"token": "secret", "expirationTimestamp": "soon"}, "no ExecCredential"),
    "speaks another version": (
        ("sed s,k8s.io/v1,k8s.io/v1beta1, answer.json", "exit 0"),
        {"token": "secret"},
        "answers in another version than client.authentication.k8s.io/v1",
    ),
}


@pytest.mark.parametrize("name", BAD_HELPERS)
async def test_a_helper_without_a_credential_ends_with_the_reason(
    name: str, tmp_path: Path
) -> None:
    lines, answer, message = BAD_HELPERS[name]
    path = kubeconfig(tmp_path, "http://localhost", helper(tmp_path, *lines, **answer))
    with pytest.raises(credentials.ConfigurationError, match=message) as raised:
        await credentials.load(path)
    assert "secret" not in str(raised.value)


async def test_a_missing_helper_is_named_with_its_hint(tmp_path: Path) -> None:
    user = {
        "exec": {"apiVersion": VERSION, "command": "no-such-helper", "installHint": "install\nit"}
    }
    message = r"no-such-helper can't be run: No such file or directory \(install it\)"
    with pytest.raises(credentials.ConfigurationError, match=message):
        await credentials.load(kubeconfig(tmp_path, "http://localhost", user))


async def test_of_several_kubeconfigs_the_first_that_says_something_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        user = helper(folder, "echo asked > asked", token=name)
        paths.append(kubeconfig(folder, f"http://{name}", user))
        text = (
            paths[-1]
            .read_text(encoding="utf-8")
            .replace("one", name)
            .replace(": u\n", f": {name}\n")
        )
        paths[-1].write_text(text.replace(": c\n", f": {name}\n"), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none::{paths[0]}:{paths[1]}")
    found = await credentials.load()
    assert (found.host, found.api_key["BearerToken"]) == ("http://a", "Bearer a")
    assert not (tmp_path / "b" / "asked").exists()
    assert (await credentials.load(context="b")).api_key["BearerToken"] == "Bearer b"


# A kubeconfig, and what is said of it.
UNUSABLE = {
    "no current context": ("contexts: []\n", "has no current-context: name a context"),
    "no such context": ("current-context: a\n", "there is no context a in the kubeconfig"),
    "no such cluster": (
        "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\n",
        "there is no cluster c in the kubeconfig",
    ),
    "no such user": (
        """
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'http://x'}}]
""",
        "there is no user u in the kubeconfig",
    ),
    "contexts that are no list": ("contexts: {a: b}\n", r"not a usable .*contexts is no list"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_what_a_kubeconfig_lacks_is_named(name: str, tmp_path: Path) -> None:
    text, message = UNUSABLE[name]
    path = tmp_path / "kubeconfig"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(credentials.ConfigurationError, match=message):
        await credentials.load(path)


async def test_a_rotated_token_file_is_read_again(tmp_path: Path, server: HttpApiServer) -> None:
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
    tmp_path: Path, server: HttpApiServer
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
    tmp_path: Path, server: HttpApiServer
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
