"""Bindings that the operator would make for a record: for those who prepare a handover."""

from __future__ import annotations

from responsibility.api.names import ITEM_LABEL, PARTY_LABEL, RECORD_LABEL, label_value
from responsibility.grants.binding import DesiredBinding
from responsibility.grants.desired import GrantContext, ItemGrants, Roles, hub_grants
from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.handover.simulation import ForecastGrants
from responsibility.plans.protect import is_granted
from responsibility.rbac.objects import Binding, BindingKey, RoleKey

# What an operator says that may grant nothing.
_SWITCHED_OFF = ("Granted", "SwitchedOff")


def foresee(hub: HubAssessment, snapshot: Snapshot) -> ForecastGrants | None:
    """Return the bindings that there will be; None where the operator said that it grants nothing.

    Where it is not known whether an operator runs, the record is believed.
    """
    record = snapshot.records[hub.agreement.record]
    conditions = record.status.conditions if record.status is not None else ()
    if any((condition.type, condition.reason) == _SWITCHED_OFF for condition in conditions):
        return None
    operator_namespace = snapshot.operator.namespace if snapshot.operator is not None else ""
    world = GrantContext(
        Roles(snapshot.graph.roles),
        snapshot.namespaces,
        operator_namespace,
        managed=snapshot.managed,
    )
    grants = hub_grants(hub, record.metadata.uid, world, snapshot.now)
    there = snapshot.graph.bindings
    bindings: dict[tuple[str, str], Binding] = {}
    blocked: dict[str, str] = {}
    for item in grants.items:
        why = _blocker(item)
        if why:
            blocked[item.item] = why
        for wanted in item.wanted:
            # What is hindered is not made, and not taken from anybody who has it either.
            if item.trouble is None or wanted.key in there:
                bindings[item.item, wanted.party] = _binding(wanted)
        if item.frozen:
            bindings |= {
                (item.item, binding.labels.get(PARTY_LABEL, "")): binding
                for binding in there.values()
                if is_granted(binding) and _is_for(binding, hub, item)
            }
    return ForecastGrants(bindings, blocked)


def _blocker(item: ItemGrants) -> str:
    if item.frozen:
        return "what is agreed on it can't be told"
    if item.trouble is not None:
        return item.trouble.message
    return f"it is not granted to {item.refused}" if item.refused else ""


def _is_for(binding: Binding, hub: HubAssessment, item: ItemGrants) -> bool:
    labels = binding.labels
    mine = label_value(hub.agreement.record)
    return labels.get(RECORD_LABEL) == mine and labels.get(ITEM_LABEL) == item.item


def _binding(wanted: DesiredBinding) -> Binding:
    return Binding(
        BindingKey(wanted.namespace, wanted.key.name),
        RoleKey("", wanted.role),
        tuple(sorted(wanted.subjects)),
        labels=wanted.labels,
    )
