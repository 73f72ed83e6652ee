"""Addresses of hubs: each is that of the Service which the hub's chart makes, and nothing else.

No address comes from a record, a label or an annotation: a name is made of the namespace and the
release's prefix, in full and with its last dot, so that no search domain of the pod's DNS has a say
(``hub.prod.svc`` could become a pod of Service ``prod`` in a namespace ``svc``).

Whoever has the namespace still decides where the Service leads: it may have no selector, or be an
alias (type ExternalName). So what the name comes to is looked at before it is connected to, and is
connected to as it was looked at: no address of the node, of the cloud's metadata or of the API
server. What could be had from another address is little: one GET of a fixed path at a fixed port,
with that hub's own token, and no answer of it is shown to anybody.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from responsibility.hub.discovery import HUB_COMPONENT, Hub

# Of Service `hub`: templates/hub/service.yaml of Zero to JupyterHub.
PORT: Final = 8081

# Where clouds tell a machine who it is, beside link-local addresses: of AWS by IPv6, of Azure, of
# Alibaba and of Oracle.
_METADATA: Final = frozenset(
    map(ip_address, ("fd00:ec2::254", "168.63.129.16", "100.100.100.200", "192.0.0.192"))
)


class ForbiddenAddressError(OSError):
    """A hub's name leads where no hub is."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host, by name, and a port."""

    host: str
    port: int

    @property
    def origin(self) -> str:
        """Return scheme, host and port, as URLs to the hub begin."""
        return f"http://{self.host}:{self.port}"


def address_of(hub: Hub, domain: str) -> Address:
    """Return where a hub is asked; ``domain`` is the cluster's, such as ``cluster.local``."""
    service = f"{hub.prefix}{HUB_COMPONENT}"
    return Address(f"{service}.{hub.key.namespace}.svc.{domain.strip('.')}.", PORT)


def is_allowed(address: str, *, api_server: str = "") -> bool:
    """Return whether a hub may have an address (an IP)."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if api_server and found == ip_address(api_server):
        return False
    return not (
        found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or found in _METADATA
    )


class HubResolver(AbstractResolver):
    """Resolves names, and refuses those that lead where no hub is; the rest is connected to."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        host = (os.environ if environ is None else environ).get("KUBERNETES_SERVICE_HOST", "")
        self._api_server = host if _is_ip(host) else ""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises OSError, ForbiddenAddressError if one of them is.

        All are looked at: a name with a good and a bad one is not a hub's.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses = [(each[0], str(each[4][0])) for each in found]
        if not all(is_allowed(each, api_server=self._api_server) for _, each in addresses):
            raise ForbiddenAddressError
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to end."""


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
