"""What becomes of a change of a hub's values, by who makes it and how far the items go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from responsibility.admission import annotation_entries
from responsibility.admission.policies.guards import CREATE, DELETE
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.webhooks.requester import UserInfo
from responsibility.admission.webhooks.values_decision import (
    ValuesDecision,
    ValuesUpdate,
    ValuesVerdict,
)
from responsibility.api.names import STAGE_LABEL
from responsibility.api.stages import AdmissionStage
from responsibility.hub.values.secret import difference
from tests.unit.admission.webhooks.values_case import (
    ACCESS,
    DEPLOY,
    ENGINEER,
    GUARD,
    HUB,
    IMAGE,
    LEADER,
    LIMITS,
    MASTER,
    NOW,
    STRANGER,
    case,
    space,
    values,
)
from tests.unit.hub.values.values import VALUES, secret

CANARY = "canary-5f0c"


def judged(asked: ValuesUpdate, new: Any, old: Any = None) -> ValuesDecision:
    old = values() if old is None else old
    return asked.judge(difference(secret(old), secret(new)))


ADMINS = values(hub__config__Authenticator__admin_users=["lea", "bob"])
MEMORY = values(singleuser__memory__limit="2G")
OTHERS = {
    "image": values(singleuser__image__tag="2"),
    "python": values(hub__extraConfig={"x": "import os"}),
    "storage": values(hub__db__pvc__storage="2Gi"),
}


@pytest.mark.parametrize(
    ("person", "new", "verdict"),
    [
        (LEADER, ADMINS, "allowed"),
        (LEADER, OTHERS["image"], "allowed"),
        (LEADER, values(), "allowed"),
        (LEADER, MEMORY, "refused"),
        (LEADER, OTHERS["python"], "refused"),
        (LEADER, OTHERS["storage"], "refused"),
        (LEADER, {}, "refused"),
        (ENGINEER, MEMORY, "allowed"),
        (ENGINEER, OTHERS["python"], "allowed"),
        (ENGINEER, ADMINS, "refused"),
        (STRANGER, ADMINS, "refused"),
        (HUB, MEMORY, "allowed"),
        (MASTER, MEMORY, "break-glass"),
        (UserInfo("rescuer", ()), MEMORY, "break-glass"),
    ],
)
def test_people_change_what_is_theirs(person: UserInfo, new: Any, verdict: str) -> None:
    found = judged(case(person), new)
    assert found.verdict == verdict
    assert found.allowed is (verdict != "refused")
    assert bool(found.message) is (verdict == "refused")
    assert bool(found.warnings) is (verdict == "break-glass")


@pytest.mark.parametrize(
    ("stage", "verdict"), [("deny", "refused"), ("warn", "warned"), ("observe", "allowed")]
)
def test_only_the_items_own_stage_decides(stage: str, verdict: str) -> None:
    stages = {**dict.fromkeys(GUARD.items, AdmissionStage.DENY), LIMITS: stage}
    if stage == "observe":
        del stages[LIMITS]
    assert judged(case(LEADER, space(stages)), MEMORY).verdict == verdict
    assert judged(case(LEADER, space(stages)), OTHERS["python"]).verdict == "refused"


def test_a_label_alone_is_in_force_for_nobody() -> None:
    """Nothing is said of the item: somebody has put the label there by hand."""
    said = space(dict.fromkeys({*GUARD.items} - {LIMITS}, AdmissionStage.DENY))
    labels = {**said.labels, STAGE_LABEL + LIMITS: AdmissionStage.DENY}
    assert judged(case(LEADER, type(said)(labels, said.annotations)), MEMORY).allowed


def test_a_refusal_says_whose_it_is_and_whom_to_call() -> None:
    message = judged(case(LEADER), MEMORY).message
    for words in (
        "update secrets hub changes singleuser.memory.limit",
        "item 14 (Resource limits) of Reef (prod/prod)",
        f"Owner of {LIMITS}: {LIMITS}@example.org",
        "delegate the item to you",
        "kubectl responsibility who-owns -n prod --path",
    ):
        assert words in message
    assert "2G" not in message


def test_every_item_that_is_in_the_way_is_named() -> None:
    found = judged(case(LEADER), values(singleuser__memory__limit="2G", debug__enabled=True))
    assert [item.name for item in found.items] == [LIMITS, DEPLOY]
    assert "item 14" in found.message
    assert "item 15" in found.message
    stages = {
        **dict.fromkeys(GUARD.items, AdmissionStage.DENY),
        LIMITS: AdmissionStage.WARN,
    }
    found = judged(
        case(LEADER, space(stages)), values(singleuser__memory__limit="2G", debug__enabled=True)
    )
    assert "item 14" not in found.message
    assert "item 14" in found.warnings[0]


def test_settings_are_named_up_to_a_few() -> None:
    many = values(hub__extraEnv={f"{CANARY}{'x' * 300}{n}": "1" for n in range(500)})
    message = judged(case(LEADER), many).message
    assert "and 496 more" in message
    assert len(message) < 1_500


BOUND = f"user:{LEADER.user}\t\tsingleuser.memory.limit\t512Mi\t4G"
TOMORROW, YESTERDAY = (annotation_entries.marker(NOW + timedelta(days=days)) for days in (1, -1))


def delegated(marker: str, bounds: str = "") -> ValuesUpdate:
    notes = {f"delegates_{LIMITS}": f"{marker} user:{LEADER.user}", f"bounds_{LIMITS}": bounds}
    return case(LEADER, space(**{k: text for k, text in notes.items() if text}))


@pytest.mark.parametrize(
    ("asked", "limit", "verdict"),
    [
        (delegated(TOMORROW), "64G", "allowed"),
        (delegated(YESTERDAY), "2G", "refused"),
        (delegated(TOMORROW, BOUND), "2G", "allowed"),
        (delegated(TOMORROW, BOUND), "64G", "refused"),
        (delegated(TOMORROW, BOUND), None, "refused"),
    ],
)
def test_delegates_act_until_their_date_and_inside_their_bounds(
    asked: ValuesUpdate, limit: Any, verdict: str
) -> None:
    assert judged(asked, values(singleuser__memory__limit=limit)).verdict == verdict


def test_a_bound_is_told_to_whom_it_holds() -> None:
    message = judged(delegated(TOMORROW, BOUND), values(singleuser__memory__limit="64G")).message
    assert "You may change singleuser.memory.limit to at least 512Mi and at most 4G" in message


def test_values_that_nobody_can_read_pass_with_a_warning() -> None:
    found = judged(case(LEADER), "a: [1")
    assert (found.verdict, found.allowed) == (ValuesVerdict.UNREADABLE, True)
    assert "no YAML" in found.warnings[0]


def test_they_are_no_way_around_what_is_refused() -> None:
    assert judged(case(LEADER), MEMORY, old="a: [1").verdict == "refused"
    assert judged(case(ENGINEER), values(), old="a: [1").verdict == "refused", "user access"
    both = space(**{f"owners_{item}": "group:engineers" for item in (ACCESS, IMAGE)})
    assert judged(case(ENGINEER, both), values(), old="a: [1").verdict == "allowed"


def test_what_is_not_read_is_a_change_of_everything() -> None:
    found = judged(case(LEADER), "a: &x 1\nb: *x")
    assert found.verdict == "refused"
    assert "all of values.yaml" in found.message


@pytest.mark.parametrize(
    "asked",
    [
        case(HUB),
        case(STRANGER, space({})),
        case(ENGINEER, space({LIMITS: AdmissionStage.DENY, DEPLOY: AdmissionStage.DENY})),
    ],
    ids=["one who may all", "nothing in force", "all that is in force is theirs"],
)
def test_the_secret_is_looked_at_only_where_it_matters(asked: ValuesUpdate) -> None:
    assert asked.is_free()
    assert judged(asked, "a: &x 1\nb: *x").verdict == "allowed"


@given(VALUES, VALUES)
def test_who_owns_all_may_change_all_and_a_stranger_nothing(old: Any, new: Any) -> None:
    stranger = judged(case(STRANGER), {"k": new}, {"k": old})
    changed = difference(secret({"k": old}), secret({"k": new})).changes
    assert stranger.allowed is (not changed)
    everything = space(**{f"owners_{item}": "user:all" for item in GUARD.items})
    assert judged(case(UserInfo("all", ()), everything), {"k": new}, {"k": old}).allowed


@pytest.mark.parametrize(
    "text", [CANARY, f"a: {CANARY}", f"a: [{CANARY}", f"a: &x {CANARY}\nb: *x"]
)
@pytest.mark.parametrize("person", [LEADER, ENGINEER, STRANGER, MASTER])
def test_no_word_of_the_values_is_told(person: UserInfo, text: str) -> None:
    for new, old in ((text, values()), (values(), text), (text, f"b: {CANARY}2")):
        found = judged(case(person), new, old)
        assert CANARY not in repr(found)


def _made(person: UserInfo, new: Any, said: NamespaceKeys | None = None) -> ValuesDecision:
    asked = replace(case(person, said), operation=CREATE)
    return asked.judge(difference({}, secret(new)))


_RANGE = "singleuser.memory.limit\t512Mi\t4G"
EMPTY = {"hub": {"config": {}, "extraConfig": None}, "singleuser": {"profileList": []}}
OF_PROVIDER = {**EMPTY, "debug": {"enabled": False}}


def test_to_make_the_secret_is_to_change_all_that_is_in_it() -> None:
    refused = _made(ENGINEER, values())
    assert refused.verdict == "refused"
    assert "create secrets hub sets" in refused.message
    assert {item.name for item in refused.items} == {ACCESS, IMAGE}
    assert _made(ENGINEER, OF_PROVIDER).verdict == "allowed"
    assert _made(UserInfo("both", ("engineers", "leaders")), values()).verdict == "allowed"
    assert _made(MASTER, values()).verdict == "break-glass"
    assert _made(STRANGER, OF_PROVIDER).verdict == "refused"


def test_a_bound_holds_for_what_is_made_anew() -> None:
    said = space(bounds_kubernetes_configuration=f"group:engineers\t\t{_RANGE}")
    within = {"singleuser": {"memory": {"limit": "2G"}}}
    assert _made(ENGINEER, within, said).verdict == "allowed"
    assert _made(ENGINEER, {"singleuser": {"memory": {"limit": "64G"}}}, said).verdict == "refused"


@pytest.mark.parametrize(
    ("person", "verdict"),
    [(ENGINEER, "allowed"), (LEADER, "refused"), (STRANGER, "refused"), (MASTER, "break-glass")],
)
def test_to_delete_the_secret_takes_who_may_make_it(person: UserInfo, verdict: str) -> None:
    judged = replace(case(person), operation=DELETE).judge_removal()
    assert judged.verdict == verdict
    if judged.message:
        assert "delete secrets hub takes away all of values.yaml" in judged.message
        assert [item.name for item in judged.items] == [DEPLOY]


def test_deleting_it_is_nobodys_business_where_that_item_is_not_in_force() -> None:
    said = space({ACCESS: AdmissionStage.DENY})
    assert replace(case(LEADER, said), operation=DELETE).judge_removal().verdict == "allowed"
