"""The webhook for values: asked once, of as few Secrets as can be, and nothing waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.admission.webhooks.values_configuration import webhook_configuration
from responsibility.api.names import STAGE_LABEL
from responsibility.controller.webhooks.values import BUDGET
from tests.unit.admission.webhooks.values_case import GUARD, MODEL

HOOKS = webhook_configuration(MODEL, {"url": "https://127.0.0.1:1/", "caBundle": "x"})["webhooks"]
STAGES = st.dictionaries(
    st.sampled_from(sorted(GUARD.items)), st.sampled_from(["warn", "deny", "off"])
)


def is_chosen(hook: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a Namespace is chosen, as the API server does."""
    for each in hook["namespaceSelector"]["matchExpressions"]:
        among = labels.get(each["key"]) in each["values"]
        if among is not {"In": True, "NotIn": False}[each["operator"]]:
            return False
    return True


@given(STAGES)
def test_a_request_is_put_once_where_an_item_is_in_force(stages: dict[str, str]) -> None:
    labels = {STAGE_LABEL + item: stage for item, stage in stages.items()}
    chosen = [hook["name"] for hook in HOOKS if is_chosen(hook, labels)]
    in_force = set(stages.values()) & {"warn", "deny"}
    assert len(chosen) == bool(in_force)


def test_every_item_that_settings_belong_to_has_it_asked() -> None:
    own = [hook["namespaceSelector"]["matchExpressions"][0]["key"] for hook in HOOKS]
    assert sorted(own) == sorted(STAGE_LABEL + item for item in GUARD.items)
    assert len({hook["name"] for hook in HOOKS}) == len(own)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["name"])
def test_it_can_block_nothing(hook: dict[str, Any]) -> None:
    assert hook["failurePolicy"] == "Ignore"
    assert BUDGET < hook["timeoutSeconds"] <= 3
    assert hook["sideEffects"] == "NoneOnDryRun"
    (rule,) = hook["rules"]
    assert (rule["resources"], rule["operations"]) == (["secrets"], ["CREATE", "UPDATE", "DELETE"])


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["name"])
def test_whoever_changes_the_secret_can_not_hide_it(hook: dict[str, Any]) -> None:
    """Labels are theirs to take off, and what is asked of an object need not be there."""
    assert "objectSelector" not in hook
    for condition in hook["matchConditions"]:
        text = condition["expression"]
        assert "variables." not in text, "a webhook has none"
        assert "labels" not in text
        text = text.replace("metadata", "")
        assert "data" not in text or ".?data.orValue(dyn({}))" in text
