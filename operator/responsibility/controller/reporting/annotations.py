"""Annotations on a hub's Deployments that name its owners, in their own metadata.

Only ``metadata.annotations`` is ever written, only our keys, by server-side apply: the pod
template stays as it is, so no hub restarts. What changes often, times and counts of findings, is
not among the values: each change raises the Deployment's generation, and the Deployment controller
copies it to ReplicaSets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responsibility import api_groups
from responsibility.api.base import clip
from responsibility.api.foreign_text import harmless
from responsibility.api.names import KEY_PREFIX
from responsibility.hub.discovery import Deployment
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment, HubAssessment

# Annotations of an object may take 256 KiB together; ours stay far below.
_LONGEST = 4_096


def desired(assessment: Assessment, *, cluster: str = "") -> dict[tuple[str, str], dict[str, str]]:
    """Return the annotations of every Deployment of a hub that has a record.

    ``cluster`` is the name of this cluster, for those who are about to type into another one.
    """
    return {
        (deployment.namespace, deployment.name): values
        for hub in assessment.hubs.values()
        if hub.hub is not None
        for values in (_of_hub(hub, cluster),)
        for deployment in hub.hub.deployments
    }


def outdated(deployment: Deployment, wanted: dict[str, str]) -> bool:
    """Return whether a Deployment's annotations of ours are not the wanted ones."""
    return dict(deployment.annotations) != wanted


def ours(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations under our prefix of a Deployment as the API server answers it."""
    found = answer["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if key.startswith(KEY_PREFIX)}


def patch(deployment: Deployment, wanted: dict[str, str]) -> dict[str, object]:
    """Return the body to apply; keys of ours that it leaves out are removed.

    The UID makes it fail, not create something, where the Deployment is another one by now.
    """
    return {
        "apiVersion": f"{api_groups.APPS}/v1",
        "kind": "Deployment",
        "metadata": {
            "name": deployment.name,
            "namespace": deployment.namespace,
            "uid": deployment.uid,
            **({"annotations": wanted} if wanted else {}),
        },
    }


def _of_hub(hub: HubAssessment, cluster: str) -> dict[str, str]:
    agreement = hub.agreement
    owners = [f"{i.name}={i.owner}" for i in agreement.items if i.terms.number]
    owning = {item.owner for item in agreement.items}
    parties = [party for name, party in agreement.parties.items() if name in owning]
    values = {
        "cluster": cluster,
        "record": agreement.record,
        "model": agreement.terms.name,
        "owner-split": ", ".join(f"{party} {count}" for party, count in hub.owner_split),
        "owners": ",".join(owners),
        "contacts": "; ".join(wording.contact_text(p) for p in parties if p.contact),
    }
    return {
        KEY_PREFIX + key: clip(harmless(value), _LONGEST) for key, value in values.items() if value
    }
