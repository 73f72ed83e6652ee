"""Exempt rights are let through and listed, never hidden; whatever is beyond them is told."""

import re
from dataclasses import replace
from typing import Any

import pytest

from responsibility.ownership.results.assessment import Assessment, Exempt
from responsibility.rbac.objects import SERVICE_ACCOUNT, USER, Rule, Subject
from responsibility.rbac.rules import rules_digest
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    everything,
    excess,
    exempt,
    garden,
    grant,
    hub,
    of_kind,
    on_hub,
    people,
    record,
    subject,
)

MAPS = ("delete", "configmaps")


def listed(entries: tuple[Exempt, ...]) -> set[tuple[str, str]]:
    return {(str(e.subject), item) for e in entries for item in e.items}


def in_cluster(found: Assessment) -> set[tuple[str, str]]:
    return listed(found.clusters["garden"].exempt)


def test_a_record_exempts_on_its_own_hub() -> None:
    own = [exempt("User ann", "beds", reason="weeds")]
    found = assess(
        grant("User ann", *MAPS, ns="a"),
        grant("User ann", *MAPS, ns="b"),
        records=[record("a", exemptions=own), record("b")],
    )
    assert excess(found) == {("User ann", "beds", "b/b")}
    assert on_hub(found, "a").exempt == (Exempt(subject("User ann"), ("beds",), "weeds"),)
    assert not on_hub(found, "b").exempt


def test_a_model_exempts_on_all_hubs_and_for_the_cluster() -> None:
    found = assess(
        grant("User ann", *MAPS, ns="a"),
        grant("User ann", "delete", "nodes configmaps", ns=""),
        models=[garden(exemptions=[exempt("User ann", "*")])],
        records=[record("a"), record("b")],
    )
    assert not excess(found)
    assert listed(on_hub(found, "a").exempt) == {("User ann", "beds")}
    assert in_cluster(found) == {("User ann", "beds"), ("User ann", "gate")}


def test_an_exemption_is_for_the_items_it_names() -> None:
    found = assess(
        grant("User ann", "update", "secrets", names="hub"),
        records=[record(exemptions=[exempt("User ann", "beds")])],
    )
    assert excess(found) == {("User ann", "fence", "prod/prod")}
    assert listed(on_hub(found).exempt) == {("User ann", "beds")}


@pytest.mark.parametrize(
    ("who", "pattern", "through"),
    [
        ("User gke-robot", "User gke-*", True),
        ("User gke", "User gke-*", False),
        ("Group gke-robot", "User gke-*", False),
        ("User gke-robot", "User gke-robo", False),
        ("ServiceAccount kube-system/any", "ServiceAccount kube-system/*", True),
        ("ServiceAccount kube-public/any", "ServiceAccount kube-system/*", False),
        ("ServiceAccount prod/hub", "ServiceAccount $(namespace)/$(prefix)hub", True),
        ("ServiceAccount prod/hub-two", "ServiceAccount $(namespace)/$(prefix)hub", False),
        ("ServiceAccount other/hub", "ServiceAccount $(namespace)/$(prefix)hub", False),
        ("ServiceAccount prod/api-prod-gw", "ServiceAccount $(namespace)/api-$(release)-gw", True),
        ("User system:serviceaccount:prod:hub", "ServiceAccount prod/hub", True),
    ],
)
def test_patterns_and_placeholders(who: str, pattern: str, through: bool) -> None:
    found = assess(
        grant(who, *MAPS),
        models=[garden(exemptions=[exempt(pattern, "*")])],
        records=[record()],
    )
    assert bool(excess(found)) is not through
    assert bool(on_hub(found).exempt) is through


def test_a_hubs_own_account_is_exempt_on_its_own_hub_only() -> None:
    own = garden(exemptions=[exempt("ServiceAccount $(namespace)/hub", "*")])
    who = "ServiceAccount a/hub"
    found = assess(
        grant(who, *MAPS, ns="a"),
        grant(who, *MAPS, ns="b"),
        models=[own],
        records=[record("a"), record("b")],
    )
    assert excess(found) == {(who, "beds", "b/b")}


def test_what_it_holds_on_all_hubs_counts_on_the_others() -> None:
    # A gateway that can read the Secrets of every hub is this hub's own, and the others' stranger.
    own = garden(exemptions=[exempt("ServiceAccount $(namespace)/hub", "*")])
    found = assess(
        *KEEPERS,
        grant("ServiceAccount a/hub", "delete", "configmaps nodes", ns=""),
        models=[own],
        records=[record("a"), record("b"), record("c")],
    )
    (finding,) = of_kind(found, "excess-access")
    assert (finding.item, finding.hub, finding.hubs) == ("beds", None, 2)
    assert [on_hub(found, name).cluster_findings for name in "abc"] == [0, 1, 1]
    # What there is one of is nobody else's hub: a hub's own parts are let through.
    assert in_cluster(found) == {("ServiceAccount a/hub", "beds"), ("ServiceAccount a/hub", "gate")}


def test_a_hub_without_a_record_has_its_own_parts_too() -> None:
    found = assess(
        grant("ServiceAccount wild/hub", "delete", "nodes", ns=""),
        models=[garden(exemptions=[exempt("ServiceAccount $(namespace)/hub", "*")])],
        records=[record("a")],
        hubs=[hub("a"), hub("wild")],
    )
    assert not excess(found)
    assert in_cluster(found) == {("ServiceAccount wild/hub", "gate")}


def test_a_records_exemption_from_cluster_wide_rights_is_listed() -> None:
    own = [exempt("User ann", "beds", reason="weeds")]
    found = assess(
        grant("User ann", *MAPS, ns=""), records=[record("a", exemptions=own), record("b")]
    )
    (finding,) = of_kind(found, "excess-access")
    assert finding.hubs == 1
    assert found.clusters["garden"].exempt == (Exempt(subject("User ann"), ("beds",), "weeds"),)


def test_a_records_exemption_is_for_its_items_cluster_wide_as_well() -> None:
    found = assess(
        grant("User ann", "update", "secrets", ns="", names="hub"),
        records=[record("a", exemptions=[exempt("User ann", "beds")])],
    )
    assert excess(found) == {("User ann", "fence", "cluster")}
    assert in_cluster(found) == {("User ann", "beds")}


def test_one_hubs_record_cannot_exempt_from_what_there_is_one_of() -> None:
    found = assess(
        grant("User ann", "delete", "nodes", ns=""),
        everything("User bob"),
        records=[record("a", exemptions=[exempt("User ann", "*"), exempt("User bob", "*")])],
    )
    assert {who for who, *_ in excess(found)} == {"User ann", "User bob"}


def test_the_operator_itself_is_let_through_and_listed() -> None:
    me = Subject(SERVICE_ACCOUNT, "operator", "system")
    for own in (me, Subject(USER, "system:serviceaccount:system:operator")):
        found = assess(
            grant("ServiceAccount system/operator", *MAPS, ns="prod"),
            grant("ServiceAccount system/operator", *MAPS, ns=""),
            records=[record()],
            operator=own,
        )
        assert not excess(found)
        assert listed(on_hub(found).exempt) == {("ServiceAccount system/operator", "beds")}
        assert in_cluster(found) == {("ServiceAccount system/operator", "beds")}


def test_who_is_entitled_needs_no_exemption_and_is_not_listed() -> None:
    found = assess(
        grant("Group guests", *MAPS),
        records=[
            record(
                parties={"guests": people("Group guests")},
                exemptions=[exempt("Group guests", "*")],
            )
        ],
    )
    assert not excess(found)
    assert not on_hub(found).exempt


BOUND = "to-User-ann-delete-configmaps"


def may(verbs: str, resources: str, *, names: str = "", **more: str) -> dict[str, Any]:
    """Return a permission as an exemption has it."""
    named = {"resourceNames": names.split()} if names else {}
    return {
        "verbs": verbs.split(),
        "apiGroups": [""],
        "resources": resources.split(),
        **named,
        **more,
    }


def rules(verbs: str, resources: str) -> tuple[Rule, ...]:
    return (Rule(tuple(verbs.split()), ("",), tuple(resources.split())),)


@pytest.mark.parametrize(
    ("covered", "left"),
    [
        ([may("create update delete", "configmaps")], ""),
        ([may("*", "*")], ""),
        ([may("delete", "configmaps")], "create configmaps update configmaps"),
        (
            [may("update", "configmaps", names="a")],
            "create configmaps update configmaps delete configmaps",
        ),
        ([may("create", "configmaps"), may("update delete", "configmaps", scope="Cluster")], ""),
        (
            [may("create update delete", "configmaps", namespace="shed")],
            "create configmaps update configmaps delete configmaps",
        ),
    ],
)
def test_what_a_subject_has_beyond_the_permissions_it_is_exempt_for_is_told(
    covered: list[dict[str, Any]], left: str
) -> None:
    found = assess(
        grant("User ann", "create update delete", "configmaps"),
        records=[record(exemptions=[exempt("User ann", "*", permissions=covered)])],
    )
    told = {
        f"{p.verb} {p.resource}" for f in of_kind(found, "excess-access") for p in f.permissions
    }
    assert told == set(re.findall(r"\w+ configmaps", left))
    assert bool(on_hub(found).exempt) is (len(told) < 3)


def test_a_right_for_some_names_is_covered_by_these_names() -> None:
    narrow = [may("update", "configmaps", names="a b")]
    for names, told in (("a", False), ("a b", False), ("a c", True)):
        found = assess(
            grant("User ann", "update", "configmaps", names=names),
            records=[record(exemptions=[exempt("User ann", "*", permissions=narrow)])],
        )
        assert bool(excess(found)) is told, names


@pytest.mark.parametrize(
    ("binding", "through"),
    [
        ({"name": BOUND, "namespace": "prod"}, True),
        ({"name": "to-User-ann-delete*", "namespace": "$(namespace)"}, True),
        ({"name": BOUND}, False),
        ({"name": BOUND, "namespace": "shed"}, False),
        ({"name": "to-User-bob*", "namespace": "prod"}, False),
        ({"name": "*", "namespace": "prod", "role": BOUND}, True),
        ({"name": "*", "namespace": "prod", "role": "admin"}, False),
        ({"name": "*", "namespace": "prod", "chart": "pots"}, True),
        ({"name": "*", "namespace": "prod", "chart": "pot"}, False),
        ({"name": "*", "namespace": "prod",
          "rulesDigests": [rules_digest(rules("delete", "configmaps"))]}, True),
        ({"name": "*", "namespace": "prod",
          "rulesDigests": [rules_digest(rules("delete *", "configmaps"))]}, False),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_subject_has_by_other_bindings_than_it_is_exempt_for_is_told(
    binding: dict[str, Any], through: bool
) -> None:
    role, bound = grant("User ann", *MAPS)
    bound = replace(bound, labels={"helm.sh/chart": "pots-1.2.3-rc.1"})
    other = grant("User ann", "update", "configmaps", names="other")
    for more in ((), (other,)):
        found = assess(
            (role, bound),
            *more,
            records=[record(exemptions=[exempt("User ann", "*", bindings=[binding])])],
        )
        told = {s.binding for f in of_kind(found, "excess-access") for s in f.sources if s.binding}
        assert told == {b.key for b in ((bound,) if not through else ())} | {b.key for _, b in more}


@pytest.mark.parametrize("ns", ["prod", ""])
@pytest.mark.parametrize(
    ("more", "through"),
    [
        ({}, False),
        ({"permissions": [may("*", "*", scope="Cluster")]}, False),
        ({"bindings": [{"name": "*"}, {"name": "*", "namespace": "prod"}]}, False),
        ({"bindings": [{"name": "all-to-*", "everything": True},
                       {"name": "all-to-*", "namespace": "prod", "everything": True}]}, True),
        ({"bindings": [{"name": "another", "everything": True}]}, False),
    ],
    ids=str,
)  # fmt: skip
def test_everything_at_once_is_covered_by_what_says_so_alone(
    more: dict[str, Any], through: bool, ns: str
) -> None:
    found = assess(
        *KEEPERS,
        everything("User ann", ns=ns),
        models=[garden(exemptions=[exempt("User ann", "*", **more)])],
        records=[record()],
    )
    assert ({who for who, *_ in excess(found)} == set()) is through
    if through:
        assert "User ann" in {who for who, _ in in_cluster(found) | listed(on_hub(found).exempt)}
    if not ns:
        assert "User ann" in {str(b.subject) for b in found.clusters["garden"].break_glass}


def test_a_part_of_any_hub_is_one_in_a_hubs_namespace() -> None:
    let = exempt(
        "ServiceAccount */sower", "*", permissions=[may("delete", "configmaps", scope="Cluster")]
    )
    let["subject"]["name"] = "$(prefix)sower"
    for place, told in (("a", False), ("b", False), ("anywhere", True)):
        found = assess(
            *KEEPERS,
            grant(f"ServiceAccount {place}/sower", *MAPS, ns=""),
            models=[garden(exemptions=[let])],
            records=[record("a"), record("b")],
        )
        assert bool(excess(found)) is told, place


def test_a_hubs_part_has_on_other_hubs_what_it_is_exempt_for_in_the_cluster() -> None:
    who = "ServiceAccount $(namespace)/sower"
    for scope, told in (("Cluster", set()), ("Hub", {("ServiceAccount a/sower", 1)})):
        let = exempt(who, "*", permissions=[may("delete", "configmaps", scope=scope)])
        found = assess(
            *KEEPERS,
            grant("ServiceAccount a/sower", *MAPS, ns=""),
            models=[garden(exemptions=[let])],
            records=[record("a"), record("b")],
        )
        assert {(str(f.subject), f.hubs) for f in of_kind(found, "excess-access")} == told


def test_what_an_exempt_right_leads_to_is_let_through_and_no_other() -> None:
    clerk = grant("ServiceAccount prod/clerk", *MAPS)
    pots = grant("User ann", "create", "pods")
    let = [may("create", "pods")]
    wide = grant("User ann", "create", "pods pods/exec")
    for first, told in ((pots, False), (wide, True)):
        found = assess(
            first,
            clerk,
            records=[
                record(
                    exemptions=[
                        exempt("User ann", "*", permissions=let),
                        exempt("ServiceAccount prod/clerk", "*"),
                    ]
                )
            ],
            routes=True,
        )
        assert ("User ann" in {who for who, *_ in excess(found)}) is told
        assert ("User ann" in {who for who, _ in listed(on_hub(found).exempt)}) is not told


def test_break_glass_holders_are_listed_although_they_are_exempt() -> None:
    through = [{"name": "all-to-*", "everything": True}]
    found = assess(
        everything("User ann"),
        models=[garden(exemptions=[exempt("User ann", "*", bindings=through)])],
        records=[record()],
    )
    assert not excess(found)
    assert "User ann" in {str(b.subject) for b in found.clusters["garden"].break_glass}
    assert in_cluster(found)
