"""What a Namespace says of its hub, in the words that policies understand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.admission import annotation_entries
from responsibility.admission.stages.exempt_entries import exempt_entry
from responsibility.admission.stages.namespace_annotations import (
    BUDGET,
    hub_annotations,
    item_keys,
    within_budget,
)
from responsibility.api.names import (
    BREAK_GLASS_ANNOTATION,
    CONTACT_ANNOTATION,
    HUB_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
)
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.rbac.identity import user_and_groups
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject
from responsibility.subject_kinds import AnyKind
from tests.unit.ownership.building import NOW, assess, exempt, garden, people, record

SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


def agreement(*, model: Mapping[str, Any] | None = None, **spec: Any) -> Agreement:
    assessment = assess(records=[record(**spec)], models=[garden(**(model or {}))])
    return assessment.hubs["prod"].agreement


def said(of: Agreement, item: str = "fence") -> dict[str, list[str]]:
    """Return the lists of an item."""
    found = item_keys(of, of.item(item), NOW)
    assert not found.trouble
    return {key.partition(".")[0]: text.split("\n") for key, text in found.annotations.items()}


def delegated(*delegates: Mapping[str, Any], **more: Any) -> Agreement:
    parties = {"guests": people("Group visitors", "User ann"), "friends": people("User ann")}
    return agreement(parties=parties, items={"fence": {"delegates": list(delegates)}}, **more)


def test_the_owner_is_listed_with_its_contact() -> None:
    found = said(agreement())
    assert found == {"owners": ["group:keepers"], "contact": ["Keeper: keeper@garden.example"]}


def test_an_owner_without_subjects_is_vacant_but_can_be_called() -> None:
    of = agreement()
    found = item_keys(of, of.item("beds"), NOW)
    assert found.vacant
    assert list(found.annotations) == [CONTACT_ANNOTATION + "beds"]


def test_delegates_without_an_end_are_as_good_as_owners() -> None:
    found = said(delegated({"party": "guests"}))
    assert found["owners"] == ["group:keepers", "group:visitors", "user:ann"]
    assert "delegates" not in found


def test_delegates_with_an_end_come_with_it_the_latest_first() -> None:
    found = said(
        delegated(
            {"party": "guests", "until": SOON.isoformat()},
            {"party": "friends", "until": LATER.isoformat()},
        )
    )
    assert found["owners"] == ["group:keepers"]
    assert found["delegates"] == [
        f"{annotation_entries.marker(LATER)} user:ann",
        f"{annotation_entries.marker(SOON)} group:visitors",
    ]


def test_who_may_act_for_good_needs_no_date() -> None:
    found = said(delegated({"party": "guests", "until": SOON.isoformat()}, {"party": "friends"}))
    assert found["delegates"] == [f"{annotation_entries.marker(SOON)} group:visitors"]


def test_a_delegation_that_has_ended_is_not_listed() -> None:
    found = said(delegated({"party": "guests", "until": NOW.isoformat()}))
    assert found["owners"] == ["group:keepers"]
    assert "delegates" not in found


def test_bounds_narrow_a_delegate_and_nobody_who_is_free_of_them() -> None:
    bounds = [
        {"path": "Deployment/spec.replicas", "min": 1, "max": 3},
        {"path": "singleuser.memory.limit", "max": "8Gi"},
        {"path": 'ResourceQuota/spec.hard["requests.nvidia.com/gpu"]', "max": 2},
    ]
    found = said(delegated({"party": "guests", "bounds": bounds}, {"party": "friends"}))
    assert found["owners"] == ["group:keepers", "group:visitors", "user:ann"]
    assert found["bounds"] == [
        "group:visitors\t\tsingleuser.memory.limit\t\t8Gi",
        "group:visitors\tDeployment\tspec.replicas\t1\t3",
        'group:visitors\tResourceQuota\tspec.hard["requests.nvidia.com/gpu"]\t\t2',
    ]


def test_exempt_subjects_are_let_through_on_their_items() -> None:
    of = agreement(
        model={"exemptions": [exempt("ServiceAccount $(namespace)/$(prefix)hub", "*")]},
        exemptions=[exempt("User robot", "beds")],
    )
    assert said(of)["owners"] == ["group:keepers", "user:system:serviceaccount:prod:hub"]
    assert "user:robot" in said(of, "beds")["owners"]


@pytest.mark.parametrize(
    ("kind", "namespace", "name", "line"),
    [
        (USER, "", "ann", "user:ann"),
        (SERVICE_ACCOUNT, "ns", "x", "user:system:serviceaccount:ns:x"),
        (SERVICE_ACCOUNT, "ns", "*", "group:system:serviceaccounts:ns"),
        (SERVICE_ACCOUNT, "*", "*", "group:system:serviceaccounts"),
        (SERVICE_ACCOUNT, "*", "x", "like:^system:serviceaccount:[^:]*:x$"),
        (SERVICE_ACCOUNT, "ns", "x*", "like:^system:serviceaccount:ns:x[^:]*$"),
        (USER, "", "eks:*", "like:^eks:.*$"),
        (USER, "", "a.b*", r"like:^a\.b.*$"),
        (GROUP, "", "oncall*", "like-group:^oncall.*$"),
    ],
)
def test_exemptions_in_the_words_of_policies(
    kind: AnyKind, namespace: str, name: str, line: str
) -> None:
    assert exempt_entry(Exemption(kind, name, namespace, frozenset("*"), "")) == line


# What a ServiceAccount can be called: no colon, and not nothing.
names = st.text("ab-.*", min_size=1, max_size=4)


@given(st.sampled_from(["ns", "n*", "*"]), names.map(lambda n: n.replace("*", "") + "*"), names)
def test_a_pattern_lets_through_whom_the_exemption_covers(
    namespace: str, pattern: str, name: str
) -> None:
    exemption = Exemption(SERVICE_ACCOUNT, pattern, namespace, frozenset("*"), "")
    account = Subject(SERVICE_ACCOUNT, name, "ns")
    kind, _, text = exempt_entry(exemption).partition(":")
    user, groups = user_and_groups(account)
    passes = text in groups if kind == "group" else re.fullmatch(text, user) is not None
    assert passes is exemption.covers(account)


def test_a_name_with_a_line_break_cannot_be_listed_and_says_whose_it_is() -> None:
    of = agreement(parties={"keeper": people("User ann")})
    # No record says this anymore; what a name could do in a list, nothing may do.
    keeper = replace(of.parties["keeper"], subjects=(Subject(USER, "two\nlines"),))
    of = replace(of, parties={**of.parties, "keeper": keeper})
    found = item_keys(of, of.item("fence"), NOW)
    assert "party keeper" in found.trouble
    assert "line break" in found.trouble
    assert found.annotations == {}


@pytest.mark.parametrize("odd", ["two\nlines*", "*\n", "a*\u2028", "\n*"])
@pytest.mark.parametrize("place", ["name", "namespace"])
@pytest.mark.parametrize("kind", [USER, GROUP, SERVICE_ACCOUNT])
def test_nor_can_a_pattern_with_a_line_break_be_listed(kind: AnyKind, place: str, odd: str) -> None:
    plain = {"name": "*", "namespace": "n*" if kind == SERVICE_ACCOUNT else "", place: odd}
    exemption = Exemption(kind, plain["name"], plain["namespace"], frozenset("*"), "")
    with pytest.raises(ValueError, match="line break"):
        exempt_entry(exemption)


odd = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=300
).filter(lambda text: text.splitlines() == [text] and "*" not in text and "$(" not in text)


@given(odd)
def test_any_other_name_is_listed_as_it_is(name: str) -> None:
    of = agreement(
        parties={"guests": people(f"Group {name}")}, items={"fence": {"owner": "guests"}}
    )
    assert said(of)["owners"] == [f"group:{name}"]


def test_the_hub_is_named_in_words_on_one_line() -> None:
    of = agreement(hub={"namespace": "prod", "displayName": "The Garden"})
    assert hub_annotations(of) == {
        HUB_ANNOTATION: "The Garden (prod/prod)",
        PREFIX_ANNOTATION: "",
        RELEASE_ANNOTATION: "prod",
        BREAK_GLASS_ANNOTATION: "user:caretaker",
    }


def test_what_does_not_fit_is_refused_with_the_party_and_its_number() -> None:
    crowd = [f"User {number:03}-{'x' * 500}" for number in range(64)]
    parties = {f"p{n}": people(*crowd) for n in range(8)}
    parties["p3"] = people(*crowd[:63])
    lines = {
        "fence": {"owner": "p0", "delegates": [{"party": f"p{n}"} for n in range(1, 8)]},
        "beds": {"owner": "guests"},
    }
    # Each party's people are the same, so they are listed once; dates make them differ.
    of = agreement(parties=parties, items=lines)
    found = {k.item: k for k in (item_keys(of, of.item(n), NOW) for n in ("fence", "beds"))}
    size = found["fence"].size
    copies = BUDGET // size
    wanted = [found["fence"]] * (copies + 1) + [found["beds"]]
    fitted = within_budget(of, wanted)
    assert [bool(k.trouble) for k in fitted] == [False] * copies + [True, False]
    trouble = fitted[copies].trouble
    assert "party p0 alone has 64 subjects" in trouble
    assert "KiB" in trouble
    everything = {k.item + str(n): k for n, k in enumerate(fitted) if not k.trouble}
    assert sum(k.size for k in everything.values()) <= BUDGET
