"""The form of an undo file: exactly what a plan's steps can hold, and nothing else.

Somebody else may have written the file (a ConfigMap, an attachment), and what it says is done with
the rights of whoever takes it back. So there is one form for each kind of step: no field that is
not known, no object elsewhere than its path says, nothing in it that the approved plan, whose
digest is in it as well, does not have. What the fields of the objects may be is the API's own
(``staging/src/k8s.io/api/rbac/v1/types.go``, ``pkg/apis/rbac/validation/validation.go``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NoReturn
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from responsibility import api_groups
from responsibility.api.names import PLAN_LABEL
from responsibility.plans.change import Action, PlannedChange, canonical, paper
from responsibility.plans.deletions import is_paper_of
from responsibility.plans.simulate import somebodies
from responsibility.rbac.objects import BindingKey, RoleKey
from responsibility.rbac.parse import parse_binding, parse_role
from responsibility.subject_kinds import SubjectKind, subject_kind

KIND: Final = "ResponsibilityUndo"
VERSION: Final = 2
# Characters; the largest plan that anybody has seen takes a tenth.
MOST_TEXT: Final = 64 * 1024 * 1024
_API_VERSION = f"{api_groups.RBAC}/v1"

Json = dict[str, Any]


class FormError(ValueError):
    """A text that has not the form; it begins with the field."""


def _one_of(*texts: str) -> AfterValidator:
    def check(text: str) -> str:
        if text not in texts:
            raise ValueError(f"is none of {', '.join(map(repr, map(str, texts)))}")
        return text

    return AfterValidator(check)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)


class _Owner(_Strict):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class _Metadata(_Strict):
    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None
    finalizers: list[str] | None = None
    # What the server writes itself, by which an object is known again; it is never sent.
    uid: str | None = None
    resource_version: str | None = None
    creation_timestamp: str | None = None
    generation: int | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None


class _RoleRef(_Strict):
    api_group: Annotated[str, _one_of(api_groups.RBAC)]
    kind: Literal["Role", "ClusterRole"]
    name: Annotated[str, Field(min_length=1)]


class _Subject(_Strict):
    kind: Annotated[str, _one_of(*SubjectKind)]
    name: str
    namespace: str | None = None
    api_group: Annotated[str, _one_of("", api_groups.RBAC)] | None = None


class _Rule(_Strict):
    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = Field(default=None, alias="nonResourceURLs")


class _Binding(_Strict):
    api_version: Annotated[str, _one_of(_API_VERSION)]
    metadata: _Metadata
    kind: Literal["RoleBinding", "ClusterRoleBinding"]
    role_ref: _RoleRef
    subjects: list[_Subject] | None = None


class _Role(_Strict):
    api_version: Annotated[str, _one_of(_API_VERSION)]
    metadata: _Metadata
    kind: Literal["Role", "ClusterRole"]
    rules: list[_Rule] | None = None


_Object = _Binding | _Role
_AnyObject = Annotated[_Object, Field(discriminator="kind")]


class _Step(_Strict):
    action: Literal[
        "create-role", "create-binding", "narrow-role", "edit-binding", "delete-binding"
    ]
    what: str
    path: str
    before: _AnyObject | None
    after: _AnyObject | None


class _Plan(_Strict):
    """What the digest is made of (``plans.change.Plan.content``)."""

    aim: str
    routes: bool
    changes: list[dict[str, Any]]


class _File(_Strict):
    kind: Literal["ResponsibilityUndo"]
    version: Literal[2]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    host: str
    cluster: str
    plan: _Plan
    steps: list[_Step]


# Which tag of the union above stands in the place of an error, where no field does.
_TAGS = frozenset({"RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole"})
_REASONS = {
    "extra_forbidden": "no such field belongs there",
    "missing": "is missing",
}


@dataclass(frozen=True, slots=True)
class _StepForm:
    """Which objects one kind of step is about, and whether it has a before and an after."""

    shape: type[_Binding] | type[_Role]
    before: bool
    after: bool


_FORMS: Mapping[Action, _StepForm] = {
    Action.CREATE_ROLE: _StepForm(_Role, before=False, after=True),
    Action.CREATE_BINDING: _StepForm(_Binding, before=False, after=True),
    Action.NARROW_ROLE: _StepForm(_Role, before=True, after=True),
    Action.EDIT_BINDING: _StepForm(_Binding, before=True, after=True),
    Action.DELETE_BINDING: _StepForm(_Binding, before=True, after=False),
}


def parse(text: str) -> Json:
    """Return what an undo file says, each object in the one form that is sent.

    Raises FormError, which names the field.
    """
    if len(text) > MOST_TEXT:
        raise FormError("it is too large")
    try:
        raw = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except RecursionError:
        raise FormError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise FormError(f"it was cut off, or is no JSON: {error}") from None
    if isinstance(raw, dict) and raw.get("kind") == KIND and raw.get("version") != VERSION:
        raise FormError(f"version: is {raw.get('version')!r}, and not {VERSION}")
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        raise FormError(_first(error)) from None
    _check(file, raw["plan"])
    found = file.model_dump(by_alias=True, exclude_none=True, exclude={"plan", "steps"})
    steps = [
        {
            "action": step.action,
            "what": step.what,
            "path": step.path,
            "before": _dumped(step.before),
            "after": _dumped(step.after),
        }
        for step in file.steps
    ]
    return found | {"plan": raw["plan"], "steps": steps}


def kept(live: Mapping[str, Any]) -> Json:
    """Return what of an object of the API server an undo file holds.

    ``managedFields`` and the like say nothing of what the object is.
    """
    known = {to_camel(name) for name in _Metadata.model_fields}
    metadata = {k: v for k, v in live["metadata"].items() if k in known and v is not None}
    return {**{k: v for k, v in live.items() if v is not None}, "metadata": metadata}


def change_of(action: str, before: Json | None, after: Json | None) -> PlannedChange:
    """Return the change that a step is, made from its objects alone."""
    one = before if before is not None else after
    assert one is not None  # noqa: S101 - the form has one
    if "roleRef" not in one:
        roles = [None if raw is None else parse_role(raw) for raw in (before, after)]
        rules = [() if role is None else role.rules for role in roles]
        (key, *_) = (role.key for role in roles if role is not None)
        return PlannedChange(
            Action(action), key, one["metadata"].get("uid", ""),
            rules_before=rules[0], rules_after=rules[1],
        )  # fmt: skip
    bindings = [None if raw is None else parse_binding(raw) for raw in (before, after)]
    who = [() if each is None else tuple(sorted(somebodies(each))) for each in bindings]
    (binding, *_) = (each for each in bindings if each is not None)
    return PlannedChange(
        Action(action), binding.key, binding.uid, role=binding.role, before=who[0], after=who[1]
    )


def object_path(key: BindingKey | RoleKey) -> str:
    """Return where the API has an object."""
    collection = f"{object_kind(key).lower()}s"
    where = f"/namespaces/{key.namespace}" if key.namespace else ""
    return f"/apis/{_API_VERSION}{where}/{collection}/{quote(key.name, safe=':')}"


def object_kind(key: BindingKey | RoleKey) -> str:
    """Return the kind of an object as the API names it."""
    kind = "RoleBinding" if isinstance(key, BindingKey) else "Role"
    return kind if key.namespace else f"Cluster{kind}"


# --- what the shapes can't say --------------------------------------------------------------------


def _check(file: _File, plan: Mapping[str, Any]) -> None:
    if not is_paper_of(paper(plan), file.digest):
        raise FormError("digest: is not that of the plan in the file")
    if len(file.steps) != len(file.plan.changes):
        raise FormError("steps: are not as many as the plan has changes")
    paths = [step.path for step in file.steps]
    for number, (step, planned) in enumerate(zip(file.steps, file.plan.changes, strict=True)):
        at = f"steps[{number}]"
        if step.path in paths[:number]:
            raise FormError(f"{at}.path: another step is about the same object")
        _check_step(at, step, file.digest)
        _check_planned(number, step, planned)


def _check_step(at: str, step: _Step, digest: str) -> None:
    form = _FORMS[Action(step.action)]
    for name, wanted in (("before", form.before), ("after", form.after)):
        one = getattr(step, name)
        if (one is not None) != wanted:
            raise FormError(f"{at}.{name}: a {step.action} has {'one' if wanted else 'none'}")
        if one is None:
            continue
        if not isinstance(one, form.shape):
            raise FormError(f"{at}.{name}.kind: a {step.action} is not about a {one.kind}")
        _check_object(f"{at}.{name}", one)
        if object_path(_key(one)) != step.path:
            raise FormError(f"{at}.path: {at}.{name} is another object")
    if step.before is None and step.after is not None:
        made = _Metadata(
            name=step.after.metadata.name,
            namespace=step.after.metadata.namespace,
            labels={PLAN_LABEL: digest},
        )
        if step.after.metadata != made:
            raise FormError(f"{at}.after.metadata: a plan writes a name and its own label only")
    elif step.before is not None and not step.before.metadata.uid:
        raise FormError(f"{at}.before.metadata.uid: is missing")
    if step.before is not None and step.after is not None:
        _check_edit(at, step.before, step.after)
    change = change_of(step.action, _dumped(step.before), _dumped(step.after))
    if step.what != str(change):
        raise FormError(f"{at}.what: says another thing than its objects ({change})")


def _check_object(at: str, one: _Object) -> None:
    metadata = one.metadata
    cluster_wide = one.kind.startswith("Cluster")
    if bool(metadata.namespace) is cluster_wide:
        raise FormError(
            f"{at}.metadata.namespace: {'a' if cluster_wide else 'no'} namespace is there"
        )
    for name, value in (("name", metadata.name), ("namespace", metadata.namespace)):
        if value is not None and not _is_path_segment(value):
            raise FormError(f"{at}.metadata.{name}: is no name")
    if not isinstance(one, _Binding):
        return
    if cluster_wide and one.role_ref.kind != "ClusterRole":
        raise FormError(f"{at}.roleRef.kind: a ClusterRoleBinding binds ClusterRoles")
    for number, subject in enumerate(one.subjects or ()):
        account = subject_kind(subject.kind) is SubjectKind.SERVICE_ACCOUNT
        # Without one, a RoleBinding means its own namespace: ValidateRoleBindingSubject in
        # Kubernetes' pkg/apis/rbac/validation, appliesToUser in pkg/registry/rbac/validation.
        if account and cluster_wide and not subject.namespace:
            raise FormError(f"{at}.subjects[{number}].namespace: is missing")
        if (subject.api_group or "") != ("" if account else api_groups.RBAC):
            raise FormError(f"{at}.subjects[{number}].apiGroup: is not that of a {subject.kind}")


def _check_edit(at: str, before: _Object, after: _Object) -> None:
    """Raise FormError unless the two differ in what such a step is about, and are fewer."""
    field = "subjects" if isinstance(before, _Binding) else "rules"
    old = before.model_dump(by_alias=True, exclude={field})
    new = after.model_dump(by_alias=True, exclude={field})
    for key in old:
        if old[key] != new.get(key):
            raise FormError(f"{at}.after.{key}: is not as before")
    if field == "subjects":
        had = getattr(before, field) or []
        if not all(subject in had for subject in getattr(after, field) or []):
            raise FormError(f"{at}.after.subjects: has one that was not there before")


def _check_planned(number: int, step: _Step, planned: Mapping[str, Any]) -> None:
    """Raise FormError unless a step does what the approved plan says, no less and no more."""
    at = f"plan.changes[{number}]"
    change = canonical(change_of(step.action, _dumped(step.before), _dumped(step.after)))
    for key in sorted(change.keys() | planned.keys()):
        if key not in change:
            raise FormError(f"{at}.{key}: no such field belongs there")
        if key in ("ends", "losses"):
            if not isinstance(planned.get(key), list):
                raise FormError(f"{at}.{key}: is no list")
        elif planned.get(key) != change[key]:
            raise FormError(f"{at}.{key}: is not what steps[{number}] does")


def _is_path_segment(name: str) -> bool:
    """See ``ValidatePathSegmentName`` in k8s.io/apimachinery/pkg/api/validation/path."""
    return bool(name) and name not in (".", "..") and not {"/", "%"} & set(name)


def _key(one: _Object) -> BindingKey | RoleKey:
    make: Callable[[str, str], BindingKey | RoleKey]
    make = BindingKey if isinstance(one, _Binding) else RoleKey
    return make(one.metadata.namespace or "", one.metadata.name)


def _dumped(one: _Object | None) -> Json | None:
    return None if one is None else one.model_dump(by_alias=True, exclude_none=True)


def _without_doubles(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FormError(f"{twice}: is there twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise FormError(f"{name} is no JSON")


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    at = ""
    for part in found["loc"]:
        if isinstance(part, int):
            at += f"[{part}]"
        elif part not in _TAGS:
            at += f".{part}" if at else str(part)
    return f"{at or 'it'}: {_REASONS.get(found['type'], found['msg'])}"
