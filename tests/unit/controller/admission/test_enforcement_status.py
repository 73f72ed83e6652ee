"""What is said of enforcement: proved, not yet, or got round."""

import pytest

from responsibility.admission.stages.namespace_stages import ItemStage
from responsibility.api.stages import AdmissionStage
from responsibility.controller.admission.enforcement_status import (
    EnforcementStatus,
    enforced_claim,
)
from responsibility.controller.admission.prober import PENDING, Proof
from responsibility.ownership.terms.agreement import Agreement
from tests.unit.ownership.building import assess, on_hub, record

DENY, WARN = AdmissionStage.DENY, AdmissionStage.WARN
BEDS, FENCE = ItemStage("beds", DENY, DENY), ItemStage("fence", WARN, WARN)
GOOD = {"beds": Proof(True), "fence": Proof(True)}
WAY = {"beds": "User eve can dig a tunnel. Raise fence to deny."}


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    items = {"beds": {"enforcement": {"admission": "deny"}}}
    return on_hub(assess(records=[record(items=items)])).agreement


def said(agreement: Agreement, outcome: EnforcementStatus) -> tuple[bool | None, str]:
    claim = enforced_claim(agreement, outcome)
    assert claim is not None
    return claim.status, claim.reason


def test_what_is_proved_and_got_round_is_hollow(agreement: Agreement) -> None:
    outcome = EnforcementStatus((BEDS, FENCE), GOOD, hollow=WAY)
    assert said(agreement, outcome) == (False, "Hollow")
    claim = enforced_claim(agreement, outcome)
    assert claim is not None
    assert claim.message == f"beds: {WAY['beds']}"
    assert outcome.note(BEDS) == WAY["beds"]
    assert outcome.note(FENCE) == ""
    assert outcome.results(agreement) == {"beds": False, "fence": True}
    # What policies do is what they do.
    assert outcome.admission() == "deny+warn"
    assert said(agreement, EnforcementStatus((BEDS, FENCE), GOOD)) == (True, "Proved")


def test_what_is_not_proved_is_said_first(agreement: Agreement) -> None:
    pending = EnforcementStatus((BEDS, FENCE), {**GOOD, "fence": PENDING}, hollow=WAY)
    assert said(agreement, pending) == (False, "BeingProved")
    failed = EnforcementStatus((BEDS, FENCE), {**GOOD, "fence": Proof(False, "no")}, hollow=WAY)
    assert said(agreement, failed) == (False, "NotProved")
    unproved = EnforcementStatus((BEDS,), {"beds": PENDING}, hollow=WAY)
    assert unproved.note(BEDS) == PENDING.why


def test_what_only_warns_is_not_hollow(agreement: Agreement) -> None:
    warned = ItemStage("beds", DENY, WARN, "OwnerLacksAccess", "it would lock people out")
    outcome = EnforcementStatus((warned, FENCE), GOOD, hollow=WAY)
    assert said(agreement, outcome) == (False, "OwnerLacksAccess")
    assert not outcome.is_hollow(warned)
    assert said(agreement, EnforcementStatus((FENCE,), GOOD, hollow=WAY)) == (True, "Proved")


def test_what_guards_other_names_than_the_hub_has_is_not_said_to_be_in_force(
    agreement: Agreement,
) -> None:
    outcome = EnforcementStatus((BEDS, FENCE), GOOD, renamed="it is called otherwise", hollow=WAY)
    assert said(agreement, outcome) == (False, "NamesKept")
    assert outcome.note(FENCE) == "it is called otherwise"
    assert outcome.results(agreement) == {"beds": False, "fence": False}
    # What policies do is what they do.
    assert outcome.admission() == "deny+warn"
