"""JupyterHub releases, found by the labels of their Deployments.

Only metadata is read. The chart (Zero to JupyterHub, ``templates/_helpers-names.tpl`` and
``_helpers-labels.tpl``) has put three generations of labels on its objects: legacy ones only
(chart 3), both (chart 4), and it announces modern ones only. ``app=jupyterhub`` alone says
nothing: charts built on it put it on helpers of their own, without a release.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CHART = "jupyterhub"
HUB_COMPONENT = "hub"

# Of the chart itself: `jupyterhub-home-nfs-1.2.0` is another one, which is often beside it.
_CHART_LABEL = re.compile(rf"{CHART}-(?P<version>\d.*)")


@dataclass(frozen=True, slots=True, order=True)
class HubKey:
    """A hub inside one cluster: its namespace and the name of its Helm release."""

    namespace: str
    release: str

    def __str__(self) -> str:
        """Return ``namespace/release``, or the namespace where it is not known which release."""
        return f"{self.namespace}/{self.release}" if self.release else self.namespace


@dataclass(frozen=True, slots=True)
class Deployment:
    """Of a Deployment that belongs to some JupyterHub release: what we read of it."""

    namespace: str
    name: str
    uid: str
    component: str
    release: str
    chart: str
    annotations: Mapping[str, str]

    @property
    def is_hub(self) -> bool:
        """Whether this is the hub itself, not its proxy or scheduler."""
        return self.component == HUB_COMPONENT


@dataclass(frozen=True, slots=True)
class Hub:
    """One release: its Deployments, and the prefix the chart gave to all its objects."""

    key: HubKey
    prefix: str
    chart: str
    deployments: tuple[Deployment, ...]


def parse_deployment(raw: Mapping[str, Any], *, own_prefix: str) -> Deployment | None:
    """Return the Deployment if it belongs to a JupyterHub release, else None.

    ``raw`` needs only ``metadata`` (``PartialObjectMetadata``). Of its annotations, those that
    begin with ``own_prefix`` are kept: the others are nobody's business here.
    """
    meta = raw.get("metadata") or {}
    labels = meta.get("labels") or {}
    chart = _CHART_LABEL.fullmatch(labels.get("helm.sh/chart") or labels.get("chart") or "")
    named = CHART in (labels.get("app"), labels.get("app.kubernetes.io/name"))
    # With `nameOverride` the name label says something else, the chart label does not.
    if not (named or chart):
        return None
    annotations = meta.get("annotations") or {}
    release = (
        labels.get("release")
        or labels.get("app.kubernetes.io/instance")
        or annotations.get("meta.helm.sh/release-name")
    )
    component = labels.get("component") or labels.get("app.kubernetes.io/component")
    if not release or not component:
        return None
    return Deployment(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta.get("uid") or "",
        component=component,
        release=release,
        chart=chart["version"] if chart else "",
        annotations={k: v for k, v in annotations.items() if k.startswith(own_prefix)},
    )


def discover(deployments: Iterable[Deployment]) -> dict[HubKey, Hub]:
    """Return every hub among ``deployments``, by namespace and release.

    A release without a hub Deployment is no hub. All names of a release share a prefix (empty
    by default, ``<fullname>-`` where the chart's ``fullnameOverride`` is null), and the hub's
    own name is that prefix and ``hub``; so no ConfigMap has to be read to know it.
    """
    members: dict[HubKey, list[Deployment]] = defaultdict(list)
    for deployment in deployments:
        members[HubKey(deployment.namespace, deployment.release)].append(deployment)
    hubs = {}
    for key in sorted(members):
        deployments_of = sorted(members[key], key=lambda d: d.name)
        # A copy somebody keeps beside it (`hub-old`) is not the hub; the shortest name is.
        heads = sorted(
            (d for d in deployments_of if d.is_hub),
            key=lambda d: (not d.name.endswith(HUB_COMPONENT), len(d.name), d.name),
        )
        if heads:
            head = heads[0]
            named = head.name.endswith(HUB_COMPONENT)
            prefix = head.name.removesuffix(HUB_COMPONENT) if named else ""
            hubs[key] = Hub(
                key=key, prefix=prefix, chart=head.chart, deployments=tuple(deployments_of)
            )
    return hubs
