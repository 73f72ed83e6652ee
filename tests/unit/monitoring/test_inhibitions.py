"""No alert is held back that should not be, and each rule names alerts that there are."""

import yaml

from responsibility.monitoring.inhibitions import INHIBITIONS, inhibit_rules, render
from responsibility.monitoring.rules import ALERTS


def test_alerts_that_are_named_exist() -> None:
    names = {alert.name for alert in ALERTS}
    for inhibition in INHIBITIONS:
        assert {*inhibition.sources, *inhibition.targets} <= names


def test_no_alert_is_held_back_by_what_it_holds_back() -> None:
    for inhibition in INHIBITIONS:
        assert not {*inhibition.sources} & {*inhibition.targets}
        assert inhibition.equal[0] == "cluster"


def test_stopping_the_operator_silences_nothing_about_break_glass_or_itself() -> None:
    held = {name for inhibition in INHIBITIONS for name in inhibition.targets}
    assert not {name for name in held if name.startswith(("BreakGlassUsed", "Operator", "RBAC"))}


def test_the_file_says_the_same() -> None:
    assert yaml.safe_load(render()) == {"inhibit_rules": inhibit_rules()}
