"""The names that policies and operator share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from responsibility.admission import annotation_entries
from responsibility.api.names import (
    BREAK_GLASS_ANNOTATION,
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    STAGE_LABEL,
    is_our_key,
)
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject


def test_a_service_account_is_the_user_that_requests_name() -> None:
    account = Subject(SERVICE_ACCOUNT, "deployer", "prod")
    assert annotation_entries.entry(account) == "user:system:serviceaccount:prod:deployer"


def test_a_user_cannot_pose_as_a_group() -> None:
    assert annotation_entries.entry(Subject(USER, "group:admins")) != annotation_entries.entry(
        Subject(GROUP, "admins")
    )


@pytest.mark.parametrize("name", ["a\nuser:b", "a\r", "a\x85b", "a\u2028b", "\n"])
def test_a_name_with_a_line_break_makes_no_entry(name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        annotation_entries.entry(Subject(USER, name))


def test_a_date_has_one_marker_in_any_time_zone() -> None:
    until = datetime(2026, 12, 31, 1, tzinfo=timezone(timedelta(hours=1)))
    assert annotation_entries.marker(until) == annotation_entries.marker(
        datetime(2026, 12, 31, tzinfo=UTC)
    )
    assert annotation_entries.marker(until) == "until-20261231t000000z"


def test_keys_of_ours_are_told_from_those_of_others() -> None:
    for key in (
        STAGE_LABEL + "data",
        HUB_ANNOTATION,
        BREAK_GLASS_ANNOTATION,
        OWNERS_ANNOTATION + "data",
    ):
        assert is_our_key(key)
    for key in ("notresponsibility.2i2c.org/x", "responsibility.2i2c.org.example.org/x", "x"):
        assert not is_our_key(key)
