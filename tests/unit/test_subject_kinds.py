"""The kinds of subject: known ones become members at the edge, others stay what they are."""

import pickle

import pytest
import yaml

from responsibility.cli.terminal.output import subject_json, to_yaml
from responsibility.cluster.apply_plan import _subject_json
from responsibility.grants.binding import subject_manifest
from responsibility.rbac.objects import Subject
from responsibility.rbac.parse import parse_subject
from responsibility.subject_kinds import SubjectKind, UnknownKind, subject_kind


@pytest.mark.parametrize("kind", SubjectKind)
def test_known_kinds_are_members_from_the_edge_on(kind: SubjectKind) -> None:
    assert subject_kind(str(kind)) is kind
    assert parse_subject({"kind": str(kind), "name": "x"}, "prod").kind is kind


@pytest.mark.parametrize("kind", ["Robot", "", "user", "GROUP", "SERVICE_ACCOUNT", "User "])
def test_other_kinds_stay_as_they_are(kind: str) -> None:
    subject = parse_subject({"kind": kind, "name": "x", "namespace": "y"}, "prod")
    assert subject == (kind, "x", "")
    assert not isinstance(subject.kind, SubjectKind)


@pytest.mark.parametrize("kind", SubjectKind)
def test_a_kind_is_hashed_and_compared_as_its_text(kind: SubjectKind) -> None:
    # Sets and dictionaries of subjects are what takes the time of a pass.
    assert type(kind).__hash__ is str.__hash__
    assert {str(kind): 1}[kind] == 1
    assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301 - our own


@pytest.mark.parametrize("kind", [*SubjectKind, UnknownKind("Robot")])
def test_what_is_written_of_a_subject_is_plain_text(kind: SubjectKind | UnknownKind) -> None:
    subject = Subject(kind, "x", "prod")
    assert str(subject) == f"{kind!s} prod/x"
    for written in (subject_json(subject), subject_manifest(subject), _subject_json(subject)):
        assert {type(value) for value in written.values()} == {str}
        assert yaml.safe_load(to_yaml(written)) == written
