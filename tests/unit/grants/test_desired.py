"""Who is to be granted what: owners and active delegates, where all is as it should be."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responsibility.grants.desired import Grants, ItemGrants
from responsibility.rbac.objects import RoleKey, Rule
from tests.unit.grants.grant_worlds import asking, from_records, roles, world
from tests.unit.ownership.building import NOW, garden_with, hub, people, record

GUESTS = {"guests": people("Group visitors")}


def items(*grants: Grants) -> dict[str, ItemGrants]:
    return {item.item: item for each in grants for item in each.items}


def who(grants: tuple[Grants, ...], item: str) -> dict[str, set[str]]:
    """Return by party whom an item is granted to."""
    return {w.party: {s.name for s in w.subjects} for w in items(*grants)[item].wanted}


def reason(grants: tuple[Grants, ...], item: str) -> str:
    trouble = items(*grants)[item].trouble
    return trouble.reason if trouble else ""


def test_owners_get_what_their_items_require_in_the_hubs_namespace() -> None:
    grants = from_records(asking())
    assert set(items(*grants)) == {"beds", "fence"}, "all that requires something there"
    assert who(grants, "beds") == {"guests": {"visitors"}}
    assert who(grants, "fence") == {"keeper": {"keepers"}}
    (bed,) = items(*grants)["beds"].wanted
    assert (bed.namespace, bed.role) == ("prod", "responsibility-item-beds")


@pytest.mark.parametrize(
    ("stage", "item_stage", "expected"),
    [
        ("audit", None, set()),
        ("grant", None, {"beds", "fence"}),
        ("revoke", None, {"beds", "fence"}),
        ("audit", "grant", {"beds"}),
        ("audit", "revoke", {"beds"}),
        ("grant", "audit", {"fence"}),
    ],
)
def test_only_where_it_is_asked_for(stage: str, item_stage: Any, expected: set[str]) -> None:
    own = {"beds": {"enforcement": {"rbac": item_stage}}} if item_stage else {}
    grants = from_records(asking(enforcement={"rbac": stage}, items=own))
    assert set(items(*grants)) == expected


def delegated(until: Any = None) -> Any:
    line = {"party": "guests"} | ({"until": until.isoformat()} if until else {})
    return asking(items={"fence": {"delegates": [line]}})


def test_delegates_get_it_until_their_date_and_not_at_it() -> None:
    for until in (None, NOW + timedelta(seconds=1)):
        assert who(from_records(delegated(until)), "fence") == {
            "keeper": {"keepers"},
            "guests": {"visitors"},
        }
    for until in (NOW, NOW - timedelta(days=1)):
        assert who(from_records(delegated(until)), "fence") == {"keeper": {"keepers"}}


def test_an_owner_that_is_its_own_delegate_gets_it_once() -> None:
    grants = from_records(asking(items={"fence": {"delegates": [{"party": "keeper"}]}}))
    assert len(items(*grants)["fence"].wanted) == 1


def test_a_party_without_subjects_gets_nothing_which_is_no_trouble() -> None:
    grants = from_records(record(enforcement={"rbac": "grant"}))
    beds = items(*grants)["beds"]
    assert (beds.wanted, beds.trouble, beds.refused) == ((), None, "")
    assert "nobody to grant it to" in beds.note


def test_names_that_stand_for_many_are_left_out() -> None:
    grants = from_records(asking(guests=["Group system:authenticated", "User ann"]))
    assert who(grants, "beds") == {"guests": {"ann"}}
    assert "Group system:authenticated" in items(*grants)["beds"].refused


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"hubs": []}, "NamespaceMissing"),
        ({"hubs": [], "namespaces": {"prod": False}}, "HubMissing"),
        ({"namespaces": {"prod": True}}, "NamespaceTerminating"),
    ],
)
def test_without_the_hub_nothing_is_made(more: Any, expected: str) -> None:
    grants = from_records(asking(), **more)
    assert reason(grants, "beds") == expected
    assert who(grants, "beds"), "which does not say that it is not agreed"


def test_of_several_releases_it_has_to_be_said_which() -> None:
    grants = from_records(asking(), hubs=[hub("prod", "one"), hub("prod", "two")])
    assert reason(grants, "beds") == "SeveralReleases"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "operator"])
def test_nothing_is_granted_where_the_cluster_could_be_taken_over(namespace: str) -> None:
    assert reason(from_records(asking(namespace)), "beds") == "NamespaceProtected"


def test_nothing_is_granted_where_people_have_not_let_it() -> None:
    closed = replace(world(), managed=frozenset({"staging"}))
    grants = from_records(asking(), around=closed)
    assert reason(grants, "beds") == "NamespaceNotManaged"
    trouble = items(*grants)["beds"].trouble
    assert trouble is not None
    assert "kubectl label namespace prod hub-responsibility" in trouble.message
    opened = replace(world(), managed=frozenset({"prod"}))
    assert items(*from_records(asking(), around=opened))["beds"].trouble is None


def test_a_line_that_cannot_be_followed_freezes_its_item() -> None:
    grants = from_records(asking(items={"fence": {"owner": "strangers"}}))
    assert items(*grants)["fence"].frozen
    assert not items(*grants)["beds"].frozen


# --- roles ------------------------------------------------------------------------------------


def test_a_role_has_to_be_there() -> None:
    assert reason(from_records(asking(), around=world({})), "beds") == "RoleMissing"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((), "it lacks update configmaps"),
        ((Rule(("update", "get"), ("",), ("configmaps",)),), "it also allows get configmaps"),
        ((Rule(("*",), ("*",), ("*",)),), "it also allows * *"),
        ((Rule(("update",), ("",), ("configmaps",), ("one",)),), "it lacks update configmaps"),
        (
            (
                Rule(("update",), ("",), ("configmaps",)),
                Rule(("get",), non_resource_urls=("/metrics",)),
            ),
            "it allows URLs",
        ),
    ],
)
def test_a_role_has_to_be_what_the_model_says(rules: Any, words: str) -> None:
    key = RoleKey("", "responsibility-item-beds")
    live = roles()
    live[key] = replace(live[key], rules=rules)
    grants = from_records(asking(), around=world(live))
    trouble = items(*grants)["beds"].trouble
    assert trouble is not None
    assert trouble.reason == "RoleDiffers"
    assert words in trouble.message
    assert reason(grants, "fence") == ""


def test_rules_may_be_cut_otherwise_if_they_grant_the_same() -> None:
    key = RoleKey("", "responsibility-item-fence")
    live = roles()
    (rule,) = live[key].rules
    live[key] = replace(live[key], rules=(rule, rule))
    assert reason(from_records(asking(), around=world(live)), "fence") == ""


def test_names_of_another_prefix_take_another_role() -> None:
    hubs = [hub("prod", prefix="leap-")]
    grants = from_records(asking(), hubs=hubs)
    assert reason(grants, "fence") == "PrefixNotCovered"
    assert reason(grants, "beds") == "", "which names nothing by it"
    covered = from_records(asking(), hubs=hubs, around=world(roles(prefixes=["", "leap-"])))
    assert reason(covered, "fence") == ""
    (fence,) = items(*covered)["fence"].wanted
    assert fence.role == "responsibility-item-fence:prefix:leap-"


def test_what_may_not_be_rendered_is_not_granted() -> None:
    wild = {"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}
    model = garden_with(
        {
            "name": "beds",
            "number": 1,
            "title": "Beds",
            "kinds": ["kubernetes"],
            "owner": "guests",
            "required": [wild],
        }
    )
    grants = from_records(asking(), models=[model])
    assert reason(grants, "beds") == "NotGrantable"


# --- what the cluster has only one of -----------------------------------------------------------


def cluster(*records: Any, **more: Any) -> dict[str, ItemGrants]:
    found = from_records(*records, cluster=True, **more)
    return {
        item.item: item
        for each in found
        if each.owner.kind != "Responsibility"
        for item in each.items
    }


def test_the_one_owner_on_which_all_agree_gets_it() -> None:
    found = cluster(asking("prod"), asking("staging"))
    assert set(found) == {"gate"}, "and never item 0"
    (gate,) = found["gate"].wanted
    assert (gate.namespace, gate.role) == ("", "responsibility-item-gate:cluster")
    assert gate.hub is None
    assert found["gate"].trouble is None


def test_records_that_disagree_about_the_owner_grant_nobody_anything() -> None:
    other = asking("staging", items={"gate": {"owner": "guests"}})
    trouble = cluster(asking("prod"), other)["gate"].trouble
    assert trouble is not None
    assert trouble.reason == "OwnersDisagree"


def test_so_do_records_that_mean_different_people_by_one_name() -> None:
    other = asking("staging", parties={**GUESTS, "keeper": people("Group others")})
    trouble = cluster(asking("prod"), other)["gate"].trouble
    assert trouble is not None
    assert trouble.reason == "OwnersDisagree"


def test_all_records_have_to_ask() -> None:
    trouble = cluster(asking("prod"), record("staging"))["gate"].trouble
    assert trouble is not None
    assert trouble.reason == "RecordsDisagree"
    assert "staging" in trouble.message
    assert cluster(record("prod"), record("staging")) == {}


def test_delegates_of_one_hub_get_nothing_of_the_whole_cluster() -> None:
    delegates = {"gate": {"delegates": [{"party": "guests"}]}}
    found = cluster(asking("prod", items=delegates), asking("staging", items=delegates))
    assert {w.party for w in found["gate"].wanted} == {"keeper"}


def test_fixed_namespaces_have_to_be_there_and_open() -> None:
    line = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "namespace": "tools"}
    shed = {
        "name": "shed",
        "number": 4,
        "title": "Shed",
        "kinds": ["kubernetes"],
        "owner": "keeper",
        "required": [line],
    }
    model = garden_with(shed)
    for spaces, expected in (
        ({}, "NamespaceMissing"),
        ({"tools": True}, "NamespaceMissing"),
        ({"tools": False}, None),
    ):
        found = cluster(asking(), models=[model], around=world(roles(model), **spaces))
        trouble = found["shed"].trouble
        assert (trouble.reason if trouble else None) == expected
        assert found["shed"].namespace == "tools"
    protected = garden_with({**shed, "required": [{**line, "namespace": "kube-system"}]})
    trouble = cluster(asking(), models=[protected], around=world(roles(protected)))["shed"].trouble
    assert trouble is not None
    assert trouble.reason == "NamespaceProtected"
