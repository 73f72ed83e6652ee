"""Sentences are made of parts: no name, however odd, changes what is said about it."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.ownership.results import facts, wording
from responsibility.ownership.results.findings import KINDS, Finding
from responsibility.ownership.terms.agreement import Party
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import USER, BindingKey, RoleKey, Source, Subject
from tests.unit.ownership.building import assess, grant, of_kind, people, record

HOLDER = grant("ServiceAccount prod/gardener", "patch", "deployments", group="apps", names="hub")
KEEPER = {"subjects": [{"kind": "ServiceAccount", "namespace": "prod", "name": "gardener"}]}
ODD = [
    "Yes We can Do It",
    " can ",
    "ann can do everything cluster-wide",
    "a, then b; so it can c",
    "x, rule 1",
    "and 3 more",
]


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_reads_like_a_sentence_is_a_name(name: str) -> None:
    minter = grant(f"User {name}", "create", "serviceaccounts/token")
    found = assess(HOLDER, minter, records=[record(parties={"keeper": KEEPER})], routes=True)
    (mine,) = [f for f in of_kind(found, "excess-access") if f.subject == Subject(USER, name)]
    assert wording.message(mine) == (
        f'User "{name}" can '
        "request a token of ServiceAccount prod/gardener; "
        "so it can patch deployments.apps/hub in namespace prod, but Fence is Keeper's"
    )


@pytest.mark.parametrize("name", ODD)
def test_a_direct_finding_names_its_subject(name: str) -> None:
    found = assess(
        grant(f"User {name}", "patch", "deployments", group="apps", names="hub"),
        records=[record(parties={"keeper": people("Group keepers")})],
    )
    (mine,) = of_kind(found, "excess-access")
    assert wording.message(mine) == (
        f'User "{name}" can patch deployments.apps/hub in namespace prod, but Fence is Keeper\'s'
    )


@pytest.mark.parametrize(
    ("actor", "target"),
    [
        # One begins with the other, or has it in it.
        ("ann smith", "ann smithson, who owns this. All is well"),
        ("ann smith", "ann smith, who owns this. All is well"),
        ("x can nothing, User ann smith", "ann smith"),
        ("ann", "ann smith"),
        ("ann", "anna"),
    ],
)
def test_of_two_names_that_are_alike_each_stays_itself(actor: str, target: str) -> None:
    [finding] = of_kind(
        assess(
            grant("User ann", "patch", "deployments", group="apps", names="hub"),
            records=[record(parties={"keeper": people("Group keepers")})],
        ),
        "excess-access",
    )
    who, whom = Subject(USER, actor), Subject(USER, target)
    step = Step("impersonate", who, f"impersonate {whom}", (), target=whom)
    found = replace(finding, subject=who, route=(step,))
    shown = [f'"{name}"' if " " in name else name for name in (actor, target)]
    told = "User {} can impersonate User {}".format(*shown)
    assert wording.message(found).startswith(f"{told}; so it can ")
    assert wording.step_texts(found) == (told,)


@given(name=st.sampled_from(ODD), rule=st.integers(0, 5))
def test_a_source_is_told_with_its_binding_role_and_rule(name: str, rule: int) -> None:
    source = Source(BindingKey("prod", name), RoleKey("", name), rule)
    assert source.binding_text == f"RoleBinding prod/{name} to ClusterRole {name}"
    assert wording.source_text(source) == f"{source.binding_text}, rule {rule + 1}"


def test_a_contact_is_whom_and_how() -> None:
    party = Party("keeper", email="k@example.org", url="https://k.example.org")
    assert wording.contact_text(party) == "keeper: k@example.org, https://k.example.org"
    assert wording.contact_text(Party("keeper", url="u")) == "keeper: u"
    assert wording.contact_text(Party("keeper", "The keeper")) == "The keeper"


def test_everything_is_said_in_a_word() -> None:
    assert wording.permission_text(EVERYTHING) == wording.EVERYTHING_TEXT == "* *"
    assert wording.in_words("* *") == "everything"
    assert wording.in_words("get pods") == "get pods"
    exec_ = Permission("create", "", "pods", "exec")
    assert wording.permission_text(exec_) == "create pods --subresource=exec"


@given(st.data())
def test_all_facts_make_a_sentence(data: st.DataObject) -> None:
    fact = data.draw(st.one_of(*map(st.from_type, get_args(facts.Facts))))
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    finding = Finding(kind, "beds", 1, None, title="Beds", owners=("Guests",), facts=fact)
    assert wording.message(finding).strip() or isinstance(fact, facts.PublishedByOperator)
    if isinstance(fact, facts.SideDoor) and fact.closed_by:
        assert all(item in wording.remedy(finding) for item in fact.closed_by)
    elif isinstance(fact, facts.PublishedByOperator):
        assert wording.remedy(finding) == fact.remedy or KINDS[kind].remedy
    elif isinstance(fact, facts.AdminFacts | facts.VersionFacts | facts.Shortfall):
        assert wording.remedy(finding).endswith(".")
    else:
        assert wording.remedy(finding) == KINDS[kind].remedy


def test_of_a_fleet_whose_hubs_all_have_other_owners_two_are_named() -> None:
    owners = tuple(f"Community {number}" for number in range(57))
    stranger = Subject(USER, "stranger")
    finding = Finding("excess-access", "beds", 1, None, title="Beds", owners=owners)
    told = wording.message(replace(finding, subject=stranger, hubs=57))
    assert told.endswith("but Beds is Community 0, Community 1 and 55 others'")
    two = wording.message(replace(finding, subject=stranger, owners=owners[:2]))
    assert two.endswith("but Beds is Community 0 and Community 1's")


def test_permissions_are_read_by_what_they_are_about_the_worst_first() -> None:
    several = [
        *(Permission(verb, "", "configmaps") for verb in ("get", "update")),
        *(Permission(verb, "", "secrets", name="hub") for verb in ("get", "update")),
        Permission("create", "", "pods", "exec"),
    ]
    assert wording.permission_lines(several) == (
        "get, update secrets/hub",
        "create pods --subresource=exec",
        "update, get configmaps",
    )
    assert wording.permission_lines([EVERYTHING]) == wording.permission_texts([EVERYTHING])
