"""Owners must be able to do what their items require, and somebody must be left to do it."""

import pytest

from responsibility.api.parse import load_shipped_model
from responsibility.ownership.results import wording
from responsibility.ownership.terms.access_reviews import EVERYTHING, Ask, Reviews
from responsibility.rbac.objects import Attributes
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    everything,
    garden,
    grant,
    of_kind,
    on_hub,
    people,
    record,
    states,
    subject,
)

UPDATE = ("update", "configmaps")


def guests(*who: str) -> dict[str, dict[str, object]]:
    return {"guests": people(*who)}


def test_an_owner_that_cannot_do_what_its_item_requires_lacks_it() -> None:
    found = assess(*KEEPERS[1:], records=[record()])
    (finding,) = of_kind(found, "missing-access")
    assert (finding.item, finding.party, str(finding.hub)) == ("fence", "keeper", "prod/prod")
    assert wording.permission_texts(finding.permissions) == ("patch deployments.apps/hub",)
    assert "Keeper owns Fence and cannot patch deployments.apps/hub" in wording.message(finding)
    assert states(found)["fence"] == "drift"


def test_one_that_can_lacks_nothing() -> None:
    assert not of_kind(assess(*KEEPERS, records=[record()]), "missing-access")


def test_what_the_cluster_has_one_of_is_missed_once() -> None:
    found = assess(KEEPERS[0], records=[record(), record("b"), record("c")])
    gates = [f for f in of_kind(found, "missing-access") if f.item == "gate"]
    assert [(f.hub, wording.permission_texts(f.permissions)) for f in gates] == [
        (None, ("patch nodes",))
    ]


def test_a_right_in_all_namespaces_is_a_right_in_each() -> None:
    found = assess(
        *KEEPERS[1:],
        grant("Group keepers", "patch", "deployments", ns="", group="apps"),
        records=[record()],
    )
    assert not of_kind(found, "missing-access")


def test_rights_for_some_names_are_too_few_where_any_name_is_required() -> None:
    found = assess(
        *KEEPERS,
        grant("Group guests", *UPDATE, names="roses"),
        records=[record(parties=guests("Group guests"))],
    )
    assert [f.item for f in of_kind(found, "missing-access")] == ["beds"]


def test_an_owner_without_subjects_acts_elsewhere() -> None:
    # Most communities have no identity in Kubernetes: that is normal and no drift.
    found = assess(*KEEPERS, records=[record()])
    assert not found.findings()
    assert states(found)["beds"] == "recorded"


def test_a_records_subjects_take_the_place_of_the_models() -> None:
    found = assess(*KEEPERS, records=[record(parties={"keeper": people("Group others")})])
    assert {(f.item, f.hub is None) for f in of_kind(found, "missing-access")} == {
        ("fence", False),
        ("gate", True),
        ("record", True),
    }
    agreement = on_hub(found).agreement
    assert agreement.parties["keeper"].email == "keeper@garden.example"


@pytest.mark.parametrize(
    ("who", "lacking"),
    [
        (("User ann",), True),
        (("User ann", "User bob"), False),
        (("User ann", "User bob", "User zoe"), False),
        (("User ann", "User zoe"), True),
        # How many people are in a group is known to the identity provider only.
        (("Group gardeners",), False),
    ],
)
def test_where_two_holders_are_asked_for_one_is_too_few(
    who: tuple[str, ...], lacking: bool
) -> None:
    # The group may only be bound where it is asked about: to people it is a *perhaps*.
    bound = who if who[0].startswith("Group") else ("User ann", "User bob")
    found = assess(
        *KEEPERS,
        *(grant(one, *UPDATE) for one in bound),
        records=[record(parties=guests(*who), items={"beds": {"minimumHolders": 2}})],
    )
    assert bool(of_kind(found, "missing-access")) is lacking
    if lacking:
        assert "2 holders" in wording.message(of_kind(found, "missing-access")[0])


def test_what_only_a_group_could_bring_a_person_is_unknown() -> None:
    found = assess(
        *KEEPERS,
        grant("Group gardeners", *UPDATE),
        records=[record(parties=guests("User ann"))],
    )
    (finding,) = [f for f in found.findings() if f.kind != "excess-access"]
    assert (finding.kind, finding.item, finding.is_drift) == ("unknown", "beds", False)
    found = assess(*KEEPERS, records=[record(parties=guests("User ann"))])
    assert [f.kind for f in found.findings()] == ["missing-access"]


def test_an_item_of_which_only_that_is_known_is_unknown() -> None:
    found = assess(
        *KEEPERS,
        grant("Group gardeners", *UPDATE),
        records=[
            record(
                parties={**guests("User ann"), "crew": people("Group gardeners")},
                items={"beds": {"delegates": [{"party": "crew"}]}},
            )
        ],
    )
    assert states(found)["beds"] == "unknown"


def test_a_groups_members_that_kubernetes_knows_are_sure() -> None:
    found = assess(
        *KEEPERS,
        grant("Group system:serviceaccounts:ci", *UPDATE),
        records=[
            record(parties=guests("ServiceAccount ci/deployer", "Group system:serviceaccounts:ci"))
        ],
    )
    assert not of_kind(found, "missing-access", "unknown", "excess-access")


def test_masters_lack_nothing() -> None:
    found = assess(records=[record(parties={"keeper": people("Group system:masters")})])
    assert not of_kind(found, "missing-access")


# -- vacancies ---------------------------------------------------------------------------------

GONE = "ServiceAccount ci/gone"
ACCOUNTS = frozenset({("ci", "deployer")})


def test_an_owner_whose_accounts_are_all_gone_is_vacant() -> None:
    found = assess(*KEEPERS, records=[record(parties=guests(GONE))], accounts=ACCOUNTS)
    (finding,) = found.findings()
    assert (finding.kind, finding.item, finding.items) == ("owner-vacant", "record", ("beds",))
    assert "ServiceAccount ci/gone" in wording.message(finding)
    assert states(found)["beds"] == "drift"


def test_accounts_that_could_not_be_read_are_not_gone() -> None:
    found = assess(*KEEPERS, records=[record(parties=guests(GONE))], accounts=None)
    assert not of_kind(found, "owner-vacant")


def test_people_and_groups_are_never_known_to_be_gone() -> None:
    found = assess(
        *KEEPERS, records=[record(parties=guests("User ann", GONE))], accounts=frozenset()
    )
    assert not of_kind(found, "owner-vacant")


def test_an_account_that_is_gone_holds_nothing_although_it_is_bound() -> None:
    bound = (
        *KEEPERS,
        grant(GONE, *UPDATE),
        grant("ServiceAccount ci/deployer", "get", "configmaps"),
    )
    both = record(parties=guests(GONE, "ServiceAccount ci/deployer"))
    assert not assess(*bound, records=[both]).findings()
    found = assess(*bound, records=[both], accounts=ACCOUNTS)
    assert [f.kind for f in found.findings()] == ["missing-access", "subject-gone"]


def test_a_party_that_owns_nothing_to_be_checked_is_never_vacant() -> None:
    mine = record(parties=guests(GONE), items={"beds": {"owner": "keeper"}})
    assert not of_kind(assess(records=[mine], accounts=ACCOUNTS), "owner-vacant")


ENFORCED = {"enforcement": {"admission": "deny"}}


def test_what_is_to_be_enforced_needs_somebody_to_do_it() -> None:
    found = assess(*KEEPERS, records=[record(items={"beds": ENFORCED})])
    (finding,) = found.findings()
    assert (finding.kind, finding.items) == ("owner-vacant", ("beds",))
    assert not of_kind(assess(*KEEPERS, records=[record()]), "owner-vacant")


def test_a_delegate_is_somebody() -> None:
    shared = {"beds": {**ENFORCED, "delegates": [{"party": "keeper"}]}}
    assert not assess(*KEEPERS, records=[record(items=shared)]).findings()


def test_a_delegate_whose_time_is_over_is_nobody() -> None:
    ended = {"party": "keeper", "until": "2030-01-01T00:00:00Z"}
    found = assess(*KEEPERS, records=[record(items={"beds": {**ENFORCED, "delegates": [ended]}})])
    assert {f.kind for f in found.findings()} == {"owner-vacant", "delegation-expired"}


# -- the API server's own word -----------------------------------------------------------------

KEEPER = subject("Group keepers")
DEPLOY = Attributes("patch", "apps", "deployments", name="hub", namespace="prod")


def reviews(*yes: Ask, no: tuple[Ask, ...] = ()) -> Reviews:
    return Reviews({**dict.fromkeys(no, False), **dict.fromkeys(yes, True)})


def test_the_server_is_asked_about_what_is_missing_and_no_more() -> None:
    for told in (reviews(), reviews(no=(Ask(KEEPER, DEPLOY),))):
        found = assess(*KEEPERS[1:], records=[record()], reviews=told)
        assert found.asks() == (Ask(KEEPER, DEPLOY),)
        assert of_kind(found, "missing-access")


def test_of_whom_it_lets_do_more_it_is_asked_about_everything_first_and_then_one_by_one() -> None:
    elsewhere = Ask(KEEPER, Attributes("patch", "apps", "deployments", namespace="other"))
    told = reviews(elsewhere)
    found = assess(*KEEPERS[1:], records=[record()], reviews=told)
    assert found.asks() == (Ask(KEEPER, EVERYTHING),)
    told = reviews(elsewhere, no=(Ask(KEEPER, EVERYTHING),))
    found = assess(*KEEPERS[1:], records=[record()], reviews=told)
    assert found.asks() == (Ask(KEEPER, DEPLOY),)


def test_each_shortfall_of_a_hub_rests_on_an_answer_and_few_answers_do() -> None:
    """Of the shipped model: a no about one permission proves that something is lacking."""
    hubs = [f"hub-{number:02}" for number in range(30)]
    owners = {"community": people("User ann", "User bob")}
    shipped = load_shipped_model()
    items = {item.name: {"owner": "community"} for item in shipped.spec.items}
    found = assess(
        models=[shipped],
        records=[record(name, model=shipped.name, items=items, parties=owners) for name in hubs],
    )
    asks = found.asks()
    lacking = [(f.hub, f) for f in of_kind(found, "missing-access") if f.hub is not None]
    assert {hub.namespace for hub, _ in lacking} == set(hubs)
    required = 0
    for hub, finding in lacking:
        asked = {ask.attributes for ask in asks} & {
            permission.attributes(on_hub(found, hub.namespace).agreement.names)
            for permission in finding.permissions
        }
        required += len(finding.permissions)
        assert asked, finding
        for attributes in asked:
            assert {ask.subject for ask in asks if ask.attributes == attributes} == {
                subject("User ann"),
                subject("User bob"),
            }
    here = [ask for ask in asks if ask.attributes.namespace]
    assert len(here) < required / 4
    # Wherever else something is granted, it shows on some hub.
    own = {(ask.attributes.verb, ask.attributes.resource) for ask in here}
    few = {
        (ask.attributes.verb, ask.attributes.resource)
        for ask in here
        if ask.attributes.namespace == hubs[0]
    }
    assert len(own) > len(few)


def test_who_lacks_nothing_is_not_asked_about() -> None:
    assert not assess(*KEEPERS, records=[record()]).asks()


@pytest.mark.parametrize("yes", [Ask(KEEPER, EVERYTHING), Ask(KEEPER, DEPLOY)])
def test_what_the_server_allows_is_not_missing(yes: Ask) -> None:
    # Cloud IAM grants rights that no object of RBAC shows.
    found = assess(*KEEPERS[1:], records=[record()], reviews=reviews(yes))
    assert not of_kind(found, "missing-access")
    assert states(found)["fence"] == "ok"


def test_what_it_refuses_is() -> None:
    no = (Ask(KEEPER, EVERYTHING), Ask(KEEPER, DEPLOY))
    found = assess(*KEEPERS[1:], records=[record()], reviews=reviews(no=no))
    assert of_kind(found, "missing-access")


def test_an_answer_about_one_namespace_says_nothing_of_another() -> None:
    found = assess(
        *KEEPERS[1:], records=[record(), record("b")], reviews=reviews(Ask(KEEPER, DEPLOY))
    )
    assert [str(f.hub) for f in of_kind(found, "missing-access")] == ["b/b"]


def test_a_shortfall_of_the_cluster_is_asked_about_too() -> None:
    found = assess(KEEPERS[0], KEEPERS[2], records=[record()])
    assert found.asks() == (Ask(KEEPER, EVERYTHING),)
    patch = Ask(KEEPER, Attributes("patch", "", "nodes"))
    no = (Ask(KEEPER, EVERYTHING),)
    assert assess(KEEPERS[0], KEEPERS[2], records=[record()], reviews=reviews(no=no)).asks() == (
        patch,
    )
    assert not assess(
        KEEPERS[0], KEEPERS[2], records=[record()], reviews=reviews(patch, no=no)
    ).findings()


def test_a_cluster_admin_that_owns_lacks_nothing_anywhere() -> None:
    found = assess(everything("Group keepers"), records=[record()], models=[garden()])
    assert not of_kind(found, "missing-access")
