"""One moment of a cluster: what is assessed, and the objects that the answer is about.

Between an assessment and its publication others are waited for, and the store moves on: records
are deleted, made anew under the same name, edited. Whatever pairs an answer with an object takes
both from here, so that an old answer never meets a new object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api.model import ResponsibilityModel
from responsibility.api.record import Responsibility
from responsibility.cluster.custom_resources import CustomResource
from responsibility.cluster.knowledge import COMPLETE, Knowledge
from responsibility.grants.binding import LiveBinding
from responsibility.hub.discovery import Deployment
from responsibility.ownership.terms.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Namespace:
    """Of a Namespace, what we read of it: of its labels and annotations only ours.

    ``managed`` is whether people have marked it as one in which the operator may write.
    """

    name: str
    uid: str
    deleting: bool
    keys: NamespaceKeys
    managed: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """The contents of the store when ``snapshot`` was taken of it; all by name.

    ``grants`` are the bindings that are named like those that we grant by.
    """

    snapshot: Snapshot
    records: Mapping[str, CustomResource[Responsibility]] = field(default_factory=dict)
    models: Mapping[str, CustomResource[ResponsibilityModel]] = field(default_factory=dict)
    deployments: Mapping[tuple[str, str], Deployment] = field(default_factory=dict)
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    grants: tuple[LiveBinding, ...] = ()
    knowledge: Knowledge = COMPLETE
