"""Our labels and annotations of a Namespace: as they are there, and as its hubs want them.

Labels switch policies to a stage, annotations say who may act. What is said of an item goes with
its label, so that nothing is said of what is not in force.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from responsibility.admission.stages.namespace_annotations import ItemKeys, hub_annotations
from responsibility.api.names import (
    BREAK_GLASS_ANNOTATION,
    CONTACT_ANNOTATION,
    DELEGATES_ANNOTATION,
    HUB_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
    STAGE_LABEL,
    is_our_key,
)
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.terms.agreement import Agreement

# Items by name, each with the other items whose lists its policy reads.
Reads = Mapping[str, Set[str]]


@dataclass(frozen=True, slots=True)
class NamespaceKeys:
    """Our labels and annotations of a Namespace, and only ours."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> NamespaceKeys:
        """Return what is ours of an object's metadata."""
        return cls(_ours(metadata.get("labels")), _ours(metadata.get("annotations")))

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.labels or self.annotations)

    def stages(self) -> dict[str, AdmissionStage]:
        """Return the stages that policies are switched to, by item.

        What somebody has written there by hand and no policy knows is nothing.
        """
        return {
            key.removeprefix(STAGE_LABEL): stage
            for key, text in self.labels.items()
            if key.startswith(STAGE_LABEL)
            and (stage := AdmissionStage.of(text)) is not None
            and stage > AdmissionStage.OBSERVE
        }

    def markers(self) -> set[str]:
        """Return the dates in use, as the names of their markers."""
        return {
            line.partition(" ")[0]
            for key, text in self.annotations.items()
            if key.startswith(DELEGATES_ANNOTATION)
            for line in text.splitlines()
        }


NOTHING = NamespaceKeys()


def _ours(found: Mapping[str, str] | None) -> dict[str, str]:
    return {key: text for key, text in (found or {}).items() if is_our_key(key)}


def wanted_keys(
    hub: HubAssessment,
    known: Mapping[str, ItemKeys],
    in_force: Mapping[str, AdmissionStage],
    reads: Reads,
    present: NamespaceKeys,
    *,
    standing: bool = True,
) -> NamespaceKeys:
    """Return what a Namespace should say.

    ``hub`` speaks for all hubs in it, with what there is to say of each item in ``known``.
    ``in_force`` are the stages of the items that are not merely observed; ``present`` is what the
    Namespace says now. ``standing`` is whether something was in force for the hub until now: what
    somebody wrote there before counts for nothing.
    """
    if not in_force:
        return NOTHING
    labels = {STAGE_LABEL + name: stage.value for name, stage in in_force.items()}
    # Who may act on something of an item by another one, whatever the stage of that.
    read = set[str]().union(*(reads.get(name, ()) for name in in_force)).difference(in_force)
    if hub.hub is None:
        # What its objects are called is not known without the hub: what was said stays.
        kept = {k: v for k, v in present.annotations.items() if _is_kept(k, in_force, read)}
        return NamespaceKeys(labels, kept)
    annotations = hub_annotations(hub.agreement)
    if standing:
        annotations.update(_kept_names(hub.agreement, present))
    for name in (*in_force, *sorted(read)):
        live_annotations = known[name].annotations.items()
        annotations.update((k, v) for k, v in live_annotations if _is_kept(k, in_force, read))
    return NamespaceKeys(labels, annotations)


def _kept_names(agreement: Agreement, present: NamespaceKeys) -> dict[str, str]:
    """Return what names a hub's objects, where that stays as the Namespace says it.

    Policies guard by these names. They are taken from Deployments, which others than those who
    write records make: what is in force would end for whatever was called so till now. So they
    change with the record only: if it says another release.
    """
    said = {k: v for k, v in present.annotations.items() if k in _NAMES}
    release = said.get(RELEASE_ANNOTATION)
    another = agreement.names_release and release != agreement.names.release
    return said if present.stages() and release is not None and not another else {}


def kept_names(agreement: Agreement, wanted: NamespaceKeys) -> str:
    """Return that a hub's objects are called otherwise than what is in force was made for.

    Empty if they are not; ``wanted`` is what the Namespace should say.
    """
    now = {RELEASE_ANNOTATION: agreement.names.release, PREFIX_ANNOTATION: agreement.names.prefix}
    if all(wanted.annotations.get(key, name) == name for key, name in now.items()):
        return ""
    was_release = wanted.annotations.get(RELEASE_ANNOTATION, agreement.names.release)
    was_prefix = wanted.annotations.get(PREFIX_ANNOTATION, agreement.names.prefix)
    remedy = "set the record to observe until it is deployed so"
    if was_release != agreement.names.release:
        remedy = f"set spec.hub.release of the record to {agreement.names.release}"
    return (
        f"policies guard what release {was_release} is called ({was_prefix}hub and others), and "
        f"the hub there is release {agreement.names.release} ({agreement.names.prefix}hub): find "
        f"out who deployed it, or edited the Namespace; if it is meant to be, {remedy}"
    )


_NAMES = (RELEASE_ANNOTATION, PREFIX_ANNOTATION)


def _is_kept(key: str, in_force: Container[str], read: Container[str]) -> bool:
    """Whether a Namespace says this; of items that are only read, nobody is told whom to call."""
    if key in (
        HUB_ANNOTATION,
        PREFIX_ANNOTATION,
        RELEASE_ANNOTATION,
        BREAK_GLASS_ANNOTATION,
    ):
        return True
    item = key.partition("/")[2]
    return item in in_force or (item in read and not key.startswith(CONTACT_ANNOTATION))
