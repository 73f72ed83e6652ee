"""The operator, with hubs at addresses that a test gives: the rest of it is as it is installed.

What is replaced is the name of each hub's Service, which no DNS knows here.
"""

from __future__ import annotations

import dataclasses
import json
import os

from responsibility.controller.hub_admins import asking
from responsibility.controller.hub_admins.address import Address
from responsibility.controller.main import main
from responsibility.controller.process.settings import Settings
from responsibility.hub.discovery import Hub

# Ports of this machine by namespace, as JSON.
PORTS = "RESPONSIBILITY_TEST_HUB_PORTS"


def _address(hub: Hub, _domain: str) -> Address:
    return Address("127.0.0.1", json.loads(os.environ[PORTS])[hub.key.namespace])


def _of(settings: Settings) -> asking.HubSource | None:
    found = _MADE(settings)
    return None if found is None else dataclasses.replace(found, address=_address)


_MADE = asking.HubSource.of
asking.HubSource.of = _of  # type: ignore[method-assign]  # on purpose

if __name__ == "__main__":
    main()
