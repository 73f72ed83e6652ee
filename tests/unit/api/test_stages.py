"""Stages are compared by how far they go, not by how they are spelled."""

import itertools
import json

import pytest

from responsibility.api.stages import AdmissionStage, RbacMode


@pytest.mark.parametrize("kind", [AdmissionStage, RbacMode])
def test_each_goes_further_than_the_one_before(
    kind: type[AdmissionStage] | type[RbacMode],
) -> None:
    for less, more in itertools.pairwise(kind):
        assert less < more
        assert less <= more
        assert more > less
        assert more >= less
        assert not more <= less
        assert min(more, less) is less
    assert sorted(sorted(kind, key=str)) == list(kind)


def test_other_texts_are_not_compared_at_all() -> None:
    for other in ("observe", RbacMode.AUDIT):
        with pytest.raises(TypeError, match="cannot be compared"):
            assert other < AdmissionStage.DENY


def test_they_are_the_texts_that_records_have() -> None:
    told = json.dumps({AdmissionStage.DENY: RbacMode.GRANT})
    assert told == '{"deny": "grant"}'
    assert f"{AdmissionStage.WARN}" == "warn"
    assert hash(AdmissionStage.WARN) == hash("warn")


@pytest.mark.parametrize("text", ["", "Deny", "denied", None, 3])
def test_what_is_none_of_them_is_none(text: object) -> None:
    assert AdmissionStage.of(text) is None
    assert AdmissionStage.of("deny") is AdmissionStage.DENY
