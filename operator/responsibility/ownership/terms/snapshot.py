"""Everything an assessment is made from, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import is_
from typing import Final

from responsibility.api.model import ResponsibilityModel
from responsibility.api.record import Responsibility
from responsibility.hub.admins.administrators import HubAdmins
from responsibility.hub.discovery import Hub, HubKey
from responsibility.hub.release.changes import HubRelease
from responsibility.hub.values.agreed import HubValues, Setting
from responsibility.ownership.terms.access_reviews import Reviews
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Subject
from responsibility.upgrades.versions import ClusterVersions


@dataclass(frozen=True, slots=True)
class Broken:
    """A record or model that could not be read: its name, and what to do about it."""

    name: str
    message: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a cluster, as far as ownership goes.

    ``accounts`` are the ServiceAccounts as (namespace, name), None if they could not be read.
    ``namespaces`` maps each to whether it is being deleted; ``managed`` are those in which people
    let the operator write, None where that is not known. ``rbac_enforced`` is None where the probe
    has had no answer. ``operator`` is the identity that this operator runs as: what it holds is
    listed as exempt, not hidden. With ``routes``, indirect ways to a right are looked
    for as well. ``policies`` are the names of the operator's admission policies that are there,
    as far as it watches them: what they guard takes more. ``waiting`` are records that were told
    that another one speaks for their hub, by name, with that hub; ``holding`` are those that
    speak, with theirs. Where it is not ``hubs_known`` which hubs there are, these two say which one
    a record is about. ``hub_admins`` are who administers each hub that is asked, by its own word;
    ``hub_values`` what is set of that which is agreed on it, ``hub_release`` what of it was changed
    outside Helm; ``versions`` are those of Kubernetes,
    None where nobody looks. ``identities`` are the cloud identities of ServiceAccounts that have
    one, None where that is not known; ``hub_sessions`` what sessions of each hub run, by aspect.
    """

    graph: AccessGraph
    now: datetime
    hubs: Mapping[HubKey, Hub] = field(default_factory=dict)
    hubs_known: bool = True
    models: Mapping[str, ResponsibilityModel] = field(default_factory=dict)
    records: Mapping[str, Responsibility] = field(default_factory=dict)
    broken_models: Mapping[str, Broken] = field(default_factory=dict)
    broken_records: Mapping[str, Broken] = field(default_factory=dict)
    namespaces: Mapping[str, bool] = field(default_factory=dict)
    managed: frozenset[str] | None = None
    accounts: frozenset[tuple[str, str]] | None = None
    rbac_enforced: bool | None = True
    operator: Subject | None = None
    routes: bool = False
    policies: frozenset[str] = frozenset()
    waiting: Mapping[str, str] = field(default_factory=dict)
    holding: Mapping[str, str] = field(default_factory=dict)
    reviews: Reviews = field(default_factory=Reviews)
    hub_admins: Mapping[HubKey, HubAdmins] = field(default_factory=dict)
    hub_values: Mapping[HubKey, HubValues] = field(default_factory=dict)
    hub_release: Mapping[HubKey, HubRelease] = field(default_factory=dict)
    versions: ClusterVersions | None = None
    identities: Mapping[tuple[str, str], tuple[Setting, ...]] | None = None
    hub_sessions: Mapping[HubKey, HubValues] = field(default_factory=dict)

    def differs_in_time_only(self, other: Snapshot) -> bool:
        """Return whether another one is of the same cluster, at whatever time.

        Objects are compared by identity, so that it costs nothing to speak of; what is equal and
        not the same is a difference.
        """
        return all(_is_same(getattr(self, name), getattr(other, name)) for name in _UNTIMED)


_UNTIMED: Final = tuple(each.name for each in fields(Snapshot) if each.name != "now")
# What is compared by its contents: it is put together anew for each snapshot.
_PLAIN: Final = (str, bool, frozenset, type(None))


def _is_same(one: object, other: object) -> bool:
    if one is other:
        return True
    if isinstance(one, _PLAIN):
        return bool(one == other)
    return (
        isinstance(one, Mapping)
        and isinstance(other, Mapping)
        and len(one) == len(other)
        and list(one) == list(other)
        and (
            all(map(is_, one.values(), other.values()))
            or all(map(_is_same, one.values(), other.values()))
        )
    )
