"""Tables of nodes: the columns that kubectl shows, of which the name and the version are read.

A node as a whole has some ten kilobytes, mostly the images that it holds; its row has 200 bytes,
and nothing in it but texts. The server makes the table of what it is asked for with
``as=Table`` (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables);
``Version`` there is ``status.nodeInfo.kubeletVersion`` (``printNode`` in
``pkg/printers/internalversion/printers.go``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

# Rows alone, without the metadata of each object.
PARAMS: Final = {"includeObject": "None"}
_NAME, _VERSION = "Name", "Version"


class NoTableError(ValueError):
    """An answer is no table of nodes."""


def kubelet_versions(page: Mapping[str, Any]) -> dict[str, str]:
    """Return what each node of a page says that its kubelet's version is, by the node's name.

    Raises NoTableError where there are no such columns.
    """
    columns = [
        c.get("name") if isinstance(c, dict) else None for c in _list(page, "columnDefinitions")
    ]
    if _NAME not in columns or _VERSION not in columns:
        raise NoTableError("the list of nodes is no table with their names and versions")
    name, version = columns.index(_NAME), columns.index(_VERSION)
    found = {}
    for row in _list(page, "rows"):
        cells = row.get("cells") if isinstance(row, dict) else None
        if not isinstance(cells, list) or len(cells) != len(columns):
            raise NoTableError("a row of the table of nodes has other columns than its head")
        found[str(cells[name])] = str(cells[version])
    return found


def _list(page: Mapping[str, Any], field: str) -> Iterable[Any]:
    value = page.get(field)
    # No rows are null.
    return value if isinstance(value, list) else ()
