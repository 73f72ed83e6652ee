"""A grant's name, what is ours of it, and when it is as it should be."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.api.names import label_value
from responsibility.grants.binding import (
    MODEL,
    RECORD,
    DesiredBinding,
    LiveBinding,
    Owner,
    parse,
    ungrantable,
)
from responsibility.rbac.objects import Binding, Subject
from tests.unit.ownership.building import subject

OWNER = Owner(RECORD, "prod", "uid-1")
ANN, BOB = subject("User ann"), subject("Group bobs")
DEPLOYER = subject("ServiceAccount prod/deployer")


def wanted(*subjects: Subject, **more: Any) -> DesiredBinding:
    given = {
        "owner": OWNER,
        "item": "fence",
        "party": "keeper",
        "namespace": "prod",
        "role": "responsibility-item-fence",
        "subjects": frozenset(subjects or (ANN,)),
    }
    return DesiredBinding(**{**given, **more})


def live(want: DesiredBinding, **metadata: Any) -> LiveBinding:
    """Return a grant as the API server has it."""
    raw = copy.deepcopy(want.manifest())
    raw["metadata"] |= {"uid": "u", "managedFields": [{"manager": "responsibility-operator"}]}
    raw["metadata"] |= metadata
    found = parse(raw)
    assert isinstance(found, LiveBinding)
    return found


def test_a_name_says_for_what_and_stays_the_same() -> None:
    name = wanted(ANN, BOB).key.name
    assert name.startswith("responsibility-grant-fence-")
    assert name == wanted(BOB, ANN).key.name, "in whatever order"


@pytest.mark.parametrize(
    "change",
    [
        {"owner": Owner(RECORD, "prod", "uid-2")},
        {"owner": Owner(RECORD, "prod-2", "uid-1")},
        {"owner": Owner(MODEL, "prod", "uid-1")},
        {"item": "gate"},
        {"party": "guests"},
        {"namespace": "staging"},
        {"role": "responsibility-item-fence:prefix:x-"},
        {"subjects": frozenset({BOB})},
        {"subjects": frozenset({ANN, BOB})},
        {"subjects": frozenset()},
    ],
)
def test_whatever_differs_has_another_name(change: Any) -> None:
    assert wanted(**change).key.name != wanted().key.name


def test_as_an_object() -> None:
    manifest = wanted(ANN, BOB, DEPLOYER).manifest(uid="u")
    assert manifest["kind"] == "RoleBinding"
    assert manifest["roleRef"]["kind"] == "ClusterRole"
    assert manifest["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "bobs"},
        {"kind": "ServiceAccount", "name": "deployer", "namespace": "prod"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"},
    ]
    (reference,) = manifest["metadata"]["ownerReferences"]
    assert reference["uid"] == "uid-1"
    assert "blockOwnerDeletion" not in reference, "that takes a right on our own kinds"
    assert manifest["metadata"]["uid"] == "u"


def test_for_the_cluster() -> None:
    manifest = wanted(namespace="", owner=Owner(MODEL, "garden", "m")).manifest()
    assert manifest["kind"] == "ClusterRoleBinding"
    assert "namespace" not in manifest["metadata"]
    assert manifest["metadata"]["labels"]["responsibility.2i2c.org/model"] == "garden"


def test_it_is_as_wanted_whatever_others_add() -> None:
    want = wanted(ANN, BOB)
    assert live(want).is_as(want)
    more = {**want.labels, "team": "blue"}
    owners = [{"uid": "another"}, *want.manifest()["metadata"]["ownerReferences"]]
    assert live(want, labels=more, ownerReferences=owners, annotations={"a": "b"}).is_as(want)


@pytest.mark.parametrize("key", sorted(wanted().labels))
def test_without_a_label_it_is_not(key: str) -> None:
    want = wanted()
    for labels in ({k: v for k, v in want.labels.items() if k != key}, {**want.labels, key: "x"}):
        assert not live(want, labels=labels).is_as(want)
        assert live(want, labels=labels).can_become(want)


def test_without_its_owner_it_is_not() -> None:
    assert not live(wanted(), ownerReferences=None).is_as(wanted())


def test_ours_is_what_we_have_written() -> None:
    want = wanted()
    assert live(want, labels=None).ours, "the server remembers"
    assert live(want, managedFields=None).ours, "its label says so"
    foreign = live(want, labels={"team": "blue"}, managedFields=[{"manager": "kubectl"}])
    assert not foreign.ours
    assert not foreign.can_become(want)


def test_what_is_bound_to_another_role_is_not_ours_to_repair() -> None:
    assert not live(wanted(role="view")).can_become(wanted())
    assert not live(wanted(role="view")).to_item


def test_a_user_named_like_a_service_account_is_that() -> None:
    raw = wanted(DEPLOYER).manifest()
    raw["subjects"] = [{"kind": "User", "name": "system:serviceaccount:prod:deployer"}]
    found = parse(raw)
    assert isinstance(found, LiveBinding)
    assert found.who == {DEPLOYER}


def test_of_all_others_nothing_more_is_kept() -> None:
    raw = wanted().manifest()
    raw["metadata"]["name"] = "theirs"
    assert type(parse(raw)) is Binding


@pytest.mark.parametrize(
    ("who", "never"),
    [
        ("User ann", False),
        ("Group engineers", False),
        ("ServiceAccount kube-system/x", False),
        ("Group system:authenticated", True),
        ("Group system:serviceaccounts:prod", True),
        ("Group system:masters", True),
        ("User system:anonymous", True),
        ("User *", True),
        ("Group $(prefix)x", True),
        ("User a\nb", True),
    ],
)
def test_who_never_gets_anything(who: str, never: bool) -> None:
    assert bool(ungrantable(subject(who))) is never


@given(st.text("abc-.", min_size=1, max_size=253).filter(lambda n: n[0].isalnum()))
def test_a_label_holds_any_name(name: str) -> None:
    value = label_value(name)
    assert len(value) <= 63
    assert value == name or len(name) > 63


def test_long_names_that_begin_alike_have_labels_of_their_own() -> None:
    assert label_value("a" * 100) != label_value("a" * 101)
