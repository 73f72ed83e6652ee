"""Agreements, resolved from the two resources as people wrote them.

A line that cannot be followed (an unknown party, an item the model does not have) becomes a
:class:`Problem` with its field and remedy; everything else of the record still counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC

from responsibility.api import common as api
from responsibility.api.item import ItemDefinition, RecordDefinition
from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import Problem
from responsibility.api.permission import PermissionRule, Scope
from responsibility.api.record import RecordItem, Responsibility
from responsibility.api.subjects import SubjectSpec
from responsibility.hub.discovery import Hub, HubKey
from responsibility.hub.sessions.aspects import ASPECTS
from responsibility.hub.sessions.identities import is_identity
from responsibility.hub.values.agreed import AgreedValue
from responsibility.hub.values.paths import most_precise
from responsibility.hub.values.readable import is_readable, names_image
from responsibility.ownership.terms.agreement import (
    Agreement,
    Bound,
    Delegation,
    Item,
    ItemTerms,
    Party,
    Terms,
)
from responsibility.ownership.terms.exemptions import BindingPattern, CoveredRule, Exemption
from responsibility.ownership.terms.permission_index import (
    HUB,
    Names,
    Permission,
    PermissionIndex,
    bits,
    mask_of,
)
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import SERVICE_ACCOUNT, Rule, Subject


def resolve_model(model: ResponsibilityModel) -> Terms:
    """Return the model with its permissions as one set of numbered permissions.

    Item 0, who may edit the records themselves, is an item like any other.
    """
    spec = model.spec
    definitions = ((spec.record or RecordDefinition()).item(), *spec.items)
    per_item = {d.name: (_permissions(d.required), _permissions(d.reserved)) for d in definitions}
    ordered = dict.fromkeys(
        permission
        for required, reserved in per_item.values()
        for permission in (*required, *reserved)
    )
    permissions = PermissionIndex(tuple(ordered))
    in_order = sorted(definitions, key=lambda d: d.number)
    items = tuple(_terms(d, *per_item[d.name], permissions) for d in in_order)
    return Terms(
        name=model.name,
        display_name=spec.display_name or model.name,
        permissions=permissions,
        items=items,
        parties={p.name: _party(p) for p in spec.parties},
        exemptions=tuple(_exemption(e) for e in spec.exemptions),
        break_glass=tuple(_subject(b.subject) for b in spec.break_glass),
    )


def resolve_record(
    record: Responsibility, terms: Terms, hub: Hub | None, *, key: HubKey | None = None
) -> Agreement:
    """Return what was agreed for one hub; ``hub`` is None where it was not found.

    ``key`` is the hub that the record claims. Without one, and without the hub, its release is
    taken to be named like its namespace, and its names to be the chart's defaults.
    """
    spec = record.spec
    parties = _merge_parties(terms.parties, spec.parties)
    by_name = {item.name: item for item in spec.items}
    known = {item.name for item in terms.items}
    problems = [
        Problem(
            f"spec.items[{name}]",
            f"model {terms.name} has no such item",
            "use one of its names",
        )
        for name in by_name
        if name not in known
    ]
    unresolved: set[str] = set()
    items = []
    for item_terms in terms.items:
        item = _item(item_terms, by_name.get(item_terms.name), spec.enforcement)
        items.append(item)
        for party in (item.owner, *(d.party for d in item.delegates)):
            if party not in parties:
                unresolved.add(item.name)
                problems.append(_unknown_party(item.name, party, item.owner, parties))
    for item in items:
        problems.extend(_misplaced(item, terms))
    for number, exemption in enumerate(spec.exemptions):
        problems.extend(
            Problem(
                f"spec.exemptions[{number}].items",
                f"model {terms.name} has no item {name}",
                "use one of its names or '*'",
            )
            for name in exemption.items
            if name != "*" and name not in known
        )
    if hub is not None:
        key = hub.key
    elif key is None:
        key = HubKey(spec.hub.namespace, spec.hub.release or spec.hub.namespace)
    names = Names(key.namespace, key.release, hub.prefix if hub else "")
    own_exemptions = (
        *(e.fill(names) for e in terms.exemptions if e.symbolic),
        *(_exemption(e).fill(names) for e in spec.exemptions),
    )
    return Agreement(
        record=record.name,
        hub=key,
        display_name=spec.hub.display_name or record.name,
        terms=terms,
        names=names,
        parties=parties,
        items=tuple(items),
        names_release=spec.hub.release is not None,
        exemptions=(*(e for e in terms.exemptions if not e.symbolic), *own_exemptions),
        own_exemptions=own_exemptions,
        neighbours=tuple(
            exemption.fill_names(names)
            for exemption in (*terms.exemptions, *map(_exemption, spec.exemptions))
            if exemption.any_hub
        ),
        problems=tuple(problems),
        unresolved=frozenset(unresolved),
        members=_members(parties.values()),
    )


def resolve_defaults(terms: Terms) -> Agreement:
    """Return the model's defaults as an agreement without a record or a hub."""
    return Agreement(
        record="",
        hub=HubKey("", ""),
        display_name=terms.display_name,
        terms=terms,
        names=Names(),
        parties=terms.parties,
        items=tuple(
            Item(i, i.owner, i.delegates, minimum_holders=i.minimum_holders) for i in terms.items
        ),
        members=_members(terms.parties.values()),
    )


def _unknown_party(item: str, party: str, owner: str, parties: Mapping[str, Party]) -> Problem:
    where = "owner" if party == owner else "delegates"
    return Problem(
        f"spec.items[{item}].{where}",
        f"unknown party {party}",
        f"declare it under spec.parties, or use one of {', '.join(sorted(parties))}",
    )


def _misplaced(item: Item, terms: Terms) -> Iterable[Problem]:
    """Yield the agreed settings that are not looked at, or that belong to another item."""
    patterns = {i.name: i.values_paths for i in terms.items} if item.agreed else {}
    for agreed in item.agreed:
        where = f"spec.items[{item.name}].agreed[{agreed.path}]"
        if not is_readable(agreed.path) and agreed.path not in ASPECTS:
            yield Problem(
                where,
                "this setting is not looked at, since it is none of those that are no secrets",
                "take it out; docs/hub-values.md lists those that can be agreed",
            )
            continue
        if agreed.within and not names_image(agreed.path):
            yield Problem(
                where,
                "within says where an image lies, and this setting is no image's name",
                "give what is agreed as value, min or max",
            )
        owners = most_precise(agreed.path, patterns)
        if owners and item.name not in owners:
            yield Problem(
                where,
                f"by model {terms.name} this setting belongs to {' and '.join(sorted(owners))}",
                "move it there",
            )


def _permissions(permissions: Iterable[PermissionRule]) -> tuple[Permission, ...]:
    return tuple(
        Permission(verb, group, *_split(resource), name, _place(permission))
        for permission in permissions
        for group in permission.api_groups
        for resource in permission.resources
        for verb in permission.verbs
        for name in permission.resource_names or ("",)
    )


def _split(resource: str) -> tuple[str, str]:
    head, _, tail = resource.partition("/")
    return head, tail


def _place(permission: PermissionRule) -> str:
    if permission.scope is Scope.CLUSTER:
        return ""
    return permission.namespace or HUB


def _terms(
    definition: ItemDefinition,
    required: tuple[Permission, ...],
    reserved: tuple[Permission, ...],
    permissions: PermissionIndex,
) -> ItemTerms:
    required_mask = mask_of(permissions.index[a] for a in required)
    reserved_mask = mask_of(permissions.index[a] for a in reserved)
    covered = 0
    for bit in bits(required_mask | reserved_mask):
        covered |= permissions.covers[bit]
    bounds = _bounds(definition.bounds)
    return ItemTerms(
        name=definition.name,
        number=definition.number,
        title=definition.title,
        description=definition.description,
        kinds=frozenset(kind.value for kind in definition.kinds),
        owner=definition.owner,
        delegates=tuple(_delegation(d, bounds) for d in definition.delegates),
        bounds=bounds,
        required=required_mask,
        reserved=reserved_mask,
        covered=covered,
        minimum_holders=definition.minimum_holders,
        field_kinds=frozenset(field.kind for field in definition.fields),
        values_paths=definition.values_paths,
        identity_accounts=tuple(
            dict.fromkeys(
                field.name
                for field in definition.fields
                if field.kind == SERVICE_ACCOUNT and field.name and is_identity(field.path)
            )
        ),
    )


def _item(terms: ItemTerms, recorded: RecordItem | None, enforcement: api.Enforcement) -> Item:
    if recorded is None:
        return Item(
            terms=terms,
            owner=terms.owner,
            delegates=terms.delegates,
            minimum_holders=terms.minimum_holders,
            admission=enforcement.admission,
            rbac=enforcement.rbac,
            force=enforcement.force,
        )
    stage = recorded.enforcement
    force = stage.force if stage is not None else None
    delegates = terms.delegates
    if recorded.delegates is not None:
        delegates = tuple(_delegation(d, terms.bounds) for d in recorded.delegates)
    return Item(
        terms=terms,
        owner=recorded.owner or terms.owner,
        delegates=delegates,
        minimum_holders=recorded.minimum_holders or terms.minimum_holders,
        review_after=recorded.review_after,
        agreed=tuple(
            AgreedValue(a.path, a.value or "", a.min or "", a.max or "", a.within or "")
            for a in recorded.agreed
        ),
        admission=(stage and stage.admission) or enforcement.admission,
        rbac=(stage and stage.rbac) or enforcement.rbac,
        force=enforcement.force if force is None else force,
    )


def _delegation(delegate: api.Delegate, bounds: tuple[Bound, ...]) -> Delegation:
    until = delegate.until
    if until is not None:
        try:
            until = until.astimezone(UTC)
        except OverflowError:
            # The first or the last day there is, in a zone in which it is a day later or earlier.
            until = until.replace(tzinfo=UTC)
    return Delegation(delegate.party, until, delegate.reason, _bounds(delegate.bounds) or bounds)


def _bounds(bounds: Iterable[api.BoundSpec]) -> tuple[Bound, ...]:
    return tuple(Bound(b.path, b.min or "", b.max or "") for b in bounds)


def _subject(subject: SubjectSpec) -> Subject:
    return canonical(Subject(subject.kind, subject.name, subject.namespace))


def _exemption(exemption: api.ExemptionSpec) -> Exemption:
    subject = exemption.subject
    return Exemption(
        kind=subject.kind,
        name=subject.name,
        namespace=subject.namespace,
        items=frozenset(exemption.items),
        reason=exemption.reason,
        rights=tuple(
            CoveredRule(
                _place(rule),
                Rule(rule.verbs, rule.api_groups, rule.resources, rule.resource_names),
            )
            for rule in exemption.permissions
        ),
        bindings=tuple(
            BindingPattern(
                each.name,
                each.namespace,
                each.role,
                each.chart,
                frozenset(each.rules_digests),
                each.everything,
            )
            for each in exemption.bindings
        ),
    )


def _party(party: api.PartySpec) -> Party:
    return Party(
        name=party.name,
        display_name=party.display_name,
        email=party.contact.email or "",
        url=party.contact.url or "",
        subjects=tuple(dict.fromkeys(_subject(s) for s in party.subjects)),
        hub_users=party.hub_users,
        hub_groups=party.hub_groups,
        hub_services=party.hub_services,
    )


def _merge_parties(
    base: Mapping[str, Party], recorded: Iterable[api.PartySpec]
) -> dict[str, Party]:
    """Merge by name: what a record says of a party replaces what the model says, field by field."""
    merged = dict(base)
    for party in recorded:
        mine, theirs = _party(party), base.get(party.name)
        if theirs is not None:
            fields_set = party.model_fields_set
            kept = [
                name
                for field, names in _PARTY_FIELDS.items()
                if field not in fields_set
                for name in names
            ]
            mine = replace(mine, **{name: getattr(theirs, name) for name in kept})
        merged[party.name] = mine
    return merged


# A field of a party as a record writes it, and what it is made of here.
_PARTY_FIELDS = {
    "display_name": ("display_name",),
    "contact": ("email", "url"),
    "subjects": ("subjects",),
    "hub_users": ("hub_users",),
    "hub_groups": ("hub_groups",),
    "hub_services": ("hub_services",),
}


def _members(parties: Iterable[Party]) -> dict[Subject, tuple[str, ...]]:
    members: dict[Subject, list[str]] = defaultdict(list)
    for party in parties:
        for subject in party.subjects:
            members[subject].append(party.name)
    return {subject: tuple(names) for subject, names in members.items()}
