"""JupyterHub releases, found by the labels of their Deployments.

Only metadata is read. The chart (Zero to JupyterHub, ``templates/_helpers-names.tpl`` and
``_helpers-labels.tpl``) has put three generations of labels on its objects: legacy ones only
(chart 3), both (chart 4), and it announces modern ones only. ``app=jupyterhub`` alone says
nothing: charts built on it put it on helpers of their own, which are no parts of the hub.

A chart that depends on it by an alias has it call itself by that (Helm puts the alias in the place
of ``.Chart.Name``), in the name labels and in the chart label alike. Then it is known by its shape:
a hub and a proxy in one release.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CHART = "jupyterhub"
HUB_COMPONENT = "hub"
_PROXY = "proxy"
# The components of the chart's Deployments (``templates/**/deployment.yaml``).
COMPONENTS = frozenset({HUB_COMPONENT, _PROXY, "autohttps", "user-scheduler"})

# Of the chart itself: `jupyterhub-home-nfs-1.2.0` is another one, which is often beside it.
_CHART_LABEL = re.compile(r"(?P<name>[A-Za-z].*?)-(?P<version>\d.*)")


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
    """Of a Deployment that belongs to some JupyterHub release: what we read of it.

    One that is ``aliased`` belongs to one only if the release has the shape of a hub.
    """

    namespace: str
    name: str
    uid: str
    component: str
    release: str
    chart: str
    annotations: Mapping[str, str]
    aliased: bool = False

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
    component = labels.get("component") or labels.get("app.kubernetes.io/component")
    if component not in COMPONENTS:
        return None
    chart = _CHART_LABEL.fullmatch(labels.get("helm.sh/chart") or labels.get("chart") or "")
    names = {labels.get("app"), labels.get("app.kubernetes.io/name")}
    # With `nameOverride` the name label says something else, the chart label does not.
    known = CHART in names or (chart is not None and chart["name"] == CHART)
    if not known and (chart is None or chart["name"] not in names):
        return None
    annotations = meta.get("annotations") or {}
    release = (
        labels.get("release")
        or labels.get("app.kubernetes.io/instance")
        or annotations.get("meta.helm.sh/release-name")
    )
    if not release:
        return None
    return Deployment(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta.get("uid") or "",
        component=component,
        release=release,
        chart=chart["version"] if chart and (not known or chart["name"] == CHART) else "",
        annotations={k: v for k, v in annotations.items() if k.startswith(own_prefix)},
        aliased=not known,
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
        deployments_of = sorted(_of_one_chart(members[key]), key=lambda d: d.name)
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


def _of_one_chart(members: list[Deployment]) -> list[Deployment]:
    """Return a release's Deployments; those of an unknown chart only if it has a hub's shape."""
    aliased = {deployment.component for deployment in members if deployment.aliased}
    is_hub = aliased >= {HUB_COMPONENT, _PROXY}
    return [deployment for deployment in members if is_hub or not deployment.aliased]
