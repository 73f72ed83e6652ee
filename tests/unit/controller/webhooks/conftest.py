"""A standby that judges changes of a hub's values, for each test that asks for one."""

from tests.unit.controller.webhooks.values_setting import setting

__all__ = ["setting"]
