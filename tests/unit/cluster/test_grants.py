"""Of bindings that are named like our grants a little more is kept; and what granting takes."""

import pytest

from responsibility.cluster.rights import CLUSTER_GRANT_RIGHTS, GRANT_RIGHTS, Right
from responsibility.cluster.store import Store
from responsibility.grants.binding import LiveBinding
from responsibility.kube.client import Api
from responsibility.rbac.objects import Binding, BindingKey
from tests.unit.cluster.feeding import binding, feed

NAME = "responsibility-grant-fence-0123"
KEY = BindingKey("prod", NAME)


@pytest.fixture
async def store(api: Api) -> Store:
    return Store(api, relist=300)


async def test_ours_are_kept_with_their_owners_and_others_as_they_were(store: Store) -> None:
    ours, theirs = binding(NAME, "prod", "x"), binding("theirs", "prod", "x")
    for each in (ours, theirs):
        each["metadata"]["ownerReferences"] = [{"uid": "u"}]
    feed(store.bindings, ("ADDED", ours), ("ADDED", theirs))
    assert set(store.grants) == {KEY}
    assert store.grants[KEY].owners == {"u"}
    assert type(store.bindings.items[BindingKey("prod", "theirs")]) is Binding


async def test_a_change_of_nothing_but_the_owner_is_a_change(store: Store) -> None:
    ours = binding(NAME, "prod", "x")
    feed(store.bindings, ("ADDED", ours))
    store.begin()
    ours["metadata"]["ownerReferences"] = [{"uid": "u"}]
    feed(store.bindings, ("MODIFIED", ours))
    assert store.changed.is_set()
    assert store.grants[KEY].owners == {"u"}


async def test_what_is_gone_is_gone(store: Store) -> None:
    cluster = binding(NAME, "", "x")
    feed(store.cluster_bindings, ("ADDED", cluster))
    assert isinstance(store.grants[BindingKey("", NAME)], LiveBinding)
    feed(store.cluster_bindings, ("DELETED", cluster))
    assert store.grants == {}


@pytest.mark.parametrize("right", [*GRANT_RIGHTS, *CLUSTER_GRANT_RIGHTS], ids=str)
def test_granting_takes_bindings_and_nothing_else(right: Right) -> None:
    assert right.resource in {"rolebindings", "clusterrolebindings"}
    assert set(right.verbs) == {"create", "patch", "delete"}
    assert right.optional
