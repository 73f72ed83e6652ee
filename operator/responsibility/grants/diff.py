"""Steps by which the bindings that are there become those that should be.

What is wanted is made first, and only then what is not wanted any more is taken away, so that a
change of hands leaves no gap. Where something can't be made, what ends all the same is what is no
longer agreed: subjects that are still entitled keep what they have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from responsibility import api_groups
from responsibility.api.names import (
    GRANT_PREFIX,
    KEY_PREFIX,
    MANAGED_BY_LABEL,
    MODEL_LABEL,
    RECORD_LABEL,
)
from responsibility.grants.binding import (
    MODEL,
    DesiredBinding,
    LiveBinding,
    Owner,
    subject_manifest,
)
from responsibility.grants.desired import Grants, GrantTrouble, ItemGrants
from responsibility.rbac.objects import BindingKey, Subject


@dataclass(frozen=True, slots=True)
class Ending:
    """A binding of ours that is not wanted as it is; ``still`` are subjects that are entitled.

    If all that takes its place is there, it goes as a whole; else it shrinks to ``still``.
    """

    present: LiveBinding
    owner: Owner | None = None
    still: frozenset[Subject] = frozenset()

    def settled(self, *, blocked: bool) -> bool:
        """Return whether nothing is to be done: what takes its place can't be made, all stay."""
        return blocked and bool(self.still) and self.still == self.present.who

    def shrunk(self) -> dict[str, Any]:
        """Return the binding with those who are still entitled, and nobody else."""
        assert self.owner is not None  # noqa: S101 - without an owner nobody is entitled
        key = self.present.key
        metadata: dict[str, Any] = {"name": key.name, "uid": self.present.uid}
        if key.namespace:
            metadata["namespace"] = key.namespace
        metadata["labels"] = {
            name: value
            for name, value in self.present.labels.items()
            if name == MANAGED_BY_LABEL or name.startswith(KEY_PREFIX)
        }
        metadata["ownerReferences"] = [self.owner.reference()]
        return {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": "RoleBinding" if key.namespace else "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {
                "apiGroup": api_groups.RBAC,
                "kind": "ClusterRole",
                "name": self.present.role.name,
            },
            "subjects": [subject_manifest(subject) for subject in sorted(self.still)],
        }


@dataclass(slots=True)
class GrantChange:
    """The changes for one item in one place, in this order.

    ``blocked`` is whether something that is wanted can't be made, so that endings only shrink.
    """

    blocked: bool = False
    create: list[DesiredBinding] = field(default_factory=list)
    repair: list[tuple[DesiredBinding, LiveBinding]] = field(default_factory=list)
    end: list[Ending] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.create or self.repair or self.end)


@dataclass(frozen=True, slots=True)
class GrantCounts:
    """The state of one item in one place, in numbers.

    ``there`` of ``wanted`` bindings are as they should be; ``conflicts`` are names that somebody
    else has taken.
    """

    item: ItemGrants
    wanted: int = 0
    there: int = 0
    conflicts: tuple[BindingKey, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantDiff:
    """All that is to be done, and how everything stands before that, by owner."""

    changes: tuple[GrantChange, ...]
    counts: Mapping[Owner, tuple[GrantCounts, ...]]

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.changes)


def difference(
    grants: Iterable[Grants], live: Mapping[BindingKey, LiveBinding], *, elsewhere: bool = True
) -> GrantDiff:
    """Return what to do.

    ``grants`` have every record and model that there is: what belongs to none is removed. Without
    ``elsewhere``, ClusterRoleBindings and all that a model owns are left alone.
    """
    known = _Known(tuple(grants))
    by_place = _by_place(known, live.values(), elsewhere=elsewhere)
    changes: list[GrantChange] = []
    counts: dict[Owner, tuple[GrantCounts, ...]] = {}
    for each in known.grants:
        found = []
        for item in each.items:
            here = by_place.pop((each.owner, item.item, item.namespace), [])
            change, compared = _compare(each.owner, item, here, live)
            found.append(compared)
            if change:
                changes.append(change)
        counts[each.owner] = tuple(found)
    changes.extend(
        GrantChange(end=[Ending(present, owner) for present in presents])
        for (owner, _, _), presents in by_place.items()
    )
    return GrantDiff(tuple(changes), counts)


class _Known:
    """Records and models, found by what a binding says of them."""

    def __init__(self, grants: tuple[Grants, ...]) -> None:
        self.grants = grants
        self.wanted = {
            w.key: each.owner for each in grants for item in each.items for w in item.wanted
        }
        self.frozen = {each.owner for each in grants if each.frozen} | {
            (each.owner, item.item, item.namespace)
            for each in grants
            for item in each.items
            if item.frozen
        }
        self._by_label = {each.owner.label: each.owner for each in grants}
        self._by_uid = {each.owner.uid: each.owner for each in grants}

    def owner(self, present: LiveBinding) -> Owner | None:
        """Return what a binding follows from: by its name, else by labels or owners."""
        found = self.wanted.get(present.key)
        if found is not None:
            return found
        for key in (RECORD_LABEL, MODEL_LABEL):
            found = self._by_label.get((key, present.labelled(key)))
            if found is not None:
                return found
        return next((self._by_uid[uid] for uid in present.owners if uid in self._by_uid), None)


def _by_place(
    known: _Known, live: Iterable[LiveBinding], *, elsewhere: bool
) -> dict[tuple[Owner | None, str, str], list[LiveBinding]]:
    """Return our bindings by what they follow from; those that are not to be touched left out."""
    found: dict[tuple[Owner | None, str, str], list[LiveBinding]] = defaultdict(list)
    for present in live:
        if not (present.ours and present.to_item) or present.deleting:
            continue
        owner = known.owner(present)
        of_model = bool(present.labelled(MODEL_LABEL)) or (
            owner is not None and owner.kind == MODEL
        )
        if not elsewhere and (of_model or not present.key.namespace):
            continue
        # Names can't be edited, labels can.
        item = present.key.name.removeprefix(GRANT_PREFIX).rpartition("-")[0]
        place = (owner, item, present.key.namespace)
        if owner not in known.frozen and place not in known.frozen:
            found[place].append(present)
    return found


def _compare(
    owner: Owner, item: ItemGrants, here: list[LiveBinding], live: Mapping[BindingKey, LiveBinding]
) -> tuple[GrantChange, GrantCounts]:
    there = 0
    conflicts = [
        wanted.key
        for wanted in item.wanted
        if (present := live.get(wanted.key)) is not None and not present.can_become(wanted)
    ]
    change = GrantChange(blocked=item.trouble is not None or bool(conflicts))
    for wanted in item.wanted:
        present = live.get(wanted.key)
        if present is None:
            if item.trouble is None:
                change.create.append(wanted)
        elif wanted.key in conflicts:
            continue
        elif present.is_as(wanted):
            there += 1
        elif item.trouble is None and not present.deleting:
            change.repair.append((wanted, present))
    entitled = frozenset(subject for wanted in item.wanted for subject in wanted.subjects)
    repaired = {wanted.key for wanted in item.wanted if item.trouble is None}
    for present in here:
        still = present.who & entitled
        # What can be repaired is; of all else, nobody stays who must not.
        ending = Ending(present, owner, still)
        if present.key not in repaired and not ending.settled(blocked=change.blocked):
            change.end.append(ending)
    return change, GrantCounts(item, len(item.wanted), there, tuple(conflicts))


def conflict(keys: Iterable[BindingKey]) -> GrantTrouble:
    """Return what to say of names that somebody else has taken."""
    named = ", ".join(str(key) for key in keys)
    return GrantTrouble(
        "Conflict",
        f"{named}: there is an object of this name that the operator did not make, and does not "
        "take over: delete it, or have whoever made it choose another name",
    )
