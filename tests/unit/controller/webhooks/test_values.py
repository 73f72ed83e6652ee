"""The webhook for values: what it answers, counts and tells."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from responsibility.admission.webhooks.requester import UserInfo
from responsibility.api.foreign_text import harmless
from tests.unit.admission.webhooks.values_case import (
    ENGINEER,
    LEADER,
    LIMITS,
    MASTER,
    STRANGER,
    values,
)
from tests.unit.controller.webhooks.values_setting import MEMORY, SPACE, Setting


async def test_who_may_is_let_through_without_a_word(setting: Setting) -> None:
    assert await setting.ask(ENGINEER, MEMORY) == {"allowed": True}
    assert setting.told.events == []
    assert setting.counted() == {"allowed": 1}


async def test_a_refusal_is_answered_counted_and_told_of(setting: Setting) -> None:
    answer = await setting.ask(LEADER, MEMORY)
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 403
    assert "item 14" in answer["status"]["message"]
    assert answer["auditAnnotations"] == {"values": f"refused {LIMITS}"}
    assert setting.counted() == {"refused": 1}
    ((record, reason, message),) = setting.told.events
    assert (record, reason) == ("reef", "ValuesRefused")
    assert LEADER.user in message
    assert LIMITS in message
    assert "singleuser" not in message, "settings are told to those who change them"


async def test_the_same_attempt_is_told_of_once(setting: Setting) -> None:
    for _ in range(3):
        await setting.ask(LEADER, MEMORY)
    await setting.ask(STRANGER, MEMORY)
    assert len(setting.told.events) == 2
    assert setting.counted() == {"refused": 4}


async def test_what_one_user_does_to_one_item_is_told_of_once(setting: Setting) -> None:
    for size in range(2, 150):
        await setting.ask(LEADER, values(singleuser__memory__guarantee=f"{size}G"))
        await setting.ask(LEADER, values(singleuser__cpu__limit=size))
    assert len(setting.told.events) == 1
    assert setting.counted() == {"refused": 296}
    # Another item, or another user, is news.
    await setting.ask(LEADER, values(hub__db__pvc__storage="2Gi"))
    await setting.ask(STRANGER, values(singleuser__memory__guarantee="2G"))
    assert len(setting.told.events) == 3


async def test_no_name_hides_what_happened(setting: Setting) -> None:
    endless = UserInfo("x" * 5_000 + "\u202e\n", ())
    await setting.ask(endless, MEMORY)
    ((_, _, message),) = setting.told.events
    assert len(message) < 1_024
    assert LIMITS in message


async def test_no_name_of_a_setting_is_obeyed(setting: Setting) -> None:
    evil = "a\x1b[2J\u202e\nx" + "y" * 5_000
    changed = {**values(), evil: {evil: 1}}
    answer = await setting.ask(LEADER, changed)
    assert not answer["allowed"]
    message = answer["status"]["message"]
    assert harmless(message) == message
    assert len(message) < 1_024


async def test_each_use_of_the_break_glass_is_told(setting: Setting) -> None:
    await setting.ask(MASTER, MEMORY)
    await setting.ask(MASTER, MEMORY)
    await setting.ask(MASTER, values(singleuser__memory__guarantee="2G"))
    assert [event[1] for event in setting.told.events] == ["BreakGlassUsed"] * 2


async def test_a_dry_run_is_answered_and_told_nobody(setting: Setting) -> None:
    assert not (await setting.ask(LEADER, MEMORY, dryRun=True))["allowed"]
    assert (setting.told.events, setting.counted()) == ([], {})


async def test_breaking_the_glass_is_a_use_of_it(setting: Setting) -> None:
    answer = await setting.ask(MASTER, MEMORY)
    assert answer["allowed"]
    assert "break-glass: " in answer["warnings"][0]
    assert [event[1] for event in setting.told.events] == ["BreakGlassUsed"]
    text = generate_latest(setting.metrics.registry).decode()
    assert f'break_glass_uses_total{{hub="prod",hub_namespace="prod",item="{LIMITS}"}} 1' in text


@pytest.mark.parametrize(
    ("prefix", "name", "allowed"),
    [
        ("leap-", "leap-hub", False),
        ("leap-", "hub", True),
        ("", "docker-hub", True),
        ("", "hub", False),
    ],
)
async def test_only_the_hubs_own_secret_is_judged(
    setting: Setting, prefix: str, name: str, *, allowed: bool
) -> None:
    setting.cluster.put_space(prefix=prefix)
    assert (await setting.ask(LEADER, MEMORY, name=name))["allowed"] is allowed


async def test_a_hub_whose_record_is_gone_is_not_judged_and_that_is_said(setting: Setting) -> None:
    """The Namespace still says who may, but whose a setting is stands in the model."""
    setting.cluster.objects = {SPACE: setting.cluster.objects[SPACE]}
    answer = await setting.ask(LEADER, MEMORY)
    assert answer["allowed"]
    assert "could not be looked at" in answer["warnings"][0]
    assert setting.counted() == {"unjudged": 1}
