"""The undo file: one form, all that it sends is shown, and nothing else is sent."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from responsibility.api.names import PLAN_LABEL
from responsibility.cluster.undo import Journal
from responsibility.cluster.undo_form import change_of
from responsibility.plans.change import Action, Plan
from tests.apiserver.requests import Json
from tests.unit.cluster.undo_plan import ANN, BOB, CHANGES, PODS, bound, parsed, sent, whole

Path = tuple[str | int, ...]
# Which of a step's texts are free: what they say is sent, and shown.
FREE = ("labels", "annotations", "ownerReferences", "finalizers")


def places(value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every place in a document, with what is there."""
    yield at, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*at, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*at, number))


def mutants(data: Json) -> Iterator[tuple[str, Path, Json]]:
    """Yield the document with each place changed in each way, and where."""
    types = itertools.cycle([1, ["x"], {"x": "y"}, True, "x"])
    for at, value in places(data):
        other = next(each for each in types if not isinstance(value, type(each)))
        others: list[tuple[str, Any]] = [("type", other)]
        if isinstance(value, str):
            others += [("text", value + "x"), ("text", "")]
        if isinstance(value, bool):
            others.append(("text", not value))
        if isinstance(value, list):
            others += [("fewer", value[:-1]), ("twice", [*value, *value[:1]])]
        if isinstance(value, dict):
            others.append(("added", {**value, "addedField": "x"}))
        for how, other in others:
            if at:
                yield how, at, replaced(data, at, other)
        if at and isinstance(at[-1], str):
            yield "removed", at, removed(data, at)


def replaced(data: Any, at: Path, value: Any) -> Any:
    """Return a copy that shares all but what leads to the place."""
    found = copy.copy(data)
    found[at[0]] = replaced(data[at[0]], at[1:], value) if at[1:] else value
    return found


def removed(data: Any, at: Path) -> Any:
    found = copy.copy(data)
    if at[1:]:
        found[at[0]] = removed(data[at[0]], at[1:])
    else:
        del found[at[0]]
    return found


def test_what_is_written_is_read_back() -> None:
    journal = parsed(whole())
    assert parsed(json.loads(journal.text())) == journal
    assert {step.action for step in journal.steps} == {action.value for action in Action}


def test_what_will_be_is_said_of_every_object() -> None:
    journal = parsed(whole())
    assert list(journal.shown()) == [
        (
            'namespaces/coast/roles/kept: verbs=get,list apiGroups="" resources=pods; '
            f"labels: {PLAN_LABEL}={journal.digest}"
        ),
        (
            f"namespaces/coast/rolebindings/kept: Role kept to User ann; labels: {PLAN_LABEL}="
            f"{journal.digest}"
        ),
        (
            'clusterroles/loose: verbs=get,list apiGroups="" resources=pods; verbs=get '
            "nonResourceURLs=/metrics"
        ),
        'namespaces/coast/rolebindings/shared: ClusterRole admin to Group "crew of the sea"',
        "namespaces/coast/rolebindings/eves: gone",
        "clusterrolebindings/all: gone",
    ]
    more = (
        '; labels: team=sea; annotations: why="asked for, twice"; ownerReferences: '
        "(apiVersion=v1 kind=ConfigMap name=o uid=u); finalizers: example.org/held"
    )
    assert list(journal.shown(back=True)) == [
        f"clusterrolebindings/all: ClusterRole admin to User bob@example.org{more}",
        (
            "namespaces/coast/rolebindings/eves: ClusterRole admin to User ann, ServiceAccount "
            f"ci/deployer{more}"
        ),
        (
            "namespaces/coast/rolebindings/shared: ClusterRole admin to User ann, Group "
            '"crew of the sea", ServiceAccount ci/deployer'
        ),
        (
            'clusterroles/loose: verbs=get,list apiGroups="" resources=pods; verbs=patch '
            "apiGroups=apps resources=deployments; verbs=get nonResourceURLs=/metrics"
        ),
        "namespaces/coast/rolebindings/kept: gone",
        "namespaces/coast/roles/kept: gone",
    ]


# One mutant of so many; five has no part in the number of a place's mutants.
@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 5])
async def test_whatever_is_changed_in_it_is_refused_by_its_name_or_seen(every: int) -> None:
    data = whole()
    original = parsed(data)
    shown = {back: list(original.shown(back=back)) for back in (False, True)}
    requests = {back: await sent(original, back=back) for back in (False, True)}
    taken = refused = 0
    for how, at, mutant in itertools.islice(mutants(data), 0, None, every):
        try:
            found = parsed(mutant)
        except ValueError as error:
            refused += 1
            words = str(error)
            assert words.startswith("undo.json is not an undo file of this version: "), at
            # What has no place there at all is named by all of its path.
            if how == "type" and at[0] == "steps":
                said = words.partition("version: ")[2]
                assert _dotted(at) in said or _dotted(at[:2]) in said, (at, words)
            continue
        taken += 1
        assert how != "added" or at[-1] in FREE, at
        for back in (False, True):
            if await sent(found, back=back) != requests[back]:
                assert list(found.shown(back=back)) != shown[back], (how, at)
    # Both happen, and by far more is refused.
    assert refused > 5 * taken > 100 // every


def _dotted(at: Path) -> str:
    found = ""
    for part in at:
        found += f"[{part}]" if isinstance(part, int) else f".{part}" if found else part
    return found


def test_a_field_that_is_not_known_is_named_wherever_it_is() -> None:
    data = whole()
    for at, value in places(data):
        if not isinstance(value, dict) or at[-1:] in (("labels",), ("annotations",)):
            continue
        if at[:1] == ("plan",):
            # That changes what was approved.
            wanted = "digest: " if len(at) > 1 else "plan.addedField"
        else:
            wanted = ".".join(filter(None, (_dotted(at), "addedField")))
        with pytest.raises(ValueError, match="is not an undo file") as told:
            parsed(
                replaced(data, at, {**value, "addedField": 1}) if at else {**value, "addedField": 1}
            )
        assert wanted in str(told.value), at


def _with(number: int, after: bool, **fields: Any) -> Json:
    """Return a file with one object changed and everything else made to agree with it."""
    changes = copy.deepcopy(CHANGES)
    action, before, wanted = changes[number]
    for one in (before, wanted) if not after else (wanted,):
        if one is not None:
            one.update(fields)
    del action
    plan = Plan("hub coast", routes=True, changes=tuple(change_of(*each) for each in changes))
    data = whole()
    for step, change, (_, old, new) in zip(data["steps"], plan, changes, strict=True):
        if old is None and new is not None:
            new["metadata"]["labels"] = {PLAN_LABEL: plan.digest}
        step |= {"what": str(change), "before": old, "after": new}
    return data | {"digest": plan.digest, "plan": plan.content()}


def test_what_was_made_to_agree_is_taken_and_so_the_others_are_refused_for_their_reason() -> None:
    assert parsed(_with(4, after=False, **bound(BOB))).steps[4].before is not None


@pytest.mark.parametrize(
    ("number", "after", "fields", "said"),
    [
        # A role behind the decoy of a binding, and the other way around.
        (2, False, bound(ANN), "steps[2].before.roleRef: no such field"),
        (3, False, {"rules": [PODS]}, "steps[3].before.rules: no such field"),
        # What is sent of a role and is no rule of it.
        (0, True, {"aggregationRule": {}}, "steps[0].after.aggregationRule: no such field"),
        # Somebody who was not there before, and a role other than before.
        (3, True, {"subjects": [BOB]}, "steps[3].after.subjects: has one that was not there"),
        (3, True, bound(ANN, role="cluster-admin"), "steps[3].after.roleRef: is not as before"),
        (4, False, {"kind": "ClusterRoleBinding"}, "steps[4].before.metadata.namespace: a name"),
    ],
)
def test_no_object_is_another_than_it_seems(
    number: int, after: bool, fields: Json, said: str
) -> None:
    data = whole()
    step = data["steps"][number]
    for key in ("after",) if after else ("before", "after"):
        if step[key] is not None:
            step[key].update(fields)
    with pytest.raises(ValueError, match="is not an undo file") as told:
        parsed(data)
    assert said in str(told.value)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/coast/secrets/eves",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/other/rolebindings/eves",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/eves",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/coast/rolebindings/eves?x=y",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/coast/rolebindings/../eves",
    ],
)
def test_path_and_object_agree(path: str) -> None:
    with pytest.raises(ValueError, match=r"steps\[4\]\.path: steps\[4\]\.before is another object"):
        parsed(replaced(whole(), ("steps", 4, "path"), path))


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a%2fb"])
def test_a_name_leads_nowhere_else(name: str) -> None:
    data = whole()
    data["steps"][4]["before"]["metadata"]["name"] = name
    with pytest.raises(ValueError, match=r"steps\[4\]\.before\.metadata\.name: is no name"):
        parsed(data)


def test_it_is_what_was_approved_and_nothing_more() -> None:
    data = whole()
    data["steps"][4]["before"] |= bound(ANN, BOB)
    data["steps"][4]["what"] = str(change_of("delete-binding", data["steps"][4]["before"], None))
    with pytest.raises(
        ValueError, match=r"plan\.changes\[4\]\.before: is not what steps\[4\] does"
    ):
        parsed(data)
    # With a plan that says so too, it is another plan, and the digest tells.
    data["plan"]["changes"][4]["before"] = ["User ann", "User bob@example.org"]
    with pytest.raises(ValueError, match="digest: is not that of the plan"):
        parsed(data)
    del data["steps"][5]
    with pytest.raises(ValueError, match="digest: "):
        parsed(data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step", "it was cut off, or is no JSON"),
        ('{"kind": "ResponsibilityUndo", "version": 1}', "version: is 1, and not 2"),
        ('{"kind": "a", "kind": "b"}', "kind: is there twice"),
        ('{"kind": NaN}', "NaN is no JSON"),
        ("[]", "it: "),
        ("[" * 100_000, "it is nested too deep"),
        ("{}", "kind: is missing"),
    ],
)
def test_what_is_no_undo_file_is_said_to_be_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="is not an undo file of this version") as told:
        Journal.parse(text, "undo.json")
    assert said in str(told.value)


@pytest.mark.parametrize(
    "name", ["ann, User bob", "ann; labels: a=b", "\u0430nn", "true", "", "a\nb"]
)
def test_no_name_looks_like_another_or_like_two(name: str) -> None:
    data = _with(4, after=False, **bound({**ANN, "name": name}))
    (line,) = [line for line in parsed(data).shown(back=True) if "/eves" in line]
    assert f"User {json.dumps(name)};" in line
