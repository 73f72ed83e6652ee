"""Tables of nodes: names and versions, and nothing that only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.upgrades.node_table import NoTableError, kubelet_versions
from tests.unit.upgrades.tables import table


def test_names_and_versions_are_found_by_their_columns() -> None:
    nodes = {"a": "v1.33.2", "b": "v1.31.4-eks-aeac579"}
    assert kubelet_versions(table(nodes)) == nodes
    turned = table(nodes)
    turned["columnDefinitions"].reverse()
    for row in turned["rows"]:
        row["cells"].reverse()
    assert kubelet_versions(turned) == nodes


def test_of_no_nodes_there_are_none() -> None:
    assert kubelet_versions(table({})) == {}


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"kind": "NodeList", "items": [{"metadata": {"name": "a"}}]},
        {"columnDefinitions": None, "rows": []},
        {"columnDefinitions": [{"name": "Name"}], "rows": [{"cells": ["a"]}]},
        {"columnDefinitions": ["Name", "Version"], "rows": []},
        {**table({}), "rows": [{"cells": ["a"]}]},
        {**table({}), "rows": [{"cells": "a" * 6}]},
        {**table({}), "rows": ["a"]},
    ],
)
def test_what_is_no_table_of_nodes_is_refused(page: dict[str, Any]) -> None:
    with pytest.raises(NoTableError):
        kubelet_versions(page)
