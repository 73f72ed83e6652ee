"""A right that is missing is named at once, and the operator goes on when it is given back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest, path_of
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, role_binding

STRANGER = "stranger@example.org"
_RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Give the operator the chart's rights, but none of its definitions yet."""
    bare_world.install(definitions=False)
    return bare_world


@contextmanager
def without(world: World, group: str, resource: str, verb: str) -> Iterator[None]:
    """Take one right away from the operator's ClusterRole for a while."""
    role = chart.role(world.objects)
    _put_rules(
        world, [part for rule in role["rules"] for part in _less(rule, group, resource, verb)]
    )
    world.until(lambda: not _may(world, group, resource, verb), "the authorizer to hear of it")
    try:
        yield
    finally:
        _put_rules(world, role["rules"])


def _put_rules(world: World, rules: list[Manifest]) -> None:
    path = path_of(chart.role(world.objects))
    world.admin.replace(path, {**world.admin.get(path), "rules": rules})


def _may(world: World, group: str, resource: str, verb: str) -> bool:
    return world.own_account_may(verb, resource, group=group, namespace="", name="hub")


def _less(rule: Manifest, group: str, resource: str, verb: str) -> list[Manifest]:
    if group not in rule["apiGroups"] or resource not in rule["resources"]:
        return [rule]
    others = [r for r in rule["resources"] if r != resource]
    verbs = [v for v in rule["verbs"] if v != verb]
    parts = [{**rule, "resources": others}, {**rule, "resources": [resource], "verbs": verbs}]
    return [part for part in parts if part["resources"] and part["verbs"]]


def excess(operator: Operator) -> float:
    return operator.metrics().total("drift", hub="reef", kind="excess-access")


def test_without_its_kinds_it_waits_and_runs_once_they_come(world: World) -> None:
    with world.operator(ready=False) as operator:
        operator.until_logged("not installed: responsibilities.responsibility.2i2c.org")
        assert operator.answer("/healthz")[0] == 200
        status, why = operator.answer("/readyz")
        assert status == 503
        assert "custom resources" in why
        chart.install_definitions(world.admin, world.objects)
        began = time.monotonic()
        operator.until_ready(20)
        say(f"ready {time.monotonic() - began:.1f} s after its kinds were served")
        world.admin.apply(
            *hub("reef"), record("reef"), role_binding("reef", "x", "admin", STRANGER)
        )
        world.until_condition("reef", "Ready", "True")
        world.until(lambda: operator.metrics().value("missing_rights") == 0, "the metric")


def test_without_the_right_to_list_it_says_so_and_recovers(world: World) -> None:
    with without(world, _RBAC, "rolebindings", "list"), world.operator(ready=False) as operator:
        operator.until_logged("the operator may not list rolebindings.rbac.authorization.k8s.io")
        assert 'Add to its ClusterRole: - {apiGroups: ["rbac.authorization.k8s.io"]' in operator.log
        world.until(lambda: operator.metrics().value("missing_rights") == 1, "the metric")
        assert operator.answer("/healthz")[0] == 200

        def not_ready() -> None:
            status, why = operator.answer("/readyz")
            assert status == 503, "half of the truth is not published"
            assert "rolebindings" in why

        eventually(not_ready)
        _put_rules(world, chart.role(world.objects)["rules"])
        operator.until_ready(30)
        world.until(lambda: excess(operator) > 0, "findings")
        world.until(lambda: operator.metrics().value("missing_rights") == 0, "the metric", 30)


def test_without_the_right_to_annotate_everything_else_works(world: World) -> None:
    with without(world, "apps", "deployments", "patch"), world.operator() as operator:
        operator.until_logged("the operator may not patch deployments.apps hub")
        world.until(lambda: operator.metrics().value("missing_rights") == 1, "the metric")
        world.admin.apply(*hub("dune"), record("dune"))
        world.until_condition("dune", "Ready", "True")
        world.until_condition("dune", "Annotated", "False", "NotWritten")
        _put_rules(world, chart.role(world.objects)["rules"])
        world.until(
            lambda: world.annotations("dune", "hub").get("record") == "dune", "annotations", 60
        )
        world.until_condition("dune", "Annotated", "True")
        world.until(lambda: operator.metrics().value("missing_rights") == 0, "the metric", 60)


def test_a_right_that_is_lost_while_it_runs_is_missed_and_found_again(world: World) -> None:
    with world.operator(settings={"RELIST_SECONDS": "2"}) as operator:
        with without(world, _RBAC, "rolebindings", "list"):
            operator.until_logged("403 Forbidden", 30)
            world.admin.apply(role_binding("reef", "y", "admin", "other@example.org"))
        before = excess(operator)
        wait_until(lambda: excess(operator) >= before, 30, "the binding made meanwhile")
        world.until(
            lambda: (
                {c["subject"]["name"] for c in world.causes("reef", kind="excess-access")}
                == {STRANGER, "other@example.org"}
            ),
            "both strangers",
            30,
        )
        assert operator.answer("/healthz")[0] == 200


def test_definitions_that_are_taken_away_end_it_and_it_waits_for_others(world: World) -> None:
    kinds = [path_of(o) for o in world.objects if o["kind"] == "CustomResourceDefinition"]
    with world.operator(quiet=False) as operator:
        world.admin.delete(*kinds)
        world.admin.gone(*kinds)
        wait_until(lambda: not operator.running, 30, "its end")
        last = operator.log.strip().splitlines()[-1]
        assert "its custom resources are not served any more; it has to be started again" in last
    with world.operator(ready=False) as next_one:
        next_one.until_logged("not installed")
        chart.install_definitions(world.admin, world.objects)
        world.admin.apply(record("reef"))
        next_one.until_ready()
        world.until_condition("reef", "Ready", "True")
