"""Addresses of pages: as they are served, and from where they lead on."""

from collections.abc import Sequence
from typing import Final

# Below it are the pages for hubs' own services, which show them as a part of the hub.
IN_HUB: Final = "/in-hub"
# From a service of a hub (``/services/NAME/``) to the hub: below any base URL, on any host.
# Source: ``jupyterhub/services/service.py`` (``prefix``), ``handlers/login.py``, ``pages.py``.
HUB_LINKS: Final[Sequence[tuple[str, str]]] = (
    ("Back to the hub", "../../hub/home"),
    ("Sign out", "../../hub/logout"),
)


def hub_file(record: str) -> str:
    """Return the name of the page of one hub; names of records are fit for it."""
    return f"hub-{record}.html"
