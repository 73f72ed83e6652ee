"""Hubs of a namespace as webhooks need to know them, whether their replica leads or not.

The API server asks any of the replicas. The one that leads knows the cluster; another one, which
knows nothing of it, looks up what a request concerns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import PREFIX_ANNOTATION, RELEASE_ANNOTATION
from responsibility.cluster.custom_resources import CustomResource
from responsibility.cluster.store import Store
from responsibility.controller.own_kinds import OwnKinds
from responsibility.controller.reporting.metrics import Metrics
from responsibility.hub.discovery import HubKey
from responsibility.kube import errors
from responsibility.kube.client import Api
from responsibility.ownership.terms.permission_index import Names

_NAMESPACES = "/api/v1/namespaces"


@dataclass(frozen=True, slots=True)
class RecordedHub:
    """A hub that a request may be about, and its record."""

    record: CustomResource[Any]
    key: HubKey
    names: Names
    model: ResponsibilityModel


@dataclass(frozen=True, slots=True)
class HubNamespace:
    """A namespace: what it says to policies, and its hubs that have a record."""

    keys: NamespaceKeys
    hubs: tuple[RecordedHub, ...]


class HubLookup:
    """Knows, or looks up."""

    def __init__(self, api: Api, metrics: Metrics, *, own_kinds: OwnKinds) -> None:
        self._api = api
        self._metrics = metrics
        self._own_kinds = own_kinds

    def known(self, namespace: str) -> HubNamespace | None:
        """Return a namespace as this replica knows it; None if it has to be looked up."""
        leading = self._own_kinds.leading
        if leading is None or self._metrics.state.assessment is None:
            return None
        space = leading.namespaces.items.get(namespace)
        if space is None:
            return None
        return HubNamespace(space.keys, tuple(self._assessed(leading, namespace)))

    async def looked_up(self, namespace: str, *, age: float = 0.0) -> HubNamespace | None:
        """Return a namespace as it is; None if it is gone.

        Records and models may have been listed ``age`` seconds ago. Raises ApiError.
        """
        found = await self._api.get(_NAMESPACES, {"fieldSelector": f"metadata.name={namespace}"})
        if not isinstance(found.get("items"), list):
            raise errors.bad_answer("GET", _NAMESPACES, "a list")
        space = next((NamespaceKeys.of(each["metadata"]) for each in found["items"]), None)
        if space is None:
            return None
        await self._own_kinds.relist(age)
        return HubNamespace(space, tuple(self._recorded(space, namespace)))

    def _assessed(self, store: Store, namespace: str) -> Iterator[RecordedHub]:
        """Yield the hubs of a namespace as they were assessed last."""
        assessment = self._metrics.state.assessment
        for name, hub in assessment.hubs.items() if assessment is not None else ():
            agreement, record = hub.agreement, store.records.items.get(name)
            model = store.models.items.get(agreement.terms.name)
            here = agreement.hub.namespace == namespace
            if here and record is not None and model is not None and model.value is not None:
                yield RecordedHub(record, agreement.hub, agreement.names, model.value)

    def _recorded(self, space: NamespaceKeys, namespace: str) -> Iterator[RecordedHub]:
        """Yield the hubs of a namespace by their records, and what the Namespace says of them."""
        release = space.annotations.get(RELEASE_ANNOTATION, "")
        names = Names(namespace, release, space.annotations.get(PREFIX_ANNOTATION, ""))
        for record in self._own_kinds.listed.records.items.values():
            if record.value is None or record.value.spec.hub.namespace != namespace:
                continue
            model = self._own_kinds.listed.models.items.get(record.value.spec.model)
            if model is not None and model.value is not None:
                key = HubKey(namespace, record.value.spec.hub.release or release)
                yield RecordedHub(record, key, names, model.value)
