"""What was granted for a delegation, and is still there after its end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responsibility.api.names import label_value
from responsibility.ownership.results import wording
from responsibility.ownership.results.findings import Finding
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Rule
from tests.unit.ownership.building import (
    KEEPERS,
    NOW,
    assess,
    of_kind,
    people,
    record,
    subject,
)

ROLE = RoleKey("", "responsibility-item-fence")
LABELS = {"responsibility.2i2c.org/record": "prod", "responsibility.2i2c.org/item": "fence"}
RULES = (Rule(("patch",), ("apps",), ("deployments",), ("hub",)),)


def lent(until: timedelta, **more: Any) -> Any:
    delegate = {"party": "guests", "until": (NOW + until).isoformat()}
    parties = {"guests": people("User ann")}
    return record(items={"fence": {"delegates": [delegate]}}, parties=parties, **more)


def binding(who: str = "User ann", **more: Any) -> Binding:
    key = BindingKey("prod", "responsibility-grant-fence-0123456789abcdef")
    return replace(Binding(key, ROLE, (subject(who),), labels=LABELS), **more)


def found(agreed: Any, *bindings: Binding) -> list[Finding]:
    grants = [(Role(ROLE, RULES), each) for each in bindings]
    return of_kind(assess(*KEEPERS, *grants, records=[agreed]), "grant-past-end")


ENDED = timedelta(seconds=0)


def test_a_grant_that_outlives_its_delegation_is_found() -> None:
    (finding,) = found(lent(ENDED), binding())
    assert (finding.item, finding.party) == ("fence", "guests")
    assert "RoleBinding prod/responsibility-grant-fence" in wording.message(finding)
    assert [source.binding for source in finding.sources] == [binding().key]
    assert finding.is_drift


def test_until_its_date_it_is_as_agreed() -> None:
    assert found(lent(timedelta(seconds=1)), binding()) == []


@pytest.mark.parametrize(
    "other",
    [
        binding("User bob"),
        binding("Group keepers"),
        binding(labels={**LABELS, "responsibility.2i2c.org/record": "staging"}),
        binding(labels={**LABELS, "responsibility.2i2c.org/item": "beds"}),
        binding(labels={}),
        binding(key=BindingKey("prod", "somebody-elses")),
        binding(key=BindingKey("staging", "responsibility-grant-fence-1")),
    ],
    ids=["stranger", "owner", "record", "item", "unlabelled", "name", "namespace"],
)
def test_what_is_none_of_it_is_not(other: Binding) -> None:
    assert found(lent(ENDED), other) == []


def test_who_is_entitled_otherwise_is_not_meant() -> None:
    delegates = [
        {"party": "guests", "until": NOW.isoformat()},
        {"party": "friends"},
    ]
    parties = {"guests": people("User ann"), "friends": people("User ann")}
    agreed = record(items={"fence": {"delegates": delegates}}, parties=parties)
    assert found(agreed, binding()) == []


def test_a_record_with_a_long_name_is_known_by_its_label() -> None:
    name = "a-hub-" * 15
    agreed = lent(ENDED, hub={"namespace": "prod"})
    agreed = agreed.model_copy(
        update={"metadata": agreed.metadata.model_copy(update={"name": name})}
    )
    labels = {**LABELS, "responsibility.2i2c.org/record": label_value(name)}
    assert len(found(agreed, binding(labels=labels))) == 1
