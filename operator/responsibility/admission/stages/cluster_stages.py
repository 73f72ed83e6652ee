"""Stages of admission for what the cluster has only one of, and who may act on that.

All records of a model share it. So the stage is the lowest that any of them asks for, and whoever
owns the item by one of them may act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from responsibility.admission.policies.cluster_policies import ClusterEnforcement
from responsibility.admission.stages.blockers import (
    NOT_ALLOWED,
    NOT_ENABLED,
    NOT_ENABLED_CLUSTER,
)
from responsibility.admission.stages.namespace_annotations import ItemKeys, item_keys
from responsibility.admission.stages.namespace_stages import ItemStage
from responsibility.api.names import CONTACT_ANNOTATION, DELEGATES_ANNOTATION, OWNERS_ANNOTATION
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.cache import PassCache
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment, ClusterAssessment
from responsibility.ownership.terms.agreement import Agreement

# The lists of all items are one expression, and the API server reads none of more than 100,000
# characters.
BUDGET = 60_000


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """The stage of each item, and what the policies are to be told."""

    stages: tuple[ItemStage, ...] = ()
    table: Mapping[str, ClusterEnforcement] | None = None

    def markers(self) -> set[str]:
        """Return the dates in use, as the names of their markers."""
        return {
            line.partition(" ")[0]
            for entry in (self.table or {}).values()
            for line in entry.entries
            if line.startswith("until-")
        }


def cluster_plan(
    assessment: Assessment,
    cluster: ClusterAssessment,
    items: Iterable[str],
    *,
    trouble: str,
    granted: Mapping[str, AdmissionStage],
    enabled: bool,
    written: bool = True,
    limit: AdmissionStage = AdmissionStage.DENY,
    cache: PassCache | None = None,
) -> ClusterPlan:
    """Return what should be in force for ``items``, those that policies of the cluster guard.

    ``trouble`` is why these policies cannot be relied on, empty if they can; ``granted`` are the
    stages until now; ``written`` is whether the operator may write these policies at all;
    ``limit`` is the furthest that is allowed. ``cache`` has begun its pass.
    """
    cache = cache or PassCache()
    agreements = [
        h.agreement for h in assessment.hubs.values() if h.agreement.terms is cluster.terms
    ]
    stages, table = [], {}
    left = BUDGET
    for name in items:
        entries = cache.get(
            ("cluster", cluster.terms.name, name),
            (*agreements, cache.epoch),
            partial(_entries, agreements, name, assessment.now),
        )
        entry = ClusterEnforcement(AdmissionStage.OBSERVE, entries.lines, entries.contact)
        size = sum(len(line) + 4 for line in entries.lines)
        fits = size <= left
        stage = _stage(
            _ClusterInputs(
                name,
                agreements,
                cluster,
                entries,
                trouble,
                fits,
                enabled,
                written,
                limit,
                assessment,
            ),
            granted.get(name, AdmissionStage.OBSERVE),
        )
        stages.append(stage)
        if fits and not entries.trouble:
            left -= size
            table[name] = entry._replace(stage=stage.stage)
    in_force = any(entry.stage > AdmissionStage.OBSERVE for entry in table.values())
    # Who owns what counts only where something is in force; else the policies stay as shipped.
    return ClusterPlan(tuple(stages), table if in_force else {})


@dataclass(frozen=True, slots=True)
class _ListedOwners:
    """Subjects that may act on an item of the cluster, by any record."""

    lines: Sequence[str]
    contact: str
    vacant: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _ClusterInputs:
    name: str
    agreements: Sequence[Agreement]
    cluster: ClusterAssessment
    entries: _ListedOwners
    trouble: str
    fits: bool
    enabled: bool
    written: bool
    limit: AdmissionStage
    assessment: Assessment

    @property
    def asked(self) -> AdmissionStage:
        """The lowest stage that a record asks for."""
        return min((*(a.item(self.name).admission for a in self.agreements), *self._none))

    @property
    def allowed(self) -> AdmissionStage:
        """As much of it as the operator was installed for."""
        return min(self.asked, self.limit)

    @property
    def _none(self) -> tuple[AdmissionStage, ...]:
        return () if self.agreements else (AdmissionStage.OBSERVE,)

    @property
    def forced(self) -> bool:
        """Whether all records insist."""
        return all(a.item(self.name).force for a in self.agreements)


def _stage(facts: _ClusterInputs, before: AdmissionStage) -> ItemStage:
    asked = facts.asked
    if asked is AdmissionStage.OBSERVE:
        return ItemStage(facts.name, asked, asked)
    for reason, message, final in _blockers(facts):
        most = AdmissionStage.OBSERVE if final else before
        if facts.allowed > most:
            return ItemStage(facts.name, asked, most, reason, message)
    if asked > facts.allowed:
        return ItemStage(facts.name, asked, facts.allowed, "StageNotAllowed", NOT_ALLOWED)
    return ItemStage(facts.name, asked, asked)


def _blockers(facts: _ClusterInputs) -> Iterable[tuple[str, str, bool]]:
    """Yield what stands in the way: reason, words, and whether it ends what is in force too."""
    if not facts.enabled:
        yield "NotEnabled", NOT_ENABLED, True
    elif not facts.written:
        yield "NotEnabled", NOT_ENABLED_CLUSTER, True
    if facts.entries.trouble or not facts.fits:
        yield (
            "CannotBeListed",
            facts.entries.trouble
            or f"the lists of who may act have more than {BUDGET} characters: name groups instead",
            True,
        )
    if facts.forced:
        return
    if facts.trouble:
        yield "PolicyNotReliable", facts.trouble, False
    if facts.allowed is not AdmissionStage.DENY:
        return
    if not facts.assessment.rbac_enforced:
        yield "RBACNotEnforced", "whether RBAC decides anything here is not known", False
    if facts.entries.vacant:
        yield "NobodyLeft", "no owner or delegate has a subject: nobody could act", False
    for finding in facts.cluster.findings:
        about = facts.name in (finding.item, *finding.items)
        if about and finding.kind in ("missing-access", "owner-vacant"):
            yield "OwnerLacksAccess", wording.message(finding), False


def _entries(agreements: Sequence[Agreement], name: str, now: datetime) -> _ListedOwners:
    lasting: set[str] = set()
    until: dict[str, str] = {}
    contacts: dict[str, None] = {}
    vacant = True
    for agreement in agreements:
        found = _of(agreement, name, now)
        if found.trouble:
            return _ListedOwners((), "", vacant=False, trouble=found.trouble)
        vacant = vacant and found.vacant
        lasting.update(_lines(found, OWNERS_ANNOTATION + name))
        for line in _lines(found, DELEGATES_ANNOTATION + name):
            date, _, who = line.partition(" ")
            until[who] = max(date, until.get(who, date))
        contacts.update(dict.fromkeys(_lines(found, CONTACT_ANNOTATION + name)))
    dated = sorted(
        (f"{date} {who}" for who, date in until.items() if who not in lasting), reverse=True
    )
    return _ListedOwners((*sorted(lasting), *dated), "; ".join(list(contacts)[:3]), vacant)


def _of(agreement: Agreement, name: str, now: datetime) -> ItemKeys:
    # Parts of a single hub, such as its ServiceAccounts, have no business at cluster scope.
    wide = tuple(e for e in agreement.exemptions if e not in agreement.own_exemptions)
    return item_keys(replace(agreement, exemptions=wide), agreement.item(name), now)


def _lines(found: ItemKeys, key: str) -> list[str]:
    text = found.annotations.get(key, "")
    return text.split("\n") if text else []
