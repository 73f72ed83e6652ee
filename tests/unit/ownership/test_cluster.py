"""What the cluster has only one of is assessed once, for all records of a model."""

import pytest

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import load_shipped_model
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment, BreakGlassHolder
from responsibility.ownership.terms.permission_index import EVERYTHING
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    brief,
    everything,
    excess,
    garden,
    garden_with,
    grant,
    hub,
    of_kind,
    on_hub,
    people,
    record,
    states,
    touching,
)

ABC = [record("a"), record("b"), record("c")]


def glass(found: Assessment, model: str = "garden") -> dict[str, BreakGlassHolder]:
    return {str(entry.subject): entry for entry in found.clusters[model].break_glass}


def test_a_right_on_something_there_is_one_of_is_one_finding() -> None:
    found = assess(grant("User ann", "delete", "nodes", ns=""), records=ABC)
    assert excess(found) == {("User ann", "gate", "cluster")}
    (finding,) = of_kind(found, "excess-access")
    assert wording.permission_texts(finding.permissions) == ("delete nodes",)


def test_a_right_in_every_namespace_is_one_finding_that_counts_hubs() -> None:
    found = assess(*KEEPERS, grant("User ann", "update", "configmaps", ns=""), records=ABC)
    assert brief(of_kind(found, "excess-access")) == {
        ("User ann", "beds", "cluster"),
        ("User ann", "shed", "cluster"),
    }
    beds = next(f for f in found.findings() if f.item == "beds")
    assert beds.hubs == 3
    assert "3 hubs" in wording.message(beds)
    assert [on_hub(found, name).cluster_findings for name in "abc"] == [2, 2, 2]
    assert touching(found, "a")["beds"] == 1
    assert states(found, "a")["beds"] == "recorded", "a hub's states are its own"


def test_a_way_to_everything_is_told_whatever_small_thing_the_same_subject_holds() -> None:
    rbac = "rbac.authorization.k8s.io"
    ways = [grant("User ann", "escalate update", "clusterroles", ns="", group=rbac)]
    whole = assess(*KEEPERS, *ways, records=ABC, routes=True)
    [way] = [f for f in of_kind(whole, "excess-access") if f.permissions == (EVERYTHING,)]
    for what in ("configmaps", "nodes", "configmaps nodes"):
        small = grant("User ann", "delete", what, ns="")
        found = assess(*KEEPERS, *ways, small, records=ABC, routes=True)
        told = [f for f in of_kind(found, "excess-access") if f.permissions == (EVERYTHING,)]
        assert [(f.subject, f.severity, f.route_kind) for f in told] == [
            (way.subject, way.severity, way.route_kind)
        ]
        ids = [f.id for f in found.findings()]
        assert len(ids) == len(set(ids)), "each has a place of its own"


def test_hubs_that_let_the_subject_are_not_counted() -> None:
    mine = record("a", parties={"guests": people("User ann")})
    found = assess(
        *KEEPERS,
        grant("User ann", "delete", "configmaps", ns=""),
        grant("User ann", "update", "configmaps", ns="a"),
        records=[mine, record("b"), record("c")],
    )
    (finding,) = of_kind(found, "excess-access")
    assert (finding.item, finding.hubs) == ("beds", 2)
    assert [on_hub(found, name).cluster_findings for name in "abc"] == [0, 1, 1]
    assert [touching(found, name)["beds"] for name in "abc"] == [0, 1, 1]
    assert states(found, "a")["beds"] != "drift"


def test_hubs_whose_group_has_the_account_in_it_are_not_counted() -> None:
    accounts = record("a", parties={"guests": people("Group system:serviceaccounts:ci")})
    found = assess(
        grant("ServiceAccount ci/deployer", "delete", "configmaps", ns=""),
        records=[accounts, record("b")],
    )
    (finding,) = of_kind(found, "excess-access")
    assert (finding.item, finding.hubs) == ("beds", 1)


def test_without_any_record_nobody_has_a_hub_to_exceed_on() -> None:
    found = assess(
        grant("User ann", "delete", "configmaps", ns=""),
        grant("User ann", "delete", "nodes", ns=""),
    )
    assert excess(found) == {("User ann", "gate", "cluster")}


@pytest.mark.parametrize("model", [garden(), load_shipped_model()], ids=["garden", "2i2c"])
def test_a_stray_cluster_admin_is_one_finding(model: ResponsibilityModel) -> None:
    name = model.name
    records = [record(n, model=name) for n in "abc"]
    found = assess(everything("User ann"), records=records, models=[model])
    (finding,) = of_kind(found, "excess-access")
    assert (finding.hub, finding.hubs) == (None, 3)
    assert not glass(found, name)["User ann"].declared
    assert glass(found, name)["User ann"].sources == finding.sources


def test_where_a_model_reserves_everything_that_item_has_the_finding() -> None:
    found = assess(
        everything("User ann"),
        records=[record("a", model="2i2c")],
        models=[load_shipped_model()],
    )
    assert excess(found) == {("User ann", "operate-cluster", "cluster")}


def test_where_it_does_not_the_finding_speaks_for_all_items_it_is_about() -> None:
    found = assess(everything("User ann"), records=[record("a")])
    (finding,) = of_kind(found, "excess-access")
    assert finding.item == "record"
    assert set(finding.items) == {"beds", "fence", "gate", "shed"}
    assert touching(found, "a") == {
        **dict.fromkeys(("beds", "fence"), 1),
        **dict.fromkeys(("record", "gate", "shed", "tea"), 0),
    }
    of_the_cluster = dict.fromkeys(("record", "gate", "shed"), "drift")
    assert states(found, "a").items() >= of_the_cluster.items(), "there is no other place for them"


def test_a_providers_cluster_admin_is_no_finding_but_listed() -> None:
    keeper_owns_all = {"beds": {"owner": "keeper"}}
    found = assess(
        everything("Group keepers"), records=[record("a", items=keeper_owns_all), record("b")]
    )
    assert glass(found)["Group keepers"].declared is False
    (finding,) = of_kind(found, "excess-access")
    # On the other hub the beds are the guests'.
    assert (finding.item, finding.hubs) == ("beds", 1)

    provider = {"provider": people("Group keepers")}
    found = assess(
        everything("Group keepers"),
        records=[record("a", model="2i2c", parties=provider)],
        models=[load_shipped_model()],
    )
    assert not excess(found)
    assert "Group keepers" in glass(found, "2i2c")


def test_who_operates_the_cluster_by_one_record_does_so_on_all_hubs() -> None:
    # Records that disagree are a finding of their own; it is not one more for each item and hub.
    found = assess(
        everything("Group reds"),
        records=[
            record("a", model="2i2c", parties={"provider": people("Group reds")}),
            record("b", model="2i2c", parties={"provider": people("Group blues")}),
        ],
        models=[load_shipped_model()],
    )
    assert not excess(found)
    assert of_kind(found, "owners-disagree")


def test_break_glass_holders_are_always_listed_and_never_found() -> None:
    found = assess(everything("User caretaker"), records=ABC)
    assert not excess(found)
    assert glass(found)["User caretaker"].declared
    assert glass(found)["User caretaker"].sources
    idle = glass(assess(records=ABC))["User caretaker"]
    assert (idle.declared, idle.sources) == (True, ())


def test_the_masters_are_listed_whether_a_model_names_them_or_not() -> None:
    # They pass before RBAC is asked. Their binding could be removed; their rights would stay.
    for grants in ((), (everything("Group system:masters"),)):
        found = assess(*grants, records=ABC)
        assert not glass(found)["Group system:masters"].declared
        assert not excess(found)


def test_names_that_depend_on_the_hub_are_compared_on_each_hub() -> None:
    found = assess(
        grant("User ann", "update", "secrets", ns="", names="spring-hub"),
        records=[record("a"), record("b")],
        hubs=[hub("a", prefix="spring-"), hub("b")],
    )
    assert excess(found) == {("User ann", item, "cluster") for item in ("beds", "fence")}
    for finding in of_kind(found, "excess-access"):
        assert finding.hubs == 1
        assert [s.names for s in finding.sources] == [("spring-hub",)]
    lacking = len(of_kind(found, "missing-access")) - 2
    assert [on_hub(found, name).cluster_findings - lacking for name in "ab"] == [2, 0]


def test_a_text_for_all_hubs_names_none_of_them() -> None:
    found = assess(grant("User ann", "update", "namespaces", ns=""), records=ABC)
    (finding,) = of_kind(found, "excess-access")
    assert wording.permission_texts(finding.permissions) == ("update namespaces/<namespace>",)


def test_fixed_namespaces_are_looked_into_once() -> None:
    tools = ("update", "configmaps")
    found = assess(
        grant("User ann", *tools, ns="shed", names="tools"),
        grant("User bob", *tools, ns="shed", names="tea"),
        grant("Group keepers", *tools, ns="shed"),
        records=ABC,
    )
    assert excess(found) == {("User ann", "shed", "cluster")}
    (finding,) = of_kind(found, "excess-access")
    assert [str(s.binding) for s in finding.sources] == [
        "RoleBinding shed/to-User-ann-update-configmaps-tools"
    ]


def test_records_that_name_different_owners_of_the_one_cluster_disagree() -> None:
    found = assess(
        records=[record("a"), record("b", items={"gate": {"owner": "guests"}}), record("c")]
    )
    (finding,) = of_kind(found, "owners-disagree")
    assert (finding.item, finding.hub, finding.hubs) == ("gate", None, 3)
    assert "Keeper in a, c; Guests in b" in wording.message(finding)
    assert states(found, "a")["gate"] == "drift"


def test_items_of_hubs_alone_may_have_any_owner() -> None:
    found = assess(records=[record("a"), record("b", items={"fence": {"owner": "guests"}})])
    assert not of_kind(found, "owners-disagree")


def test_owners_of_one_name_with_other_people_disagree() -> None:
    found = assess(records=[record("a"), record("b", parties={"keeper": people("Group others")})])
    assert {f.item for f in of_kind(found, "owners-disagree")} == {"record", "gate", "shed"}


def test_the_union_of_owners_is_entitled_to_what_there_is_one_of() -> None:
    found = assess(
        grant("Group keepers", "patch", "nodes", ns=""),
        grant("Group reds", "patch", "nodes", ns=""),
        grant("Group blues", "patch", "nodes", ns=""),
        records=[
            record("a"),
            record(
                "b", items={"gate": {"owner": "guests"}}, parties={"guests": people("Group reds")}
            ),
        ],
    )
    assert excess(found) == {("Group blues", "gate", "cluster")}


def test_each_owner_of_what_there_is_one_of_has_to_be_able_to_act() -> None:
    found = assess(
        *KEEPERS,
        records=[
            record("a"),
            record(
                "b", items={"gate": {"owner": "guests"}}, parties={"guests": people("Group reds")}
            ),
            record(
                "c", items={"gate": {"owner": "guests"}}, parties={"guests": people("Group blues")}
            ),
        ],
    )
    lacking = [f for f in of_kind(found, "missing-access") if f.item == "gate"]
    assert [(f.party, f.hub, wording.permission_texts(f.permissions)) for f in lacking] == [
        ("guests", None, ("patch nodes",)),
    ] * 2
    assert len({f.id for f in found.findings()}) == len(found.findings())


def test_each_model_has_a_cluster_of_its_own() -> None:
    other = garden_with()
    other = other.model_copy(update={"metadata": other.metadata.model_copy(update={"name": "x"})})
    found = assess(
        grant("User ann", "delete", "nodes", ns=""),
        models=[garden(), other],
        records=[record("a"), record("b", model="x")],
    )
    assert {(f.model, f.item) for f in of_kind(found, "excess-access")} == {
        ("garden", "gate"),
        ("x", "gate"),
    }
    assert len({f.id for f in found.findings()}) == len(found.findings())


def test_a_model_that_nobody_uses_finds_nothing_while_another_is_in_use() -> None:
    # The shipped model is installed with the chart, also where people have one of their own.
    found = assess(
        everything("User ann"),
        models=[garden(), load_shipped_model()],
        records=[record("a")],
    )
    assert {f.model for f in found.findings() if f.hub is None} == {"garden"}
    assert "User ann" in glass(found, "2i2c")


def test_where_rbac_is_not_enforced_no_subject_is_found_and_nothing_is_ok() -> None:
    found = assess(
        *KEEPERS,
        everything("User ann"),
        grant("User ann", "delete", "configmaps", ns="a"),
        records=[record("a"), record("b", items={"gate": {"owner": "guests"}})],
        rbac_enforced=False,
    )
    assert not of_kind(found, "excess-access", "missing-access", "unknown")
    assert "ok" not in set(states(found, "a").values())
    assert "ok" not in {r.state.value for r in found.clusters["garden"].items}
    # What the records say of each other is as true as before.
    assert [f.item for f in of_kind(found, "owners-disagree")] == ["gate"]
    assert {"User caretaker", "Group system:masters", "User ann"} <= set(glass(found))


def test_where_nobody_knows_whether_rbac_is_enforced_nothing_is_ok() -> None:
    found = assess(*KEEPERS, records=[record()], rbac_enforced=None)
    assert "ok" not in set(states(found).values())
    assert states(found)["fence"] == "unknown"
    assert states(assess(*KEEPERS, records=[record()]))["fence"] == "ok"
