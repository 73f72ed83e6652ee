"""Nobody but an item's owner and its delegates may be able to do what it reserves."""

from dataclasses import replace

from responsibility.ownership.results import wording
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    everything,
    excess,
    garden_with,
    grant,
    hub,
    of_kind,
    on_hub,
    people,
    record,
    states,
)

GUESTS = {"guests": people("Group guests")}


def test_a_stranger_who_can_do_what_an_item_reserves_is_in_excess() -> None:
    found = assess(grant("User ann", "patch", "deployments", group="apps"), records=[record()])
    assert excess(found) == {("User ann", "fence", "prod/prod")}
    (finding,) = of_kind(found, "excess-access")
    assert wording.permission_texts(finding.permissions) == ("patch deployments.apps/hub",)
    assert [str(s.binding) for s in finding.sources] == [
        "RoleBinding prod/to-User-ann-patch-deployments"
    ]
    assert "ann" in wording.message(finding)
    assert "Keeper" in wording.message(finding)


def test_who_can_only_look_is_not() -> None:
    assert not excess(assess(grant("User ann", "get list", "secrets"), records=[record()]))


def test_what_no_item_reserves_is_free() -> None:
    assert not excess(assess(grant("User ann", "delete", "pods"), records=[record()]))


def test_an_owner_may_do_what_its_items_reserve_and_nobody_elses() -> None:
    found = assess(
        grant("Group keepers", "patch", "deployments", group="apps"),
        grant("Group keepers", "delete", "configmaps"),
        records=[record(parties=GUESTS)],
    )
    assert excess(found) == {("Group keepers", "beds", "prod/prod")}


def test_what_two_items_share_belongs_to_both_owners() -> None:
    # The hub's Secret holds beds and fences alike.
    secret = ("update", "secrets")
    found = assess(
        grant("Group keepers", *secret, names="hub"),
        grant("Group guests", *secret, names="hub"),
        grant("User ann", *secret, names="hub"),
        records=[record(parties=GUESTS)],
    )
    assert excess(found) == {
        ("User ann", "beds", "prod/prod"),
        ("User ann", "fence", "prod/prod"),
    }


def test_a_record_can_move_an_item_to_another_party() -> None:
    moved = record(items={"fence": {"owner": "guests"}}, parties=GUESTS)
    found = assess(
        grant("Group keepers", "patch", "deployments", group="apps"),
        grant("Group guests", "patch", "deployments", group="apps"),
        records=[moved],
    )
    assert excess(found) == {("Group keepers", "fence", "prod/prod")}


def test_whose_group_is_entitled_is_entitled_where_kubernetes_itself_says_who_is_in_it() -> None:
    # Every ServiceAccount of a namespace is in this group; nobody has to put it there.
    accounts = {"guests": people("Group system:serviceaccounts:ci")}
    found = assess(
        grant("ServiceAccount ci/deployer", "update", "configmaps"),
        grant("ServiceAccount other/deployer", "update", "configmaps"),
        records=[record(parties=accounts)],
    )
    assert excess(found) == {("ServiceAccount other/deployer", "beds", "prod/prod")}


def test_a_right_for_some_names_counts_where_any_name_is_reserved() -> None:
    found = assess(
        grant("User ann", "update", "configmaps", names="roses"),
        grant("User bob", "update", "configmaps", names="hub"),
        records=[record()],
    )
    assert excess(found) == {("User ann", "beds", "prod/prod"), ("User bob", "beds", "prod/prod")}
    assert {s.names for f in of_kind(found, "excess-access") for s in f.sources} == {
        ("roses",),
        ("hub",),
    }


def test_a_right_to_create_by_name_counts_since_an_apply_can_use_it() -> None:
    found = assess(grant("User ann", "create", "configmaps", names="roses"), records=[record()])
    assert excess(found) == {("User ann", "beds", "prod/prod")}


def test_a_right_for_names_that_are_ones_own_is_none_too_many() -> None:
    # The keeper may patch deployment hub; where all deployments are reserved to the guests,
    # having just that one is the keeper's due.
    model = garden_with(
        {
            "name": "roof",
            "number": 6,
            "title": "Roof",
            "kinds": ["kubernetes"],
            "owner": "guests",
            "reserved": [{"verbs": ["patch"], "apiGroups": ["apps"], "resources": ["deployments"]}],
        }
    )
    deployments = ("patch", "deployments")
    found = assess(
        grant("Group keepers", *deployments, group="apps", names="hub"),
        models=[model],
        records=[record()],
    )
    assert not excess(found)
    found = assess(
        grant("Group keepers", *deployments, group="apps", names="hub"),
        grant("Group keepers", *deployments, group="apps", names="hub proxy"),
        models=[model],
        records=[record()],
    )
    (finding,) = of_kind(found, "excess-access")
    # What is the keeper's due is no source of the excess: revoking it would not end it.
    assert [s.names for s in finding.sources] == [("hub", "proxy")]


def test_names_are_those_of_the_release() -> None:
    found = assess(
        grant("User ann", "update", "secrets", names="a-hub"),
        grant("User bob", "update", "secrets", names="hub"),
        records=[record("a", "prod", "a"), record("b", "prod", "b")],
        hubs=[hub("prod", "a", "a-"), hub("prod", "b", "b-")],
    )
    assert excess(found) == {("User ann", "beds", "prod/a"), ("User ann", "fence", "prod/a")}


def test_a_namespace_is_asked_about_in_itself() -> None:
    # `update namespaces/prod` can be granted by a RoleBinding in prod.
    found = assess(
        grant("User ann", "update", "namespaces", ns="prod"),
        grant("User bob", "update", "namespaces", ns="other", names="prod"),
        records=[record()],
    )
    assert excess(found) == {("User ann", "fence", "prod/prod")}
    (finding,) = of_kind(found, "excess-access")
    assert wording.permission_texts(finding.permissions) == ("update namespaces/prod",)


def test_each_hub_has_its_own_community() -> None:
    grants = [
        grant(f"Group {who}", "update", "configmaps", ns=ns)
        for who in ("reds", "blues")
        for ns in ("a", "b")
    ]
    found = assess(
        *grants,
        records=[
            record("a", parties={"guests": people("Group reds")}),
            record("b", parties={"guests": people("Group blues")}),
        ],
    )
    assert excess(found) == {("Group blues", "beds", "a/a"), ("Group reds", "beds", "b/b")}


def test_two_releases_in_one_namespace_see_each_others_people() -> None:
    # RBAC can't keep them apart there, so neither do we.
    found = assess(
        grant("Group reds", "update", "configmaps"),
        records=[
            record("a", "prod", "a", parties={"guests": people("Group reds")}),
            record("b", "prod", "b", parties={"guests": people("Group blues")}),
        ],
    )
    assert excess(found) == {("Group reds", "beds", "prod/b")}


def test_all_sources_are_told_those_of_the_cluster_too() -> None:
    found = assess(
        grant("User ann", "patch", "deployments", group="apps"),
        grant("User ann", "patch update", "deployments", group="apps"),
        grant("User ann", "patch", "*", ns="", group="apps"),
        records=[record()],
    )
    here = next(f for f in of_kind(found, "excess-access") if f.hub)
    assert len(here.sources) == 3
    assert {str(s.binding).split()[0] for s in here.sources} == {
        "RoleBinding",
        "ClusterRoleBinding",
    }


def test_who_may_do_everything_in_one_namespace_is_in_excess_of_each_item_there() -> None:
    found = assess(everything("User ann", ns="prod"), records=[record()])
    assert excess(found) == {("User ann", item, "prod/prod") for item in ("beds", "fence")}


def test_a_binding_to_a_role_that_is_not_there_grants_nothing_and_is_pending() -> None:
    _, binding = grant("User ann", "update", "configmaps")
    ghost, _ = grant("User zoe", "update", "configmaps", ns="elsewhere")
    found = assess((ghost, binding), records=[record()])
    assert not excess(found)
    assert list(map(str, on_hub(found).pending)) == [
        "RoleBinding prod/to-User-ann-update-configmaps"
    ]


def test_subjects_that_are_nobody_are_nobody() -> None:
    role, binding = grant("ServiceAccount prod/hub", "update", "configmaps", ns="")
    nobody = replace(binding, subjects=(Subject(SERVICE_ACCOUNT, "hub"),))
    assert not excess(assess((role, nobody), records=[record()]))


def test_an_item_with_a_stranger_drifts_and_the_others_do_not() -> None:
    found = assess(
        *KEEPERS, grant("User ann", "patch", "deployments", group="apps"), records=[record()]
    )
    assert states(found) == {
        "record": "ok",
        "beds": "recorded",
        "fence": "drift",
        "gate": "ok",
        "shed": "ok",
        "tea": "recorded",
    }
