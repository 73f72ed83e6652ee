"""Several releases and records in one namespace: none lifts or takes over what is in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from responsibility.admission.stages.namespace_keys import NOTHING, NamespaceKeys
from responsibility.admission.stages.namespace_stages import (
    StagePlan,
    only_down,
)
from responsibility.api.names import (
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
    STAGE_LABEL,
)
from responsibility.api.stages import AdmissionStage
from tests.unit.admission.stages.stage_worlds import (
    GUESTS,
    ITEMS,
    decide,
    labels,
    one,
    stage,
    world,
)
from tests.unit.ownership.building import assess, hub, record


def test_two_releases_of_different_owners_are_not_enforced() -> None:
    asked = [
        one(release="a", name="a", namespace="prod", enforcement={"force": True}),
        record(
            "b",
            "prod",
            "b",
            items={"fence": {"owner": "guests"}},
            parties={"guests": GUESTS},
            enforcement={"admission": "deny", "force": True},
        ),
    ]
    decided = decide(world(records=asked), "deny")
    for name in ("a", "b"):
        found = stage(decided, name=name)
        assert (found.stage, found.reason) == ("observe", "SeveralReleases")
        assert "fence" in found.message
    assert decided.namespaces == {}


def test_a_release_whose_objects_are_called_otherwise_lifts_nothing() -> None:
    """Its record may have been there before: whoever makes its Deployment gives it its names."""
    both = [one(name=name, namespace="prod", release=name) for name in ("a", "b")]
    first, second = hub("prod", "a"), replace(hub("prod", "b"), prefix="b-")
    present = decide(world(records=both, hubs=[first])).namespaces
    decided = decide(world(records=both, hubs=[first, second]), "deny", present=present)
    assert labels(decided) == {STAGE_LABEL + item: "deny" for item in ITEMS}
    assert decided.namespaces["prod"].annotations[PREFIX_ANNOTATION] == ""
    found = stage(decided, name="b")
    assert (found.stage, found.reason) == ("observe", "SeveralReleases")
    assert "named differently" in found.message
    # Where nothing is in force yet, neither is enforced.
    anew = decide(world(records=both, hubs=[first, second]))
    assert [stage(anew, name=name).reason for name in ("a", "b")] == ["SeveralReleases"] * 2


def test_a_release_that_comes_with_other_owners_lifts_nothing() -> None:
    """Whoever makes its Deployment would else end what binds them, where a record is left over."""
    others: dict[str, Any] = {
        "items": {"fence": {"owner": "guests"}},
        "parties": {"guests": GUESTS},
        "enforcement": {"admission": "deny", "force": True},
    }
    asked = [
        one(release="a", name="a", namespace="prod", enforcement={"force": True}),
        record("b", "prod", "b", **others),
    ]
    first, second = hub("prod", "a"), hub("prod", "b")
    present = decide(world(records=asked, hubs=[first])).namespaces
    both = world(records=asked, hubs=[first, second])
    granted = {"a": dict.fromkeys(ITEMS, AdmissionStage.DENY)}
    decided = decide(both, present=present, granted=granted)
    assert labels(decided) == {STAGE_LABEL + item: "deny" for item in ITEMS}
    assert decided.namespaces["prod"] == present["prod"]
    found = stage(decided, name="b")
    assert (found.stage, found.reason) == ("observe", "SeveralReleases")
    # Once both were in force, only people who write records make them differ.
    granted["b"] = granted["a"]
    assert decide(both, present=present, granted=granted).namespaces == {}


def _stages(decided: StagePlan) -> dict[str, dict[str, AdmissionStage]]:
    """Return what statuses remember of a decision."""
    return {name: {s.item: s.stage for s in given} for name, given in decided.stages.items()}


# What whoever makes and deletes Deployments can have the operator see, one after the other.
_BOTH, _OTHER, _NONE = ("a", "b"), ("b",), ()


@pytest.mark.parametrize("asked", ["observe", "warn", "deny"])
@pytest.mark.parametrize("owners", ["the same", "others"])
@pytest.mark.parametrize("prefix", ["", "b-"])
@pytest.mark.parametrize(
    "seen",
    [[_BOTH], [_OTHER], [_NONE, _OTHER], [_OTHER, _BOTH], [_BOTH, _OTHER, _BOTH, ("a",)]],
)
def test_whatever_deployments_come_and_go_nothing_that_is_in_force_is_lifted_or_changes_hands(
    asked: str, owners: str, prefix: str, seen: list[tuple[str, ...]]
) -> None:
    """A record is left over, of a release that is not there; its hub is made, the other's goes."""
    others: dict[str, Any] = {"enforcement": {"admission": asked, "force": True}}
    if owners == "others":
        others |= {"items": {i: {"owner": "guests"} for i in ITEMS}, "parties": {"guests": GUESTS}}
    records = [
        one(name="a", namespace="prod", release="a", enforcement={"force": True}),
        record("b", "prod", "b", **others),
    ]
    hubs = {"a": hub("prod", "a"), "b": replace(hub("prod", "b"), prefix=prefix)}
    first = decide(world(records=records, hubs=[hubs["a"]]))
    before = first.namespaces["prod"]
    assert set(before.stages().values()) == {AdmissionStage.DENY}
    decided = first
    # Each look twice: what the first one decides is what the second one remembers.
    for there in (names for names in seen for _ in range(2)):
        at = world(records=records, hubs=[hubs[name] for name in there], namespaces={"prod": False})
        decided = decide(at, present=decided.namespaces, granted=_stages(decided))
        now = decided.namespaces["prod"]
        assert now.stages() == before.stages(), there
        owned = {k: v for k, v in now.annotations.items() if k.startswith(OWNERS_ANNOTATION)}
        assert owned == {
            k: v for k, v in before.annotations.items() if k.startswith(OWNERS_ANNOTATION)
        }
        for key in (RELEASE_ANNOTATION, PREFIX_ANNOTATION):
            assert now.annotations[key] == before.annotations[key]
    # Whoever writes its record still lifts it.
    records[0] = one("observe", name="a", namespace="prod", release="a")
    at = world(records=records, hubs=[hubs["a"]])
    decided = decide(at, present=decided.namespaces, granted=_stages(decided))
    assert decided.namespaces == {}


def test_names_that_were_there_before_anything_was_in_force_count_for_nothing() -> None:
    planted = NamespaceKeys(
        {STAGE_LABEL + "unknown": "warn"}, {RELEASE_ANNOTATION: "zz", PREFIX_ANNOTATION: "zz-"}
    )
    decided = decide(world(records=[one()]), "observe", present={"prod": planted})
    told = decided.namespaces["prod"].annotations
    assert (told[RELEASE_ANNOTATION], told[PREFIX_ANNOTATION]) == ("prod", "")


@pytest.mark.parametrize("said", [None, "a"])
def test_what_names_a_hubs_objects_changes_with_the_record_only(said: str | None) -> None:
    asked = one(name="prod", namespace="prod", release=said)
    present = decide(world(records=[asked], hubs=[hub("prod", "a")])).namespaces
    told = present["prod"].annotations
    assert (told[RELEASE_ANNOTATION], told[PREFIX_ANNOTATION]) == ("a", "")
    renamed = {
        "prefix": replace(hub("prod", "a"), prefix="x-"),
        "release": replace(hub("prod", "b"), prefix="b-"),
    }
    for what, found in renamed.items():
        seen = found.key.release
        decided = decide(world(records=[asked], hubs=[found]), "deny", present=present)
        assert decided.namespaces["prod"].annotations[PREFIX_ANNOTATION] == "", what
        assert decided.namespaces["prod"].annotations[RELEASE_ANNOTATION] == "a", what
        assert labels(decided) == {STAGE_LABEL + item: "deny" for item in ITEMS}
        if said is None or what == "prefix":
            assert f"release {seen} ({found.prefix}hub)" in decided.renamed["prod"]
    named = one(name="prod", namespace="prod", release="b")
    moved = decide(world(records=[named], hubs=[renamed["release"]]), "deny", present=present)
    assert moved.namespaces["prod"].annotations[RELEASE_ANNOTATION] == "b"
    assert moved.namespaces["prod"].annotations[PREFIX_ANNOTATION] == "b-"
    assert not moved.renamed


def test_two_releases_of_the_same_owners_are() -> None:
    asked = [one("deny", name="a", namespace="prod", release="a")]
    asked.append(one("warn", name="b", namespace="prod", release="b"))
    decided = decide(world(records=asked))
    # One Namespace has one stage.
    assert labels(decided) == dict.fromkeys((STAGE_LABEL + "beds", STAGE_LABEL + "fence"), "warn")


def test_a_release_without_a_record_hinders_but_lifts_nothing() -> None:
    hubs = [hub("prod", "prod"), hub("prod", "other")]
    assessment = world(records=[one(release="prod")], hubs=hubs)
    found = stage(decide(assessment))
    assert (found.stage, found.reason) == ("observe", "UnrecordedRelease")
    assert "other" in found.message
    assert stage(decide(assessment, "deny")).stage == "deny"


@pytest.mark.parametrize("said", [{}, {OWNERS_ANNOTATION + "gate": "user:y", HUB_ANNOTATION: "h"}])
def test_what_a_namespace_no_longer_says_of_a_missing_hub_is_not_called_in_force(
    said: dict[str, str],
) -> None:
    # The policy lets everything pass where the Namespace has a label and not a word.
    assessment = world(records=[one()], hubs=[], namespaces={"prod": False})
    there = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, said)
    decided = decide(
        assessment, present={"prod": there}, granted={"prod": {"fence": AdmissionStage.DENY}}
    )
    found = stage(decided)
    assert (found.stage, found.reason) == ("observe", "HubMissing")
    assert STAGE_LABEL + "fence" not in decided.namespaces.get("prod", NOTHING).labels


def test_a_second_record_ends_nothing_while_not_everything_is_known() -> None:
    other = record("other", "prod", "other", parties={"guests": GUESTS})
    blind = assess(records=[one(), other], hubs=())
    there = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {})
    decided = only_down(decide(blind, "deny", present={"prod": there}), blind, {"prod": there})
    assert labels(decided) == {STAGE_LABEL + "fence": "deny"}
