"""One number everywhere: however somebody asks, as much is wrong, and as much of it is the hub's.

The worlds are drawn: hubs, and bindings to roles in them and on the whole cluster. What the
operator writes into statuses and metrics, what the command line says and what the page says are
derived from the same files, each by its own way, and compared hub by hub.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.cli.answers.report import Report
from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import Where
from responsibility.controller.reporting.metrics_collector import FindingsCollector, MetricsState
from responsibility.controller.reporting.metrics_table import PREFIX
from responsibility.controller.status import model_status, record_status
from responsibility.ownership.results.severity import Severity
from responsibility.web.overview import counts_of
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

NOW = datetime.fromisoformat(small.AT).replace(tzinfo=UTC)
RBAC_GROUP = "rbac.authorization.k8s.io"
# The cluster as a whole is a place like a hub.
CLUSTER = ""
_USERS = ("leaver", "stranger", "helper")
_RULES: tuple[tuple[str, str, list[str]], ...] = (
    ("apps", "deployments", ["patch"]),
    ("", "secrets", ["get"]),
    ("", "pods", ["create"]),
    (RBAC_GROUP, "rolebindings", ["create"]),
    (RBAC_GROUP, "roles", ["bind", "escalate"]),
    ("*", "*", ["*"]),
)
Numbers = Mapping[str, tuple[int, int]]


@pytest.mark.parametrize("routes", [False, True], ids=["direct", "routes"])
@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 30))]
)
def test_findings_and_causes_are_as_many_however_they_are_asked_for(
    run: Run, files: Path, seed: int, *, routes: bool
) -> None:
    hubs = _draw(files, random.Random(seed))
    asked = ("-f", "reef", "--at", small.AT, *(["--routes"] if routes else []))
    listed = json.loads(run("drift", *asked, "-o", "json").out)
    findings = Counter(_place(each["hub"]) for each in listed)
    assert sum(findings.values()) > len(hubs), f"seed {seed}: there is something to count"

    table = run("drift", *asked).out.splitlines()
    foot = re.match(r"(\d+) causes?, (\d+) findings?", table[-1])
    assert foot is not None
    assert int(foot[2]) == len(listed)

    assessed = Report.of(Where(files=("reef",)).load(ALL), NOW, routes=routes).assessment
    told: dict[str, Any] = {"before": (), "since": {}, "generation": 1}
    statuses = {
        name: record_status(hub, assessed, annotated=None, **told)
        for name, hub in assessed.hubs.items()
    }
    (cluster,) = (model_status(each, assessed, **told) for each in assessed.clusters.values())
    assert cluster.drift is not None
    expected: dict[str, tuple[int, int]] = {CLUSTER: (cluster.drift.total, cluster.drift.causes)}
    for name, status in statuses.items():
        assert status.drift is not None
        expected[name] = (status.drift.total, status.drift.causes)
    assert {place: found for place, (found, _) in expected.items()} == {
        place: findings[place] for place in expected
    }
    assert int(foot[1]) == sum(causes for _, causes in expected.values())

    # Each hub alone: its own, and the cluster's, which are told as such.
    for hub in hubs:
        own = json.loads(run("drift", hub, *asked, "-o", "json").out)
        assert Counter(_place(each["hub"]) for each in own)[hub] == expected[hub][0]
        _see_matrix(run, hub, asked, expected, cluster_findings=statuses[hub].cluster_findings)
    assert _of_matrix_table(run, asked) == {hub: expected[hub][0] for hub in hubs}
    checked = json.loads(run("check", *asked, "-o", "json").out)["findings"]
    assert Counter(each["id"] for each in checked) == Counter(each["id"] for each in listed)
    assert _of_metrics(assessed) == {at: found for at, (found, _) in expected.items()}
    _see_pages(run, asked, hubs, expected)
    for hub, (worst, number) in counts_of(list(assessed.hubs.values())).items():
        assert number == expected[hub][1]
        assert worst == min(_severity(each) for each in listed if _place(each["hub"]) == hub)


def _draw(files: Path, draw: random.Random) -> list[str]:
    """Add hubs to the small organisation, and bindings around them; return all hubs."""
    hubs = ["reef", *(f"hub-{number}" for number in range(draw.randint(1, 3)))]
    for hub in hubs[1:]:
        for name, text in (("record", small.RECORD), ("hub", small.HUB), ("rbac", small.RBAC)):
            changed = re.sub(r"\breef\b", hub, text)
            changed = changed.replace("name: elsewhere", f"name: elsewhere-{hub}")
            (files / f"{name}-{hub}.yaml").write_text(changed, encoding="utf-8")
    objects: list[dict[str, Any]] = []
    for number in range(draw.randint(4, 9)):
        rules = draw.sample(_RULES, draw.randint(1, 2))
        role = {"kind": "ClusterRole", "apiGroup": RBAC_GROUP, "name": f"drawn-{number}"}
        objects.append(
            {
                "apiVersion": f"{RBAC_GROUP}/v1",
                "kind": "ClusterRole",
                "metadata": {"name": role["name"]},
                "rules": [
                    {"apiGroups": [group], "resources": [what], "verbs": verbs}
                    for group, what, verbs in rules
                ],
            }
        )
        # A cluster on which nothing is wrong as a whole is drawn as well.
        where = draw.choice([*hubs, *hubs, CLUSTER])
        place = {"namespace": where} if where else {}
        objects.append(
            {
                "apiVersion": f"{RBAC_GROUP}/v1",
                "kind": "RoleBinding" if where else "ClusterRoleBinding",
                "metadata": {"name": f"drawn-{number}", **place},
                "roleRef": role,
                "subjects": [
                    {"kind": "User", "apiGroup": RBAC_GROUP, "name": name}
                    for name in draw.sample(_USERS, draw.randint(1, 2))
                ],
            }
        )
    (files / "drawn.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return hubs


def _place(hub: Mapping[str, str] | None) -> str:
    return hub["namespace"] if hub else CLUSTER


def _severity(told: Mapping[str, Any]) -> int:
    return int(Severity[told["severity"].upper()])


def _see_matrix(
    run: Run, hub: str, asked: Iterable[str], expected: Numbers, *, cluster_findings: int
) -> None:
    matrix = json.loads(run("matrix", hub, *asked, "-o", "json").out)
    matrix = matrix[0] if isinstance(matrix, list) else matrix
    assert matrix["findings"] == expected[hub][0]
    assert sum(item["findings"] for item in matrix["items"]) >= matrix["findings"]
    assert matrix["clusterFindings"] == cluster_findings <= expected[CLUSTER][0]
    # What is wrong with the cluster colours no item of a hub.
    for item in matrix["items"]:
        assert (item["state"] == "drift") <= bool(item["findings"])


def _of_matrix_table(run: Run, asked: Iterable[str]) -> dict[str, int]:
    rows = [line.split()[:2] for line in run("matrix", "--all", *asked).out.splitlines() if line]
    found = (row for row in rows if re.fullmatch(r"reef|hub-\d", row[0]))
    return {hub: int(number.replace("-", "0")) for hub, number in found}


def _of_metrics(assessed: Any) -> dict[str, int]:
    """Return how many findings are exported of each hub, and of the cluster."""
    families = FindingsCollector(MetricsState(assessment=assessed)).collect()
    samples = {family.name: family.samples for family in families}
    counted = {
        metric: Counter(
            {
                place: sum(int(s.value) for s in samples[PREFIX + metric] if _of(s) == place)
                for place in map(_of, samples[PREFIX + metric])
            }
        )
        for metric in ("drift", "cause_info")
    }
    assert counted["cause_info"] == counted["drift"], "the causes have all findings"
    places = [CLUSTER, *(hub.agreement.hub.namespace for hub in assessed.hubs.values())]
    return {place: counted["drift"][place] for place in places}


def _of(sample: Any) -> str:
    namespace: str = sample.labels["hub_namespace"]
    return namespace


def _see_pages(run: Run, asked: Iterable[str], hubs: Iterable[str], expected: Numbers) -> None:
    assert run("page", "--findings", "-o", "site", *asked).code == 0
    for hub in hubs:
        page = Path(f"site/hub-{hub}.html").read_text(encoding="utf-8")
        assert page.count("What to do: ") == expected[hub][1], hub
    index = Path("site/index.html").read_text(encoding="utf-8")
    assert index.count("What to do: ") == expected[CLUSTER][1]
