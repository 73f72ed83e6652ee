"""A status is never refused for its content: what is too long is cut, and says so."""

from datetime import UTC, datetime

from responsibility.api.record import ResponsibilityStatus
from responsibility.api.status import (
    MAX_LISTED,
    BreakGlassStatus,
    CauseStatus,
    Drift,
    ItemState,
    ItemStatus,
    SubjectReference,
)


def test_long_texts_are_cut() -> None:
    cause = CauseStatus(id="a" * 600, kind="k", message="m" * 5000)
    assert len(cause.id) == 512
    assert len(cause.message) == 1024
    assert cause.message.endswith("…")


def test_long_lists_end_in_a_count() -> None:
    bindings = tuple(f"ClusterRoleBinding b{n}" for n in range(40))
    cause = CauseStatus(id="a", kind="k", bindings=bindings)
    assert len(cause.bindings) == MAX_LISTED
    assert cause.bindings[-1] == "and 25 more"
    assert cause.bindings[:-1] == bindings[:15]


def test_any_subject_of_the_cluster_can_be_reported() -> None:
    strange = SubjectReference(kind="User", name="$(odd) *", namespace="")
    entry = BreakGlassStatus(subject=strange, declared=False)
    assert entry.dump() == {
        "subject": {"kind": "User", "name": "$(odd) *"},
        "declared": False,
    }


def test_a_status_is_written_as_it_was_set() -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    status = ResponsibilityStatus(
        hub="prod/prod",
        owner_split="",
        items=(ItemStatus(name="a", state=ItemState.OK, findings=0),),
        drift=Drift(total=0),
        causes=(CauseStatus(id="x", kind="k", findings={"x": since}),),
        truncated=0,
    )
    assert status.dump() == {
        "hub": "prod/prod",
        "items": [{"name": "a", "state": "ok", "findings": 0}],
        "drift": {"total": 0},
        "causes": [{"id": "x", "kind": "k", "findings": {"x": "2026-01-02T03:04:05Z"}}],
        "truncated": 0,
    }
