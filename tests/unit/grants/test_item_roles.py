"""The roles of items: exactly what is required, and nothing that could lead further."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.api.parse import load_shipped_model
from responsibility.grants.item_roles import (
    ItemRole,
    Part,
    filled,
    is_symbolic,
    parts_of,
    refused,
    render,
    required,
    role_name,
)
from responsibility.ownership.terms.permission_index import HUB
from responsibility.ownership.terms.resolve import resolve_model
from tests.unit.ownership.building import garden, garden_with
from tools.generate.chart_roles import files

CHART = Path(__file__).parents[3] / "helm/hub-responsibility/files/roles"
SHIPPED = load_shipped_model()


def item(**permission: Any) -> dict[str, Any]:
    """Return an item that requires one thing."""
    line = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], **permission}
    return {
        "name": "pond",
        "number": 9,
        "title": "Pond",
        "kinds": ["kubernetes"],
        "owner": "keeper",
        "required": [line],
    }


def by_name(*prefixes: str, **permission: Any) -> dict[str, ItemRole]:
    model = garden_with(item(**permission)) if permission else garden()
    return {role.name: role for role in render(model, prefixes or ("",)).roles}


@pytest.mark.parametrize("model", [SHIPPED, garden()], ids=lambda model: str(model.name))
def test_a_role_holds_what_its_item_requires_and_no_more(model: Any) -> None:
    terms = resolve_model(model)
    rendered = render(model)
    roles = {role.name: role for role in rendered.roles}
    expected = {
        role_name(each.name, place): filled(parts, "")
        for each in terms.items
        for place, parts in required(terms, each).items()
        if not refused(each.name, parts)
    }
    assert {name: parts_of(role.rules) for name, role in roles.items()} == expected
    assert {refusal.item for refusal in rendered.refusals} == {"record"}


def test_nothing_in_a_role_leads_further() -> None:
    for role in render(SHIPPED, ("", "leap-")).roles:
        for part in parts_of(role.rules):
            assert "*" not in str(part), role.name
            assert part.verb not in {"bind", "escalate", "impersonate"}, role.name
            assert "$(" not in part.name, role.name
        assert set(role.manifest()) == {"apiVersion", "kind", "metadata", "rules"}
        assert not role.manifest()["metadata"]["labels"].keys() & {
            "rbac.authorization.k8s.io/aggregate-to-admin",
            "rbac.authorization.k8s.io/aggregate-to-edit",
        }


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        ({"verbs": ["*"]}, "a wildcard"),
        ({"apiGroups": ["*"]}, "a wildcard"),
        ({"resources": ["*"]}, "a wildcard"),
        ({"resources": ["*/scale"]}, "a wildcard"),
        ({"verbs": ["get", "bind"], "resources": ["roles"]}, "requires bind"),
        ({"verbs": ["escalate"], "resources": ["roles"]}, "requires escalate"),
        ({"verbs": ["impersonate"], "resources": ["users"]}, "requires impersonate"),
        ({"verbs": ["impersonate-on:user-info:get"]}, "requires impersonate-on"),
        ({"resourceNames": ["$(namespace)"]}, "only $(prefix) can be rendered"),
        ({"resourceNames": ["$(prefix)$(release)"]}, "only $(prefix) can be rendered"),
    ],
)
def test_what_is_refused_has_no_role_and_a_reason(permission: Any, words: str) -> None:
    rendered = render(garden_with(item(**permission)))
    assert "responsibility-item-pond" not in {role.name for role in rendered.roles}
    (refusal,) = [r for r in rendered.refusals if r.item == "pond"]
    assert words in refusal.reason
    assert str(refusal).startswith("pond: ")


def test_who_may_write_records_is_never_handed_out() -> None:
    rendered = render(SHIPPED)
    assert not [role for role in rendered.roles if role.item == "record"]
    # Once, for the cluster: in a hub's namespace there is nothing of it that would stay ungranted.
    assert [r.item for r in rendered.refusals] == ["record"]


def test_each_prefix_has_a_role_of_its_own_where_names_depend_on_it() -> None:
    roles = by_name("", "leap-", "moor.", resourceNames=["$(prefix)hub", "fixed"])
    names = {n: {p.name for p in parts_of(r.rules)} for n, r in roles.items() if r.item == "pond"}
    assert names == {
        "responsibility-item-pond": {"hub", "fixed"},
        "responsibility-item-pond:prefix:leap-": {"leap-hub", "fixed"},
        "responsibility-item-pond:prefix:moor.": {"moor.hub", "fixed"},
    }
    assert [name for name, role in roles.items() if role.item == "beds"] == [
        "responsibility-item-beds"
    ]


def test_what_is_outside_of_hubs_has_roles_of_its_own() -> None:
    assert "responsibility-item-gate:cluster" in by_name()
    fixed = by_name(namespace="support")["responsibility-item-pond:namespace:support"]
    assert fixed.place == "support"


def test_no_two_roles_have_the_same_name() -> None:
    places = (HUB, "", "support", "cluster")
    names = [
        role_name(name, place, prefix)
        for name in ("a", "a-b", "prefix", "cluster")
        for place in places
        for prefix in (("", "x", "x-") if place == HUB else ("",))
    ]
    assert len(set(names)) == len(names)


def test_rendering_twice_gives_the_same() -> None:
    assert files(SHIPPED) == files(load_shipped_model())


def test_the_chart_has_what_is_rendered() -> None:
    shipped = {path.name: path.read_text(encoding="utf-8") for path in CHART.iterdir()}
    assert shipped == files(SHIPPED), "run make generate"


WORDS = st.sampled_from(["get", "list", "patch", "create", "delete"])
RESOURCES = st.sampled_from(["pods", "pods/log", "secrets", "configmaps", "deployments"])
GROUPS = st.sampled_from(["", "apps", "batch"])
NAMES = st.sampled_from(["hub", "$(prefix)hub", "proxy", "$(prefix)db-$(prefix)x"])
PERMISSIONS = st.builds(
    lambda verbs, groups, resources, names: {
        "verbs": sorted(verbs),
        "apiGroups": sorted(groups),
        "resources": sorted(resources),
        **(
            {"resourceNames": sorted(names)}
            if names and verbs <= {"get", "patch", "delete"}
            else {}
        ),
    },
    st.sets(WORDS, min_size=1),
    st.sets(GROUPS, min_size=1),
    st.sets(RESOURCES, min_size=1),
    st.sets(NAMES),
)


@given(st.lists(PERMISSIONS, min_size=1, max_size=4), st.sampled_from(["", "leap-", "x."]))
def test_whatever_is_required_is_rendered_for_every_prefix(
    permissions: list[dict[str, Any]], prefix: str
) -> None:
    model = garden_with({**item(), "required": permissions})
    terms = resolve_model(model)
    (pond,) = [each for each in terms.items if each.name == "pond"]
    parts = required(terms, pond)[HUB]
    name = role_name("pond", HUB, prefix if is_symbolic(parts) else "")
    (role,) = [role for role in render(model, (prefix,)).roles if role.name == name]
    assert parts_of(role.rules) == filled(parts, prefix)


def test_a_part_reads_like_a_permission() -> None:
    assert str(Part("patch", "apps", "deployments/scale", "hub")) == (
        "patch deployments.apps/scale hub"
    )
