"""Result of enforcing one record: stages as asked, given and proved; and how that is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from responsibility.admission.stages.namespace_stages import ItemStage
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.api.status import STALE
from responsibility.controller.admission.prober import Proof
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.controller.reporting.grant_status import ItemGrant, OwnerReport
from responsibility.ownership.terms.agreement import Agreement
from responsibility.phrases import some

ENFORCED = "Enforced"
BEING_PROVED = "BeingProved"
HOLLOW = "Hollow"
NAMES_KEPT = "NamesKept"
# Items named in a message; the others are in the items' own status.
_MOST = 3


@dataclass(frozen=True, slots=True)
class EnforcementStatus:
    """The stages of one record's items that can be enforced, and what was proved of them.

    ``unreliable`` says of items why their policy is not what it should be; ``trouble`` why the
    Namespace, or the markers of dates, could not be written; ``granted`` how RBAC stands, None
    where nothing is asked of it; ``revoking`` are the items for which approved plans are carried
    out. ``hollow`` says of items that refuse how somebody gets round that, and what would close it;
    ``renamed`` how the hub's objects are called otherwise than what policies guard; ``doubt`` what
    is old of that on which all of this rests: then nothing is known. ``left`` are the stages of
    items that are in force though nobody expects it.
    """

    stages: tuple[ItemStage, ...] = ()
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    unreliable: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    hollow: Mapping[str, str] = field(default_factory=dict)
    granted: OwnerReport | None = None
    revoking: frozenset[str] = frozenset()
    renamed: str = ""
    doubt: str = ""
    left: Mapping[str, AdmissionStage] = field(default_factory=dict)

    @property
    def asked(self) -> tuple[ItemStage, ...]:
        """The items of which more than looking is asked, or given."""
        return tuple(
            s for s in self.stages if AdmissionStage.OBSERVE not in (s.asked, s.stage) or s.reason
        )

    def proved(self, entry: ItemStage) -> bool:
        """Return whether an item's stage is really in force."""
        proof = self.proofs.get(entry.item)
        return (
            entry.stage is not AdmissionStage.OBSERVE
            and proof is not None
            and proof.ok is True
            and not self.unreliable.get(entry.item)
        )

    def in_force(self, entry: ItemStage) -> bool:
        """Return whether what is asked for an item is really in force, and not got round."""
        as_asked = self.proved(entry) and not entry.asked > entry.stage
        return as_asked and not self.renamed and not self.is_hollow(entry)

    def is_hollow(self, entry: ItemStage) -> bool:
        """Return whether an item refuses, and somebody gets round that."""
        return entry.stage is AdmissionStage.DENY and entry.item in self.hollow

    def note(self, entry: ItemStage) -> str:
        """Return why an item's stage is not as asked, or not proved; empty if all is well."""
        if entry.message and entry.asked > entry.stage:
            return f"{entry.asked} is asked for, but {entry.message}"
        if entry.stage is not AdmissionStage.OBSERVE and self.proved(entry):
            return self.renamed or (self.hollow[entry.item] if self.is_hollow(entry) else "")
        if entry.stage is AdmissionStage.OBSERVE:
            return ""
        unreliable = self.unreliable.get(entry.item)
        if unreliable:
            return unreliable
        proof = self.proofs.get(entry.item)
        return "it has not been tried yet" if proof is None else proof.why

    def admission(self) -> str:
        """Return what is really in force, strongest first: ``deny``, or ``deny+observe``."""
        found = {self._at_work(s) for s in self.stages} or {AdmissionStage.OBSERVE}
        return "+".join(stage for stage in sorted(found, reverse=True))

    def _at_work(self, entry: ItemStage) -> AdmissionStage:
        """Return the stage that an item is at, whether anybody expects it or not."""
        proved = entry.stage if self.proved(entry) else AdmissionStage.OBSERVE
        return max(proved, self.left.get(entry.item, AdmissionStage.OBSERVE))

    def results(self, agreement: Agreement) -> Mapping[str, bool | None]:
        """Return for each item of which something is asked whether that is in force.

        None where that is not known.
        """
        found = self._results(agreement)
        return dict.fromkeys(found) if self.doubt else found

    def _results(self, agreement: Agreement) -> dict[str, bool]:
        found = {s.item: self.in_force(s) for s in self.asked}
        if self.granted is None:
            return found
        # Switched off, nothing is known of single items.
        off = not self.granted.items and self.granted.claim.status is False
        for item in agreement.items:
            granted = self.rbac(item.name)
            if item.rbac is not RbacMode.AUDIT and (off or granted is not None):
                there = granted is not None and granted.stage == item.rbac
                found[item.name] = found.get(item.name, True) and there
        return found

    def in_effect(self, agreement: Agreement) -> dict[str, tuple[AdmissionStage, RbacMode]]:
        """Return for each item what is really in force of admission, and of RBAC."""
        at_work = {s.item: self._at_work(s) for s in self.stages}
        return {
            name: (
                at_work.get(name, AdmissionStage.OBSERVE),
                granted.stage if (granted := self.rbac(name)) is not None else RbacMode.AUDIT,
            )
            for name in (item.name for item in agreement.items)
        }

    def rbac(self, item: str) -> ItemGrant | None:
        """Return how RBAC stands for an item; None where nothing is asked or there is nothing."""
        found = None if self.granted is None else self.granted.items.get(item)
        if found is not None and found.stage is RbacMode.GRANT and item in self.revoking:
            return replace(found, stage=RbacMode.REVOKE)
        return found


NOTHING = EnforcementStatus()


def enforcement_text(outcome: EnforcementStatus) -> str:
    """Return admission and RBAC as they are in force, or were when that was last known."""
    granted = outcome.granted.items if outcome.granted is not None else ()
    stages = {item.stage for name in granted if (item := outcome.rbac(name)) is not None}
    found = f"{outcome.admission()}/{'+'.join(sorted(stages, reverse=True)) or RbacMode.AUDIT}"
    return f"{found} (stale)" if outcome.doubt and found != _NOTHING_ASKED else found


_NOTHING_ASKED = f"{AdmissionStage.OBSERVE}/{RbacMode.AUDIT}"


def enforced_claim(agreement: Agreement, outcome: EnforcementStatus) -> ConditionDraft | None:
    """Return whether what the record asks for is in force; None where it asks for nothing."""
    return _doubted(next(_claims(agreement, outcome), None), outcome)


def _doubted(claim: ConditionDraft | None, outcome: EnforcementStatus) -> ConditionDraft | None:
    """Return a claim, or, where there is one and it rests on what is old, that it isn't known."""
    if claim is None or not outcome.doubt:
        return claim
    return ConditionDraft(ENFORCED, None, STALE, outcome.doubt)


def _claims(agreement: Agreement, outcome: EnforcementStatus) -> Iterator[ConditionDraft]:
    """Yield what there is to say, the gravest first."""
    asked = outcome.asked
    admission = list(_of_admission(outcome))
    good = [claim for claim in admission if claim.status]
    last = (BEING_PROVED, HOLLOW)
    yield from (claim for claim in admission if not claim.status and claim.reason not in last)
    yield from _rbac_blockers(agreement, outcome)
    yield from (claim for claim in admission if claim.reason in last)
    yield from good
    if not asked and (
        wanted := sorted(
            {
                i.admission.value
                for i in agreement.items
                if i.admission is not AdmissionStage.OBSERVE
            }
        )
    ):
        words = f"{', '.join(wanted)} is asked for, but no policy can be made of any such item"
        yield ConditionDraft(ENFORCED, False, "NothingToEnforce", words)
    if outcome.granted is not None:
        yield ConditionDraft(
            ENFORCED, True, outcome.granted.claim.reason, outcome.granted.claim.message
        )


def _of_admission(outcome: EnforcementStatus) -> Iterator[ConditionDraft]:
    """Yield what there is to say of admission, the gravest first."""

    def no(reason: str, message: str) -> ConditionDraft:
        return ConditionDraft(ENFORCED, False, reason, message)

    asked = outcome.asked
    if outcome.trouble:
        yield no("NotWritten", outcome.trouble)
    if outcome.renamed and asked:
        yield no(NAMES_KEPT, outcome.renamed)
    if short := [s for s in asked if s.asked > s.stage]:
        yield no(short[0].reason, _list(short, outcome))
    if unreliable := [s for s in asked if outcome.unreliable.get(s.item)]:
        yield no("PolicyNotReliable", _list(unreliable, outcome))
    open_ = [s for s in asked if not outcome.proved(s)]
    if failed := [s for s in open_ if _failed(outcome, s)]:
        yield no("NotProved", _list(failed, outcome))
    if open_:
        yield no(BEING_PROVED, _list(open_, outcome))
    if hollow := [s for s in asked if outcome.is_hollow(s)]:
        yield no(HOLLOW, _list(hollow, outcome))
    if asked:
        yield ConditionDraft(ENFORCED, True, "Proved", _all_well(outcome))


def cluster_claim(outcome: EnforcementStatus) -> ConditionDraft | None:
    """Return whether what records ask of the cluster as a whole is in force."""
    return _doubted(next(_of_admission(outcome), None), outcome)


def _rbac_blockers(agreement: Agreement, outcome: EnforcementStatus) -> Iterator[ConditionDraft]:
    """Yield why RBAC is not what the record asks for."""
    granted = outcome.granted.claim if outcome.granted is not None else None
    if granted is not None and granted.status is not True:
        yield ConditionDraft(ENFORCED, False, granted.reason, granted.message)
    if any(
        item.rbac is RbacMode.REVOKE and item.name not in outcome.revoking
        for item in agreement.items
    ):
        message = (
            "rbac revoke is asked for, which this operator was installed without: set the chart's "
            "mode: revoke (revocation.enabled)"
        )
        yield ConditionDraft(ENFORCED, False, "RevocationSwitchedOff", message)


def _failed(outcome: EnforcementStatus, entry: ItemStage) -> bool:
    proof = outcome.proofs.get(entry.item)
    return proof is not None and proof.ok is False


def _list(entries: list[ItemStage], outcome: EnforcementStatus) -> str:
    """Return items with their notes; those that share one are named together."""
    by_note: dict[str, list[str]] = {}
    for entry in entries:
        by_note.setdefault(outcome.note(entry), []).append(entry.item)
    reasons = [f"{some(items, _MOST)}: {note}" for note, items in by_note.items()]
    return some(reasons, _MOST, between="; ", last="; and ", rest="more reasons, see status.items")


def _all_well(outcome: EnforcementStatus) -> str:
    counts: dict[str, int] = {}
    for entry in outcome.asked:
        counts[entry.stage.value] = counts.get(entry.stage.value, 0) + 1
    in_force = ", ".join(f"{stage} on {n} items" for stage, n in sorted(counts.items()))
    return f"{in_force}; a trial of each was met as it should be"
