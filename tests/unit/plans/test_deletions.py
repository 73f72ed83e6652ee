"""What of a plan the operator may carry out itself: deletions in the hub's namespace, no more."""

from dataclasses import replace

import pytest

from responsibility.api.common import Enforcement
from responsibility.api.stages import RbacMode
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import Action, paper
from responsibility.plans.deletions import (
    Proposal,
    aim,
    approved,
    is_paper_of,
    is_revocation,
    propose,
)
from responsibility.plans.planner import make_plan
from responsibility.plans.simulate import simulate
from tests.unit.ownership.building import KEEPERS, Grant, grant, record, snapshot
from tests.unit.ownership.building import subject as named
from tests.unit.plans import laws
from tests.unit.plans.drawn import drawn

REVOKE = {"rbac": "revoke"}
ANN, BOB = named("User ann"), named("User bob")
FENCE = grant("User ann", "patch", "deployments", group="apps", names="hub")
CLUSTER = grant("User ann", "patch", "deployments", ns="", group="apps", names="hub")
SEEDS = range(60)


def of(*grants: Grant, **more: object) -> Snapshot:
    more.setdefault("records", [record(enforcement=REVOKE)])
    return snapshot(*KEEPERS, *grants, **more)  # type: ignore[arg-type]  # any field


def proposal(of_: Snapshot, name: str = "prod", *, revoking: bool = True) -> Proposal:
    assessor = Assessor()
    hub = assessor.assess(of_).hubs[name]
    return propose(
        hub, lambda ids: make_plan(of_, aim(name, ids), assessor=assessor), revoking=revoking
    )


def told(found: Proposal) -> list[str]:
    return [str(change) for change in found.part or ()]


def shared(given: Grant) -> Grant:
    """Return a grant to somebody, and to the keepers who are owed it."""
    role, binding = given
    return role, replace(binding, subjects=(*binding.subjects, named("Group keepers")))


def test_a_plan_of_deletions_is_the_operators_as_it_is() -> None:
    found = proposal(of(FENCE, grant("User bob", "delete", "configmaps")))
    assert found.part is found.whole
    assert len(told(found)) == 2
    assert found.left == ()


def test_the_digest_is_what_a_person_is_shown() -> None:
    world = of(FENCE)
    found = proposal(world)
    assert found.part is not None
    assert found.part.digest == make_plan(world, Aim(record="prod")).digest


def test_a_binding_that_others_share_is_left_to_people() -> None:
    found = proposal(of(shared(FENCE), grant("User bob", "delete", "configmaps")))
    assert [change.action for change in found.left] == [Action.EDIT_BINDING]
    (change,) = told(found)
    assert change.startswith("delete RoleBinding prod/to-User-bob-delete-configmaps")
    assert found.part is not None
    assert found.part.digest != found.whole.digest


def test_nothing_of_the_whole_cluster_is_the_operators() -> None:
    """The right would still be there by the ClusterRoleBinding, so its half is left, too."""
    world = of(FENCE, CLUSTER, grant("User bob", "delete", "configmaps"))
    found = proposal(world)
    assert {str(who) for change in found.part or () for who in change.removes} == {"User bob"}


def test_where_all_is_for_people_there_is_no_part() -> None:
    assert proposal(of(shared(FENCE))).part is None


def test_without_the_switch_there_is_no_part() -> None:
    found = proposal(of(FENCE), revoking=False)
    assert (found.part, len(found.whole.changes)) == (None, 1)


def test_only_items_that_ask_for_it_are_touched() -> None:
    asks = record(items={"beds": {"enforcement": REVOKE}})
    found = proposal(of(FENCE, grant("User bob", "delete", "configmaps"), records=[asks]))
    assert {f.item for f in found.part.ended} == {"beds"} if found.part else False
    assert len(found.whole.changes) == 2
    nobody = proposal(of(FENCE, records=[record()]))
    assert nobody.part is None


def test_a_paper_is_of_its_digest_and_of_no_other() -> None:
    found = proposal(of(FENCE))
    assert found.part is not None
    text = paper(found.part.content())
    assert is_paper_of(text, found.part.digest)
    assert not is_paper_of(text, "0" * 32)
    assert not is_paper_of(text.replace("ann", "bob"), found.part.digest)
    assert not is_paper_of(text, "")


def test_what_is_left_of_an_approved_plan_is_approved_and_nothing_more() -> None:
    bob = grant("User bob", "delete", "configmaps")
    both = proposal(of(FENCE, bob)).part
    one = proposal(of(FENCE)).part
    assert both is not None
    assert one is not None
    assert approved(paper(both.content()), one)
    assert approved(paper(both.content()), both)
    assert not approved(paper(one.content()), both)
    role, binding = FENCE
    wider = proposal(of((role, replace(binding, subjects=(ANN, BOB))))).part
    assert wider is not None
    assert not approved(paper(both.content()), wider), "it binds somebody else by now"


def revoking(world: Snapshot) -> Snapshot:
    """Return a world in which every record asks for it."""
    enforcement = Enforcement(rbac=RbacMode.REVOKE)
    records = {
        name: each.model_copy(
            update={"spec": each.spec.model_copy(update={"enforcement": enforcement})}
        )
        for name, each in world.records.items()
    }
    return replace(world, records=records)


def parts(seed: int, *, routes: bool = False) -> list[tuple[str, Snapshot, Proposal]]:
    world = revoking(drawn(seed, routes=routes)[0])
    hubs = Assessor().assess(world).hubs
    found = [(name, world, proposal(world, name)) for name, hub in hubs.items() if hub.hub]
    return [(name, world, each) for name, world, each in found if each.part is not None]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_part_keeps_the_laws_of_plans(seed: int) -> None:
    for name, world, found in parts(seed):
        assert found.part is not None
        hub = Assessor().assess(world).hubs[name]
        assert all(is_revocation(change, hub) for change in found.part)
        ids = () if found.part is found.whole else {f.id for f in found.part.ended}
        meant = aim(name, ids)
        assert not laws.broken(world, meant, found.part)
        after = replace(world, graph=simulate(world.graph, found.part))
        left = {f.id for f in meant.findings(Assessor().assess(after))}
        assert not left & {f.id for f in found.part.ended if not f.route}


def test_the_drawn_worlds_have_parts_of_plans_in_them() -> None:
    found = [each for seed in SEEDS for _, _, each in parts(seed)]
    assert sum(each.part is each.whole for each in found) > 2
    assert sum(each.part is not each.whole for each in found) > 2
