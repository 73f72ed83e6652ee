"""An assessment: the result for each hub, for the cluster, and the state of every item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from responsibility.api.status import ItemState
from responsibility.hub.discovery import Hub, HubKey
from responsibility.hub.values.agreed import Setting
from responsibility.ownership.results.causes import Cause, causes
from responsibility.ownership.results.findings import Finding, worst_first
from responsibility.ownership.terms.access_reviews import Ask
from responsibility.ownership.terms.agreement import Agreement, Item, Terms
from responsibility.rbac.objects import BindingKey, Source, Subject
from responsibility.upgrades.versions import ClusterVersions


class HubState(StrEnum):
    """Whether the hub that a record is about was found."""

    FOUND = "Found"
    MISSING = "HubMissing"
    NO_NAMESPACE = "NamespaceMissing"
    DELETING = "NamespaceTerminating"
    AMBIGUOUS = "SeveralReleases"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The state of one item on one hub, or for the cluster.

    ``state`` and ``findings`` are the hub's own; ``cluster_findings`` counts those of the whole
    cluster that touch the item there too, which are told once, with the cluster.
    """

    item: Item
    state: ItemState
    checked: tuple[str, ...]
    delegates: tuple[str, ...]
    findings: int
    cluster_findings: int = 0


@dataclass(frozen=True, slots=True)
class Exempt:
    """A subject that holds something reserved and is let through, with the reason given."""

    subject: Subject
    items: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class BreakGlassHolder:
    """A subject that may do everything; ``declared`` if the model names it."""

    subject: Subject
    sources: tuple[Source, ...]
    declared: bool


@dataclass(frozen=True, slots=True)
class HubAssessment:
    """One hub held against its record.

    ``cluster_findings`` counts the findings of the cluster that touch this hub's items; they
    are in :attr:`ClusterAssessment.findings` and not in ``findings``. ``asks`` are questions
    whose answer by the API server could change the result.
    """

    agreement: Agreement
    hub: Hub | None
    hub_state: HubState
    items: tuple[ItemResult, ...]
    findings: tuple[Finding, ...]
    cluster_findings: int = 0
    exempt: tuple[Exempt, ...] = ()
    pending: tuple[BindingKey, ...] = ()
    asks: tuple[Ask, ...] = ()
    releases: tuple[str, ...] = ()
    # Cloud identities of its sessions, None where they are not known.
    identities: tuple[Setting, ...] | None = None
    # The images that they run, likewise.
    images: tuple[Setting, ...] | None = None
    _causes: list[tuple[Cause, ...]] = field(init=False, default_factory=list, compare=False)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Return what causes this hub's own findings, worst first."""
        if not self._causes:
            self._causes.append(causes(self.findings))
        return self._causes[0]

    @property
    def owner_split(self) -> tuple[tuple[str, int], ...]:
        """Return how many items each party owns, most first."""
        owners = Counter(item.owner for item in self.agreement.items if item.terms.number)
        return tuple(sorted(owners.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclass(frozen=True, slots=True)
class ClusterAssessment:
    """What is assessed once for the cluster, for the items of one model."""

    terms: Terms
    items: tuple[ItemResult, ...]
    findings: tuple[Finding, ...]
    break_glass: tuple[BreakGlassHolder, ...] = ()
    exempt: tuple[Exempt, ...] = ()
    asks: tuple[Ask, ...] = ()
    records: int = 0
    # The Kubernetes that it runs, where that is looked at.
    versions: ClusterVersions | None = None
    # Findings about a hub's own permissions touch all hubs but those of these records.
    untouched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _apart: dict[str, list[Finding]] = field(init=False, default_factory=dict)
    _causes: list[tuple[Cause, ...]] = field(init=False, default_factory=list, compare=False)

    def __post_init__(self) -> None:
        """Turn ``untouched`` round."""
        for finding in self.findings if self.untouched else ():
            for record in self.untouched.get(finding.id, ()):
                self._apart.setdefault(record, []).append(finding)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Return what causes the findings of the cluster, worst first."""
        if not self._causes:
            self._causes.append(causes(self.findings))
        return self._causes[0]

    def passing_by(self, record: str) -> Sequence[Finding]:
        """Return the findings that do not concern a record's hub; it is few of them."""
        return self._apart.get(record, ())

    def findings_about(self, record: str) -> tuple[Finding, ...]:
        """Return the findings that concern a record's hub."""
        apart = {id(finding) for finding in self.passing_by(record)}
        return tuple(f for f in self.findings if id(f) not in apart)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record or model that could not be assessed: the condition's reason, and what to do."""

    name: str
    reason: str
    message: str
    generation: int = 0
    # The hub that another record speaks for.
    hub: HubKey | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that can be said of a cluster at one moment."""

    now: datetime
    rbac_enforced: bool | None
    hubs: Mapping[str, HubAssessment] = field(default_factory=dict)
    clusters: Mapping[str, ClusterAssessment] = field(default_factory=dict)
    refused_records: Mapping[str, Refused] = field(default_factory=dict)
    refused_models: Mapping[str, Refused] = field(default_factory=dict)
    unrecorded: tuple[HubKey, ...] = ()
    next_deadline: datetime | None = None
    versions: ClusterVersions | None = None

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings, worst first, each once."""
        everything = [
            *(f for cluster in self.clusters.values() for f in cluster.findings),
            *(f for hub in self.hubs.values() for f in hub.findings),
        ]
        return tuple(sorted(everything, key=worst_first))

    def asks(self) -> tuple[Ask, ...]:
        """Return the permissions whose answers could change the result, each once."""
        asks = [ask for cluster in self.clusters.values() for ask in cluster.asks]
        asks.extend(ask for hub in self.hubs.values() for ask in hub.asks)
        return tuple(dict.fromkeys(asks))
