"""What an item guards can't be had another way: tried for real, with every item at deny.

``adm`` holds the built-in ClusterRole ``admin`` in the hub's namespace, ``star`` holds ``*`` on
``*`` there. Nothing here is a dry run: what got through would have happened.
"""

from collections.abc import Mapping

import pytest

from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub, set_keys
from tests.e2e.admission.side_doors import APPS, CONTROLLERS, NAME, OWNERS, RIGHTS, WAYS
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

AUTHENTICATED = ("system:authenticated",)
ADM = Person("adm", AUTHENTICATED, bound=True)
STAR = Person("star", AUTHENTICATED, bound=True)
PEOPLE = {"adm": ADM, "star": STAR}


@pytest.fixture(scope="module")
def here(guarded: Cluster, asker: Asker, make_hub: MakeHub) -> Mapping[str, str]:
    """Make a hub with every item at deny, and return the names that its controllers chose."""
    make_hub(NAME, {}, hubs.notes(NAME))
    guarded.kubectl("apply", "-f", "-", input=RIGHTS)
    found: dict[str, str] = {}

    def made() -> bool:
        for key, kind, owner in (
            ("$(replicaset)", "replicasets", "hub"),
            ("$(revision)", "controllerrevisions", "continuous-image-puller"),
        ):
            for each in asker.ask(None, "GET", f"{APPS}/{kind}", dry=False).body["items"]:
                owners = each["metadata"].get("ownerReferences", [])
                if any(o["name"] == owner for o in owners):
                    found[key] = each["metadata"]["name"]
        return len(found) == 2

    wait_until(made, PATIENCE, "the hub's ReplicaSet and a revision")
    set_keys(asker, NAME, hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes(NAME))
    return found


def _filled(path: str, names: Mapping[str, str]) -> str:
    for key, name in names.items():
        path = path.replace(key, name)
    return path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", PEOPLE)
def test_neither_admin_nor_all_rights_are_a_way_around(
    asker: Asker, here: Mapping[str, str], who: str, way: str
) -> None:
    one = WAYS[way]
    answer = asker.ask(
        PEOPLE[who], one.method, _filled(one.path, here), one.body, type=one.type, dry=False
    )
    assert not answer.broken, answer.message
    assert answer.code == 403, (answer.code, answer.message)
    # What RBAC lets somebody do, a policy has to refuse.
    assert answer.refused or (who == "adm" and "cannot" in answer.message), answer.message


@pytest.mark.parametrize("way", OWNERS)
def test_the_owner_may(asker: Asker, here: Mapping[str, str], way: str) -> None:
    one, owner = WAYS[way], hubs.owner(OWNERS[way])
    path = _filled(one.path, here)
    answer = asker.ask(owner, one.method, path, one.body, type=one.type)
    assert not answer.refused, answer.message
    assert answer.code < 400, answer.message


@pytest.mark.parametrize("person", CONTROLLERS, ids=lambda p: p.user)
@pytest.mark.parametrize(
    "way",
    [
        "a pod that has failed",
        "a finalizer of a user's pod",
        "a finalizer of the Service, in its status",
        "the scheduler's Lease",
    ],
)
def test_what_works_for_the_hub_goes_on(
    asker: Asker, here: Mapping[str, str], person: Person, way: str
) -> None:
    one = WAYS[way]
    answer = asker.ask(person, one.method, _filled(one.path, here), one.body, type=one.type)
    assert not answer.refused, answer.message


def test_the_namespace_still_goes(asker: Asker, make_hub: MakeHub) -> None:
    make_hub(
        "side-doors-end", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("side-doors-end")
    )
    path = "/api/v1/namespaces/side-doors-end"
    assert asker.ask(hubs.owner(20), "DELETE", path, dry=False).code == 200
    wait_until(
        lambda: asker.ask(None, "GET", path, dry=False).code == 404,
        PATIENCE,
        "the namespace and all that was in it to be gone",
    )
