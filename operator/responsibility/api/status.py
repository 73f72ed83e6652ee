"""Statuses: the part of records and models alike that the operator writes.

A status must never be refused for its content: texts are cut to their bound and lists of texts
end in a count of what was left out, instead of failing; names of kinds are free strings, so
that an older CRD takes a newer operator's findings.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, BeforeValidator, Field

from responsibility.api.base import ATOMIC, ATOMIC_MAP, Shape, clip, keyed
from responsibility.api.foreign_text import harmless
from responsibility.phrases import shortened

MAX_CAUSES = 16
MAX_FINDINGS = 64
MAX_LISTED = 16
MAX_UNRECORDED = 64
MAX_EXEMPTED = 32
MAX_REVOCATIONS = 64

_NAME = 512
_TEXT = 1024
_LONG = 65 * 65


def _clip_name(value: object) -> object:
    return clip(harmless(value), _NAME) if isinstance(value, str) else value


def _clip_text(value: object) -> object:
    return clip(harmless(value), _TEXT) if isinstance(value, str) else value


def _clip_long(value: object) -> object:
    return clip(harmless(value), _LONG) if isinstance(value, str) else value


def _clip_list(limit: int) -> BeforeValidator:
    def shorten(value: object) -> object:
        return shortened(value, limit) if isinstance(value, (list, tuple)) else value

    return BeforeValidator(shorten)


Name = Annotated[str, Field(max_length=_NAME), BeforeValidator(_clip_name)]
Text = Annotated[str, Field(max_length=_TEXT), BeforeValidator(_clip_text)]
# All names of the items of the largest model, 65 of up to 63 characters.
LongText = Annotated[str, Field(max_length=_LONG), BeforeValidator(_clip_long)]
Count = Annotated[int, Field(ge=0)]
Names = Annotated[tuple[Name, ...], Field(max_length=MAX_LISTED), _clip_list(MAX_LISTED)]
ManyNames = Annotated[
    tuple[Name, ...], Field(max_length=MAX_UNRECORDED), _clip_list(MAX_UNRECORDED)
]


class ItemState(StrEnum):
    """How an item stands; ``ok`` is said only of what was really checked."""

    OK = "ok"
    DRIFT = "drift"
    UNKNOWN = "unknown"
    RECORDED = "recorded"
    OVERDUE = "overdue"


class ItemKind(StrEnum):
    """Where an item can be checked."""

    KUBERNETES = "kubernetes"
    JUPYTERHUB = "jupyterhub"
    ATTESTED = "attested"


class CheckedIn(StrEnum):
    """Where an item was checked: by its kind, and among the values of the hub."""

    KUBERNETES = ItemKind.KUBERNETES.value
    JUPYTERHUB = ItemKind.JUPYTERHUB.value
    VALUES = "values"
    ATTESTED = ItemKind.ATTESTED.value


# The reason of a condition that isn't known, since what it rests on has not been heard of for long.
STALE: Final = "Stale"


class ConditionStatus(StrEnum):
    """The three answers of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Shape):
    """A condition as all of Kubernetes writes it (``metav1.Condition``)."""

    type: Annotated[str, Field(min_length=1, max_length=316)] = Field(
        description="What is spoken about, such as Ready or HubFound."
    )
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: Annotated[str, Field(max_length=1024)] = Field(
        default="", description="One word for programs, such as HubMissing."
    )
    message: Text = Field(default="", description="A sentence for people, with what to do next.")
    last_transition_time: AwareDatetime = Field(
        description="When status last changed, such as 2026-12-31T00:00:00Z."
    )
    observed_generation: Count = Field(
        default=0, description="The metadata.generation that this was said of."
    )


class SubjectReference(Shape):
    """A subject that was found in the cluster, whatever it is called."""

    kind: Name = Field(
        description="User, Group or ServiceAccount; HubUser or HubService inside "
        "JupyterHub, HubSetting among its values, HubObject of its release; Kubelet for those of "
        "one version."
    )
    name: Name = Field(description="Its name, such as engineers.")
    namespace: Name = Field(default="", description="A ServiceAccount's namespace, such as prod.")

    def __str__(self) -> str:
        """Return the form people write: ``Group engineers``, ``ServiceAccount prod/hub``."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}"


class ItemStatus(Shape):
    """How one item stands, for one hub or for the cluster.

    Only what the agreement doesn't say already is written, since ``kubectl describe`` takes a line
    for each field of each item: title, number, owner and delegates follow from record and model,
    and an item that is agreed and has nothing to check is not listed at all.
    """

    name: Name = Field(description="The item's name, such as user-access.")
    state: ItemState = Field(
        description="ok (checked, as agreed), drift (checked, differs), unknown (can't be told), "
        "recorded (agreed, nothing to check) or overdue (its review date has passed)."
    )
    checked: tuple[CheckedIn, ...] | None = Field(
        default=None,
        max_length=4,
        json_schema_extra=ATOMIC,
        description="Where it was checked (kubernetes, jupyterhub, values, attested), if that is "
        "not what the model has it checked by.",
    )
    findings: Count = Field(default=0, description="The number of findings about this item.")
    cluster_findings: Count = Field(
        default=0,
        description="The number of findings of the whole cluster that touch this item too; they "
        "are told in the model's status and don't count for the state.",
    )
    admission: Name = Field(
        default="",
        description="The stage that admission policies were switched to for this item: observe, "
        "warn or deny; left out where that is observe, or no policy guards it. Whether they "
        "really do what they should is said by condition Enforced.",
    )
    admission_note: Text = Field(
        default="", description="Why the stage is lower than what is asked for, or not proved yet."
    )
    rbac: Name = Field(
        default="",
        description="The stage that is in force for RBAC: grant once all that owner and "
        "delegates are to be granted is there, or revoke where approved plans are carried out as "
        "well. Left out where that is audit, or nothing is to be granted.",
    )
    rbac_note: Text = Field(default="", description="Why nothing, or not everything, is granted.")


class Drift(Shape):
    """Findings, counted."""

    total: Count = Field(description="The number of findings.")
    causes: Count = Field(default=0, description="The number of causes that make them.")
    missing: Count = Field(
        default=0, description="How many of them say that an owner can't do what it should."
    )
    excess: Count = Field(
        default=0, description="How many of them say that somebody else can do what is reserved."
    )
    by_kind: dict[Name, Count] = Field(
        default_factory=dict,
        max_length=32,
        # As a whole: merging key by key, the server refuses to replace the last ones by nothing.
        json_schema_extra=ATOMIC_MAP,
        description="The number of findings of each kind, such as excess-access: 2.",
    )


class CauseStatus(Shape):
    """What one person has to look at once, whatever number of findings it makes."""

    id: Name = Field(
        description="The id of the worst finding, which kubectl responsibility explain takes."
    )
    kind: Name = Field(description="What differs, such as excess-access or missing-access.")
    severity: Name = Field(default="", description="How soon to look: high, medium or low.")
    subject: SubjectReference | None = Field(
        default=None, description="Who is concerned, where it is one subject."
    )
    party: Name = Field(default="", description="The party concerned, such as community.")
    route: Name = Field(
        default="",
        description="How the right is held, where it isn't held directly: bind, escalate, "
        "impersonate, token, exec, workload, node or policy.",
    )
    items: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="The items it is about, that of the worst finding first.",
    )
    bindings: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="Every binding by which it is so, and the role that it binds.",
    )
    since: AwareDatetime | None = Field(
        default=None,
        description="When the oldest of it was first found, such as 2026-12-31T00:00:00Z.",
    )
    summary: Text = Field(
        default="",
        description="The same for those who don't know Kubernetes, as the page, Events and alerts "
        "have it: what can be done by it, and whose that is.",
    )
    message: Text = Field(default="", description="The worst of it, in one sentence.")
    remedy: Text = Field(default="", description="What would end it.")
    contact: Text = Field(default="", description="How to reach those who own the item.")
    ids: Text = Field(
        default="",
        description="The ids of all findings that it makes, that of the worst first. An id is the "
        "same at each evaluation.",
    )
    findings: dict[Name, AwareDatetime] = Field(
        default_factory=dict,
        max_length=MAX_FINDINGS,
        # As a whole: what has ended is to go.
        json_schema_extra=ATOMIC_MAP,
        description="When those of them were first found that came later than the oldest, by id.",
    )

    @property
    def sightings(self) -> dict[str, datetime]:
        """Return when each finding that it makes was first found, by the finding's id."""
        oldest = {key: self.since for key in self.ids.split() if self.since is not None}
        return oldest | self.findings


class BreakGlassStatus(Shape):
    """A subject that passes every check."""

    subject: SubjectReference = Field(description="Who it is, such as Group system:masters.")
    sources: Names = Field(
        default=(), json_schema_extra=ATOMIC, description="Every binding by which it holds that."
    )
    declared: bool = Field(description="Whether the model names this subject under breakGlass.")


class RevocableStatus(Shape):
    """The part of a plan that the operator can carry out itself."""

    digest: Name = Field(description="What to name in spec.enforcement.approvedPlan.")
    ends: Count = Field(description="The number of findings that it would end.")
    changes: Annotated[tuple[Name, ...], Field(max_length=MAX_REVOCATIONS)] = Field(
        json_schema_extra=ATOMIC, description="Every change that it would make."
    )


class PlanStatus(Shape):
    """The plan for one hub, as much as tells whether to look at it."""

    digest: Name = Field(description="What kubectl responsibility apply-plan takes.")
    changes: Count = Field(description="The number of changes of RBAC objects.")
    ends: Count = Field(description="The number of findings that it would end.")
    held_back: Count = Field(
        default=0, description="The number of findings that no plan can end, or that it must not."
    )
    cannot_end: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="What these are, each with the reason.",
    )
    revocable: RevocableStatus | None = Field(
        default=None,
        description="With rbac revoke: the part that the operator carries out once it is approved. "
        "It deletes RoleBindings of the hub's namespace as a whole, and does nothing else.",
    )
    summary: Text = Field(default="", description="All of this in one sentence.")


class SessionsStatus(Shape):
    """What a hub's sessions run and may do, as it was last seen."""

    identities: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="The cloud identities of their ServiceAccount, such as an IAM role's ARN.",
    )
    images: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="The images that they were seen to run, the newest last.",
    )


class KubernetesStatus(Shape):
    """The versions of Kubernetes that the cluster runs."""

    api_server: Name = Field(default="", description="The API server's, such as 1.33.2.")
    since: AwareDatetime | None = Field(
        default=None,
        description="When the operator first saw it, such as 2026-12-31T00:00:00Z.",
    )
    kubelets: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="Those of the nodes' kubelets, the oldest first.",
    )
    nodes: Name = Field(
        default="", description="Why it is not known whether all nodes fit, such as forbidden."
    )


class CommonStatus(Shape):
    """What records and models both report."""

    observed_generation: Count = Field(
        default=0, description="The metadata.generation that this status was computed for."
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=keyed("type"),
        description="The latest observations, by type.",
    )
    items: tuple[ItemStatus, ...] = Field(
        default=(),
        max_length=65,
        json_schema_extra=keyed("name"),
        description="How each item stands. One that is agreed and has nothing to check (recorded) "
        "is left out if that is all that is to be said of it.",
    )
    drift: Drift | None = Field(default=None, description="The number of findings, by kind.")
    causes: tuple[CauseStatus, ...] = Field(
        default=(),
        max_length=MAX_CAUSES,
        json_schema_extra=ATOMIC,
        description="What causes the findings, worst first. kubectl responsibility explain tells "
        "the whole story of each.",
    )
    truncated: Count = Field(
        default=0, description="The number of findings that are not among these."
    )
    exempt: Count = Field(
        default=0, description="The number of subjects that exemptions keep out of drift."
    )
    exempt_subjects: Annotated[tuple[Text, ...], Field(max_length=MAX_EXEMPTED)] = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="The first of them, each with the items of which it holds something and the "
        "reason in the words of the exemption.",
    )
    summary: Text = Field(default="", description="All of this in one sentence.")
