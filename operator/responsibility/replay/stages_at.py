"""Stages in force if records were followed: policies, and what Namespaces say to them.

The operator's own plans are asked (``stages``, ``cluster_stages``), with the stage that is
supposed for every item in the place of the recorded one, and as if it were in force already: what
stands in the way of a stage today is not what a replay is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from responsibility.admission.policies.cluster_policies import cluster_policies, clustered
from responsibility.admission.policies.guards import Guards
from responsibility.admission.policies.manifests import Manifest
from responsibility.admission.policies.rendered import installed, item_policies
from responsibility.admission.stages.cluster_stages import cluster_plan
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.stages.namespace_stages import ItemStage, plan
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import break_glass_name, policy_name
from responsibility.api.stages import AdmissionStage
from responsibility.hub.discovery import Hub as Release
from responsibility.ownership.results.assessment import Assessment, HubAssessment, HubState
from responsibility.ownership.terms.agreement import Agreement

# Before all delegations: a replay judges each by the time of the request.
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HubStages:
    """A namespace in which some item would be above ``observe``."""

    model: str
    keys: NamespaceKeys
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class StagesAt:
    """Policies by model, and hubs by namespace; ``left_out`` says what could not be enforced."""

    policies: Mapping[str, tuple[Manifest, ...]]
    items: Mapping[str, Mapping[str, str]]
    hubs: Mapping[str, HubStages]
    operator: str
    left_out: tuple[str, ...]


def suppose(
    assessment: Assessment,
    models: Mapping[str, ResponsibilityModel],
    *,
    stage: AdmissionStage | None,
    operator: tuple[str, str],
) -> StagesAt:
    """Return what would be in force, with each item at ``stage``; None: as its record asks.

    ``operator`` is its namespace and its user name.

    Raises ValueError for a model that no policies can be rendered for.
    """
    assumed = _assumed(assessment, stage)
    used = {hub.agreement.terms.name for hub in assumed.hubs.values()}
    guards = {name: list(Guards.of(models[name]).items()) for name in sorted(used)}
    book = {name: {g.item.name: "" for g in found} for name, found in guards.items()}
    granted = {
        hub.agreement.record: {item.name: item.admission for item in hub.agreement.items}
        for hub in assumed.hubs.values()
    }
    reads = {name: {g.item.name: g.others for g in found} for name, found in guards.items()}
    planned = plan(assumed, policies=book, reads=reads, granted=granted, present={})
    hubs: dict[str, HubStages] = {}
    for assessed in assumed.hubs.values():
        agreement = assessed.agreement
        namespace = agreement.hub.namespace
        keys = planned.namespaces.get(namespace)
        if keys is not None and namespace not in hubs:
            hubs[namespace] = HubStages(agreement.terms.name, keys, agreement)
    left_out = [
        f"{record}: {entry.item}: {entry.message}"
        for record, entries in planned.stages.items()
        for entry in entries
        if _is_left_out(entry)
    ]
    policies: dict[str, tuple[Manifest, ...]] = {}
    items: dict[str, dict[str, str]] = {}
    for name in sorted(used):
        of_cluster = _of_cluster(assumed, models[name], left_out)
        manifests = [*of_cluster, *item_policies(models[name])]
        policies[name] = tuple(installed(manifests, namespace=operator[0], account=operator[1]))
        items[name] = {
            policy: found.item.name
            for found in guards[name]
            for policy in (
                policy_name(found.item.name),
                break_glass_name(found.item.name),
            )
        }
    return StagesAt(policies, items, hubs, operator[0], tuple(left_out))


def _assumed(assessment: Assessment, stage: AdmissionStage | None) -> Assessment:
    found = {hub.agreement.hub.namespace for hub in assessment.hubs.values() if hub.hub}
    hubs = {record: _hub(hub, stage, found) for record, hub in assessment.hubs.items()}
    return replace(assessment, hubs=hubs, now=_BEFORE_ALL)


def _hub(hub: HubAssessment, stage: AdmissionStage | None, found: set[str]) -> HubAssessment:
    agreement = hub.agreement
    there = hub.hub
    if there is None and agreement.hub.namespace not in found:
        # Records alone don't say what a hub's objects are called: as charts call them by default.
        there = Release(agreement.hub, agreement.names.prefix, "", ())
    if stage is not None:
        items = tuple(replace(item, admission=stage) for item in agreement.items)
        agreement = replace(agreement, items=items)
    return replace(hub, agreement=agreement, hub=there, hub_state=HubState.FOUND)


def _is_left_out(entry: ItemStage) -> bool:
    return bool(entry.message) and entry.asked is not entry.stage


def _of_cluster(
    assessment: Assessment, model: ResponsibilityModel, left_out: list[str]
) -> list[dict[str, Any]]:
    cluster = assessment.clusters.get(model.name)
    if cluster is None:
        return []
    names = clustered(model)
    asked = dict.fromkeys(names, AdmissionStage.DENY)
    planned = cluster_plan(assessment, cluster, names, trouble="", granted=asked, enabled=True)
    left_out.extend(
        f"the cluster: {entry.item}: {entry.message}"
        for entry in planned.stages
        if _is_left_out(entry)
    )
    return cluster_policies(model, planned.table or {})
