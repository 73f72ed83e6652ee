"""The names that policies and operator share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from responsibility.admission import namespace_keys
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject


def test_a_service_account_is_the_user_that_requests_name() -> None:
    account = Subject(SERVICE_ACCOUNT, "deployer", "prod")
    assert namespace_keys.entry(account) == "user:system:serviceaccount:prod:deployer"


def test_a_user_cannot_pose_as_a_group() -> None:
    assert namespace_keys.entry(Subject(USER, "group:admins")) != namespace_keys.entry(
        Subject(GROUP, "admins")
    )


@pytest.mark.parametrize("name", ["a\nuser:b", "a\r", "a\x85b", "a\u2028b", "\n"])
def test_a_name_with_a_line_break_makes_no_entry(name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        namespace_keys.entry(Subject(USER, name))


def test_a_date_has_one_marker_in_any_time_zone() -> None:
    until = datetime(2026, 12, 31, 1, tzinfo=timezone(timedelta(hours=1)))
    assert namespace_keys.marker(until) == namespace_keys.marker(datetime(2026, 12, 31, tzinfo=UTC))
    assert namespace_keys.marker(until) == "until-20261231t000000z"


def test_keys_of_ours_are_told_from_those_of_others() -> None:
    for key in (
        namespace_keys.STAGE + "data",
        namespace_keys.HUB,
        namespace_keys.BREAK_GLASS,
        namespace_keys.OWNERS + "data",
    ):
        assert namespace_keys.is_ours(key)
    for key in ("notresponsibility.2i2c.org/x", "responsibility.2i2c.org.example.org/x", "x"):
        assert not namespace_keys.is_ours(key)
