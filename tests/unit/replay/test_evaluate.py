"""What is said of requests, and when it is left open."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.replay.evaluate import Effect, Evaluator
from tests.unit.replay.events import (
    LIMITS,
    deployment,
    effects,
    event,
    quota,
    said,
    supposed,
)

Json = dict[str, Any]


def judge() -> Evaluator:
    return Evaluator(supposed())


def test_the_owner_may_and_others_are_refused() -> None:
    assert effects(said(judge(), quota("ann"))) == {}
    assert effects(said(judge(), quota("eve"))) == {LIMITS: Effect.REFUSED}


def test_other_namespaces_are_nobodys_business() -> None:
    elsewhere = quota("eve")
    elsewhere["objectRef"]["namespace"] = "elsewhere"
    assert said(judge(), elsewhere) == []
    assert not judge().concerns("elsewhere")


def test_a_stage_of_warn_warns() -> None:
    verdicts = said(Evaluator(supposed("warn")), quota("eve"))
    assert effects(verdicts) == {LIMITS: Effect.WARNED}


def test_as_recorded_takes_what_the_record_asks_for() -> None:
    verdicts = said(Evaluator(supposed("as-recorded", "warn")), quota("eve"))
    assert effects(verdicts) == {LIMITS: Effect.WARNED}
    assert not supposed("as-recorded", "observe").hubs


def test_who_is_impersonated_counts() -> None:
    assert said(judge(), quota("eve", impersonatedUser={"username": "ann"})) == []
    assert said(judge(), quota("ann", impersonatedUser={"username": "eve"}))


@pytest.mark.parametrize(
    ("when", "refused"),
    [("2026-06-30T23:59:59.999999Z", False), ("2026-07-01T00:00:00.000000Z", True)],
)
def test_a_delegation_is_judged_by_the_time_of_the_request(when: str, refused: bool) -> None:
    assert bool(said(judge(), quota("guest", requestReceivedTimestamp=when))) is refused


def test_break_glass_passes_with_a_warning() -> None:
    info = {"username": "root", "groups": ["system:masters"]}
    (verdict,) = said(judge(), quota("root", user=info))
    assert (verdict.effect, verdict.glass) == (Effect.WARNED, True)


def test_the_control_plane_is_let_through() -> None:
    assert said(judge(), quota("system:kube-controller-manager")) == []


def answered(user: str, answer: Json, **more: Any) -> Json:
    return event(user, level="RequestResponse", responseObject=answer, **more)


def test_what_was_there_before_is_known_from_the_answer_before() -> None:
    one = judge()
    said(one, answered("ann", deployment(1, 1)))
    (verdict,) = said(one, answered("eve", deployment(2, 2)))
    assert (verdict.effect, verdict.fields) == (Effect.REFUSED, ("spec.replicas",))
    assert said(one, answered("eve", deployment(2, 2))) == []
    assert said(one, answered("ann", deployment(3, 3))) == []


def test_without_an_answer_before_it_is_left_open() -> None:
    found = effects(said(judge(), answered("eve", deployment(2, 2))))
    assert found[LIMITS] is Effect.POSSIBLE


def test_who_owns_the_field_and_the_rest_is_never_in_doubt() -> None:
    # Whatever guest has changed: if it was the limits, it was allowed.
    assert LIMITS not in effects(said(judge(), event("guest")))


@pytest.mark.parametrize("level", ["Metadata", "Request"])
def test_without_objects_the_reason_names_the_level(level: str) -> None:
    found = {v.items: v for v in said(judge(), event("eve", level=level))}
    verdict = found[LIMITS,]
    assert verdict.effect is Effect.POSSIBLE
    assert verdict.reason == f"the log holds no objects: level {level}"


@pytest.mark.parametrize(
    "between",
    [
        event("ann"),
        event("ann", "delete"),
        event("ann", "deletecollection", ref={"name": ""}),
    ],
)
def test_a_write_without_its_result_is_the_end_of_what_is_known(between: Json) -> None:
    one = judge()
    said(one, answered("ann", deployment(1, 1)))
    said(one, between)
    assert effects(said(one, answered("eve", deployment(1, 2))))[LIMITS] is Effect.POSSIBLE


@pytest.mark.parametrize(
    "later",
    [
        deployment(2, 2, uid="another"),
        deployment(2, 9),
        deployment(2, 2, resourceVersion="0"),
        deployment(2, 2, managedFields=[{"manager": "a"}, {"manager": "b"}]),
    ],
)
def test_a_change_that_the_log_has_not_seen_is_noticed(later: Json) -> None:
    one = judge()
    said(one, answered("ann", deployment(1, 1, managedFields=[])))
    assert effects(said(one, answered("eve", later)))[LIMITS] is Effect.POSSIBLE


def scaled(user: str, replicas: int, revision: int) -> Json:
    scale: Json = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "hub", "uid": "u1", "resourceVersion": str(revision)},
        "spec": {"replicas": replicas} if replicas else {},
    }
    return answered(user, scale, ref={"subresource": "scale"})


def test_scaling_is_a_change_of_the_deployment() -> None:
    one = judge()
    said(one, answered("ann", deployment(1, 1)))
    assert effects(said(one, scaled("eve", 0, 2))) == {LIMITS: Effect.REFUSED}
    assert said(one, scaled("eve", 0, 3)) == []
    assert said(one, answered("eve", deployment(0, 3, generation=2))) == []
    assert effects(said(one, answered("eve", deployment(4, 4, generation=3))))


def test_a_collection_that_was_empty_was_not_judged() -> None:
    ref = {"resource": "resourcequotas", "name": "", "apiGroup": ""}
    empty: Json = {"kind": "ResourceQuotaList", "items": []}
    full: Json = {"kind": "ResourceQuotaList", "items": [{}]}
    assert said(judge(), answered("eve", empty, verb="deletecollection", ref=ref)) == []
    found = said(judge(), answered("eve", full, verb="deletecollection", ref=ref))
    assert effects(found) == {LIMITS: Effect.REFUSED}
    open_ = said(judge(), event("eve", "deletecollection", ref=ref))
    assert effects(open_) == {LIMITS: Effect.POSSIBLE}


def test_a_collection_is_judged_object_by_object() -> None:
    # Of volumes, item 4 guards the hub's database only.
    ref = {"resource": "persistentvolumeclaims", "name": "", "apiGroup": ""}

    def refused(*names: str) -> bool:
        items = [{"metadata": {"name": name}} for name in names]
        answer: Json = {"kind": "PersistentVolumeClaimList", "items": items}
        found = said(judge(), answered("eve", answer, verb="deletecollection", ref=ref))
        return effects(found).get("user-access") is Effect.REFUSED

    assert refused("a", "hub-db-dir", "b")
    assert not refused("a", "b")


def test_nothing_of_a_secret_is_kept() -> None:
    one = judge()
    secret: Json = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "hub",
            "uid": "s",
            "resourceVersion": "1",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hush"},
        },
        "data": {"values.yaml": "aHVzaA=="},
        "stringData": {"other": "hush"},
    }
    ref = {"resource": "secrets", "apiGroup": ""}
    said(one, answered("ann", secret, ref=ref))
    kept = repr(one.objects)
    assert "values.yaml" in kept
    assert "hush" not in kept
    assert "aHVzaA" not in kept
