"""Who can change what is agreed, or end what enforces it, comes by what others own."""

from typing import Any

import pytest

from responsibility.api.names import (
    API_GROUP,
    NAMESPACE_KEYS_POLICY,
    RECORD_OWNERS_POLICY,
    STATIC_SUFFIX,
    policy_name,
)
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.rbac.objects import SERVICE_ACCOUNT, USER, Subject
from tests.unit.ownership.building import (
    KEEPERS,
    Grant,
    assess,
    exempt,
    grant,
    of_kind,
    people,
    record,
    snapshot,
)

ADMISSION = "admissionregistration.k8s.io"
GRANTED: dict[str, Any] = {"enforcement": {"rbac": "grant"}}
# The guests may change the hub's Secret for the beds; for the fence it is the keeper's.
DENIED: dict[str, Any] = {
    "parties": {"guests": people("User ann")},
    "items": {"fence": {"enforcement": {"admission": "deny"}}},
}
ANN = grant("User ann", "update", "secrets", names="hub")


def editor(who: str, verbs: str = "patch", names: str = "prod") -> Grant:
    return grant(who, verbs, "responsibilities", ns="", names=names, group=API_GROUP)


def by_policy_of(assessment: Assessment) -> list[Finding]:
    return [f for f in of_kind(assessment, "excess-access") if f.route]


def test_who_can_write_the_record_has_itself_granted_what_is_granted() -> None:
    found = assess(*KEEPERS, editor("User bob"), records=[record(**GRANTED)], routes=True)
    told = by_policy_of(found)
    assert {(str(f.subject), f.item, f.route_kind, f.hub) for f in told} == {
        ("User bob", "beds", "policy", None),
        ("User bob", "fence", "policy", None),
    }
    fence = next(f for f in told if f.item == "fence")
    assert fence.hubs == 1
    assert "User bob can name itself an owner in Responsibility prod" in wording.message(fence)
    assert "so it can patch deployments.apps/hub" in wording.message(fence)
    assert [str(s.binding).split(" ")[0] for s in fence.sources] == ["ClusterRoleBinding"]
    # It is another finding that it can write the record at all.
    assert all(f.item != "record" for f in told)


@pytest.mark.parametrize(
    ("who", "more"),
    [
        (editor("User bob"), {}),
        (editor("User bob", names="other"), GRANTED),
        (editor("User bob", "get"), GRANTED),
        (editor("Group keepers"), GRANTED),
        (editor("User bob"), {**GRANTED, "exemptions": [exempt("User bob", "*")]}),
    ],
    ids=["not granted", "another record", "reads", "is left to it", "exempt"],
)
def test_writing_a_record_brings_nothing_else(who: Grant, more: dict[str, Any]) -> None:
    assert not by_policy_of(assess(*KEEPERS, who, records=[record(**more)], routes=True))


def test_nothing_is_granted_by_an_operator_that_makes_no_bindings() -> None:
    own = Subject(SERVICE_ACCOUNT, "operator", "ours")
    rights = grant(
        "ServiceAccount ours/operator",
        "create",
        "rolebindings",
        ns="",
        group="rbac.authorization.k8s.io",
    )
    for more, some in (((), False), ((rights,), True)):
        found = assess(
            *(*KEEPERS, editor("User bob"), *more),
            records=[record(**GRANTED)],
            routes=True,
            operator=own,
        )
        assert bool(by_policy_of(found)) is some


@pytest.mark.parametrize(
    ("more", "some"),
    [
        ([], False),
        ([editor("User bob", "assign", names="")], True),
        # For the hub: neither for another one, nor for what a record is called.
        ([grant("User bob", "assign", "responsibilities", group=API_GROUP)], True),
        ([grant("User bob", "assign", "responsibilities", ns="other", group=API_GROUP)], False),
        (
            [grant("User bob", "assign", "responsibilities", ns="", names="prod", group=API_GROUP)],
            False,
        ),
        (
            [grant("User bob", "delete", "validatingadmissionpolicies", ns="", group=ADMISSION)],
            True,
        ),
    ],
)
def test_where_a_policy_guards_the_record_it_takes_more(more: list[Grant], some: bool) -> None:
    found = assess(
        *(*KEEPERS, editor("User bob"), *more),
        records=[record(**GRANTED)],
        routes=True,
        policies=frozenset({RECORD_OWNERS_POLICY}),
    )
    assert bool(by_policy_of(found)) is some


def test_a_route_leads_to_whom_the_record_is_left_to() -> None:
    """The identity that applies records is a way in for whoever can act as it."""
    keeper = people("Group keepers", "ServiceAccount ci/deployer")
    clerk = grant("User cleo", "create", "serviceaccounts/token", ns="ci", names="deployer")
    found = assess(
        *KEEPERS,
        editor("ServiceAccount ci/deployer", "update"),
        clerk,
        records=[record(parties={"keeper": keeper}, **GRANTED)],
        routes=True,
    )
    told = [f for f in by_policy_of(found) if f.subject == Subject(USER, "cleo")]
    assert {f.item for f in told} >= {"beds"}
    assert all(f.route_kind == "token" and "name itself an owner" in str(f.route[-1]) for f in told)


def test_who_can_write_the_model_can_on_every_hub() -> None:
    head = grant("User bob", "update", "responsibilitymodels", ns="", group=API_GROUP)
    records = [record("a", **GRANTED), record("b", **GRANTED), record("c")]
    told = by_policy_of(assess(*KEEPERS, head, records=records, routes=True))
    assert {(f.item, f.hubs) for f in told} == {("beds", 2), ("fence", 2)}
    assert "ResponsibilityModel garden" in wording.step_texts(told[0])[0]


@pytest.mark.parametrize(
    ("verbs", "resources", "names"),
    [
        ("patch", "validatingadmissionpolicies", "responsibility-fence"),
        ("delete", "validatingadmissionpolicybindings", "responsibility-fence-deny"),
    ],
)
def test_who_is_held_back_by_a_policy_that_it_can_end_is_told(
    verbs: str, resources: str, names: str
) -> None:
    ender = grant("User ann", verbs, resources, ns="", names=names, group=ADMISSION)
    found = assess(*KEEPERS, ANN, ender, records=[record(**DENIED)], routes=True)
    (told,) = by_policy_of(found)
    assert (str(told.subject), told.item, told.route_kind) == ("User ann", "fence", "policy")
    assert wording.permission_texts(told.permissions) == ("update secrets/hub",)
    assert names in wording.step_texts(told)[0]
    assert not by_policy_of(assess(*KEEPERS, ANN, records=[record(**DENIED)], routes=True))
    assert not by_policy_of(assess(*KEEPERS, ender, records=[record(**DENIED)], routes=True))
    open_ = {**DENIED, "items": {}}
    assert not by_policy_of(assess(*KEEPERS, ANN, ender, records=[record(**open_)], routes=True))


@pytest.mark.parametrize(
    "resource", ["validatingadmissionpolicies", "validatingadmissionpolicybindings"]
)
def test_nobody_ends_a_policy_that_is_a_file_of_the_api_server(resource: str) -> None:
    ender = grant("User ann", "delete", resource, ns="", group=ADMISSION)
    world = (*KEEPERS, ANN, ender)
    guards = (policy_name("fence"), RECORD_OWNERS_POLICY, NAMESPACE_KEYS_POLICY)
    for suffix, some in (("", True), (STATIC_SUFFIX, False)):
        found = assess(
            *world,
            records=[record(**DENIED)],
            routes=True,
            policies=frozenset(name + suffix for name in guards),
        )
        assert bool(by_policy_of(found)) is some


def test_a_record_that_a_file_guards_takes_the_verb() -> None:
    ender = grant("User bob", "delete", "validatingadmissionpolicies", ns="", group=ADMISSION)
    static = frozenset({RECORD_OWNERS_POLICY + STATIC_SUFFIX})
    for more, some in ((ender, False), (editor("User bob", "assign", names=""), True)):
        found = assess(
            *(*KEEPERS, editor("User bob"), more),
            records=[record(**GRANTED)],
            routes=True,
            policies=static,
        )
        assert bool(by_policy_of(found)) is some


def test_who_owns_the_item_is_not_held_back() -> None:
    ender = grant("User ann", "delete", "validatingadmissionpolicies", ns="", group=ADMISSION)
    mine = {**DENIED, "parties": {"guests": people("User ann"), "keeper": people("User ann")}}
    assert not by_policy_of(assess(*KEEPERS, ANN, ender, records=[record(**mine)], routes=True))


@pytest.mark.parametrize(
    ("policies", "more", "some"),
    [
        ((), [], True),
        ((NAMESPACE_KEYS_POLICY,), [], False),
        (
            (NAMESPACE_KEYS_POLICY,),
            [
                grant(
                    "User ann",
                    "patch",
                    "validatingadmissionpolicies",
                    ns="",
                    names=NAMESPACE_KEYS_POLICY,
                    group=ADMISSION,
                )
            ],
            True,
        ),
    ],
)
def test_what_a_namespace_says_counts_unless_a_policy_guards_it(
    policies: tuple[str, ...], more: list[Grant], some: bool
) -> None:
    writer = grant("User ann", "patch", "namespaces", ns="", names="prod")
    found = assess(
        *(*KEEPERS, ANN, writer, *more),
        records=[record(**DENIED)],
        routes=True,
        policies=frozenset(policies),
    )
    assert ("fence" in {f.item for f in by_policy_of(found)}) is some


def test_who_is_told_directly_is_not_told_again() -> None:
    ender = grant("User bob", "delete", "validatingadmissionpolicies", ns="", group=ADMISSION)
    strange = grant("User bob", "update", "secrets", names="hub")
    found = assess(*KEEPERS, strange, ender, records=[record(**DENIED)], routes=True)
    told = of_kind(found, "excess-access")
    mine = [f for f in told if str(f.subject) == "User bob" and f.item == "fence"]
    assert [f.route_kind for f in mine] == ["direct"]


def test_one_changed_right_is_seen_by_what_is_remembered() -> None:
    assessor = Assessor()
    base = (*KEEPERS, ANN)
    ender = grant("User ann", "delete", "validatingadmissionpolicies", ns="", group=ADMISSION)
    world = snapshot(*base, records=[record(**DENIED)], routes=True)
    assert not by_policy_of(assessor.assess(world))
    after = snapshot(*base, ender, records=list(world.records.values()), routes=True)
    assert by_policy_of(assessor.assess(after))
