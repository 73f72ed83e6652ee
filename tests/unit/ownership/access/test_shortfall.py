"""How many hold what: by masks at once, held against counting bit by bit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from responsibility.ownership.access.grant_masks import Ability
from responsibility.ownership.access.shortfall import lacking
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject

BITS = 6
MASKS = st.integers(0, (1 << BITS) - 1)
SUBJECTS = st.builds(Subject, st.sampled_from((USER, GROUP, SERVICE_ACCOUNT)), st.just("who"))
ABILITIES = st.lists(
    st.tuples(SUBJECTS, st.builds(lambda a, b: Ability(a, b & ~a), MASKS, MASKS)), max_size=5
)


@given(ABILITIES, MASKS, st.integers(1, 4))
def test_a_group_is_enough_and_others_are_counted(
    abilities: list[tuple[Subject, Ability]], required: int, minimum: int
) -> None:
    missing = unsure = 0
    for bit in range(BITS):
        flag = 1 << bit
        weights = [(minimum if who.kind == GROUP else 1, able) for who, able in abilities]
        sure = sum(weight for weight, able in weights if able.sure & flag)
        perhaps = sum(weight for weight, able in weights if (able.sure | able.perhaps) & flag)
        if required & flag and perhaps < minimum:
            missing |= flag
        elif required & flag and sure < minimum:
            unsure |= flag
    assert lacking(abilities, required, minimum) == (missing, unsure)
