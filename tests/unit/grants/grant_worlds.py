"""Gardens whose records ask for grants, and what becomes of their bindings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from responsibility.grants.binding import LiveBinding, parse
from responsibility.grants.desired import (
    GrantContext,
    Grants,
    Roles,
    hub_grants,
    model_grants,
)
from responsibility.grants.diff import GrantDiff, difference
from responsibility.grants.item_roles import render
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.objects import BindingKey, Role, RoleKey
from responsibility.rbac.parse import parse_role
from tests.unit.ownership.building import garden, people, record, snapshot

Live = Mapping[BindingKey, LiveBinding]
UID = "uid-"


GARDEN = garden()


@lru_cache
def _garden_roles() -> dict[RoleKey, Role]:
    return roles(GARDEN)


def roles(model: Any = None, prefixes: Iterable[str] = ("",)) -> dict[RoleKey, Role]:
    """Return a model's item roles as they are in the cluster."""
    found = [parse_role(role.manifest()) for role in render(model or GARDEN, prefixes).roles]
    return {role.key: role for role in found}


def asking(name: str = "prod", guests: Iterable[str] = ("Group visitors",), **more: Any) -> Any:
    """Return a record that asks for grants, and whose guests own the beds."""
    given: dict[str, Any] = {
        "enforcement": {"rbac": "grant"},
        "parties": {"guests": people(*guests)},
        **more,
    }
    return record(name, **given)


def world(live: Mapping[RoleKey, Role] | None = None, **namespaces: bool) -> GrantContext:
    return GrantContext(
        Roles(_garden_roles() if live is None else live), namespaces, own_namespace="operator"
    )


def wanted(
    found: Snapshot, around: GrantContext | None = None, *, cluster: bool = False
) -> tuple[Grants, ...]:
    """Return what follows from a snapshot's records, and models."""
    around = around or world()
    assessment = Assessor().assess(found)
    hubs = assessment.hubs
    result = [hub_grants(h, f"{UID}{n}", around, found.now) for n, h in sorted(hubs.items())]
    if cluster:
        result += [
            model_grants(c.terms, f"{UID}{n}", hubs.values(), around, found.now)
            for n, c in assessment.clusters.items()
        ]
    return tuple(result)


def from_records(*records: Any, cluster: bool = False, **more: Any) -> tuple[Grants, ...]:
    around = more.pop("around", None)
    models = more.pop("models", [GARDEN])
    return wanted(snapshot(records=records, models=models, **more), around, cluster=cluster)


def compare(grants: Iterable[Grants], live: Live | None = None, **more: Any) -> GrantDiff:
    return difference(grants, live or {}, **more)


def applied(
    found: GrantDiff, live: Live | None = None, *, failing: Iterable[BindingKey] = ()
) -> dict[BindingKey, LiveBinding]:
    """Return the bindings after all has been done that can be, as the writer does it."""
    after = dict(live or {})
    failing = set(failing)
    for change in found.changes:
        blocked = change.blocked
        for each in (*change.create, *(w for w, _ in change.repair)):
            if each.key in failing:
                blocked = True
            else:
                after[each.key] = as_live(each.manifest())
        for ending in change.end:
            if ending.settled(blocked=blocked):
                continue
            if blocked and ending.still:
                after[ending.present.key] = as_live(ending.shrunk())
            else:
                after.pop(ending.present.key)
    return after


def as_live(manifest: Mapping[str, Any], **metadata: Any) -> LiveBinding:
    """Return an object of ours as the API server has it."""
    meta = {**manifest["metadata"], "uid": f"uid-of-{manifest['metadata']['name']}"}
    meta["managedFields"] = [{"manager": "responsibility-operator"}]
    found = parse({**manifest, "metadata": {**meta, **metadata}})
    assert isinstance(found, LiveBinding)
    return found


def settled(*records: Any, **more: Any) -> dict[BindingKey, LiveBinding]:
    """Return the bindings that these records end in."""
    return applied(compare(from_records(*records, **more)))


def holders(live: Live, item: str, namespace: str = "prod") -> set[str]:
    """Return the names of those to whom an item is granted."""
    return {
        subject.name
        for key, present in live.items()
        if key.namespace == namespace
        and present.role.name.startswith(f"responsibility-item-{item}")
        for subject in present.who
    }
