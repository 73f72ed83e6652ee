"""What people get wrong is said where it is wrong, and no other hub suffers from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from demo import organisation
from demo.release import release
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest, RefusedError, path_of
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import (
    World,
    condition,
    hub,
    record,
    record_path,
    role_binding,
)

STRANGER = "stranger@example.org"
GOOD = "good"

# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def world(world: World) -> World:
    world.admin.apply(*hub(GOOD), record(GOOD), role_binding(GOOD, "help", "admin", STRANGER))
    return world


@pytest.fixture(autouse=True)
def the_others_go_on(world: World, operator: Operator) -> Iterator[None]:
    """After each test, the good hub is still assessed, and a change of it is still seen."""
    yield
    assert operator.running
    world.until_condition(GOOD, "Ready", "True", "Assessed")
    world.admin.delete(path_of(role_binding(GOOD, "help", "admin")))
    world.until(lambda: excess(operator, GOOD) == 0, "a change of the good hub")
    world.admin.apply(role_binding(GOOD, "help", "admin", STRANGER))
    world.until(lambda: excess(operator, GOOD) > 0, "a change of the good hub")


def excess(operator: Operator, name: str) -> float:
    return operator.metrics().total("drift", hub=name, kind="excess-access")


def test_an_unknown_party(world: World) -> None:
    items = [
        {"name": "user-access", "owner": "provider", "delegates": [{"party": "nobody"}]},
        {"name": "data", "owner": "provider"},
    ]
    world.admin.apply(*hub("party"), record("party", items=items))
    message = world.until_condition("party", "Resolved", "False", "UnknownNames")
    assert "spec.items[user-access].delegates: unknown party nobody" in message
    assert "community, provider" in message

    def the_rest_counts() -> None:
        # Until the API server has been asked about its owner, it is unknown for another reason.
        states = {name: item["state"] for name, item in world.items("party").items()}
        assert states["user-access"] == "unknown"
        assert states["data"] != "unknown"

    eventually(the_rest_counts)


def test_an_unknown_item(world: World) -> None:
    world.admin.apply(*hub("item"), record("item", items=[{"name": "make-coffee"}]))
    message = world.until_condition("item", "Resolved", "False", "UnknownNames")
    assert "spec.items[make-coffee]: model 2i2c has no such item" in message
    assert world.condition("item", "Ready")[:2] == ("False", "UnknownNames")


def test_two_records_for_one_hub(world: World, operator: Operator) -> None:
    world.admin.apply(*hub("twice"), record("elder", "twice"))
    world.until_condition("elder", "Ready", "True")
    # The second of creation decides, then the name; so the younger one must come later.
    born = world.record("elder")["metadata"]["creationTimestamp"]
    wait_until(lambda: _now_differs_from(world, born), 5, "another second")
    world.admin.apply(record("a-younger", "twice", "twice"))
    message = world.until_condition("a-younger", "Ready", "False", "HubClaimed")
    assert "record elder is older" in message
    assert operator.metrics().value("refused_records", reason="HubClaimed") == 1
    assert world.record("a-younger")["status"]["hub"] == "twice/twice"
    # Written anew, the older one keeps it; who waited is none to come after it.
    world.admin.delete(record_path("elder"))
    _until_said(world, "create it anew")
    world.admin.apply(record("elder", "twice"))
    world.until_condition("elder", "Ready", "True")
    _until_said(world, "record elder already speaks")
    for name in ("elder", "a-younger"):
        world.admin.delete(record_path(name))
    world.admin.apply(record("a-younger", "twice", "twice"))
    world.until_condition("a-younger", "Ready", "True")
    assert operator.metrics().total("refused_records") == 0
    world.until(lambda: world.annotations("twice", "hub").get("record") == "a-younger", "its name")


def _until_said(world: World, words: str) -> None:
    def said() -> bool:
        status, reason, message = world.condition("a-younger", "Ready")
        return (status, reason) == ("False", "HubClaimed") and words in message

    wait_until(said, 20, f"a-younger to be told {words!r}")


def test_a_record_for_a_hub_that_is_not_there(world: World) -> None:
    world.admin.apply(record("nowhere"), organisation.namespace("empty"), record("empty"))
    message = world.until_condition("nowhere", "HubFound", "False", "NamespaceMissing")
    assert "there is no namespace nowhere" in message
    message = world.until_condition("empty", "HubFound", "False", "HubMissing")
    assert "found there: none" in message
    world.admin.apply(*hub("empty"))
    world.until_condition("empty", "Ready", "True")


def test_a_missing_model(world: World, operator: Operator) -> None:
    world.admin.apply(*hub("modelless"), record("modelless", model="ours"))
    message = world.until_condition("modelless", "Ready", "False", "ModelMissing")
    assert "there is no model ours" in message
    assert "2i2c" in message
    assert operator.metrics().value("refused_records", reason="ModelMissing") == 1
    world.admin.apply(_other_model("ours"))
    world.until_condition("modelless", "Ready", "True")
    assert operator.metrics().total("refused_records", reason="ModelMissing") == 0


def test_a_subject_of_an_odd_kind_cannot_come_through_the_api(world: World) -> None:
    binding = role_binding(GOOD, "odd", "admin", STRANGER)
    binding["subjects"][0] = {"kind": "Robot", "name": "odd"}
    with pytest.raises(RefusedError, match="supported values"):
        world.admin.apply(binding)


def test_several_releases_in_one_namespace(world: World) -> None:
    world.admin.apply(
        *hub("shared", "staging", name="staging-hub"), *hub("shared", "prod", name="prod-hub")[1:]
    )
    world.admin.apply(record("unnamed", "shared"))
    message = world.until_condition("unnamed", "HubFound", "False", "SeveralReleases")
    assert "set spec.hub.release to one of prod, staging" in message
    world.admin.apply(record("named", "shared", "prod"))
    world.until_condition("named", "HubFound", "True")
    world.until(
        lambda: "shared/staging" in world.model_status().get("unrecordedHubs", []),
        "the other release to be listed",
    )
    assert world.status("named")["hub"] == "shared/prod"


def test_a_release_whose_names_are_prefixed(world: World, operator: Operator) -> None:
    """The chart's own right covers the plain names only; what to set is said."""
    namespace, *objects = hub("fancy", name="fancy-jupyterhub-hub")
    world.admin.apply(namespace, *objects, record("fancy"))
    world.until_condition("fancy", "HubFound", "True")
    message = world.until_condition("fancy", "Annotated", "False", "NotWritten")
    assert "fancy-jupyterhub-hub" in message
    assert "annotations.deploymentNames" in message
    assert world.condition("fancy", "Ready")[0] == "True"
    eventually(lambda: _is_counted(operator))


@pytest.mark.parametrize("generation", ["legacy", "modern-only"])
def test_labels_of_any_generation(world: World, generation: Any) -> None:
    objects = release(generation, generation, generation=generation, user_scheduler=False)
    deployments = [o for o in objects if o["kind"] == "Deployment"]
    world.admin.apply(
        organisation.namespace(generation), *deployments, record(generation, generation)
    )
    world.until_condition(generation, "HubFound", "True")
    for name in ("hub", "proxy"):
        world.until(partial(world.annotations, generation, name), f"annotations of {name}")
        assert world.annotations(generation, name)["record"] == generation


def test_a_hub_without_a_record(world: World, operator: Operator) -> None:
    before = operator.metrics().value("unrecorded_hubs")
    world.admin.apply(*hub("forgotten"))
    world.until(lambda: operator.metrics().value("unrecorded_hubs") == before + 1, "the metric")
    world.until(
        lambda: "forgotten/forgotten" in world.model_status().get("unrecordedHubs", []),
        "the model's list",
    )
    assert world.annotations("forgotten", "hub") == {}


def test_a_record_that_cannot_be_read(world: World, operator: Operator) -> None:
    """As from a definition of another version, which lets through what this operator refuses."""
    garbled = record("garbled", parties=[{"name": "Not A Name", "subjects": [{"kind": "Robot"}]}])
    world.admin.apply(*hub("garbled"))
    with without_rules(world, garbled):
        message = world.until_condition("garbled", "Ready", "False", "Malformed")
        assert "spec.parties[Not A Name]" in message
        assert operator.metrics().value("refused_records", reason="Malformed") == 1
        mended = {**world.record("garbled"), "spec": record("garbled")["spec"]}
        world.admin.replace(record_path("garbled"), mended)
    world.until_condition("garbled", "Ready", "True")


def test_a_model_that_cannot_be_read(world: World) -> None:
    model = _other_model("garbled")
    model["spec"]["items"][0]["kinds"] = ["unheard-of"]
    with without_rules(world, model):
        world.admin.apply(*hub("modelled"), record("modelled", model="garbled"))
        message = world.until_condition("modelled", "Ready", "False", "ModelMalformed")
        assert "model garbled cannot be read" in message

        def the_model_says_so() -> None:
            # Its status is written beside those of records, by whoever is first.
            found = condition(world.model_status("garbled"), "Ready")
            assert found[:2] == ("False", "Malformed")

        eventually(the_model_says_so)


def _is_counted(operator: Operator) -> None:
    assert operator.metrics().value("write_errors_total", what="annotations") >= 1


def _now_differs_from(world: World, second: str) -> bool:
    clock = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "clock"}, "rules": []}
    world.admin.delete(path_of(clock))
    world.admin.apply(clock)
    created: str = world.admin.get(path_of(clock))["metadata"]["creationTimestamp"]
    return created != second


def _mended(world: World, name: str) -> Manifest:
    return {**world.record(name), "spec": record(name)["spec"]}


def _other_model(name: str) -> Manifest:
    item = {
        "name": "everything",
        "number": 1,
        "title": "Everything",
        "description": "All there is to do.",
        "kinds": ["attested"],
        "owner": "us",
    }
    return {
        "apiVersion": OURS,
        "kind": "ResponsibilityModel",
        "metadata": {"name": name},
        "spec": {"parties": [{"name": "us"}], "items": [item], "record": {"owner": "us"}},
    }


@contextmanager
def without_rules(world: World, manifest: Manifest) -> Iterator[None]:
    """Apply an object for which its definition, as of another version, has no rules."""
    path = next(
        path_of(o)
        for o in world.objects
        if o["kind"] == "CustomResourceDefinition"
        and o["spec"]["names"]["kind"] == manifest["kind"]
    )
    strict = world.admin.get(path)
    world.admin.replace(path, {**strict, "spec": _without_rules(strict["spec"])})

    def accepted() -> bool:
        try:
            world.admin.apply(manifest)
        except RefusedError:
            return False
        return True

    wait_until(accepted, 20, "a definition without rules to be served")
    try:
        yield
    finally:
        world.admin.replace(path, {**world.admin.get(path), "spec": strict["spec"]})


def _without_rules(spec: Manifest) -> Manifest:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    versions = []
    for version in spec["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        properties = {**schema["properties"], "spec": anything}
        versions.append(
            {**version, "schema": {"openAPIV3Schema": {**schema, "properties": properties}}}
        )
    return {**spec, "versions": versions}


def test_the_right_names_let_prefixed_deployments_be_annotated(world: World) -> None:
    """With the chart's value set as the condition says, the next start writes them."""
    names = "{hub,proxy,autohttps,user-scheduler,fancy-jupyterhub-hub}"
    chart.install(world.admin, "--set", f"annotations.deploymentNames={names}", definitions=False)
    with world.operator() as second:
        assert second.running
        world.until_condition("fancy", "Annotated", "True")
        assert world.annotations("fancy", "fancy-jupyterhub-hub")["record"] == "fancy"
