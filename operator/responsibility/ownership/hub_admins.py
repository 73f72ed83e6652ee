"""Admins of a hub itself, held against who should be one.

Being an admin inside JupyterHub is what items of kind ``jupyterhub`` are about: their owners and
delegates may be admins, and nobody else. Who acts for a party there, its ``hubUsers``,
``hubGroups`` and ``hubServices`` say. Of an owner that names nobody, nothing is said but that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from responsibility.api.status import ItemKind
from responsibility.hub.admins.administrators import (
    Administrator,
    Administrators,
    HubAdmins,
    Unknown,
)
from responsibility.hub.admins.authenticators import normalised, proves_nobody
from responsibility.ownership.results.facts import (
    AdminsUnknown,
    Facts,
    NobodyInside,
    NotAdmin,
    RolesUntold,
    SignInOfAnybody,
    StrangeAdmin,
)
from responsibility.ownership.results.findings import (
    ADMIN_EXCESS,
    ADMIN_MISSING,
    ADMIN_OPEN,
    ADMINS_UNKNOWN,
    Finding,
)
from responsibility.ownership.terms.agreement import Agreement, Item, Party

# Admins that have a finding of their own; a hub that says that all of its users are admins tells
# no more by ten thousand findings.
_MOST_TOLD = 64


def items_inside(agreement: Agreement) -> tuple[Item, ...]:
    """Return the items that are about admins of the hub itself."""
    return tuple(
        item
        for item in agreement.items
        if ItemKind.JUPYTERHUB in item.terms.kinds and item.name not in agreement.unresolved
    )


def hub_admin_findings(
    agreement: Agreement, known: HubAdmins | None, now: datetime
) -> Iterator[Finding]:
    """Yield what differs inside the hub; nothing where nobody asks it (``known`` is None)."""
    items = items_inside(agreement)
    if known is None or not items:
        return
    hub = _Hub(agreement, items)
    if isinstance(known, Unknown):
        yield hub.finding(ADMINS_UNKNOWN, AdminsUnknown(known.why, known.detail))
        return
    if known.untold:
        yield hub.finding(ADMINS_UNKNOWN, RolesUntold(known.untold))
    people = [admin for admin in known.everybody if not admin.service]
    if people and proves_nobody(known.authenticator):
        yield hub.finding(ADMIN_OPEN, SignInOfAnybody(known.authenticator, len(people)))
    yield from _missing(hub, known)
    yield from _strangers(hub, known, now)


@dataclass(frozen=True, slots=True)
class _Hub:
    """An agreement, and its items that are about admins inside the hub; there is one at least."""

    agreement: Agreement
    items: tuple[Item, ...]

    def finding(
        self,
        kind: str,
        facts: Facts,
        *,
        items: Sequence[Item] = (),
        party: Party | None = None,
        account: str = "",
    ) -> Finding:
        first, *others = items or self.items
        owner = party or self.agreement.parties[first.owner]
        return Finding(
            kind=kind,
            item=first.name,
            number=first.terms.number,
            hub=self.agreement.hub,
            title=first.terms.title,
            party=party.name if party is not None else "",
            owners=(owner.label,),
            items=tuple(item.name for item in others),
            account=account,
            facts=facts,
        )


def _missing(hub: _Hub, known: Administrators) -> Iterator[Finding]:
    """Yield owners who have too few admins, and those of whom nobody knows who they are."""
    admins = {admin.name for admin in known.everybody if not admin.service}
    for name in dict.fromkeys(item.owner for item in hub.items):
        owner = hub.agreement.parties[name]
        items = [item for item in hub.items if item.owner == name]
        if not owner.hub_users and not owner.hub_groups:
            facts: Facts = NobodyInside(len(known.everybody))
            if known.everybody:
                yield hub.finding(ADMINS_UNKNOWN, facts, items=items, party=owner)
            continue
        users = _users(owner, known)
        acting = users & admins
        wanted = max(item.minimum_holders for item in items)
        if len(acting) < wanted and not known.untold:
            absent = sorted(users - admins) or sorted((*owner.hub_users, *owner.hub_groups))
            facts = NotAdmin(tuple(absent), len(acting), wanted)
            yield hub.finding(ADMIN_MISSING, facts, items=items, party=owner)


def _strangers(hub: _Hub, known: Administrators, now: datetime) -> Iterator[Finding]:
    """Yield the admins that act for nobody who may be one."""
    parties = hub.agreement.parties
    owners = [parties[item.owner] for item in hub.items]
    if not all(owner.hub_users or owner.hub_groups for owner in owners):
        return
    entitled = [parties[name] for item in hub.items for name in item.parties(now)]
    users = {name for party in entitled for name in _users(party, known)}
    services = {name for party in entitled for name in party.hub_services}
    strange = [
        admin
        for admin in known.everybody
        if admin.name not in (services if admin.service else users)
    ]
    for admin in strange[:_MOST_TOLD]:
        yield hub.finding(ADMIN_EXCESS, StrangeAdmin(admin), account=_account(admin))
    if (others := len(strange) - _MOST_TOLD) > 0:
        yield hub.finding(ADMIN_EXCESS, StrangeAdmin(strange[-1], others))


def _account(admin: Administrator) -> str:
    return f"{'service' if admin.service else 'user'} {admin.name}"


def _users(party: Party, known: Administrators) -> set[str]:
    """Return the users that act for a party, by the names that they have inside the hub.

    Names are as they become by signing in. Where it is not told by what people do, they are taken
    as written on a hub that has names with capitals.
    """
    names = {
        name
        if not known.authenticator and known.capitals
        else normalised(name, known.authenticator)
        for name in party.hub_users
    }
    for group in party.hub_groups:
        names |= known.members.get(group, frozenset())
    return names
