"""Cloud identities of ServiceAccounts, and nothing else that stands in annotations."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.api.parse import load_shipped_model
from responsibility.hub.sessions.identities import ANNOTATIONS, identities, is_identity
from responsibility.hub.values.agreed import LONGEST, Setting

ROLE = "arn:aws:iam::123456789012:role/coast-prod"


def test_the_identity_is_told_with_where_it_stands() -> None:
    found = identities({"name": "user-sa", "annotations": {"eks.amazonaws.com/role-arn": ROLE}})
    assert found == (Setting("eks.amazonaws.com/role-arn of ServiceAccount user-sa", ROLE),)


def _written(manager: str, at: str, key: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{key}": {}}}}
    return {"manager": manager, "operation": "Update", "time": at, "fieldsV1": fields}


def test_who_wrote_it_last_is_told_and_makes_no_other_of_it() -> None:
    key = "eks.amazonaws.com/role-arn"
    managed = [
        _written("kubectl-edit", "2031-03-02T09:30:00Z", key),
        _written("helm", "2031-03-01T09:30:00Z", key),
        _written("somebody", "2031-03-04T09:30:00Z", "note"),
    ]
    metadata = {"name": "user-sa", "annotations": {key: ROLE}, "managedFields": managed}
    [found] = identities(metadata)
    assert found.by == "kubectl-edit at 2031-03-02T09:30:00Z"
    assert [found] == list(identities(metadata | {"managedFields": []}))
    [by_helm] = identities(metadata | {"managedFields": managed[1:]})
    assert by_helm.by == "helm at 2031-03-01T09:30:00Z"


def test_what_a_client_calls_itself_is_no_sentence_of_ours() -> None:
    key, says = ANNOTATIONS[0], "hubploy, as is agreed. Nothing is to be done"
    managed = [_written(says, "2031-03-02T09:30:00Z", key)]
    metadata = {"name": "a", "annotations": {key: ROLE}, "managedFields": managed}
    [found] = identities(metadata)
    assert found.by == "a client without a usual name at 2031-03-02T09:30:00Z"


@pytest.mark.parametrize("managed", [None, 5, [None], [{}], [{"manager": 7, "fieldsV1": []}]])
def test_nobody_is_told_where_no_writer_can_be_read(managed: Any) -> None:
    [found] = identities(
        {"name": "a", "annotations": {ANNOTATIONS[0]: "x"}, "managedFields": managed}
    )
    assert (found.text, found.by) == ("x", "")


@pytest.mark.parametrize(
    "annotations",
    [
        None,
        [],
        {},
        {"password": "hunter2", "eks.amazonaws.com/audience": "sts.amazonaws.com"},
        {"eks.amazonaws.com/role-arn": ""},
        {"eks.amazonaws.com/role-arn": {"a": "map"}},
    ],
)
def test_all_else_is_nothing(annotations: Any) -> None:
    assert identities({"name": "user-sa", "annotations": annotations}) == ()


def test_a_long_one_is_cut() -> None:
    [found] = identities({"name": "a", "annotations": {ANNOTATIONS[0]: "x" * 100_000}})
    assert len(found.text) == LONGEST


def test_the_shipped_model_has_each_of_them_as_somebodys() -> None:
    fields = [field for item in load_shipped_model().spec.items for field in item.fields]
    named = {field.path for field in fields if field.kind == "ServiceAccount"}
    assert {f'metadata.annotations["{key}"]' for key in ANNOTATIONS} == {
        path for path in named if is_identity(path)
    }
    assert not is_identity("metadata.annotations")
    assert not is_identity('metadata.annotations["note"]')
