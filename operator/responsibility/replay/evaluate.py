"""The policies' answer to one request: refused, warned, nothing – or that it can't be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from responsibility.admission import annotation_entries
from responsibility.admission.policies.guards import CREATE, DELETE, UPDATE
from responsibility.admission.policies.kinds import SCALE
from responsibility.api.names import (
    API_GROUP,
    DELEGATIONS,
    MARKER_VERB,
    break_glass_name,
    is_our_key,
)
from responsibility.replay.audit_event import Request
from responsibility.replay.cel.functions import AuthorizerQuestion
from responsibility.replay.cel.nodes import Frame, Node, truth
from responsibility.replay.cel.program import Program
from responsibility.replay.cel.unknown import EvaluationError, PartialMap, UnknownError
from responsibility.replay.object_store import OTHER_VERSION, Objects
from responsibility.replay.policies import Compiled, Policy, policies, with_name
from responsibility.replay.stages_at import StagesAt

_DENY = "Deny"
_NAMESPACES = "namespaces"
_ABOUT = "a request about which the log says too little"
_NOT_ASKED = "whether there was anything to delete, the log doesn't say"


# A policy, the actions of its bindings, and whether it sees objects in another version.
_Matching = tuple[Policy, tuple[str, ...], bool]


class Effect(StrEnum):
    """The effect on a request, the worst first."""

    REFUSED = "refused"
    WARNED = "warned"
    POSSIBLE = "possible"


_GRAVITY = {effect: place for place, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """The verdict of one policy on a request.

    ``fields`` are those of the item that the request changes, ``reason`` is what can't be known.
    ``glass`` is whether it is let through for breaking the glass.
    """

    policy: str
    items: tuple[str, ...]
    effect: Effect
    fields: tuple[str, ...] = ()
    reason: str = ""
    glass: bool = False


@dataclass(slots=True)
class _Dates:
    """The authorizer, as far as delegations until a date ask it."""

    namespace: str
    at: datetime | None
    now: datetime

    def allows(self, question: AuthorizerQuestion) -> bool:
        """Return whether a marker's date has not come yet."""
        asked = (question.group, question.resource, question.namespace, question.verb)
        marker = (
            API_GROUP,
            DELEGATIONS,
            self.namespace,
            MARKER_VERB,
        )
        if asked == marker and question.account is not None:
            date = annotation_entries.marker_date(question.account[1])
            return date is not None and (self.at or self.now) < date
        raise UnknownError("the policy asks what RBAC allowed at the time")


@dataclass(slots=True)
class Evaluator:
    """Evaluates requests, one after the other, in the order of the log.

    ``at`` is the moment by which delegations are judged, None for the time of each request.
    """

    stages_at: StagesAt
    at: datetime | None = None
    objects: Objects = field(default_factory=Objects)
    _program: Program = field(default_factory=Program)
    _policies: dict[str, list[Policy]] = field(default_factory=dict)
    _dates: _Dates = field(init=False)
    _found: dict[tuple[str, ...], list[_Matching]] = field(default_factory=dict)
    _compared: frozenset[tuple[str, str]] = frozenset()
    _by_name: frozenset[tuple[str, str]] = frozenset()
    _namespaces: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Sort the policies."""
        self._policies = {
            model: policies(manifests) for model, manifests in self.stages_at.policies.items()
        }
        self._dates = _Dates(self.stages_at.operator, self.at, datetime.min.replace(tzinfo=UTC))
        rules = [r for known in self._policies.values() for p in known for r in p.rules]
        self._compared = frozenset(
            (group, resource.partition("/")[0])
            for rule in rules
            if UPDATE in rule["operations"]
            for group, resource in _resources(rule)
        )
        self._by_name = frozenset(
            one for rule in rules if rule.get("resourceNames") for one in _resources(rule)
        )
        self._namespaces = frozenset(self.stages_at.hubs) | frozenset(
            name for known in self._policies.values() for p in known for name in p.namespaces()
        )

    def concerns(self, namespace: str) -> bool:
        """Return whether requests in a namespace can be of interest at all."""
        return namespace in self._namespaces

    def judge(self, request: Request) -> list[PolicyVerdict]:
        """Return what policies say of a request."""
        worst: dict[str, PolicyVerdict] = {}
        for each in _each(request):
            for verdict in self._judged(each):
                known = worst.setdefault(verdict.policy, verdict)
                if _GRAVITY[verdict.effect] < _GRAVITY[known.effect]:
                    worst[verdict.policy] = verdict
        return list(worst.values())

    def _judged(self, request: Request) -> list[PolicyVerdict]:
        matching = [
            (self._item(model, policy), policy, actions, converted)
            for model in self._models(request)
            for policy, actions, converted in self._matching(model, request)
        ]
        # Policies share what their expressions have in common, so they share a frame.
        frames: dict[bool, Frame] = {}
        found: list[PolicyVerdict] = []
        compiled = [policy.compiled(self._program) for _, policy, _, _ in matching]
        for (item, policy, actions, converted), expressions in zip(matching, compiled, strict=True):
            if converted not in frames:
                frames[converted] = self._frame(request, converted=converted)
            one = _One(item, actions, expressions, request, frames[converted])
            verdict = one.verdict(policy.name)
            if verdict is not None:
                found.append(verdict)
        return found

    def learn(self, request: Request) -> None:
        """Remember what a request has led to."""
        if (request.group, request.resource) in self._compared:
            self.objects.learn(request)

    def _models(self, request: Request) -> Sequence[str]:
        hub = self.stages_at.hubs.get(request.namespace)
        # The policies of the cluster are those of all models.
        hub_model = [hub.model] if hub is not None else []
        return [*hub_model, *(model for model in self._policies if model not in hub_model)]

    def _matching(self, model: str, request: Request) -> list[_Matching]:
        key = (
            model,
            request.operation,
            request.group,
            request.version,
            request.full_resource,
            request.namespace,
            request.name if (request.group, request.full_resource) in self._by_name else "",
        )
        if key not in self._found:
            if len(self._found) > 100_000:  # noqa: PLR2004 - namespaces × resources, and then some
                self._found.clear()
            hub = self.stages_at.hubs.get(request.namespace)
            mine = hub is not None and hub.model == model
            labels = with_name(hub.keys.labels if hub and mine else {}, request.namespace)
            self._found[key] = [
                (policy, actions, not policy.matches(request))
                for policy in self._policies[model]
                if (actions := tuple(policy.matching(request, labels)))
            ]
        return self._found[key]

    def _item(self, model: str, policy: Policy) -> str:
        """Return the item that a policy is about; those of the cluster are about several."""
        return self.stages_at.items[model].get(policy.name, "")

    def _frame(self, request: Request, *, converted: bool) -> Frame:
        self._dates.now = request.when
        notes = self._notes(request)
        objects = self.objects
        about_namespace = request.resource == _NAMESPACES and not request.group

        def remembered(get: Callable[[Request], Any]) -> Callable[[], Any]:
            def value() -> Any:  # noqa: ANN401 - whatever JSON holds
                if converted and request.subresource != SCALE:
                    raise UnknownError(OTHER_VERSION)
                return get(request)

            return value

        new, old = remembered(objects.new), remembered(objects.old)
        if about_namespace and request.operation != CREATE:
            new, old = _supposed_object(new, notes), _supposed_object(old, notes)
        if request.operation == DELETE:
            new = _nothing
        namespace: Any = None
        if request.namespace and not about_namespace:
            metadata = {"name": request.namespace, "annotations": notes}
            namespace = PartialMap({"metadata": PartialMap(metadata, _ABOUT)}, _ABOUT)
        return self._program.frame(
            _asked(request), namespace, {"object": new, "oldObject": old}, self._dates
        )

    def _notes(self, request: Request) -> PartialMap:
        hub = self.stages_at.hubs.get(request.namespace)
        notes = hub.keys.annotations if hub is not None else {}
        return PartialMap(notes, _ABOUT, absent=is_our_key)


@dataclass(frozen=True, slots=True)
class _One:
    """One policy and one request."""

    item: str
    actions: tuple[str, ...]
    compiled: Compiled
    request: Request
    frame: Frame

    def verdict(self, policy: str) -> PolicyVerdict | None:
        """Return what the policy says, None if it has nothing against the request."""
        glass = bool(self.item) and policy == break_glass_name(self.item)
        try:
            if not _failed(self.compiled, self.frame):
                return None
        except UnknownError as unknown:
            return PolicyVerdict(policy, self._items(), Effect.POSSIBLE, (), str(unknown), glass)
        effect, reason = Effect.REFUSED if _DENY in self.actions else Effect.WARNED, ""
        if self.request.of_many and not _has_items(self.request):
            if self.request.answer is not None:
                return None
            effect, reason = Effect.POSSIBLE, _NOT_ASKED
        fields = _texts(self.compiled.fields, self.frame)
        return PolicyVerdict(policy, self._items(), effect, fields, reason, glass)

    def _items(self) -> tuple[str, ...]:
        return (self.item,) if self.item else _texts(self.compiled.items, self.frame)


def _resources(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((group, resource) for group in rule["apiGroups"] for resource in rule["resources"])


def _failed(compiled: Compiled, frame: Frame) -> bool:
    """Return whether a validation doesn't hold; an error is one that doesn't."""
    unknown: UnknownError | None = None
    try:
        for condition in compiled.conditions:
            if not truth(condition(frame)):
                return False
    except UnknownError:
        raise
    except EvaluationError:
        return True
    for validation in compiled.validations:
        try:
            if not truth(validation(frame)):
                return True
        except UnknownError as error:
            unknown = error
        except EvaluationError:
            return True
    if unknown is not None:
        raise unknown
    return False


def _texts(node: Node | None, frame: Frame) -> tuple[str, ...]:
    if node is None:
        return ()
    try:
        return tuple(dict.fromkeys(str(text) for text in node(frame)))
    except EvaluationError:
        return ()


def _each(request: Request) -> Iterator[Request]:
    """Yield the requests that admission was asked about: each object of a collection is one."""
    if not (request.of_many and _has_items(request)):
        yield request
        return
    assert request.answer is not None  # noqa: S101 - it has items
    for entry in request.answer["items"]:
        metadata = entry.get("metadata") if isinstance(entry, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        yield replace(request, name=name if isinstance(name, str) else "")


def _has_items(request: Request) -> bool:
    return request.answer is not None and bool(request.answer.get("items"))


def _nothing() -> None:
    return None


def _supposed_object(get: Callable[[], Any], notes: PartialMap) -> Callable[[], Any]:
    """Return a Namespace with the labels and annotations that the operator would have written."""

    def value() -> Any:  # noqa: ANN401 - whatever JSON holds
        try:
            found = get()
        except UnknownError as unknown:
            little = PartialMap({"annotations": notes}, str(unknown))
            return PartialMap({"metadata": little}, str(unknown))
        metadata = dict(found.get("metadata") or {})
        foreign = {
            k: v for k, v in (metadata.get("annotations") or {}).items() if not is_our_key(k)
        }
        metadata["annotations"] = {**foreign, **notes.known}
        labels = metadata.get("labels") or {}
        metadata["labels"] = {k: v for k, v in labels.items() if not is_our_key(k)}
        return {**found, "metadata": metadata}

    return value


def _asked(request: Request) -> PartialMap:
    """Return what policies know as ``request``."""
    resource = {
        "group": request.group,
        "version": request.version,
        "resource": request.resource,
    }
    review: dict[str, Any] = {
        "operation": request.operation,
        "resource": resource,
        "userInfo": PartialMap(
            request.who.info(), _ABOUT, absent=lambda key: key in ("username", "groups", "uid")
        ),
        "dryRun": False,
    }
    optional = {
        "name": request.name,
        "namespace": request.namespace,
        "subResource": request.subresource,
    }
    review.update((key, text) for key, text in optional.items() if text)
    return PartialMap(review, _ABOUT, absent=lambda key: key in optional)
