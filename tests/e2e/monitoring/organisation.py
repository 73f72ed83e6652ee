"""The demo's organisation, and two more hubs on which goes wrong what there does not."""

from __future__ import annotations

from datetime import datetime, timedelta

from demo import organisation
from demo.labels import Manifest
from tests.e2e.operator.world import World, hub, record

ADRIFT = "adrift"
PERHAPS = "perhaps"
NOBODYS = "nobodys"
GUESTS: Manifest = {"kind": "Group", "name": "guests"}


def put(world: World, now: datetime) -> None:
    """Put everything on a cluster."""
    world.admin.apply(
        *organisation.manifests(),
        *organisation.third_hub(),
        *hub(ADRIFT),
        *hub(PERHAPS),
        # A user who may be in that group, which only the identity provider knows.
        organisation.binding(PERHAPS, "members", "admin", {"kind": "Group", "name": "members"}),
        *hub(NOBODYS),
    )
    world.admin.apply(*organisation.records(now), organisation.third_record(), *_records(now))
    # A second agreement about a hub that has one; what is applied together has no order.
    world.admin.apply(record(f"{PERHAPS}-again", PERHAPS))


def _records(now: datetime) -> list[Manifest]:
    soon = (now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        record(
            ADRIFT,
            parties=[
                # Without an address, and with an account that is gone.
                {
                    "name": "community",
                    "subjects": [{"kind": "ServiceAccount", "namespace": ADRIFT, "name": "gone"}],
                },
                {"name": "guests", "contact": {"email": "g@x.example"}, "subjects": [GUESTS]},
            ],
            items=[
                {"name": "data", "delegates": [{"party": "guests", "until": soon}]},
                # What the cluster has once, and others say is the provider's.
                {"name": "kubernetes-upgrades", "owner": "community"},
            ],
            # More than this operator is allowed to do.
            enforcement={"admission": "warn"},
        ),
        record(
            PERHAPS,
            parties=[
                {
                    "name": "community",
                    "contact": {"email": "lead@perhaps.example"},
                    "subjects": [{"kind": "User", "name": "lead@perhaps.example"}],
                }
            ],
            items=[{"name": "kubernetes-configuration", "owner": "community"}],
        ),
    ]
