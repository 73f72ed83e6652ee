"""Bounds of delegates: inside they pass, outside they are refused, whichever way they come."""

from typing import Any

import pytest

from responsibility.api.names import (
    BOUNDS_ANNOTATION,
)
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub, set_keys
from tests.e2e.lab.waiting import wait_until

LIMITS = hubs.ALL_ITEMS[14]

BOUNDS = [
    ("Deployment\tspec.replicas\t1\t3", {"spec": {"replicas": 3}}, {"spec": {"replicas": 4}}),
    ("Deployment\tspec.replicas\t1\t", {"spec": {"replicas": 9}}, {"spec": {"replicas": 0}}),
    *(
        (
            "Deployment\tspec.template.spec.containers[*].resources.limits.memory\t512Mi\t4G",
            {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [
                                {"name": "main", "resources": {"limits": {"memory": inside}}}
                            ]
                        }
                    }
                }
            },
            {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [
                                {"name": "main", "resources": {"limits": {"memory": outside}}}
                            ]
                        }
                    }
                }
            },
        )
        for inside, outside in (("4000M", "4Gi"), ("512Mi", "512M"), ("1.5Gi", None))
    ),
]
QUOTAS = [
    ('ResourceQuota\tspec.hard["limits.memory"]\t\t200Gi', {"limits.memory": "200Gi"},
     {"limits.memory": "201Gi"}),
    ("ResourceQuota\tspec.hard.configmaps\t10\t", {"configmaps": "10"}, {"configmaps": "9"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def bound(make_hub: MakeHub) -> str:
    """Make a hub whose bounds each test writes."""
    return make_hub("bound", hubs.stages([14], AdmissionStage.DENY), hubs.notes("bound"))


@pytest.mark.parametrize(
    ("line", "inside", "outside", "path"),
    [
        *((*case, "/apis/apps/v1/namespaces/bound/deployments/hub") for case in BOUNDS),
        *(
            (line, {"spec": {"hard": a}}, {"spec": {"hard": b}},
             "/api/v1/namespaces/bound/resourcequotas/quota")
            for line, a, b in QUOTAS
        ),
    ],
)  # fmt: skip
def test_bounds_are_kept(
    asker: Asker, bound: str, *, line: str, inside: Any, outside: Any, path: str
) -> None:
    person = Person("bound")
    texts = hubs.notes(bound, {14: ["user:bound", "group:free"]})
    texts[f"{BOUNDS_ANNOTATION}{LIMITS}"] = f"user:bound\t{line}"
    set_keys(asker, bound, {}, dict(texts))

    def passes() -> bool:
        found = asker.ask(person, "PATCH", path, inside)
        assert not found.broken, found.message
        return found.code == 200

    wait_until(passes, PATIENCE, "a value inside to pass")
    wait_until(
        lambda: asker.ask(person, "PATCH", path, outside).refused, PATIENCE, "one outside not to"
    )
    # Whoever is listed without bounds as well is held to none.
    assert asker.ask(Person("bound", ("free",)), "PATCH", path, outside).code == 200
    assert asker.ask(hubs.owner(14), "PATCH", path, outside).code == 200
    # What has no bound here is free to whoever is listed.
    if "deployments" in path:
        other = {"spec": {"template": {"spec": {"containers": [{"name": "side", "resources": {
            "requests": {"cpu": "7"}}}]}}}}  # fmt: skip
        assert asker.ask(person, "PATCH", path, other).code == 200


_AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "e2e"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hub"},
        "maxReplicas": 9,
    },
}
AROUND = [
    ("DELETE", "/api/v1/namespaces/bound/resourcequotas/quota", None),
    ("POST", "/apis/autoscaling/v2/namespaces/bound/horizontalpodautoscalers", _AUTOSCALER),
    (
        "PATCH",
        "/api/v1/namespaces/bound/resourcequotas/quota",
        {"metadata": {"finalizers": ["example.com/mine"]}},
    ),
    (
        "PATCH",
        "/apis/apps/v1/namespaces/bound/statefulsets/user-placeholder",
        {"spec": {"replicas": 9}},
    ),
]


@pytest.mark.parametrize(("method", "path", "body"), AROUND)
def test_a_range_is_not_left_another_way(
    asker: Asker, bound: str, *, method: str, path: str, body: Any
) -> None:
    """Nor by deleting, making anew, a controller, or another kind."""
    person = Person("bound")
    texts = hubs.notes(bound, {14: ["user:bound", "group:free"]})
    texts[f"{BOUNDS_ANNOTATION}{LIMITS}"] = (
        "user:bound\tDeployment\tspec.replicas\t1\t3\n"
        'user:bound\tResourceQuota\tspec.hard["limits.memory"]\t\t200Gi'
    )
    set_keys(asker, bound, {}, dict(texts))
    hub = "/apis/apps/v1/namespaces/bound/deployments/hub"

    def held() -> bool:
        within = asker.ask(person, "PATCH", hub, {"spec": {"replicas": 2}})
        assert not within.broken, within.message
        beyond = asker.ask(person, "PATCH", hub, {"spec": {"replicas": 4}})
        return within.code == 200 and beyond.refused

    wait_until(held, PATIENCE, "the bounds to hold")
    answer = asker.ask(person, method, path, body)
    assert answer.refused, (answer.code, answer.message)
    assert "belongs to others" in answer.message
    for free in (Person("bound", ("free",)), hubs.owner(14)):
        assert asker.ask(free, method, path, body).code < 300, free
