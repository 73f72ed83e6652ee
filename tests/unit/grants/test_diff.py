"""What is done about the bindings that are there: made first, ended then, nothing taken over."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.grants.binding import RECORD, LiveBinding, Owner
from responsibility.grants.desired import Grants
from responsibility.grants.diff import GrantChange, GrantDiff, conflict
from responsibility.rbac.objects import BindingKey
from tests.unit.grants.grant_worlds import (
    applied,
    as_live,
    asking,
    compare,
    from_records,
    holders,
    roles,
    settled,
    world,
)
from tests.unit.ownership.building import people, subject


def only(found: GrantDiff) -> GrantChange:
    (change,) = found.changes
    return change


def beds(live: dict[BindingKey, LiveBinding]) -> tuple[BindingKey, LiveBinding]:
    (found,) = [(k, p) for k, p in live.items() if k.name.startswith("responsibility-grant-beds")]
    return found


def test_from_nothing_everything_is_made() -> None:
    found = compare(from_records(asking()))
    assert [len(change.create) for change in found.changes] == [1, 1]
    live = applied(found)
    assert (holders(live, "beds"), holders(live, "fence")) == ({"visitors"}, {"keepers"})


def test_then_there_is_nothing_to_do() -> None:
    live = settled(asking())
    found = compare(from_records(asking()), live)
    assert not found
    (standings,) = found.counts.values()
    assert [(s.wanted, s.there) for s in standings] == [(1, 1), (1, 1)]


def test_another_subject_is_another_binding_and_the_old_one_ends() -> None:
    live = settled(asking())
    change = only(compare(from_records(asking(guests=["User ann"])), live))
    (made,), (ended,) = change.create, change.end
    assert ended.present.key == beds(live)[0]
    assert made.key != ended.present.key
    assert not change.blocked


def test_what_is_audited_or_gone_ends() -> None:
    live = settled(asking())
    audited = from_records(asking(enforcement={"rbac": "audit"}))
    for grants in (audited, ()):
        assert applied(compare(grants, live), live) == {}


def test_what_another_record_has_is_not_touched() -> None:
    both = settled(asking("prod"), asking("staging"))
    found = compare(from_records(asking("staging")), both)
    after = applied(found, both)
    assert {key.namespace for key in after} == {"staging"}


def test_a_record_made_anew_gets_its_own_before_the_old_ones_end() -> None:
    live = settled(asking())
    (grants,) = from_records(asking())
    anew = Owner(RECORD, "prod", "another")
    items = tuple(
        replace(item, wanted=tuple(replace(w, owner=anew) for w in item.wanted))
        for item in grants.items
    )
    found = compare([Grants(anew, items)], live)
    assert [(len(c.create), len(c.end)) for c in found.changes] == [(1, 1), (1, 1)]


BROKEN: dict[str, dict[str, Any]] = {
    "no label": {"labels": None},
    "another record": {"labels": {"responsibility.2i2c.org/record": "staging"}},
    "no owner": {"ownerReferences": None},
    "neither": {"labels": None, "ownerReferences": None},
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_was_changed_by_hand_is_repaired_in_place(what: str) -> None:
    live = settled(asking("prod"), asking("staging"))
    key = next(k for k in live if k.namespace == "prod" and "beds" in k.name)
    good = next(
        w for g in from_records(asking()) for i in g.items for w in i.wanted if w.key == key
    )
    live[key] = as_live(good.manifest(), **BROKEN[what])
    change = only(compare(from_records(asking("prod"), asking("staging")), live))
    assert [w.key for w, _ in change.repair] == [key]
    assert not change.create
    assert not change.end


def test_subjects_that_were_added_or_removed_are_put_right() -> None:
    live = settled(asking())
    key, present = beds(live)
    for subjects in ((), (subject("User eve"),), (*present.subjects, subject("User eve"))):
        live[key] = replace(present, subjects=subjects)
        change = only(compare(from_records(asking()), live))
        assert [w.key for w, _ in change.repair] == [key]


def test_twice_the_same_subject_is_once() -> None:
    live = settled(asking())
    key, present = beds(live)
    live[key] = replace(present, subjects=present.subjects * 2)
    assert not compare(from_records(asking()), live)


@pytest.mark.parametrize("how", ["never ours", "another role"])
def test_a_name_that_is_taken_is_a_conflict(how: str) -> None:
    live = settled(asking())
    key, present = beds(live)
    role = replace(present.role, name="responsibility-item-fence")
    live[key] = (
        replace(present, ours=False, labels={})
        if how == "never ours"
        else replace(present, role=role)
    )
    before = dict(live)
    found = compare(from_records(asking()), live)
    (standings,) = found.counts.values()
    conflicts = {s.item.item: s.conflicts for s in standings}
    assert conflicts == {"beds": (key,), "fence": ()}
    if how == "never ours":
        assert not found
        assert applied(found, live) == before
    assert str(key) in conflict([key]).message


def test_bindings_of_others_are_no_concern_of_ours() -> None:
    live = settled(asking())
    _, present = beds(live)
    foreign = {
        "not ours": replace(present, ours=False, labels={}),
        "no item": replace(present, role=replace(present.role, name="view")),
        "of a Role": replace(present, role=replace(present.role, namespace="prod")),
        "going": replace(present, deleting=True),
    }
    for number, each in enumerate(foreign.values()):
        key = BindingKey("prod", f"responsibility-grant-beds-{number}")
        live[key] = replace(each, key=key)
    assert not compare(from_records(asking()), live)


def test_one_that_pretends_to_be_ours_goes() -> None:
    live = settled(asking())
    _, present = beds(live)
    key = BindingKey("prod", "responsibility-grant-beds-x")
    live[key] = replace(present, key=key, subjects=(subject("User eve"),), ours=True)
    found = compare(from_records(asking()), live)
    assert set(applied(found, live)) == set(live) - {key}


def test_without_the_switch_for_the_cluster_nothing_of_it_is_touched() -> None:
    live = settled(asking(), cluster=True)
    assert any(not key.namespace for key in live)
    assert not compare(from_records(asking()), live, elsewhere=False)
    after = applied(compare(from_records(asking()), live, elsewhere=True), live)
    assert not any(not key.namespace for key in after)


def test_what_is_frozen_stays_as_it_is() -> None:
    live = settled(asking())
    (grants,) = from_records(asking())
    assert not compare([Grants(grants.owner, frozen=True)], live)
    unresolved = from_records(asking(items={"beds": {"owner": "strangers"}}))
    assert not compare(unresolved, live)


# --- where something can't be made --------------------------------------------------------------


def test_without_the_hub_entitled_people_keep_what_they_have() -> None:
    live = settled(asking())
    assert not compare(from_records(asking(), hubs=[]), live)


def test_without_the_hub_those_who_are_not_entitled_any_more_lose_it() -> None:
    before = asking(guests=["User ann", "User bob"])
    live = settled(before)
    found = compare(from_records(asking(guests=["User bob"]), hubs=[]), live)
    after = applied(found, live)
    assert holders(after, "beds") == {"bob"}
    assert not compare(from_records(asking(guests=["User bob"]), hubs=[]), after), "and no more"
    gone = compare(from_records(asking(guests=["User eve"]), hubs=[]), live)
    assert holders(applied(gone, live), "beds") == set()


def test_a_role_that_changed_takes_nothing_from_anybody() -> None:
    live = settled(asking())
    other = {key: replace(role, rules=()) for key, role in roles().items()}
    assert not compare(from_records(asking(), around=world(other)), live)


def test_without_a_hub_an_edit_that_adds_somebody_is_still_undone() -> None:
    live = settled(asking())
    key, present = beds(live)
    live[key] = replace(present, subjects=(*present.subjects, subject("User eve")))
    after = applied(compare(from_records(asking(), hubs=[]), live), live)
    assert holders(after, "beds") == {"visitors"}


def test_shrinking_keeps_our_labels_and_names_the_owner() -> None:
    live = settled(asking(guests=["User ann", "User bob"]))
    (change,) = compare(from_records(asking(guests=["User bob"]), hubs=[]), live).changes
    (ending,) = change.end
    manifest = ending.shrunk()
    assert manifest["metadata"]["uid"] == ending.present.uid
    assert set(manifest["metadata"]["labels"]) == set(ending.present.labels)
    assert manifest["metadata"]["ownerReferences"][0]["name"] == "prod"
    assert [s["name"] for s in manifest["subjects"]] == ["bob"]


# --- laws -----------------------------------------------------------------------------------------

PEOPLE = ("User ann", "User bob", "Group cats", "ServiceAccount prod/dog")
GUESTS = st.sets(st.sampled_from(PEOPLE)).map(sorted)
OWNERS = st.sampled_from(["keeper", "guests"])
STAGES = st.sampled_from(["audit", "grant", "revoke"])


# A busy machine takes its time, which says nothing about the law.
_LAW = settings(deadline=None, max_examples=50)


@st.composite
def agreed(draw: st.DrawFn) -> Any:
    """Return a record that may ask for anything."""
    lines: dict[str, Any] = {}
    for item in ("beds", "fence"):
        line: dict[str, Any] = {"owner": draw(OWNERS), "enforcement": {"rbac": draw(STAGES)}}
        if draw(st.booleans()):
            line["delegates"] = [{"party": draw(OWNERS)}]
        lines[item] = line
    parties = {"guests": people(*draw(GUESTS)), "keeper": people(*draw(GUESTS))}
    return asking(items=lines, parties=parties)


@_LAW
@given(agreed(), agreed())
def test_what_is_done_leaves_nothing_to_do(before: Any, after: Any) -> None:
    live = settled(before)
    live = applied(compare(from_records(after), live), live)
    assert not compare(from_records(after), live)
    assert live == settled(after)


@_LAW
@given(agreed(), agreed(), st.randoms(use_true_random=False))
def test_whatever_fails_nobody_entitled_loses_and_nobody_else_keeps(
    before: Any, after: Any, chance: Any
) -> None:
    live = settled(before)
    grants = from_records(after)
    found = compare(grants, live)
    keys = [w.key for change in found.changes for w in change.create]
    failing = [key for key in keys if chance.random() < 0.5]
    result = applied(found, live, failing=failing)
    for item in ("beds", "fence"):
        entitled = {
            s.name
            for each in grants
            for one in each.items
            if one.item == item
            for w in one.wanted
            for s in w.subjects
        }
        held, holding = holders(live, item), holders(result, item)
        assert held & entitled <= holding, "who may still, still can"
        assert holding <= entitled, "and nobody else"


@_LAW
@given(agreed(), agreed(), st.randoms(use_true_random=False))
def test_the_order_of_things_does_not_matter(before: Any, after: Any, chance: Any) -> None:
    live = list(settled(before).items())
    expected = applied(compare(from_records(after), dict(live)), dict(live))
    chance.shuffle(live)
    assert applied(compare(from_records(after), dict(live)), dict(live)) == expected
