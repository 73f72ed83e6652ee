"""A plan, applied step by step: each only if its object still is what was planned for.

Each write carries the UID and the resourceVersion of the object that was looked at, so an edit by
somebody else in between is refused by the server, looked at again, and only repeated where it did
not touch what the plan is about.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from responsibility import api_groups
from responsibility.api.names import PLAN_LABEL, PLUGIN
from responsibility.cluster.undo import Journal, UndoStep
from responsibility.cluster.undo_form import kept, object_kind, object_path
from responsibility.kube.errors import ApiError, ConflictError, ForbiddenError, NotFoundError
from responsibility.kube.protocol import Json
from responsibility.plans.change import Action, Plan, PlannedChange, rule_json
from responsibility.rbac.identity import canonical, is_somebody
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject
from responsibility.rbac.parse import parse_subject

if TYPE_CHECKING:
    from responsibility.kube.client import Api

_RBAC = f"/apis/{api_groups.RBAC}/v1"
_TRIES = 5


class StepState(StrEnum):
    """The state of one step, as the cluster shows it."""

    TODO = "to do"
    DONE = "done"
    CHANGED = "changed by somebody else"


class StoppedError(Exception):
    """A step could not be made; all before it are. ``cause`` is what the server said, if it did."""

    def __init__(
        self, number: int, step: UndoStep, why: str, cause: ApiError | None = None
    ) -> None:
        super().__init__(number, step, why)
        self.number = number
        self.step = step
        self.why = why
        self.cause = cause

    def __str__(self) -> str:
        """Return where it stopped and why."""
        return f"stopped at step {self.number} ({self.step.what}): {self.why}"


class StaleError(Exception):
    """An object is no longer what the plan was made for."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step that has been made, or that had been made before."""

    number: int
    step: UndoStep
    was: StepState


Tell = Callable[[Progress], None]


async def prepare(api: Api, plan: Plan, *, cluster: str | None = None) -> Journal:
    """Read all objects of a plan and return its steps. Raises StaleError, ApiError.

    Nothing is written. ``cluster`` is the cluster's id, where that is known already.
    """
    steps = [await _prepare(api, change, plan.digest) for change in plan]
    known = await cluster_id(api) if cluster is None else cluster
    journal = Journal(plan.digest, plan.content(), api.host, known, tuple(steps))
    try:
        # As it can be read again, so that the way back is not found shut.
        return Journal.parse(journal.text(), f"what would take plan {plan.digest} back")
    except ValueError as error:
        raise StaleError(str(error)) from error


async def cluster_id(api: Api) -> str:
    """Return what tells this cluster from others, empty if we may not know."""
    try:
        found = await api.get_object("/api/v1/namespaces/kube-system")
    except (ForbiddenError, NotFoundError):
        return ""
    return str(found["metadata"]["uid"])


async def go_on(api: Api, journal: Journal, tell: Tell, *, dry_run: bool = False) -> None:
    """Make all steps that have not been made. Raises StoppedError."""
    for number, step in enumerate(journal.steps, 1):
        was = await _make(api, number, step, dry_run=dry_run)
        tell(Progress(number, step, was))


async def take_back(api: Api, journal: Journal, tell: Tell) -> None:
    """Undo all steps that have been made, the last one first. Raises StoppedError."""
    for number, step in reversed(list(enumerate(journal.steps, 1))):
        was = await _make(api, number, step.back, dry_run=False, undo=True)
        tell(Progress(number, step.back, was))


async def states(api: Api, journal: Journal) -> list[StepState]:
    """Return where each step stands. Raises ApiError."""
    return [_state(step, await _read(api, step.path)) for step in journal.steps]


async def _make(
    api: Api, number: int, step: UndoStep, *, dry_run: bool, undo: bool = False
) -> StepState:
    """Make one step if it has not been made, and return whether it had."""
    refused: ApiError | None = None
    try:
        for _ in range(_TRIES):
            live = await _read(api, step.path)
            state = _state(step, live, undo=undo)
            if state is StepState.DONE:
                return state
            if state is StepState.CHANGED:
                raise StoppedError(number, step, _difference(step, live))
            try:
                await _write(api, step, live, dry_run=dry_run)
            except (ConflictError, NotFoundError) as error:
                if dry_run and isinstance(error, NotFoundError):
                    # A role that a dry run did not really create can't be bound.
                    return StepState.TODO
                # Somebody was quicker: look at what it is now.
                refused = error
                continue
            return StepState.TODO
    except ApiError as error:
        raise StoppedError(number, step, _refusal(error), error) from error
    raise StoppedError(number, step, f"again and again, {refused}", refused)


async def _write(api: Api, step: UndoStep, live: Json | None, *, dry_run: bool) -> None:
    if live is None:
        collection = step.path.rpartition("/")[0]
        await api.create(collection, step.made, params={"fieldManager": PLUGIN}, dry_run=dry_run)
        return
    meta = live["metadata"]
    uid, version = str(meta["uid"]), str(meta["resourceVersion"])
    if step.after is None:
        await api.delete(step.path, uid=uid, resource_version=version, dry_run=dry_run)
        return
    body = {"metadata": {"uid": uid, "resourceVersion": version}, **step.edit(live)}
    await api.merge(step.path, body, field_manager=PLUGIN, dry_run=dry_run)


async def _read(api: Api, path: str) -> Json | None:
    try:
        return await api.get_object(path)
    except NotFoundError:
        return None


def _state(step: UndoStep, live: Json | None, *, undo: bool = False) -> StepState:
    if live is None:
        if step.after is None:
            return StepState.DONE
        return StepState.TODO if step.before is None else StepState.CHANGED
    if step.after is not None and _same(live, step.after, by_name=step.before is None or undo):
        return StepState.DONE
    if step.before is not None and _was(step.before, live):
        return StepState.TODO
    return StepState.CHANGED


def _was(before: Json, live: Json) -> bool:
    """Return whether an object is as it was; what a plan has created, no file knows the UID of."""
    if "uid" in before["metadata"]:
        return _same(live, before, by_name=False)
    ours = before["metadata"]["labels"][PLAN_LABEL]
    labels = live["metadata"].get("labels") or {}
    return labels.get(PLAN_LABEL) == ours and _same(live, before, by_name=True)


def _same(live: Json, wanted: Json, *, by_name: bool) -> bool:
    """Return whether an object is the one that is meant, with the content that is meant."""
    if not by_name and live["metadata"].get("uid") != wanted["metadata"].get("uid"):
        return False
    return essence(live) == essence(wanted)


def essence(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an object rights depend on."""
    namespace = raw["metadata"].get("namespace") or ""
    return {
        "roleRef": [(raw.get("roleRef") or {}).get(key) for key in ("kind", "name")],
        "subjects": sorted(set(_subjects(raw, namespace))),
        "rules": [{k: v for k, v in rule.items() if v} for rule in raw.get("rules") or ()],
        "aggregation": raw.get("aggregationRule"),
        "deleted": bool(raw["metadata"].get("deletionTimestamp")),
    }


def _subjects(raw: Mapping[str, Any], namespace: str) -> list[Subject]:
    parsed = (parse_subject(each, namespace) for each in raw.get("subjects") or ())
    return [canonical(each) for each in parsed if is_somebody(each)]


def _difference(step: UndoStep, live: Json | None) -> str:
    if live is None:
        return "it is gone"
    if step.before is None:
        return "there is another object of that name"
    if live["metadata"].get("uid") != step.before["metadata"].get("uid"):
        return "it was deleted and made anew"
    return "it was changed by somebody else since the plan was made"


def _refusal(error: ApiError) -> str:
    if isinstance(error, ForbiddenError):
        return f"you lack a right: {error.message or error}"
    return str(error)


# --- from a change to a step ---------------------------------------------------------------------


async def _prepare(api: Api, change: PlannedChange, digest: str) -> UndoStep:
    path = object_path(change.key)
    live = await _read(api, path)
    if change.action in (Action.CREATE_ROLE, Action.CREATE_BINDING):
        made = manifest(change, digest)
        if live is not None and not _same(live, made, by_name=True):
            raise StaleError(f"{change.key}: there is another object of that name")
        return UndoStep.of(change.action.value, path, None, made)
    if live is None:
        raise StaleError(f"{change.key} is gone")
    if change.uid and live["metadata"].get("uid") != change.uid:
        raise StaleError(f"{change.key} was deleted and made anew")
    _check(change, live)
    before = kept(live)
    if change.action is Action.DELETE_BINDING:
        return UndoStep.of(change.action.value, path, before, None)
    after = copy.deepcopy(before)
    if change.action is Action.NARROW_ROLE:
        after["rules"] = [rule_json(rule) for rule in change.rules_after]
    else:
        after["subjects"] = [
            raw
            for raw in live.get("subjects") or ()
            if canonical(parse_subject(raw, change.key.namespace)) not in change.removes
        ]
    return UndoStep.of(change.action.value, path, before, after)


def _check(change: PlannedChange, live: Json) -> None:
    """Raise StaleError if an object has another content than the plan was made for."""
    found = essence(live)
    if change.action is Action.NARROW_ROLE:
        if found["rules"] != [rule_json(rule) for rule in change.rules_before]:
            raise StaleError(f"{change.key} has other rules by now")
        return
    assert change.role is not None  # noqa: S101 - bindings have one
    if found["roleRef"] != [object_kind(change.role), change.role.name]:
        raise StaleError(f"{change.key} binds another role by now")
    if found["subjects"] != sorted(change.before):
        raise StaleError(f"{change.key} has other subjects by now")


def manifest(change: PlannedChange, digest: str = "") -> Json:
    """Return the object that a change creates, labelled with the plan that it is of."""
    key = change.key
    metadata: Json = {"name": key.name}
    if digest:
        metadata["labels"] = {PLAN_LABEL: digest}
    if key.namespace:
        metadata["namespace"] = key.namespace
    body: Json = {
        "apiVersion": f"{api_groups.RBAC}/v1",
        "kind": object_kind(key),
        "metadata": metadata,
    }
    if change.role is None:
        return body | {"rules": [rule_json(rule) for rule in change.rules_after]}
    return body | {
        "roleRef": {
            "apiGroup": api_groups.RBAC,
            "kind": object_kind(change.role),
            "name": change.role.name,
        },
        "subjects": [_subject_json(subject) for subject in change.after],
    }


def _subject_json(subject: Subject) -> Json:
    if subject.kind == SERVICE_ACCOUNT:
        return {"kind": str(subject.kind), "name": subject.name, "namespace": subject.namespace}
    return {"kind": str(subject.kind), "name": subject.name, "apiGroup": api_groups.RBAC}
