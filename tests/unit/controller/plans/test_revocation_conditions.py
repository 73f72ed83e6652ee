"""What is said and done about a record that asks for revocations, as a table."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from responsibility.cluster.undo_documents import Document, DocumentState
from responsibility.controller.plans.revocation_conditions import (
    RevocationAction,
    RevocationInputs,
    RevocationReason,
    decide,
    stopped,
)
from responsibility.plans.change import Action, Plan, PlannedChange
from responsibility.plans.deletions import Proposal
from responsibility.rbac.objects import BindingKey, RoleKey
from tests.unit.ownership.building import subject

EVE = subject("User eve")
KEEPERS = subject("Group keepers")


def change(name: str, action: Action = Action.DELETE_BINDING) -> PlannedChange:
    after = (KEEPERS,) if action is Action.EDIT_BINDING else ()
    return PlannedChange(
        action,
        BindingKey("prod", name),
        role=RoleKey("", "admin"),
        before=(*after, EVE),
        after=after,
    )


ALL = Plan("hub prod", routes=False, changes=(change("a"),))
MIXED = Plan("hub prod", routes=False, changes=(change("b", Action.EDIT_BINDING), change("a")))
PART = Plan("hub prod of 1", routes=False, changes=(change("a"),))
NOTHING = Plan("hub prod", routes=False)
OTHER = "f" * 32
ASKED = RevocationInputs(
    approved="",
    enabled=True,
    found=True,
    planned=True,
    excess=True,
    proposal=Proposal(ALL, ALL),
    documents=(),
    namespace="ours",
)


def document(state: DocumentState, digest: str = ALL.digest, **more: str) -> Document:
    return Document("undo", "prod", "uid", digest, state, "", **more)


@pytest.mark.parametrize(
    ("asked", "do", "status", "reason"),
    [
        (
            {"enabled": False, "approved": ALL.digest},
            RevocationAction.NOTHING,
            False,
            "SwitchedOff",
        ),
        ({}, RevocationAction.NOTHING, False, "NotApproved"),
        ({"approved": ALL.digest}, RevocationAction.APPLY, None, ""),
        (
            {"approved": ALL.digest, "closed": "label it"},
            RevocationAction.NOTHING,
            False,
            "NamespaceNotManaged",
        ),
        ({"approved": OTHER}, RevocationAction.NOTHING, False, "PlanChanged"),
        ({"approved": ALL.digest, "planned": False}, RevocationAction.NOTHING, None, ""),
        ({"approved": ALL.digest, "found": False}, RevocationAction.NOTHING, None, "NotAssessed"),
        ({"approved": ALL.digest, "proposal": None}, RevocationAction.NOTHING, None, "NotPlanned"),
        ({"proposal": None, "trouble": "no memory"}, RevocationAction.NOTHING, None, "NotPlanned"),
        ({"excess": False}, RevocationAction.NOTHING, True, "NothingToRevoke"),
        ({"excess": False, "approved": OTHER}, RevocationAction.NOTHING, False, "PlanChanged"),
        ({"proposal": Proposal(NOTHING)}, RevocationAction.NOTHING, True, "NothingToRevoke"),
        (
            {"proposal": Proposal(NOTHING), "approved": NOTHING.digest},
            RevocationAction.NOTHING,
            False,
            "PlanChanged",
        ),
        (
            {"proposal": Proposal(MIXED, PART), "approved": MIXED.digest},
            RevocationAction.NOTHING,
            False,
            "NotByOperator",
        ),
        (
            {"proposal": Proposal(MIXED, PART), "approved": PART.digest},
            RevocationAction.APPLY,
            None,
            "",
        ),
        ({"proposal": Proposal(MIXED)}, RevocationAction.NOTHING, False, "NotByOperator"),
        # What was begun comes first, whatever is planned or approved by now.
        (
            {"documents": (document(DocumentState.OPEN),), "approved": ALL.digest},
            RevocationAction.RESUME,
            None,
            "",
        ),
        (
            {"documents": (document(DocumentState.OPEN),), "excess": False},
            RevocationAction.RESUME,
            None,
            "",
        ),
        (
            {"documents": (document(DocumentState.OPEN),), "found": False},
            RevocationAction.RESUME,
            None,
            "",
        ),
        # An approval counts once, until it is taken back.
        (
            {"documents": (document(DocumentState.DONE),), "approved": ALL.digest, "excess": False},
            RevocationAction.NOTHING,
            True,
            "Applied",
        ),
        (
            {"documents": (document(DocumentState.DONE),), "approved": ALL.digest},
            RevocationAction.NOTHING,
            False,
            "ApprovalUsed",
        ),
        (
            {"documents": (document(DocumentState.DONE),), "approved": OTHER},
            RevocationAction.CLOSE,
            None,
            "",
        ),
        ({"documents": (document(DocumentState.DONE),)}, RevocationAction.CLOSE, None, ""),
        (
            {
                "documents": (
                    document(DocumentState.STOPPED, reason="Interrupted", why="half of it"),
                ),
                "approved": ALL.digest,
            },
            RevocationAction.NOTHING,
            False,
            "Interrupted",
        ),
        (
            {
                "documents": (document(DocumentState.DONE, reason="NotEnded", why="by the cloud"),),
                "approved": ALL.digest,
                "excess": False,
            },
            RevocationAction.NOTHING,
            False,
            "NotEnded",
        ),
    ],
)
def test_what_is_decided(
    asked: dict[str, object], do: RevocationAction, status: bool | None, reason: str
) -> None:
    decided, claim = decide(replace(ASKED, **asked))  # type: ignore[arg-type]  # any field
    assert decided is do
    assert (claim.status, claim.reason) == (status, reason) if claim else not reason


def test_what_is_changed_meanwhile_is_told_with_the_new_digest() -> None:
    _, claim = decide(replace(ASKED, approved=OTHER))
    assert claim is not None
    assert OTHER in claim.message
    assert ALL.digest in claim.message


def test_what_people_have_to_do_is_told_change_by_change() -> None:
    _, claim = decide(replace(ASKED, approved=MIXED.digest, proposal=Proposal(MIXED, PART)))
    assert claim is not None
    assert "remove User eve from RoleBinding prod/b" in claim.message
    assert "prod/a" not in claim.message, "that the operator can do"
    assert f"apply-plan {MIXED.digest}" in claim.message
    assert PART.digest in claim.message


def test_the_way_back_is_told_where_anything_was_made() -> None:
    assert "--undo" in stopped(document(DocumentState.OPEN), "ours", 1, 2, "no")
    assert "--undo" not in stopped(document(DocumentState.OPEN), "ours", 0, 2, "no")


def test_the_runbook_tells_of_every_reason_what_it_means_and_how_to_end_it() -> None:
    runbook = Path(__file__).parents[4] / "docs" / "runbook.md"
    rows = re.findall(
        r"^\| `(True|False|Unknown)` `(\w+)` \| (.{20,}) \| (.{4,}) \|$",
        runbook.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert [reason for _, reason, _, _ in rows] == [reason.value for reason in RevocationReason]


def test_what_somebody_else_wrote_as_a_reason_is_not_repeated() -> None:
    stopped_ = replace(ASKED, documents=(document(DocumentState.STOPPED, reason="Anything"),))
    _, said = decide(replace(stopped_, approved=ALL.digest))
    assert said is not None
    assert said.reason == RevocationReason.STOPPED
