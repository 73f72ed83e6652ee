"""Passes over a cluster in which nothing has changed: they look at no hub, and miss no change."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from responsibility.hub.admins.administrators import Administrators
from responsibility.hub.discovery import HubKey
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.access_reviews import Reviews
from responsibility.ownership.terms.snapshot import Broken, Snapshot
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject
from responsibility.upgrades.versions import ClusterVersions
from tests.unit.ownership.law_worlds import snapshot
from tests.unit.ownership.worlds import HUBS, world

WORLD = world(3)
BEFORE = snapshot(WORLD)
SECOND = timedelta(seconds=1)


def put_together_anew(whole: Snapshot) -> Snapshot:
    """Return a snapshot of the same objects, as a store takes another one."""
    anew: dict[str, Any] = {
        each.name: dict(value)
        for each in fields(Snapshot)
        if isinstance(value := getattr(whole, each.name), dict)
    }
    return replace(whole, managed=whole.managed and frozenset(set(whole.managed)), **anew)


# Something else in each field; for mappings, also another object under the same key.
CHANGES: dict[str, list[Any]] = {
    "graph": [BEFORE.graph.replace(drop_bindings=list(BEFORE.graph.bindings)[:1])[0]],
    "hubs": [{}, {key: replace(hub, chart="9") for key, hub in BEFORE.hubs.items()}],
    "hubs_known": [False],
    "models": [{}, {n: m.model_copy() for n, m in BEFORE.models.items()}],
    "records": [{}, {n: r.model_copy() for n, r in BEFORE.records.items()}],
    "broken_models": [{"m": Broken("m", "no")}],
    "broken_records": [{"r": Broken("r", "no")}],
    "namespaces": [{}, dict.fromkeys(BEFORE.namespaces, True)],
    "managed": [frozenset({"ns-a"})],
    "accounts": [frozenset(), frozenset({("ns-a", "hub")})],
    "rbac_enforced": [None, False],
    "operator": [Subject(SERVICE_ACCOUNT, "op", "ns-a")],
    "routes": [True],
    "policies": [frozenset({"p"})],
    "waiting": [{"r": "ns-a/ns-a"}],
    "holding": [{"r": "ns-a/ns-a"}],
    "reviews": [Reviews()],
    "hub_admins": [{HubKey("ns-a", "ns-a"): Administrators(())}],
    "hub_values": [{HUBS[0].key: None}],
    "versions": [ClusterVersions(None)],
    "identities": [{}, {("ns-a", "hub"): ()}],
    "hub_sessions": [{HUBS[0].key: None}],
    "hub_release": [{HUBS[0].key: None}],
}


def test_no_hub_is_looked_at() -> None:
    assessor = Assessor()
    first = assessor.assess(BEFORE)
    assert first.hubs
    assert assessor.assess(put_together_anew(BEFORE)) is first
    later = assessor.assess(replace(put_together_anew(BEFORE), now=BEFORE.now + SECOND))
    assert later.now == BEFORE.now + SECOND
    assert later.hubs is first.hubs


def test_each_field_has_its_changes() -> None:
    assert set(CHANGES) == {each.name for each in fields(Snapshot)} - {"now"}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in CHANGES.items() for value in values]
)
def test_what_has_changed_is_seen(name: str, value: Any) -> None:
    after = replace(BEFORE, **{name: value})
    assert not BEFORE.differs_in_time_only(after)
    assert not after.differs_in_time_only(BEFORE)


def test_the_same_objects_under_each_others_names_are_a_change() -> None:
    (one, first), (other, second), *_ = BEFORE.hubs.items()
    assert not BEFORE.differs_in_time_only(
        replace(BEFORE, hubs={**BEFORE.hubs, one: second, other: first})
    )
    renamed = dict(zip(reversed(list(BEFORE.hubs)), BEFORE.hubs.values(), strict=True))
    assert not BEFORE.differs_in_time_only(replace(BEFORE, hubs=renamed))


def test_a_pass_that_failed_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assessor = Assessor()
    assessor.assess(BEFORE)
    changed = replace(BEFORE, records={})
    with monkeypatch.context() as broken:
        broken.setattr("responsibility.ownership.assess.claims", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            assessor.assess(changed)
    assert not assessor.assess(changed).hubs
    assert assessor.assess(BEFORE).hubs
