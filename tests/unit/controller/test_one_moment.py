"""Each part that is written, and what may become of an object between the answer and the write.

The parts are those that the operator counts writes of. Whatever happens, an answer about one object
is never written to another one of its name, nor follows from a record that is another by now.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from responsibility.admission.annotation_entries import marker
from responsibility.admission.policies.cluster_policies import (
    ClusterEnforcement,
    cluster_policies,
)
from responsibility.admission.policies.manifests import POLICY
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.stages.namespace_stages import StagePlan
from responsibility.api.names import OWNERS_ANNOTATION, STAGE_LABEL
from responsibility.api.parse import load_shipped_model
from responsibility.api.stages import AdmissionStage
from responsibility.cluster import apply_plan
from responsibility.cluster.undo import Journal, UndoStep
from responsibility.cluster.undo_documents import DocumentState, UndoDocuments, draft
from responsibility.cluster.undo_form import change_of, object_path
from responsibility.controller.admission.cluster_policies import ClusterPolicies
from responsibility.controller.admission.markers import Markers
from responsibility.controller.admission.namespaces import Namespaces
from responsibility.controller.admission.policies import Policies
from responsibility.controller.admission.prober import Prober
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import Writer
from responsibility.kube import errors
from responsibility.plans.change import Plan
from tests.unit.cluster.undo_plan import ANN, bound, stored
from tests.unit.controller.grants.granting import OTHERS, Granting, granted
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import RECORDS, World, garden_world
from tests.unit.ownership.building import NOW


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer that is still to be written: to where, and how."""

    world: World
    path: str
    write: Callable[[], Awaitable[Any]]


async def _status() -> Prepared:
    world = garden_world()
    found = world.look()
    return Prepared(world, f"{RECORDS}/prod", lambda: world.publisher.publish(found))


async def _annotations() -> Prepared:
    world = garden_world()
    found = world.look()
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    return Prepared(world, path, lambda: world.publisher.publish(found))


def _namespace(world: World, path: str, **keys: Any) -> Namespaces:
    world.server.objects[path] = {"metadata": {"name": "prod", "uid": "uid-prod", **keys}}
    event = {"type": "MODIFIED", "object": copy.deepcopy(world.server.objects[path])}
    world.store.namespaces._take([event])
    return Namespaces(Writer(world.api, world.metrics))


async def _namespaces() -> Prepared:
    world, path = World(), "/api/v1/namespaces/prod"
    spaces = _namespace(world, path)
    keys = NamespaceKeys({STAGE_LABEL + "fence": "deny"}, {OWNERS_ANNOTATION + "fence": "user:ann"})
    present = dict(world.store.namespaces.items)
    return Prepared(world, path, lambda: spaces.write(StagePlan({"prod": keys}, {}), present))


async def _foreign_keys() -> Prepared:
    """Take away what somebody else has put under our names: by a merge patch, after an apply."""
    world, path = World(), "/api/v1/namespaces/prod"
    spaces = _namespace(world, path, labels={STAGE_LABEL + "fence": "deny"})
    present = dict(world.store.namespaces.items)
    return Prepared(world, path, lambda: spaces.write(StagePlan({}, {}), present))


async def _policies() -> Prepared:
    world, model = World(), load_shipped_model()
    policies = Policies(
        world.api, lambda: None, namespace="ours", account=lambda: "system:x", relist=300
    )
    name, path = "", ""
    for manifest in policies.fill(cluster_policies(model, {})):
        if manifest["kind"] == POLICY and not name:
            name = manifest["metadata"]["name"]
            root = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
            path = f"{root}/{name}"
            made = world.server.create(path.rpartition("/")[0], manifest, "helm")
            policies.reflectors[0]._take([{"type": "ADDED", "object": copy.deepcopy(made)}])
    keeper = ClusterPolicies(
        policies,
        Prober(world.api, world.metrics, lambda: None),
        Writer(world.api, world.metrics),
        namespace="ours",
    )
    table = {"operate-cluster": ClusterEnforcement(AdmissionStage.DENY, ["user:ann"], "Ops")}
    return Prepared(world, path, lambda: keeper._write(model, table))


async def _grant_repaired() -> Prepared:
    granting = await granted()
    path = min(granting.bindings)
    granting.server.merge(path, {"subjects": []})
    return _round(granting, path)


async def _grant_ended() -> Prepared:
    granting = await granted()
    path = min(granting.bindings)
    granting.agree(enforcement={})
    return _round(granting, path)


def _round(granting: Granting, path: str) -> Prepared:
    granting.slow = True
    granting.granter.follow(granting.world.look())
    return Prepared(granting.world, path, granting.granter._round)


async def _marker_ended() -> Prepared:
    world, name = World(), marker(NOW)
    jobs = "/apis/batch/v1/namespaces/ours/jobs"
    writer = Writer(world.api, world.metrics)
    markers = Markers(world.api, world.store, writer, namespace="ours", relist=300)
    made = world.server.create(jobs, {"metadata": {"name": name}, "spec": {}}, "us")
    markers.reflector.synced.set()
    markers.reflector._take([{"type": "ADDED", "object": copy.deepcopy(made)}])
    return Prepared(world, f"{jobs}/{name}", lambda: markers.keep((), NOW))


def _journal(world: World) -> Journal:
    before = stored("RoleBinding", "eves", **bound(ANN))
    before["metadata"]["uid"] = "uid-eves"
    change = change_of("delete-binding", before, None)
    plan = Plan("hub coast", routes=False, changes=(change,))
    path = object_path(change.key)
    world.server.objects[path] = before
    step = UndoStep.of("delete-binding", path, before, None)
    return Journal(plan.digest, plan.content(), "https://here", "cluster", (step,))


async def _revocation() -> Prepared:
    world = World()
    journal = _journal(world)

    async def go_on() -> None:
        with suppress(apply_plan.StoppedError):
            await apply_plan.go_on(world.api, journal, lambda _: None)

    return Prepared(world, journal.steps[0].path, go_on)


async def _undo_document() -> Prepared:
    world = World()
    path = "/api/v1/namespaces/ours/configmaps"
    world.server.collections.add(path)
    documents = UndoDocuments(world.api, "ours")
    document = await documents.write(draft("prod", "uid", _journal(world)))

    async def mark() -> None:
        with suppress(errors.ConflictError, errors.NotFoundError):
            await documents.mark(document, DocumentState.DONE)

    return Prepared(world, f"{path}/{document.name}", mark)


# By what the operator counts writes of.
PARTS: dict[str, tuple[Callable[[], Awaitable[Prepared]], ...]] = {
    "status": (_status,),
    "annotations": (_annotations,),
    "namespaces": (_namespaces, _foreign_keys),
    "markers": (_marker_ended,),
    "policies": (_policies,),
    "grants": (_grant_repaired, _grant_ended),
    "revocations": (_revocation, _undo_document),
}


def test_these_are_all_parts_that_are_written() -> None:
    (counted,) = (m for m in Metrics().registry.collect() if m.name == "responsibility_writes")
    assert {sample.labels["what"] for sample in counted.samples} == PARTS.keys()


@pytest.mark.parametrize("part", [one for parts in PARTS.values() for one in parts])
@pytest.mark.parametrize("change", ["none", "gone", "made anew", "made anew on the way"])
@virtual
async def test_what_is_written_is_about_the_object_that_is_there(
    part: Callable[[], Awaitable[Prepared]], change: str
) -> None:
    prepared = await part()
    objects, path = prepared.world.server.objects, prepared.path
    before = copy.deepcopy(objects[path])

    def swap() -> None:
        """Put another one in its place, as a person makes it who has the old one's manifest."""
        other = copy.deepcopy(before)
        other["metadata"] |= {"uid": "another", "resourceVersion": "7000"}
        objects[path] = other

    if change == "made anew on the way":
        gate = prepared.world.server.hold(path)
        writing = asyncio.ensure_future(prepared.write())
        await gate.arrived.wait()
        swap()
        gate.open.set()
        await writing
    else:
        if change == "gone":
            del objects[path]
        elif change == "made anew":
            swap()
        await prepared.write()
    after = objects.get(path)
    if change == "none":
        assert after != before, "so that it can fail"
    elif change == "gone":
        assert after is None
    else:
        assert after is not None
        expected = {**before["metadata"], "uid": "another", "resourceVersion": "7000"}
        assert after == {**before, "metadata": expected}


def _anew(world: World) -> None:
    world.delete_record()
    world.put_record(uid="another")


RECORD_CHANGES: dict[str, Callable[[World], None]] = {
    "gone": World.delete_record,
    "made anew": _anew,
    "edited": lambda world: world.put_record(generation=9, parties=OTHERS),
    "moved": lambda world: world.put_record(generation=9, hub={"namespace": "staging"}),
}


@pytest.mark.parametrize("change", [*RECORD_CHANGES, "none", "the Namespace is another one"])
@virtual
async def test_nothing_is_granted_for_a_record_that_is_another_by_now(change: str) -> None:
    granting = Granting(parties=OTHERS)
    granting.granter.follow(granting.world.look())
    if change in RECORD_CHANGES:
        RECORD_CHANGES[change](granting.world)
    elif change != "none":
        meta = {"name": "prod", "uid": "another", "resourceVersion": "9"}
        event = {"type": "MODIFIED", "object": {"metadata": meta}}
        granting.world.store.namespaces._take([event])
    await granting.granter._round()
    assert bool(granting.bindings) is (change == "none")
