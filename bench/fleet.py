"""A fleet as files: 171 hubs of 30 clusters, and what has gone wrong around them.

The shape is a public one: one cluster has 95 hubs, the others have few, and hubs of several
clusters are called alike. What is wrong is of the kinds that the demo tells, so many of each as
their share says; there is nothing random in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from demo import organisation
from demo.labels import Manifest
from demo.release import release
from responsibility.api.names import API_VERSION
from responsibility.subject_kinds import SubjectKind

CLUSTERS, HUBS, LARGEST = 30, 171, 95
_NAMES = ("staging", "prod", "workshop", "binder")


def _subject(kind: SubjectKind, name: str) -> Manifest:
    return {"kind": str(kind), "name": name}


ENGINEERS: Manifest = _subject(SubjectKind.GROUP, "platform-engineers")


@dataclass(frozen=True, slots=True)
class FleetHub:
    """One hub: its number, its cluster, and its name there, which is namespace and release."""

    number: int
    cluster: str
    name: str
    namespace: str

    @property
    def leads(self) -> str:
        """Return the group of its community."""
        return f"{self.cluster}-{self.name}-leads"


def hubs(*, together: bool = False) -> list[FleetHub]:
    """Return all hubs; ``together`` on one cluster, where each has a namespace of its own."""
    few = HUBS - LARGEST
    sizes = [LARGEST]
    sizes += [few // (CLUSTERS - 1) + (n < few % (CLUSTERS - 1)) for n in range(CLUSTERS - 1)]
    found: list[FleetHub] = []
    for number, size in enumerate(sizes):
        for n in range(size):
            cluster = f"c{number:02}"
            name = f"college-{n:02}" if size == LARGEST else _NAMES[n]
            namespace = f"{cluster}-{name}" if together else name
            found.append(FleetHub(len(found), cluster, name, namespace))
    return found


def write(folder: Path, *, together: bool = False) -> None:
    """Write what the clusters have, a file for each; with ``together`` the records as well."""
    chosen = hubs(together=together)
    for cluster in dict.fromkeys("all" if together else hub.cluster for hub in chosen):
        of_it = [hub for hub in chosen if together or hub.cluster == cluster]
        _write(
            folder / cluster / "cluster.yaml",
            [*cluster_manifests(), *(m for h in of_it for m in hub_manifests(h))],
        )
        if together:
            _write(folder / cluster / "records.yaml", map(record_manifest, chosen))


def table(folder: Path) -> Path:
    """Write the organisation's own table of its hubs."""
    lines = ["cluster,hub,displayName,community,email,groups"]
    for hub in hubs():
        name, mail = f"{hub.cluster} {hub.name}", f"leads@{hub.name}.{hub.cluster}.example"
        lines.append(f"{hub.cluster},{hub.name},{name},{name} people,{mail},{hub.leads}")
    path = folder / "hubs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def listing(folder: Path) -> Path:
    """Write the list of clusters that commands about several take."""
    path = folder / "clusters.yaml"
    names = dict.fromkeys(hub.cluster for hub in hubs())
    path.write_text(yaml.safe_dump([{"name": n, "files": [n]} for n in names]), encoding="utf-8")
    return path


def _write(path: Path, manifests: Iterator[Manifest] | list[Manifest] | map[Manifest]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    path.write_text(yaml.dump_all(manifests, Dumper=dumper, sort_keys=False), encoding="utf-8")


def cluster_manifests() -> Iterator[Manifest]:
    """Yield what a cluster has one of: the model, and who may do everything."""
    yield {
        "apiVersion": API_VERSION,
        "kind": "ResponsibilityModel",
        "metadata": {"name": organisation.MODEL},
        "spec": {
            "parties": [
                {
                    "name": "provider",
                    "displayName": organisation.PROVIDER,
                    "contact": {"email": "support@hub-collective.example"},
                    "subjects": [ENGINEERS],
                }
            ]
        },
    }
    yield organisation.cluster_binding("platform-engineers", "cluster-admin", ENGINEERS)
    yield organisation.cluster_binding("temp-contractor", "cluster-admin", organisation.CONTRACTOR)
    yield organisation.cluster_role(
        "dask-gateway", organisation.rule("", ["secrets"], ["get", "list", "watch"])
    )


def hub_manifests(hub: FleetHub) -> Iterator[Manifest]:
    """Yield a hub's namespace, release and bindings, with what has gone wrong there."""
    yield organisation.namespace(hub.namespace)
    yield from release(hub.namespace, hub.namespace, user_scheduler=False)
    number, where = hub.number, hub.namespace
    leads: Manifest = _subject(SubjectKind.GROUP, hub.leads)
    if number % 3 == 0:
        yield organisation.binding(where, "leads", "edit", leads)
    if number % 4 == 1:
        yield organisation.binding(where, "former-engineer", "admin", organisation.LEAVER)
    if number % 5 == 2:
        account: Manifest = {
            "kind": str(SubjectKind.SERVICE_ACCOUNT),
            "name": "traefik",
            "namespace": where,
        }
        yield organisation.cluster_binding(f"{where}-dask-gateway", "dask-gateway", account)
    if number % 7 == 3:
        readers: Manifest = _subject(SubjectKind.GROUP, f"{hub.cluster}-{hub.name}-readers")
        yield organisation.binding(where, "readers", "view", readers)
    if number % 9 == 4:
        misspelt: Manifest = _subject(SubjectKind.GROUP, hub.leads.removesuffix("s"))
        yield organisation.binding(where, "lead", "edit", misspelt)


def record_manifest(hub: FleetHub) -> Manifest:
    """Return the record of a hub; some communities own two items."""
    owned = ["kubernetes-configuration", "incident-response"] if hub.number % 8 == 0 else []
    return {
        "apiVersion": API_VERSION,
        "kind": "Responsibility",
        "metadata": {"name": hub.namespace},
        "spec": {
            "hub": {"namespace": hub.namespace, "release": hub.namespace},
            "parties": [
                {
                    "name": "community",
                    "displayName": f"{hub.cluster} {hub.name} people",
                    "contact": {"email": f"leads@{hub.name}.{hub.cluster}.example"},
                    "subjects": [_subject(SubjectKind.GROUP, hub.leads)],
                }
            ],
            "items": [{"name": name, "owner": "community"} for name in owned],
        },
    }
