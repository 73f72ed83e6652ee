"""The operator's Lease, as tests read it and leave it."""

from __future__ import annotations

from responsibility.api.names import OPERATOR
from responsibility.kube.leadership.lease_seal import with_seal
from tests.e2e.operator import chart
from tests.e2e.operator.api import Admin, Manifest, where

LEASE = where("coordination.k8s.io/v1", "Lease", OPERATOR, chart.NAMESPACE)


def spec(admin: Admin) -> Manifest:
    """Return what the Lease says."""
    found: Manifest = admin.get(LEASE)["spec"]
    return found


def give_back(admin: Admin) -> None:
    """Leave the Lease as a leader does that ends: the next one leads at once, the first one, too.

    Where there is none, an operator that starts has to see first that nobody leads.
    """
    lease = admin.find(LEASE)
    if lease is None:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": OPERATOR},
            "spec": {"leaseDurationSeconds": 1},
        }
        lease = admin.create(LEASE.rpartition("/")[0], body)
    lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
    admin.replace(LEASE, with_seal(lease))
