"""The shipped model says what its authors agreed on, and nothing treats it specially."""

import re
from collections.abc import Iterator

import pytest

from responsibility.api.item import RECORD_ITEM, RECORD_RESERVED, ItemDefinition
from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import load_shipped_model, parse_model
from responsibility.api.permission import UNNAMED_VERBS, PermissionRule, Scope
from responsibility.api.status import ItemKind
from responsibility.api.subjects import PLACEHOLDERS
from tests.unit.api import samples

SLUGS = (
    "use-sessions",
    "advocate-onboard",
    "general-user-support",
    "user-access",
    "domain-software",
    "basic-environment",
    "data",
    "guide-infrastructure",
    "escalate",
    "complex-environment",
    "interactive-software",
    "open-source-support",
    "cloud-provider-liaison",
    "kubernetes-configuration",
    "deploy-configure-hub",
    "monitor-incidents",
    "cloud-software",
    "kubernetes-upgrades",
    "incident-response",
    "operate-cluster",
)
COMMUNITY = {1, 2, 3, 4, 5, 6, 8, 9}
SHIPPED = load_shipped_model()
LIBRARY = parse_model(samples.model(), strict=True)
BOTH = pytest.mark.parametrize("model", [SHIPPED, LIBRARY], ids=["shipped", "library"])


def _permissions(item: ItemDefinition) -> Iterator[PermissionRule]:
    yield from item.required
    yield from item.reserved


def test_twenty_items_in_order() -> None:
    assert tuple(item.name for item in SHIPPED.spec.items) == SLUGS
    assert [item.number for item in SHIPPED.spec.items] == list(range(1, 21))


def test_default_owners() -> None:
    owned = {item.number for item in SHIPPED.spec.items if item.owner == "community"}
    assert owned == COMMUNITY
    assert {item.owner for item in SHIPPED.spec.items} == {"provider", "community"}


def test_data_is_shared() -> None:
    data = next(item for item in SHIPPED.spec.items if item.name == "data")
    assert data.parties == ("provider", "community")


@BOTH
def test_what_is_checked_in_kubernetes_has_permissions(model: ResponsibilityModel) -> None:
    for item in model.spec.items:
        assert (ItemKind.KUBERNETES in item.kinds) == any(_permissions(item)), item.name


@BOTH
def test_every_item_is_introduced(model: ResponsibilityModel) -> None:
    for item in model.spec.all_items:
        assert 0 < len(item.title) <= 40, item.name


@BOTH
def test_no_permission_asks_what_rbac_cannot_say(model: ResponsibilityModel) -> None:
    for item in model.spec.all_items:
        for permission in _permissions(item):
            if permission.resource_names:
                assert not set(permission.verbs) & set(UNNAMED_VERBS), item.name
                assert "create" not in permission.verbs or all(
                    "/" in resource for resource in permission.resources
                ), item.name


@BOTH
def test_every_placeholder_is_known(model: ResponsibilityModel) -> None:
    found = set(re.findall(r"\$\((\w+)\)", model.model_dump_json()))
    assert found
    assert found <= set(PLACEHOLDERS)


def test_owners_are_not_granted_what_everybody_shares() -> None:
    # The hub's Secret is the whole configuration, with tokens: only Helm's user needs it.
    for item in SHIPPED.spec.items:
        secrets = [p for p in item.required if "secrets" in p.resources]
        assert not secrets or item.name == "deploy-configure-hub"


def test_wildcards_are_reserved_and_never_required() -> None:
    for item in SHIPPED.spec.items:
        assert not any("*" in p.resources for p in item.required)
    last = SHIPPED.spec.items[-1]
    assert any("*" in p.resources and p.scope is Scope.CLUSTER for p in last.reserved)


def test_the_provider_is_for_each_organisation_to_fill_in() -> None:
    assert all(party.subjects == () for party in SHIPPED.spec.parties)


def test_break_glass_is_not_exempt() -> None:
    declared = {str(entry.subject) for entry in SHIPPED.spec.break_glass}
    assert "Group system:masters" in declared
    assert not declared & {str(entry.subject) for entry in SHIPPED.spec.exemptions}


@BOTH
def test_item_zero_is_the_record(model: ResponsibilityModel) -> None:
    first = model.spec.all_items[0]
    assert (first.name, first.number) == (RECORD_ITEM, 0)
    assert first.owner == model.spec.record.owner
    assert first.reserved == RECORD_RESERVED
    assert [item.number for item in model.spec.all_items] == sorted(
        item.number for item in model.spec.all_items
    )


def test_item_zero_can_be_told_otherwise() -> None:
    raw = samples.model()
    raw["spec"]["record"] = {
        "owner": "vendor",
        "delegates": [{"party": "library"}],
        "reserved": [{"verbs": ["update"], "apiGroups": ["x.example"], "resources": ["y"]}],
    }
    first = parse_model(raw, strict=True).spec.all_items[0]
    assert first.parties == ("vendor", "library")
    assert [p.api_groups for p in first.reserved] == [("x.example",)]
    assert first.required
