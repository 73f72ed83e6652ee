"""An organisation's own files of its clusters and hubs, as a table of hubs: names and communities.

The shape is the public one of such repositories: a folder a cluster, whose ``cluster.yaml`` lists
the hubs with ``name``, which is namespace and release, ``display_name`` and
``helm_chart_values_files``. Of the values, the home page's ``org`` says which community a hub is
for and where that is reached. Encrypted files are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from responsibility.cli.drafting.hub_table import MOST_TOLD, HubRow, refused
from responsibility.cli.review.layout import CLUSTER_FILE
from responsibility.cli.review.values_files import ValuesFile
from responsibility.cli.review.values_files import read as read_values
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import clean
from responsibility.phrases import some

_FOLDERS: Final = ("*", "clusters/*", "config/clusters/*")
_LARGEST: Final = 4 << 20
# Whose values a chart hands down to the hub's, by the usual keys.
_WRAPPERS: Final = ((), ("jupyterhub",), ("basehub", "jupyterhub"))
_ORG: Final = ("custom", "homepage", "templateVars", "org")
# Files of secrets, which are encrypted as a whole or in part.
_ENCRYPTED: Final = ".secret."


def read(folder: Path, cluster: str = "") -> dict[str, HubRow]:
    """Return a line for each hub, or each of a ``cluster``, by the name of its folder.

    Raises CliError, which tells all that is wrong.
    """
    own = folder / CLUSTER_FILE
    listings = [own] if own.is_file() else sorted(_listings(folder))
    if cluster and listings:
        listings = [each for each in listings if each.parent.name == cluster]
        if not listings:
            return {}
    if not listings:
        raise CliError(
            f"{folder}: there is no {CLUSTER_FILE} here, nor in {', '.join(_FOLDERS)}: name the "
            "folder of a cluster, or a table of hubs"
        )
    found: dict[str, tuple[str, HubRow]] = {}
    problems: list[str] = []
    for listing in listings:
        for row, wrong in _hubs(listing):
            cluster = listing.parent.name
            if row.hub in found:
                wrong.append(
                    f"hub {row.hub} is one of cluster {found[row.hub][0]} as well: name the folder "
                    "of the cluster that is asked"
                )
            problems += (f"{listing}, line {row.line}: {clean(each)}" for each in wrong)
            found.setdefault(row.hub, (cluster, row))
    if problems:
        raise CliError(some(problems, MOST_TOLD, between="; ", last="; and "))
    return {hub: row for hub, (_, row) in found.items()}


def _listings(folder: Path) -> Iterator[Path]:
    for pattern in _FOLDERS:
        yield from folder.glob(f"{pattern}/{CLUSTER_FILE}")


def _hubs(listing: Path) -> Iterator[tuple[HubRow, list[str]]]:
    """Yield each hub of a cluster, and what is wrong with what is said of it."""
    told = _file(listing)
    hubs = told.values.get("hubs") if isinstance(told.values, Mapping) else None
    if not isinstance(hubs, list):
        raise CliError(f"{listing}: there is no list of hubs in it")
    for number, hub in enumerate(hubs):
        at = told.location(("hubs", str(number))) or told.location(("hubs",))
        line = at.line if at is not None else 0
        if not isinstance(hub, Mapping) or not isinstance(hub.get("name"), str):
            yield HubRow(line, ""), ["a hub has no name"]
            continue
        org = _org(listing.parent, hub)
        row = HubRow(
            line,
            hub["name"],
            _text(hub.get("display_name")),
            _text(org.get("name")),
            url=_text(org.get("url")),
        )
        yield row, list(refused(row))


def _org(folder: Path, hub: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the hub's values say of its organisation, the last file first."""
    found: dict[str, Any] = {}
    files = hub.get("helm_chart_values_files")
    for name in files if isinstance(files, list) else ():
        if not isinstance(name, str) or _ENCRYPTED in name:
            continue
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve().parent):
            raise CliError(f"{path}: a file of values outside of its cluster's folder")
        values = _file(path).values
        for wrapper in _WRAPPERS:
            said = _inside(values, (*wrapper, *_ORG))
            if isinstance(said, Mapping):
                found |= {str(key): value for key, value in said.items()}
    return found


def _inside(value: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _file(path: Path) -> ValuesFile:
    try:
        if path.stat().st_size > _LARGEST:
            raise CliError(f"{path}: larger than {_LARGEST >> 20} MiB")
        return read_values(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CliError(f"{path}: not UTF-8") from None
