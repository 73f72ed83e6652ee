"""Stages of admission for each item of each hub, and why they are not as high as was asked.

Going down always works, at once. Going up needs that nobody is locked out by it, unless the
record says ``force``. What is in force stays when somebody other than those who write records
makes it doubtful: a deleted Deployment or RoleBinding must not lift what binds its deleter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from responsibility.admission import annotation_entries
from responsibility.admission.stages.blockers import StageInputs, blockers_of
from responsibility.admission.stages.namespace_annotations import (
    ItemKeys,
    UnlistableError,
    within_budget,
)
from responsibility.admission.stages.namespace_keys import (
    NOTHING,
    NamespaceKeys,
    Reads,
    kept_names,
    wanted_keys,
)
from responsibility.admission.stages.shared_namespace import (
    apart,
    differences,
    keys_of_item,
    who_speak,
)
from responsibility.api.names import STAGE_LABEL
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.cache import PassCache
from responsibility.ownership.results.assessment import Assessment, HubAssessment, HubState
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.managed_namespaces import is_protected

# Items by name, each with why its policy cannot be relied on; empty if it can.
Policies = Mapping[str, str]


_NO_BOOK: Policies = {}
_NONE_BEFORE: Mapping[str, AdmissionStage] = {}
_NO_READS: Reads = {}
_NOTHING_WRONG: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ItemStage:
    """The stage of one item: asked for, given, and why that is less."""

    item: str
    asked: AdmissionStage
    stage: AdmissionStage
    reason: str = ""
    message: str = ""


def stages_of(items: Iterable[Mapping[str, Any]]) -> dict[str, AdmissionStage]:
    """Return the stages that a status tells of, by item: those given until now."""
    return {
        entry["name"]: AdmissionStage.of(entry.get("admission")) or AdmissionStage.OBSERVE
        for entry in items
        if "name" in entry
    }


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The annotations that every Namespace should have, and the stage of each item of each record.

    Namespaces that are not in ``namespaces`` should say nothing, but for the ``untouched``.
    ``renamed`` says of records how their hubs' objects are called otherwise than what is in force
    was made for.
    """

    namespaces: Mapping[str, NamespaceKeys]
    stages: Mapping[str, tuple[ItemStage, ...]]
    untouched: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)


def plan(
    assessment: Assessment,
    *,
    policies: Mapping[str, Policies],
    reads: Mapping[str, Reads],
    granted: Mapping[str, Mapping[str, AdmissionStage]],
    present: Mapping[str, NamespaceKeys],
    unrendered: Mapping[str, str] = _NOTHING_WRONG,
    unreadable: Iterable[str] = (),
    enabled: bool = True,
    limit: AdmissionStage = AdmissionStage.DENY,
    own_namespace: str = "",
    managed: Container[str] | None = None,
    cache: PassCache | None = None,
) -> StagePlan:
    """Return what should be in force.

    ``policies`` and what each ``reads`` are by model; ``granted`` are the stages in force until
    now, by record and item; ``present`` is what Namespaces say. Of models that are ``unrendered``,
    no policies can be made, and why: what is in force stays. ``unreadable`` are namespaces whose
    record cannot be read or followed at the moment: what is in force there stays. ``limit`` is the
    furthest stage that is allowed. ``managed`` are the namespaces in which people let the operator
    write, None for all, and ``own_namespace`` is its own. ``cache`` makes it quick.
    """
    cache = cache or PassCache()
    cache.begin(assessment.now)
    cache.until(assessment.next_deadline)
    groups: dict[str, list[HubAssessment]] = defaultdict(list)
    for hub in assessment.hubs.values():
        groups[hub.agreement.hub.namespace].append(hub)
    wanted: dict[str, NamespaceKeys] = {}
    stages: dict[str, tuple[ItemStage, ...]] = {}
    renamed: dict[str, str] = {}
    untouched = {name for name in unreadable if name not in groups}
    for namespace, group in groups.items():
        if any(hub.agreement.terms.name in unrendered for hub in group):
            untouched.add(namespace)
            stages.update(
                (hub.agreement.record, tuple(_kept(hub, granted, unrendered))) for hub in group
            )
            continue
        here = present.get(namespace, NOTHING)
        models = [hub.agreement.terms.name for hub in group]
        books = (policies.get(model, _NO_BOOK) for model in models)
        read = (reads.get(model, _NO_READS) for model in models)
        before = (granted.get(hub.agreement.record, _NONE_BEFORE) for hub in group)
        may_write = managed is None or namespace in managed
        inputs = (*group, *books, *read, *before, here, enabled, limit, assessment.rbac_enforced)
        found, of_records, other_names = cache.get(
            ("namespace", namespace),
            (*inputs, may_write, cache.epoch),
            partial(
                _namespace,
                group,
                assessment,
                policies=policies,
                reads=reads,
                granted=granted,
                present=here,
                enabled=enabled,
                limit=limit,
                protected=is_protected(namespace, own_namespace),
                managed=may_write,
                cache=cache,
            ),
        )
        stages.update(of_records)
        renamed.update(other_names)
        if any(hub.hub_state is HubState.DELETING for hub in group):
            untouched.add(namespace)
        elif found:
            wanted[namespace] = found
    return StagePlan(wanted, stages, frozenset(untouched), renamed)


def only_down(
    decided: StagePlan,
    assessment: Assessment,
    present: Mapping[str, NamespaceKeys],
    *,
    limit: AdmissionStage = AdmissionStage.DENY,
) -> StagePlan:
    """Return a plan limited to what records themselves lower: no stage goes up in it.

    For plans that were made without knowing everything: whatever else would raise or end a stage
    may rest on something that could not be read. Where several records are about a namespace, the
    one that asks for most counts. Who may act is as records say.
    """
    asked: dict[str, dict[str, AdmissionStage]] = defaultdict(dict)
    for hub in assessment.hubs.values():
        items = asked[hub.agreement.hub.namespace]
        for item in hub.agreement.items:
            items[item.name] = max(item.admission, items.get(item.name, item.admission))
    namespaces = {}
    for name, items in asked.items():
        before = present.get(name, NOTHING)
        stages = {
            item: min(stage, items.get(item, AdmissionStage.OBSERVE), limit)
            for item, stage in before.stages().items()
        }
        labels = {
            STAGE_LABEL + item: stage.value
            for item, stage in stages.items()
            if stage is not AdmissionStage.OBSERVE
        }
        if labels:
            wanted = decided.namespaces.get(name, NOTHING)
            namespaces[name] = NamespaceKeys(labels, {**before.annotations, **wanted.annotations})
    return StagePlan(namespaces, decided.stages, decided.untouched, decided.renamed)


def _namespace(
    group: Sequence[HubAssessment],
    assessment: Assessment,
    *,
    policies: Mapping[str, Policies],
    reads: Mapping[str, Reads],
    granted: Mapping[str, Mapping[str, AdmissionStage]],
    present: NamespaceKeys,
    enabled: bool,
    limit: AdmissionStage,
    protected: bool,
    managed: bool,
    cache: PassCache,
) -> tuple[NamespaceKeys, dict[str, tuple[ItemStage, ...]], dict[str, str]]:
    """Return what one Namespace should say, and the stages and names of the records about it."""
    since = {
        hub.agreement.record
        for hub in group
        if any(
            stage > AdmissionStage.OBSERVE
            for stage in granted.get(hub.agreement.record, _NONE_BEFORE).values()
        )
    }
    speaking = who_speak(group, present, since)
    neighbours = differences(speaking, assessment.now, cache)
    why_apart = partial(apart, speaking, present=present, now=assessment.now, cache=cache)
    found: dict[str, tuple[ItemStage, ...]] = {}
    keys_by_hub: list[tuple[HubAssessment, dict[str, ItemKeys]]] = []
    for hub in group:
        agreement = hub.agreement
        book = policies.get(agreement.terms.name, {})
        read = reads.get(agreement.terms.name, _NO_READS)
        known = _keys(agreement, book, read, assessment.now, cache)
        recorded = {other.agreement.hub.release for other in group}
        found[agreement.record] = tuple(
            _stage(
                StageInputs(
                    hub=hub,
                    item=agreement.item(name),
                    keys=known[name],
                    policy=trouble,
                    neighbours=neighbours if hub in speaking else why_apart(hub),
                    unrecorded=tuple(r for r in hub.releases if r not in recorded),
                    enabled=enabled,
                    rbac_enforced=assessment.rbac_enforced,
                    limit=limit,
                    protected=protected,
                    managed=managed,
                ),
                # Nothing new is said of a hub that is not there: what is unsaid is not in force.
                granted.get(agreement.record, {}).get(name, AdmissionStage.OBSERVE)
                if hub.hub is not None or annotation_entries.speaks_of(present.annotations, name)
                else AdmissionStage.OBSERVE,
            )
            for name, trouble in book.items()
        )
        if hub in speaking:
            keys_by_hub.append((hub, known))
    read = reads.get(speaking[0].agreement.terms.name, _NO_READS)
    # Of several hubs that agree, the first speaks.
    speaker, known = keys_by_hub[0]
    in_force = _in_force(found[hub.agreement.record] for hub, _ in keys_by_hub)
    standing = speaker.agreement.record in since
    keys = wanted_keys(speaker, known, in_force, read, present, standing=standing)
    other = kept_names(speaker.agreement, keys) if keys and speaker.hub is not None else ""
    return keys, found, {hub.agreement.record: other for hub, _ in keys_by_hub if other}


def _in_force(records: Iterable[Iterable[ItemStage]]) -> dict[str, AdmissionStage]:
    """Return the stages of a Namespace's items, but for those only observed: the least of each."""
    stages: dict[str, AdmissionStage] = {}
    for entry in chain.from_iterable(records):
        stages[entry.item] = min(entry.stage, stages.get(entry.item, entry.stage))
    return {name: stage for name, stage in stages.items() if stage is not AdmissionStage.OBSERVE}


def _kept(
    hub: HubAssessment,
    granted: Mapping[str, Mapping[str, AdmissionStage]],
    unrendered: Mapping[str, str],
) -> Iterator[ItemStage]:
    """Yield the stages as they have been, of a model that cannot be rendered any more."""
    agreement = hub.agreement
    before = granted.get(agreement.record, {})
    why = unrendered.get(agreement.terms.name, "")
    for item in agreement.items:
        stage = before.get(item.name, AdmissionStage.OBSERVE)
        if item.admission is not AdmissionStage.OBSERVE or stage is not AdmissionStage.OBSERVE:
            message = f"no policies can be made of model {agreement.terms.name}: {why}"
            yield ItemStage(item.name, item.admission, stage, "PolicyNotReliable", message)


def _stage(case: StageInputs, before: AdmissionStage) -> ItemStage:
    """Return an item's stage; ``before`` is the one it has had until now."""
    asked = stage = case.item.admission
    why: tuple[str, str] = ("", "")
    for blocker, message in blockers_of(case):
        most = blocker.most if blocker.ends else before
        if stage in blocker.stages and stage > most:
            stage = min(stage, most)
            why = why if why[0] else (blocker.reason, message)
    return ItemStage(case.item.name, asked, stage, *why)


def _keys(
    agreement: Agreement, items: Iterable[str], reads: Reads, now: datetime, cache: PassCache
) -> dict[str, ItemKeys]:
    """Return what there is to say of each item: of those asked for, and those that they read."""
    asked = [name for name in items if agreement.item(name).admission is not AdmissionStage.OBSERVE]
    read = set[str]().union(*(reads.get(name, ()) for name in asked)).difference(asked)
    wanted = [agreement.item(name) for name in (*asked, *sorted(read))]
    found = [keys_of_item(agreement, item, now, cache) for item in wanted]
    try:
        found = within_budget(agreement, found)
    except UnlistableError as error:
        found = [ItemKeys(keys_.item, {}, trouble=str(error)) for keys_ in found]
    known = {name: ItemKeys(name, {}) for name in items} | {keys_.item: keys_ for keys_ in found}
    for name in asked:
        # Without the others' lists it would refuse them what is theirs.
        wrong = (known[other].trouble for other in sorted(reads.get(name, ())))
        if not known[name].trouble and (trouble := next(filter(None, wrong), "")):
            known[name] = ItemKeys(name, {}, trouble=trouble)
    return known
