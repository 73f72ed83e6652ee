"""HubPageSettings of the page in a hub, read and checked once, at start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from responsibility.api.names import SETTING_PREFIX
from responsibility.hub_page.registration import SERVICE

PREFIX: Final = f"{SETTING_PREFIX}HUB_PAGE_"
_RECORD: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_BASE: Final = re.compile(r"/([A-Za-z0-9._~-]+/)*")
_HIGHEST_PORT: Final = 65_535
_ROOT: Final = "/"
_HOST: Final = "0.0.0.0"  # noqa: S104 - a pod's own address is not known beforehand
_PORT: Final = 8091


class HubPageSettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what it may be."""


@dataclass(frozen=True, slots=True)
class HubPageSettings:
    """One record and one hub, each variable ``RESPONSIBILITY_HUB_PAGE_<NAME>``.

    ``operator`` and ``hub`` are origins: where the operator serves its page, and the hub's API.
    ``base`` is the hub's base URL. ``account`` and ``token`` are files: the token of our own
    account in the cluster, and that of the service in the hub; both may be renewed at any time.
    ``authority`` has the certificates by which the operator's is checked, if not the system's.
    """

    record: str
    operator: str
    hub: str
    account: Path
    token: Path
    base: str = _ROOT
    host: str = _HOST
    port: int = _PORT
    authority: Path | None = None

    @property
    def prefix(self) -> str:
        """Where the hub's proxy has the service."""
        return f"{self.base}services/{SERVICE}/"


def read(environ: Mapping[str, str]) -> HubPageSettings:
    """Return the settings of this process. Raises HubPageSettingsError."""
    values = {
        name.removeprefix(PREFIX): text for name, text in environ.items() if name.startswith(PREFIX)
    }
    record = _needed(values, "RECORD", "the name of the record")
    if not _RECORD.fullmatch(record):
        raise HubPageSettingsError(f"{PREFIX}RECORD is {record!r}: it is the name of a record")
    base = values.get("BASE_URL") or _ROOT
    if not _BASE.fullmatch(base):
        raise HubPageSettingsError(f"{PREFIX}BASE_URL is {base!r}: it begins and ends with a slash")
    host, port = _listen(values)
    authority = values.get("AUTHORITY")
    return HubPageSettings(
        record=record,
        operator=_origin(values, "OPERATOR", "where the operator serves its page"),
        hub=_origin(values, "HUB", "where the hub's API is, such as http://hub:8081"),
        account=Path(_needed(values, "ACCOUNT", "the file with the token of the pod's account")),
        token=Path(_needed(values, "TOKEN", "the file with the token of the hub's service")),
        base=base,
        host=host,
        port=port,
        authority=Path(authority) if authority else None,
    )


def _needed(values: Mapping[str, str], name: str, what: str) -> str:
    if not values.get(name):
        raise HubPageSettingsError(f"{PREFIX}{name} is not set: {what}")
    return values[name]


def _origin(values: Mapping[str, str], name: str, what: str) -> str:
    text = _needed(values, name, what).rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or text != f"{parts.scheme}://{parts.netloc}" or parts.username:
        raise HubPageSettingsError(f"{PREFIX}{name} is no http(s)://host[:port]: {what}")
    return text


def _listen(values: Mapping[str, str]) -> tuple[str, int]:
    text = values.get("LISTEN")
    if not text:
        return _HOST, _PORT
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise HubPageSettingsError(f"{PREFIX}LISTEN is {text!r}: it is host:port")
    return host.strip("[]") or _HOST, int(port)
