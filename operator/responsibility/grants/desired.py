"""Bindings that should be there by the agreements, and reasons why some can't be made.

Owners and active delegates of items that are to be granted, in the namespace of their hub. For what
the cluster has only one of: the one owner on which all records agree, if all of them ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from shlex import quote

from responsibility.api.item import RECORD_ITEM
from responsibility.api.stages import RbacMode
from responsibility.grants.binding import (
    MODEL,
    RECORD,
    DesiredBinding,
    Owner,
    ungrantable,
)
from responsibility.grants.item_roles import (
    filled,
    is_symbolic,
    parts_of,
    refused,
    required,
    role_name,
)
from responsibility.hub.discovery import HubKey
from responsibility.ownership.results.assessment import HubAssessment, HubState
from responsibility.ownership.terms.agreement import Item, ItemTerms, Party, Terms
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.managed_namespaces import is_protected, unmarked
from responsibility.ownership.terms.permission_index import HUB
from responsibility.rbac.objects import Role, RoleKey

_MOST_NAMED = 3
_RENDER = "`kubectl responsibility render roles"


@dataclass(frozen=True, slots=True)
class GrantTrouble:
    """A reason why a grant is not made: one word for programs, and a sentence with what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ItemGrants:
    """The bindings that should be there for one item in one place.

    With ``trouble`` nothing is made; what is there already is kept as far as it is still agreed.
    ``frozen``: what is agreed can't be told, so nothing is touched. ``refused`` names subjects that
    never get anything, and why; ``note`` says that there is nobody to grant to.
    """

    item: str
    namespace: str
    wanted: tuple[DesiredBinding, ...] = ()
    trouble: GrantTrouble | None = None
    frozen: bool = False
    refused: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Grants:
    """All that follows from one record or model; ``frozen`` as above, for all of it."""

    owner: Owner
    items: tuple[ItemGrants, ...] = ()
    frozen: bool = False


class Roles:
    """The item roles that are there, held against what models require."""

    def __init__(self, live: Mapping[RoleKey, Role]) -> None:
        self.live = live
        self._known: dict[tuple[int, str, str, str], tuple[Terms, str, GrantTrouble | None]] = {}

    def find(
        self, terms: Terms, item: ItemTerms, place: str, prefix: str = ""
    ) -> tuple[str, GrantTrouble | None]:
        """Return the role to bind, and what speaks against it."""
        key = (id(terms), item.name, place, prefix)
        known = self._known.get(key)
        if known is None or known[0] is not terms:
            known = self._known[key] = (terms, *self._find(terms, item, place, prefix))
        return known[1], known[2]

    def _find(
        self, terms: Terms, item: ItemTerms, place: str, prefix: str
    ) -> tuple[str, GrantTrouble | None]:
        parts = required(terms, item).get(place, frozenset())
        prefix = prefix if is_symbolic(parts) else ""
        name = role_name(item.name, place, prefix)
        reason = refused(item.name, parts)
        if reason:
            return name, GrantTrouble("NotGrantable", f"{item.name} can't be granted: {reason}")
        role = self.live.get(RoleKey("", name))
        if role is None and prefix:
            return name, GrantTrouble(
                "PrefixNotCovered",
                f"the hub's names begin with {prefix}, for which there is no ClusterRole {name}: "
                f"add the prefix to the chart's grants.prefixes, or apply what {_RENDER} "
                f"--prefix {quote(prefix)}` prints",
            )
        if role is None:
            return name, GrantTrouble(
                "RoleMissing",
                f"there is no ClusterRole {name}: apply what {_RENDER}` prints for model "
                f"{terms.name}, or install the chart with grants.enabled",
            )
        return name, _differing(terms, name, role, filled(parts, prefix))


def _differing(
    terms: Terms, name: str, role: Role, parts: frozenset[object]
) -> GrantTrouble | None:
    live = frozenset(parts_of(role.rules))
    urls = any(rule.non_resource_urls for rule in role.rules)
    if live == parts and not role.aggregation and not urls:
        return None
    extra = ", ".join(map(str, sorted(map(str, live - parts))[:_MOST_NAMED]))
    lacking = ", ".join(map(str, sorted(map(str, parts - live))[:_MOST_NAMED]))
    what = "; ".join(
        text
        for text in (
            f"it also allows {extra}" if extra else "",
            f"it lacks {lacking}" if lacking else "",
            "it is aggregated" if role.aggregation else "",
            "it allows URLs" if urls else "",
        )
        if text
    )
    return GrantTrouble(
        "RoleDiffers",
        f"ClusterRole {name} is not what model {terms.name} requires: {what}. Apply what {_RENDER}"
        "` prints for this model",
    )


@dataclass(frozen=True, slots=True)
class GrantContext:
    """The context of grants beside the agreements: see `Roles`; the others as in a snapshot."""

    roles: Roles
    namespaces: Mapping[str, bool] = field(default_factory=dict)
    own_namespace: str = ""
    managed: frozenset[str] | None = None

    def protected(self, namespace: str) -> GrantTrouble | None:
        """Return why nothing is ever granted in a namespace."""
        if not is_protected(namespace, self.own_namespace):
            return None
        return GrantTrouble(
            "NamespaceProtected",
            f"nothing is granted in namespace {namespace}, from where the whole cluster, or the "
            "operator, could be taken over: grant it by hand",
        )

    def unmanaged(self, namespace: str) -> GrantTrouble | None:
        """Return that people have not let the operator grant anything in a namespace."""
        if self.managed is None or namespace in self.managed:
            return None
        return GrantTrouble("NamespaceNotManaged", unmarked(namespace))

    def missing(self, namespace: str) -> GrantTrouble | None:
        """Return that a namespace is not there to grant anything in."""
        if self.namespaces.get(namespace) is False:
            return None
        return GrantTrouble(
            "NamespaceMissing", f"namespace {namespace} is not there, or is being deleted"
        )


def hub_grants(hub: HubAssessment, uid: str, world: GrantContext, now: datetime) -> Grants:
    """Return what follows from one record; ``uid`` is the record's."""
    agreement = hub.agreement
    owner = Owner(RECORD, agreement.record, uid)
    return Grants(
        owner,
        tuple(
            _item(hub, item, owner, world, now)
            for item in agreement.items
            if item.rbac >= RbacMode.GRANT and HUB in required(agreement.terms, item.terms)
        ),
    )


def _item(
    hub: HubAssessment, item: Item, owner: Owner, world: GrantContext, now: datetime
) -> ItemGrants:
    agreement = hub.agreement
    namespace = agreement.hub.namespace
    if item.name in agreement.unresolved:
        return ItemGrants(item.name, namespace, frozen=True)
    role, trouble = world.roles.find(agreement.terms, item.terms, HUB, agreement.names.prefix)
    trouble = world.unmanaged(namespace) or trouble
    if hub.hub_state is not HubState.FOUND:
        trouble = GrantTrouble(hub.hub_state.value, f"there is no hub {agreement.hub} to grant for")
    trouble = world.protected(namespace) or trouble
    parties = [agreement.parties[name] for name in dict.fromkeys(item.parties(now))]
    wanted, left_out, note = _bindings(
        parties, owner, item.name, namespace=namespace, role=role, hub=agreement.hub
    )
    return ItemGrants(item.name, namespace, wanted, trouble, refused=left_out, note=note)


def _bindings(
    parties: Sequence[Party],
    owner: Owner,
    item: str,
    *,
    namespace: str,
    role: str,
    hub: HubKey | None = None,
) -> tuple[tuple[DesiredBinding, ...], str, str]:
    """Return a binding for each party that has somebody, who is left out, and what to note."""
    wanted: list[DesiredBinding] = []
    left_out: list[str] = []
    for party in parties:
        reasons = {subject: ungrantable(subject) for subject in party.subjects}
        left_out.extend(f"{subject}, which is {why}" for subject, why in reasons.items() if why)
        able = frozenset(subject for subject, why in reasons.items() if not why)
        if able:
            wanted.append(DesiredBinding(owner, item, party.name, namespace, role, able, hub))
    names = ", ".join(party.label for party in parties)
    note = "" if wanted else f"{names}: nobody to grant it to"
    return tuple(wanted), "; ".join(left_out), note


def model_grants(
    terms: Terms, uid: str, hubs: Iterable[HubAssessment], world: GrantContext, now: datetime
) -> Grants:
    """Return what the records of one model ask for outside of hubs' namespaces."""
    owner = Owner(MODEL, terms.name, uid)
    agreements = [hub.agreement for hub in hubs if hub.agreement.terms is terms]
    if not agreements:
        return Grants(owner)
    fleet = Fleet(terms, agreements, now)
    return Grants(
        owner,
        tuple(
            found
            for item in terms.items
            if item.name != RECORD_ITEM
            for place in required(terms, item)
            if place != HUB
            for found in _outside(fleet, item, place, owner, world)
        ),
    )


def _outside(
    fleet: Fleet, item: ItemTerms, place: str, owner: Owner, world: GrantContext
) -> Iterable[ItemGrants]:
    agreements = fleet.agreements
    asking = [a for a in agreements if a.item(item.name).rbac >= RbacMode.GRANT]
    if not asking:
        return
    if any(item.name in agreement.unresolved for agreement in agreements):
        yield ItemGrants(item.name, place, frozen=True)
        return
    role, trouble = world.roles.find(fleet.terms, item, place)
    if place:
        closed = world.protected(place) or world.missing(place) or world.unmanaged(place)
        trouble = closed or trouble
    owners = [party for party, _ in fleet.owners(item)]
    if len(owners) > 1:
        named = ", ".join(sorted({party.label for party in owners})[:_MOST_NAMED])
        trouble = GrantTrouble(
            "OwnersDisagree",
            f"records name different owners for {item.name}, or give one different subjects: "
            f"{named}. What the cluster has only one of is granted to one owner",
        )
    elif len(asking) < len(agreements):
        missing = next(a.record for a in agreements if a not in asking)
        trouble = GrantTrouble(
            "RecordsDisagree",
            f"not all records ask to have {item.name} granted (record {missing} does not), but it "
            "is about the whole cluster",
        )
    wanted, left_out, note = _bindings(owners, owner, item.name, namespace=place, role=role)
    yield ItemGrants(item.name, place, wanted, trouble, refused=left_out, note=note)
