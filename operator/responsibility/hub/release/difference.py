"""Differences of one object from what Helm deployed: field by field, as far as they mean something.

Compared is what the release's manifest says of a field, so that defaults, and whatever controllers
and webhooks fill in, are no difference. What somebody *added* is told by who wrote it
(``field_managers``): what Helm's own request brought, a webhook's sidecar among it, is not. Labels
and annotations are compared as far as the manifest sets them: others put theirs there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from responsibility.hub.release import sameness
from responsibility.hub.release.changes import LONGEST, Act, Change, ObjectName
from responsibility.hub.release.field_managers import EntryOf, FieldManagers, FieldWriter, Step
from responsibility.subject_kinds import SubjectKind

EACH: Final = "[*]"
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

# Entries of managers that are asked about one object; somebody could write them by the thousand.
_MOST_ASKED: Final = 100_000
_DEEPEST: Final = 48

_ANYTHING: Final = "*"
# The kinds of which values are told at all.
_KNOWN: Final = frozenset(
    {
        "DaemonSet",
        "Deployment",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "ResourceQuota",
        "Service",
        "StatefulSet",
    }
)
# What is nobody's doing, or everybody's, by kind and path: `*` is any kind.
_PASSED_OVER: Final[Mapping[str, frozenset[tuple[str, ...]]]] = {
    "*": frozenset(
        {
            ("apiVersion",),
            ("kind",),
            ("status",),
            ("metadata", "name"),
            ("metadata", "namespace"),
            ("metadata", "creationTimestamp"),
            ("metadata", "annotations", "deployment.kubernetes.io/revision"),
            ("metadata", "annotations", "deprecated.daemonset.template.generation"),
            ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
        }
    ),
    # Put there by whoever keeps certificates, such as cert-manager.
    "APIService": frozenset({("spec", "caBundle")}),
    "CustomResourceDefinition": frozenset(
        {("spec", "conversion", "webhook", "clientConfig", "caBundle")}
    ),
    "MutatingWebhookConfiguration": frozenset({("webhooks", EACH, "clientConfig", "caBundle")}),
    "ValidatingWebhookConfiguration": frozenset({("webhooks", EACH, "clientConfig", "caBundle")}),
    "PersistentVolumeClaim": frozenset({("spec", "volumeName")}),
    # Of legacy tokens, and of OpenShift's registry.
    str(SubjectKind.SERVICE_ACCOUNT): frozenset({("secrets",), ("imagePullSecrets",)}),
}
# Where only what the manifest sets is looked at: others have their own there.
_SHARED: Final = frozenset({"annotations", "finalizers", "labels", "ownerReferences"})
# Fields whose values are no secrets: their last keys, and one before them where it takes that.
_SHOWN: Final[tuple[tuple[str, ...], ...]] = (
    ("image",),
    ("imagePullPolicy",),
    ("replicas",),
    ("limits", _ANYTHING),
    ("requests", _ANYTHING),
    ("hard", _ANYTHING),
    ("minAvailable",),
    ("maxUnavailable",),
    ("port",),
    ("targetPort",),
    ("nodePort",),
    ("serviceAccountName",),
    ("storageClassName",),
    ("spec", "type"),
)

_NOBODY: Final = FieldWriter("", "")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Found:
    """A difference at a place; values are missing where there is none, or they are no scalars."""

    place: tuple[Step, ...]
    act: Act
    wanted: object = None
    found: object = None
    # An entry of a list that has its keys: the API server adds none by itself.
    entry: bool = False


def changes(
    wanted: Json, found: Json, about: ObjectName, managers: FieldManagers, *, scaled: bool = False
) -> Iterator[Change]:
    """Yield what of an object, as it is ``found``, is not as it was deployed.

    Both are sealed. ``scaled`` is whether an autoscaler sets its replicas. Of an object with more
    differences and managers than any has, the last are told without asking who made them.
    """
    asked = 0
    for each in _Comparison(about.kind, managers).of(wanted, found):
        if scaled and each.place == ("spec", "replicas"):
            continue
        asked += managers.count
        writer = _NOBODY if asked > _MOST_ASKED else _writer(each, managers)
        if writer is None:
            continue
        shown = about.kind in _KNOWN and _is_shown(each.place)
        yield Change(
            about,
            path_text(each.place),
            each.act,
            _steps(each.place),
            writer.manager,
            writer.at,
            _text(each.wanted) if shown else "",
            _text(each.found) if shown else "",
        )


def deleted(about: ObjectName) -> Change:
    """Return that an object is not there any more; nobody can tell who has deleted it."""
    return Change(about, "", Act.DELETED)


def path_text(place: Sequence[Step]) -> str:
    """Return a place for people: ``spec.template.spec.containers[hub].image``."""
    text = ""
    for step in place:
        if isinstance(step, EntryOf):
            text += f"[{'/'.join(str(value) for _, value in step.keys)}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def _writer(each: _Found, managers: FieldManagers) -> FieldWriter | None:
    """Return who has made a difference, None where nobody has."""
    others = managers.others(each.place)
    if each.act is Act.ADDED:
        if others:
            return others[0]
        # Of what is Helm's, a webhook's at its request; a default is nobody's.
        return managers.last if each.entry and not managers.by_helm(each.place) else None
    if others:
        return others[0]
    if each.act is Act.CHANGED and managers.by_helm(each.place):
        # As Helm deployed it: a webhook has changed its request.
        return None
    # What is taken away is nobody's, and who has taken away nothing else has no entry at all.
    return managers.last


@dataclass(frozen=True, slots=True)
class _Comparison:
    kind: str
    managers: FieldManagers

    def of(self, wanted: Json, found: Json) -> Iterator[_Found]:
        yield from self._map(wanted, found, ())

    def _passes(self, place: tuple[Step, ...]) -> bool:
        steps = _steps(place)
        return steps in _PASSED_OVER["*"] or steps in _PASSED_OVER.get(self.kind, ())

    def _map(self, wanted: Json, found: Json, place: tuple[Step, ...]) -> Iterator[_Found]:
        aggregated = self.kind == "ClusterRole" and "aggregationRule" in wanted
        for key, value in wanted.items():
            here = (*place, key)
            # Rules that are aggregated are those of other roles.
            if self._passes(here) or (aggregated and here == ("rules",)):
                continue
            if value is None or value == "" or sameness.allotted(key, value):
                # What says nothing leaves the field to others, as if it weren't there.
                if found.get(key) not in (None, "") and not sameness.allotted(key, value):
                    yield from self._added(found[key], here)
            elif found.get(key) is None:
                if not sameness.left_out(key, value):
                    yield _Found(here, Act.REMOVED, value, None)
            else:
                yield from self._value(value, found[key], here)
        if not self._is_shared(place):
            for key in found.keys() - wanted.keys():
                yield from self._added(found[key], (*place, key))

    def _is_shared(self, place: tuple[Step, ...]) -> bool:
        """Whether others have their own there: in metadata, of whatever depth."""
        return bool(place) and (place[-1] == "metadata" or place[-1] in _SHARED)

    def _added(self, value: object, place: tuple[Step, ...]) -> Iterator[_Found]:
        if place[-1] in _SHARED or place == ("metadata",) or self._passes(place):
            return
        if not sameness.is_default(str(place[-1]), value):
            yield _Found(place, Act.ADDED, None, value)

    def _value(self, wanted: Any, found: Any, place: tuple[Step, ...]) -> Iterator[_Found]:  # noqa: ANN401 - any JSON
        if len(place) > _DEEPEST:
            if wanted != found:
                yield _Found(place, Act.CHANGED)
        elif isinstance(wanted, dict):
            if isinstance(found, dict):
                yield from self._map(wanted, found, place)
            else:
                yield _Found(place, Act.CHANGED)
        elif isinstance(wanted, list):
            yield from self._list(wanted, found, place)
        elif isinstance(found, (dict, list)):
            yield _Found(place, Act.CHANGED, wanted, None)
        elif not sameness.same_scalar(wanted, found, _keys(place)):
            yield _Found(place, Act.CHANGED, wanted, found)

    def _list(self, wanted: list[Any], found: Any, place: tuple[Step, ...]) -> Iterator[_Found]:  # noqa: ANN401 - any JSON
        if not isinstance(found, list):
            yield _Found(place, Act.CHANGED)
            return
        pairs = [self._entries(each, place) for each in (wanted, found)]
        if pairs[0] is None or pairs[1] is None:
            yield from self._whole(wanted, found, place)
            return
        for keys, entry in pairs[0].items():
            here = (*place, EntryOf(keys))
            if keys not in pairs[1]:
                yield _Found(here, Act.REMOVED)
            else:
                yield from self._map(entry, pairs[1][keys], here)
        for keys in pairs[1].keys() - pairs[0].keys():
            here = (*place, EntryOf(keys))
            if not self._passes(here) and not self._passes(place):
                yield _Found(here, Act.ADDED, entry=True)

    def _entries(self, entries: list[Any], place: tuple[Step, ...]) -> sameness.Entries | None:
        """Return the entries of a list by their keys; None for one that is taken as a whole."""
        name = str(place[-1])
        if name == "ports" and self.kind != "Service" and not isinstance(place[-2], EntryOf):
            # Of a policy.
            return None
        return sameness.by_keys(name, entries, service=self.kind == "Service")

    def _whole(
        self, wanted: list[Any], found: list[Any], place: tuple[Step, ...]
    ) -> Iterator[_Found]:
        if not wanted:
            if found:
                yield from self._added(found, place)
            return
        keys = _keys(place)
        if not sameness.says_all(wanted, found, keys):
            yield _Found(place, Act.CHANGED)
        elif self.managers.others(place):
            # Somebody has written it as one: then what it says beyond what was deployed counts.
            more = sameness.without_defaults(found)
            if not sameness.says_all(more, wanted, keys):
                yield _Found(place, Act.CHANGED)


def _keys(place: Sequence[Step]) -> tuple[str, ...]:
    return tuple(step for step in place if isinstance(step, str))


def _steps(place: Sequence[Step]) -> tuple[str, ...]:
    return tuple(EACH if isinstance(step, EntryOf) else step for step in place)


def _is_shown(place: Sequence[Step]) -> bool:
    keys = _keys(place)
    return (
        any(
            len(keys) >= len(last)
            and all(w in (_ANYTHING, k) for w, k in zip(last, keys[-len(last) :], strict=True))
            for last in _SHOWN
        )
        and "annotations" not in keys
        and "labels" not in keys
        and "data" not in keys
    )


def _text(value: object) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = str(value)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
