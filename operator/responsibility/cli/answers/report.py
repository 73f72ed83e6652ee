"""An assessment, ready to be shown: hubs by name, findings with their age and whom to call."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import MODELS, RECORDS
from responsibility.api.record import Responsibility
from responsibility.cli.sources.cluster_view import ALL, ClusterView
from responsibility.cli.sources.options import Where, denied_rbac, note, require_access, warn
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import source_json, subject_json
from responsibility.hub.discovery import HubKey
from responsibility.ownership.results import plain_wording, wording
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.results.contacts import parties_to_call
from responsibility.ownership.results.findings import Finding, worst_first
from responsibility.ownership.terms.agreement import Agreement, Party
from responsibility.phrases import counted, did_you_mean, some
from responsibility.rbac.objects import Subject

# Records that are named one by one.
_MOST_OUTDATED = 5
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(slots=True)
class Report:
    """One view, assessed at one moment."""

    view: ClusterView
    assessment: Assessment
    since: Mapping[str, datetime] = field(default_factory=dict)
    # What is said is what the operator has published: there are states and counts, and no finding.
    is_published: bool = False
    # What the operator had not heard of when it published that.
    stale: tuple[str, ...] = ()
    _let_through: frozenset[Subject] | None = field(init=False, default=None)

    @classmethod
    def of(cls, view: ClusterView, now: datetime, *, routes: bool = False) -> Report:
        """Assess a view, indirect routes included where asked."""
        from responsibility.cli.answers import published

        view.routes = routes
        assessment = view.assess(now)
        # A hub itself is asked by the operator alone: what it said stands in the statuses.
        if view.live:
            assessment = published.with_insides(assessment, view)
        return cls(view, assessment, _since(view))

    @classmethod
    def load(cls, where: Where, now: datetime, *, routes: bool = False) -> Report:
        """Assess what is there; where RBAC may not be listed, take what the operator published.

        Raises CliError where neither is to be had.
        """
        from responsibility.cli.answers import published

        view = where.load(ALL, complete=False)
        may_read = not {RECORDS, MODELS} & set(view.denied)
        if not (where.live and denied_rbac(view) and may_read):
            if where.live:
                require_access(view)
            return cls.of(view, now, routes=routes)
        note(
            "you may not list RBAC here, so this is what the operator last wrote into the statuses "
            "of records and models"
        )
        old = published.outdated(view)
        if old:
            names = some(old, _MOST_OUTDATED)
            warn(
                f"the operator has not said anything yet of these records as they are now: {names}"
            )
        stale = published.stale(view)
        for text in stale:
            warn(f"what follows may be old: the operator has {text}")
        found = cls(view, published.published(view, now), _since(view), is_published=True)
        found.stale = tuple(stale)
        return found

    def total(self, hub: HubAssessment) -> int:
        """Return the number of findings of a hub, its own."""
        if not self.is_published:
            return len(hub.findings)
        status = self.view.records[hub.agreement.record].status
        return status.drift.total if status and status.drift else 0

    def tell_gaps(self) -> None:
        """Say on stderr what could not be assessed."""
        for refused in (
            *self.assessment.refused_models.values(),
            *self.assessment.refused_records.values(),
        ):
            warn(f"{refused.name} is left out: {refused.message}")
        for hub in self.assessment.hubs.values():
            for problem in hub.agreement.problems:
                warn(f"Responsibility {hub.agreement.record}: {problem}")
            if hub.hub is None:
                warn(f"{hub.agreement.record}: no hub {hub.agreement.hub} ({hub.hub_state})")
        unrecorded = self.assessment.unrecorded
        if unrecorded:
            names = ", ".join(map(str, unrecorded[:3])) + "…" * (len(unrecorded) > 3)
            note(f"{counted(len(unrecorded), 'hub')} without a record: {names} (init drafts them)")

    def hub(self, name: str) -> HubAssessment:
        """Return the hub of a record, a namespace, or ``namespace/release``. Raises CliError."""
        hubs = self.assessment.hubs
        if name in hubs:
            return hubs[name]
        found = [
            hub
            for hub in hubs.values()
            if name in (hub.agreement.hub.namespace, str(hub.agreement.hub))
            or name.lower() == hub.agreement.display_name.lower()
        ]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(sorted(hub.agreement.record for hub in found))
            raise CliError(f"{name} means several hubs: name a record, one of {names}")
        raise CliError(self._no_such_hub(name))

    def _no_such_hub(self, name: str) -> str:
        refused = self.assessment.refused_records.get(name)
        if refused:
            return f"record {name} can't be assessed: {refused.message}"
        if any(name in (key.namespace, str(key)) for key in self.assessment.unrecorded):
            return f"hub {name} has no record yet: draft one with `init {name}`"
        there = sorted(self.assessment.hubs)
        if not there:
            return f"there is no record of a hub {name}, nor of any other"
        close = difflib.get_close_matches(name, there, n=1)
        known = f"did you mean {close[0]}?" if close else f"there are {', '.join(there[:8])}"
        return f"there is no record of a hub {name}: {known}"

    def tell_hubless(self, namespaces: Iterable[str]) -> None:
        """Say where no hub is: a namespace misspelt would look like one where all is as agreed."""
        there = {hub.agreement.hub.namespace for hub in self.assessment.hubs.values()}
        there |= {key.namespace for key in self.assessment.unrecorded}
        for name in (each for each in namespaces if each not in there):
            note(f"no hub is in namespace {name}{did_you_mean(name, sorted(there))}")

    def hubs(self, names: Iterable[str]) -> list[HubAssessment]:
        """Return the hubs of these names, all of them without any. Raises CliError."""
        chosen = list(names)
        if chosen:
            return [self.hub(name) for name in chosen]
        return [hub for _, hub in sorted(self.assessment.hubs.items())]

    def findings(self, hub: HubAssessment | None = None) -> list[Finding]:
        """Return the findings, worst first; of one hub, with those of the cluster touching it."""
        if hub is None:
            return list(self.assessment.findings())
        cluster = self.assessment.clusters[hub.agreement.terms.name]
        findings = cluster.findings_about(hub.agreement.record)
        return sorted((*hub.findings, *findings), key=worst_first)

    def agreement(self, finding: Finding) -> Agreement | None:
        """Return the agreement of the finding's hub; None for one of the cluster."""
        for hub in self.assessment.hubs.values():
            if finding.hub is not None and hub.agreement.hub == finding.hub:
                return hub.agreement
        return None

    def agreements(self, finding: Finding) -> list[Agreement]:
        """Return the agreements that a finding is about: of its hub, or of all of its model."""
        agreement = self.agreement(finding)
        return [agreement] if agreement else self._of_model(finding.model)

    def parties(self, finding: Finding) -> tuple[Party, ...]:
        """Return whom to call: the party concerned, or whoever owns the item."""
        return parties_to_call(finding, self.agreements(finding))

    def contact(self, *findings: Finding) -> str:
        """Return the addresses of those to call, each once; empty if there are none."""
        parties = [party for finding in findings for party in self.parties(finding)]
        return ", ".join(dict.fromkeys(party.contact for party in parties))

    def all_agreements(self) -> list[Agreement]:
        """Return the agreements of all hubs."""
        return [hub.agreement for hub in self.assessment.hubs.values()]

    def _of_model(self, model: str) -> list[Agreement]:
        return [
            hub.agreement
            for hub in self.assessment.hubs.values()
            if hub.agreement.terms.name == model
        ]

    def let_through(self) -> frozenset[Subject]:
        """Return who is exempt for something anywhere."""
        if self._let_through is None:
            found = {e.subject for hub in self.assessment.hubs.values() for e in hub.exempt}
            found |= {e.subject for each in self.assessment.clusters.values() for e in each.exempt}
            self._let_through = frozenset(found)
        return self._let_through

    def oldest_age(self, findings: Iterable[Finding]) -> str:
        """Return how long ago the first was found, ``-`` where nobody has noted that."""
        known = [self.since[each.id] for each in findings if each.id in self.since]
        if not known:
            return "-"
        return short_age((self.assessment.now - min(known)).total_seconds())

    def json(self, finding: Finding) -> dict[str, Any]:
        """Return a finding as documented in the reference."""
        since = self.since.get(finding.id)
        return {
            "id": finding.id,
            "kind": finding.kind,
            "severity": finding.severity.name.lower(),
            "drift": finding.is_drift,
            "hub": hub_json(finding.hub),
            "item": finding.item,
            "number": finding.number,
            "items": list(finding.items),
            "subject": subject_json(finding.subject) if finding.subject else None,
            "party": finding.party,
            "route": finding.route_kind,
            "steps": list(wording.step_texts(finding)),
            "permissions": list(wording.permission_texts(finding.permissions)),
            "sources": [source_json(source) for source in finding.sources],
            "message": wording.message(finding),
            "summary": plain_wording.finding_text(finding),
            "remedy": wording.remedy(finding),
            "contact": self.contact(finding),
            "since": None if since is None else since.isoformat().replace("+00:00", "Z"),
        }


def hub_json(key: HubKey | None) -> dict[str, str] | None:
    """Return a hub's identity; null stands for the cluster as a whole."""
    return None if key is None else {"namespace": key.namespace, "release": key.release}


def place_text(finding: Finding) -> str:
    """Return the hub, as short as it is clear; ``(cluster)`` for the whole cluster."""
    return place_of(finding.hub)


def place_of(key: HubKey | None) -> str:
    """Return a hub, as short as it is clear; ``(cluster)`` for the whole cluster."""
    if key is None:
        return "(cluster)"
    return key.namespace if key.namespace == key.release else str(key)


def whom(finding: Finding) -> str:
    """Return the subject, or the party, that a finding is about."""
    return str(finding.subject or finding.account or finding.party or "-")


def short_age(seconds: float) -> str:
    """Return an age as kubectl writes it: 45s, 12m, 5h, 9d."""
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= unit:
            return f"{int(seconds // unit)}{letter}"
    return f"{max(0, int(seconds))}s"


def _since(view: ClusterView) -> dict[str, datetime]:
    """Return when each finding was first seen, from what the operator has written."""
    found: dict[str, datetime] = {}
    owns: list[ResponsibilityModel | Responsibility] = [
        *view.models.values(),
        *view.records.values(),
    ]
    for resource in owns:
        for cause in resource.status.causes if resource.status else ():
            for key, since in cause.sightings.items():
                found[key] = min(since, found.get(key, since))
    return found
