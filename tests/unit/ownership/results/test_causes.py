"""What one person has to look at once is one cause, however many findings it makes."""

import random

from hypothesis import given
from hypothesis import strategies as st

from responsibility.hub.discovery import HubKey
from responsibility.ownership.results.causes import causes
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import USER, BindingKey, RoleKey, Source, Subject

ANN, BOB = Subject(USER, "ann"), Subject(USER, "bob")
PROD, TEST = HubKey("prod", "prod"), HubKey("test", "test")
READ = (Permission("get", "", "pods"),)


def by(*names: str) -> tuple[Source, ...]:
    return tuple(Source(BindingKey("prod", name), RoleKey("", "edit")) for name in names)


def excess(item: str, subject: Subject, *names: str, hub: HubKey | None = PROD) -> Finding:
    return Finding("excess-access", item, 1, hub, "", subject, permissions=READ, sources=by(*names))


def test_a_binding_that_somebody_was_left_in_is_one_cause() -> None:
    route = (Step("exec", ANN, "run commands", by("old")),)
    indirect = Finding("excess-access", "shed", 4, PROD, "", ANN, route=route, sources=by("old"))
    (cause,) = causes([excess("beds", ANN, "old"), excess("fence", ANN, "old"), indirect])
    assert cause.subject == ANN
    assert set(cause.items) == {"beds", "fence", "shed"}
    assert [source.binding for source in cause.sources] == [BindingKey("prod", "old")]
    assert len(cause.findings) == 3


def test_other_people_places_and_bindings_have_causes_of_their_own() -> None:
    found = causes(
        [
            excess("beds", ANN, "one"),
            excess("beds", BOB, "one"),
            excess("fence", ANN, "two"),
            excess("beds", ANN, "one", hub=TEST),
            excess("beds", ANN, "one", hub=None),
        ]
    )
    assert len(found) == 5


def test_what_shares_a_binding_hangs_together() -> None:
    found = [excess("a", ANN, "one"), excess("b", ANN, "two"), excess("c", ANN, "one", "two")]
    (cause,) = causes(found)
    assert len(cause.findings) == 3


def test_without_a_subject_it_is_the_party_and_the_kind() -> None:
    def missing(item: str, party: str) -> Finding:
        return Finding("missing-access", item, 1, PROD, party=party)

    found = causes([missing("a", "keeper"), missing("b", "keeper"), missing("a", "guests")])
    assert sorted(len(cause.findings) for cause in found) == [1, 2]


@given(st.integers(0, 2**32 - 1))
def test_each_finding_is_in_one_cause_and_the_order_given_never_counts(seed: int) -> None:
    draw = random.Random(seed)
    found = [
        excess(
            f"item-{number}",
            draw.choice([ANN, BOB]),
            *draw.sample(["one", "two", "three", "four"], draw.randint(0, 2)),
            hub=draw.choice([PROD, TEST, None]),
        )
        for number in range(draw.randint(0, 12))
    ]
    grouped = causes(found)
    assert sorted(f.id for c in grouped for f in c.findings) == sorted(f.id for f in found)
    shuffled = draw.sample(found, len(found))
    assert {frozenset(f.id for f in c.findings) for c in causes(shuffled)} == {
        frozenset(f.id for f in c.findings) for c in grouped
    }


def test_the_worst_cause_comes_first() -> None:
    boss = Finding(
        "excess-access", "a", 9, None, "", BOB, permissions=(EVERYTHING,), sources=by("x")
    )
    assert causes([excess("beds", ANN, "one"), boss])[0].worst is boss
