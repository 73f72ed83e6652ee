"""Where a hub is asked, and where none is."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from responsibility.controller.hub_admins.address import (
    ForbiddenAddressError,
    HubResolver,
    address_of,
    is_allowed,
)
from responsibility.controller.hub_admins.answers_over_http import HubAnswers, Memory, UnseenError
from responsibility.controller.hub_admins.asking import open_session
from responsibility.controller.hub_admins.tokens import Token
from responsibility.hub.admins.administrators import Unseen
from responsibility.hub.discovery import Hub, HubKey

HUB = Hub(key=HubKey("prod", "prod"), prefix="", chart="4.3.3", deployments=())


def test_it_is_the_services_full_name_with_its_last_dot() -> None:
    """Without it, the search domains of the pod's DNS come first, and somebody may be there."""
    assert address_of(HUB, "cluster.local").origin == "http://hub.prod.svc.cluster.local.:8081"
    prefixed = Hub(key=HubKey("leap", "leap"), prefix="leap-jupyterhub-", chart="", deployments=())
    assert address_of(prefixed, "k8s.example.").host == "leap-jupyterhub-hub.leap.svc.k8s.example."


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            ".".join("0000"),
            "::",
            "169.254.169.254",
            "169.254.1.1",
        ),
        *("fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1", "fd00:ec2::254", "168.63.129.16"),
        *("100.100.100.200", "192.0.0.192", "::ffff:169.254.169.254", "::ffff:127.0.0.1"),
        *("10.96.0.1", "::ffff:10.96.0.1"),
    ],
)
def test_no_hub_is_on_the_node_at_the_clouds_metadata_or_the_api_server(address: str) -> None:
    assert not is_allowed(address, api_server="10.96.0.1")


@pytest.mark.parametrize("address", ["10.96.12.3", "10.244.1.7", "172.20.1.1", "fd00:10::7"])
def test_a_services_or_a_pods_address_is_let(address: str) -> None:
    assert is_allowed(address, api_server="10.96.0.1")


def _resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 0)) for a in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_a_name_with_one_bad_address_among_good_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an alias (ExternalName), or Endpoints that somebody wrote, may have it."""
    resolver = HubResolver({"KUBERNETES_SERVICE_HOST": "10.96.0.1"})
    _resolves_to(monkeypatch, "10.96.7.7", "169.254.169.254")
    with pytest.raises(ForbiddenAddressError):
        await resolver.resolve("hub.prod.svc.cluster.local.", 8081)
    _resolves_to(monkeypatch, "10.96.7.7")
    [found] = await resolver.resolve("hub.prod.svc.cluster.local.", 8081)
    # What was looked at is connected to: it is not looked up again.
    assert (found["host"], found["port"]) == ("10.96.7.7", 8081)
    assert found["flags"] & socket.AI_NUMERICHOST


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.96.0.1"])
async def test_nothing_is_connected_to_there(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    _resolves_to(monkeypatch, address)
    connected: list[Any] = []

    async def connect(*arguments: Any, **_: Any) -> Any:
        connected.append(arguments)
        raise ConnectionRefusedError

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", connect)
    async with open_session() as http:
        hub = HubAnswers(http, address_of(HUB, "cluster.local"), Token("t" * 64), Memory())
        with pytest.raises(UnseenError) as unseen:
            await hub.administrators()
    assert unseen.value.why is Unseen.ADDRESS
    assert not connected


async def test_a_name_that_does_not_exist_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with open_session() as http:
        hub = HubAnswers(http, address_of(HUB, "cluster.local"), Token("t" * 64), Memory())
        with pytest.raises(UnseenError) as unseen:
            await hub.administrators()
    assert unseen.value.why is Unseen.UNREACHABLE
