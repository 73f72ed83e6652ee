"""Files of the demo's organisation: what its cluster has, and its agreements.

As an organisation keeps them in its repository: what runs and who may do what under ``cluster/``,
who owns what under ``agreements/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import yaml

from demo import organisation
from demo.labels import Manifest


def write(folder: Path, now: datetime) -> None:
    """Write all files into ``folder``, as they stand at ``now``; what is there is replaced."""
    for name, manifests in _contents(now):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(manifests, sort_keys=False), encoding="utf-8")


def _contents(now: datetime) -> Iterator[tuple[str, list[Manifest]]]:
    yield "cluster/hubs.yaml", organisation.hubs()
    yield "cluster/atlas.yaml", organisation.third_hub()
    yield "cluster/provider.yaml", organisation.provider()
    yield "cluster/communities.yaml", organisation.communities()
    yield "cluster/problems.yaml", organisation.problems()
    yield "agreements/provider.yaml", [organisation.provider_subjects()]
    for record in (*organisation.records(now), organisation.third_record()):
        yield f"agreements/{record['metadata']['name']}.yaml", [record]
