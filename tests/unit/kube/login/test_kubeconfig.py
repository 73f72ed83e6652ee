"""What kubectl takes from a kubeconfig beside credentials: a namespace, and whom to act as."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.kube.client import Api
from responsibility.kube.login import credentials
from responsibility.kube.login import kubeconfig as kubeconfigs
from responsibility.kube.login.impersonation import Impersonation
from tests.apiserver.over_http import HttpApiServer

EVERYTHING = {
    "as": "ann",
    "as-uid": "17",
    "as-groups": ["leads", "größen"],
    "as-user-extra": {"example.org/scope": ["one", "two"]},
}


def kubeconfig(folder: Path, user: dict[str, Any], url: str = "http://elsewhere") -> Path:
    path = folder / "kubeconfig"
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def sent(server: HttpApiServer) -> list[tuple[str, str]]:
    headers = server.requests[-1].headers
    return [(k.title(), v) for k, v in headers.items() if k.lower().startswith("impersonate")]


async def test_who_a_kubeconfig_acts_as_is_sent(tmp_path: Path, server: HttpApiServer) -> None:
    server.answers["/version"] = lambda _: {}
    async with Api.connect(kubeconfig(tmp_path, EVERYTHING, server.url)) as api:
        await api.version()
    assert sorted(sent(server)) == [
        ("Impersonate-Extra-Example.Org%2Fscope", "one"),
        ("Impersonate-Extra-Example.Org%2Fscope", "two"),
        ("Impersonate-Group", "größen"),
        ("Impersonate-Group", "leads"),
        ("Impersonate-Uid", "17"),
        ("Impersonate-User", "ann"),
    ]


async def test_whoever_is_named_takes_the_place_of_all_that(
    tmp_path: Path, server: HttpApiServer
) -> None:
    server.answers["/version"] = lambda _: {}
    path = kubeconfig(tmp_path, EVERYTHING, server.url)
    async with Api.connect(path, acting_as=Impersonation("bob")) as api:
        await api.version()
    assert sent(server) == [("Impersonate-User", "bob")]


async def test_nobody_else_is_nobody_else(tmp_path: Path, server: HttpApiServer) -> None:
    server.answers["/version"] = lambda _: {}
    async with Api.connect(kubeconfig(tmp_path, {"token": "t"}, server.url)) as api:
        await api.version()
    assert sent(server) == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "groups without a user": ({"as-groups": ["leads"]}, "need a user to act as"),
    "an extra without a user": ({"as-user-extra": {"a": ["b"]}}, "need a user to act as"),
    "a group that is text": ({"as": "ann", "as-groups": "leads"}, "as-groups is not of the form"),
    "a user that is a list": ({"as": ["ann"]}, "user u: as is not of the form"),
    "extras that are text": ({"as": "ann", "as-user-extra": {"a": "b"}}, "as-user-extra is not"),
    "a name that ends a line": ({"as": "ann\nX-Evil: 1"}, "that no request can carry"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_followed_is_refused(name: str, tmp_path: Path) -> None:
    user, message = BAD[name]
    path = kubeconfig(tmp_path, user)
    with pytest.raises(credentials.ConfigurationError, match=message):
        await credentials.load(path)
    with pytest.raises(credentials.ConfigurationError, match=message):
        kubeconfigs.current(path, None)


def test_the_namespace_is_that_of_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(
        "current-context: a\n"
        "contexts: [{name: a, context: {user: u, namespace: reef}}, {name: b, context: {}}]\n",
        encoding="utf-8",
    )
    second.write_text("users: [{name: u, user: {as: ann}}]\n", encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    assert kubeconfigs.current(None, None) == kubeconfigs.Current("reef", Impersonation("ann"))
    assert kubeconfigs.current(first, "b") == kubeconfigs.Current("default")
    assert kubeconfigs.current(tmp_path / "none", None) == kubeconfigs.Current()


def test_in_a_pod_a_kubeconfig_that_is_named_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert kubeconfigs.in_pod(None, None)
    assert not kubeconfigs.in_pod(None, "a")
    assert not kubeconfigs.in_pod(tmp_path, None)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path))
    assert not kubeconfigs.in_pod(None, None)
