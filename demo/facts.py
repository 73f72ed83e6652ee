"""What the demo's story is told from: objects and metrics, read from the cluster once.

Only what the operator has published is here. The story arranges it; it works nothing out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from demo import organisation
from demo.background import Operator
from demo.labels import Manifest
from responsibility.api.item import ItemDefinition
from responsibility.api.names import MODELS, RECORDS
from responsibility.api.parse import parse_model
from tests.e2e.lab.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Facts:
    """One look at the cluster.

    ``tables`` are what ``kubectl get`` prints, by kind. ``deployment`` is the hub of LEAP.
    """

    records: tuple[Manifest, ...]
    model: Manifest
    tables: Mapping[str, str]
    deployment: Manifest
    metrics: str
    samples: tuple[Sample, ...]

    def party(self, owner: Manifest, name: str) -> str:
        """Return what a party is called in a record, else in the model."""
        for parties in (owner["spec"].get("parties", ()), self.model["spec"]["parties"]):
            for party in parties:
                if party["name"] == name and party.get("displayName"):
                    return str(party["displayName"])
        return name

    def items(self) -> tuple[ItemDefinition, ...]:
        """Return the items of the model, by number."""
        return parse_model(self.model).spec.all_items

    def metric(self, name: str) -> Iterator[tuple[Mapping[str, str], float]]:
        """Yield labels and value of each series of ``responsibility_<name>``."""
        for sample in self.samples:
            if sample.name == f"responsibility_{name}":
                yield sample.labels, sample.value


def read(cluster: Cluster, operator: Operator) -> Facts:
    """Look at the cluster."""
    metrics = operator.metrics()
    (model,) = _list(cluster, MODELS)
    return Facts(
        records=tuple(_list(cluster, RECORDS)),
        model=model,
        tables={
            kind: cluster.kubectl("get", kind).stdout.rstrip() for kind in ("resp", "respmodel")
        },
        deployment=_json(
            cluster, "get", "deployment", "hub", f"--namespace={organisation.LEAP.namespace}"
        ),
        metrics=metrics,
        samples=tuple(
            sample
            for family in text_string_to_metric_families(metrics)
            for sample in family.samples
        ),
    )


def _list(cluster: Cluster, kind: str) -> list[Manifest]:
    items: list[Manifest] = _json(cluster, "get", kind)["items"]
    return items


def _json(cluster: Cluster, *arguments: str) -> Manifest:
    answer: Manifest = json.loads(cluster.kubectl(*arguments, "--output=json").stdout)
    return answer
