"""What admission does about every way, held against its policies and RBAC's techniques."""

from __future__ import annotations

from collections import Counter

import pytest

from responsibility.admission.policies.coverage import (
    CLUSTER_SCOPED,
    NAMESPACED,
    Coverage,
    Line,
    Verdict,
    is_read,
    verdicts,
)
from responsibility.api.parse import load_shipped_model
from responsibility.rbac.escalation.technique import Requirement
from responsibility.rbac.escalation.techniques import INTO_ACCOUNT

COVERAGE = Coverage(load_shipped_model())
LINES = (*NAMESPACED, *CLUSTER_SCOPED)


def test_no_verb_of_a_resource_has_two_lines() -> None:
    times = Counter((line.group, line.resource, verb) for line in LINES for verb in line.verbs)
    assert [key for key, number in times.items() if number > 1] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.group}/{line.resource}")
def test_a_line_says_what_the_policies_do(line: Line) -> None:
    guarded = {verb: COVERAGE.items(line, verb) for verb in line.verbs}
    if line.verdict is Verdict.GUARDED:
        assert all(guarded.values()), guarded
    elif line.verdict is not Verdict.IMPOSSIBLE:
        assert not any(guarded.values()), guarded
    if line.verdict is Verdict.LIFETIME:
        assert COVERAGE.lifetime(line)
    assert bool(line.why) is (line.verdict is not Verdict.GUARDED)


def _required() -> list[tuple[str, Requirement]]:
    return [
        (technique.words, requirement)
        for technique in INTO_ACCOUNT
        for requirement in technique.requirements
        # At cluster scope, RBAC's verbs and reads are no business of a policy in namespaces.
        if not requirement.everywhere and not requirement.verbs[0].startswith("impersonate")
    ]


@pytest.mark.parametrize(("words", "required"), _required(), ids=lambda each: str(each)[:60])
def test_what_rbac_counts_as_a_way_in_is_guarded(words: str, required: Requirement) -> None:
    resource = f"{required.resource}/{required.subresource}".rstrip("/")
    known = verdicts()
    for verb in required.verbs:
        if not is_read(resource, verb):
            line = known[required.group, resource, verb]
            assert line.verdict is Verdict.GUARDED, (words, verb)
            assert COVERAGE.items(line, verb), (words, verb)
