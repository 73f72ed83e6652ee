"""Hubs whose records ask for grants, and the questions that tell whether people got them."""

from __future__ import annotations

from typing import Any

from responsibility.grants.binding import RECORD, DesiredBinding, Owner
from responsibility.grants.item_roles import role_name
from responsibility.hub.discovery import HubKey
from responsibility.rbac.objects import GROUP, Subject
from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, Manifest, where
from tests.e2e.operator.world import World, hub, record

ON = {"GRANTS": "true"}
INSTALLED = ("--set", "grants.enabled=true")
CONFINED = "responsibility-operator-confined"
MANAGED_BY = "app.kubernetes.io/managed-by"
SETTLED = 20.0
# What communities own in these tests, unless said otherwise.
ITEM = "incident-response"
ROLE = role_name(ITEM)


def install(world: World, *options: str) -> None:
    """Install the chart with grants, and of its policies the one that confines the operator."""
    world.install(*INSTALLED, *options)
    policies = chart.rendered(*INSTALLED, "--set", "policies.enabled=true")
    confining = [o for o in policies if o["metadata"]["name"] == CONFINED]
    assert len(confining) == 2, "a policy and its binding"
    world.admin.apply(*confining, manager="helm")


def community(*groups: str) -> Manifest:
    """Return a community that is these groups."""
    return {
        "name": "community",
        "contact": {"email": "hub@example.org"},
        "subjects": [{"kind": "Group", "name": group} for group in groups],
    }


def granting(name: str, *groups: str, items: Any = (), **more: Any) -> Manifest:
    """Return a record that asks for grants, and gives the community what ``items`` say.

    Unless said otherwise, that is incident-response.
    """
    items = list(items) or [{"name": ITEM, "owner": "community"}]
    spec = {"enforcement": {"rbac": "grant"}, **more}
    return record(name, parties=[community(*(groups or (f"{name}-admins",)))], items=items, **spec)


def grants(world: World, namespace: str, item: str = "") -> list[Manifest]:
    """Return the RoleBindings of a namespace that are named like the operator's."""
    found = world.admin.items(where(RBAC, "RoleBinding", namespace=namespace))
    begin = f"responsibility-grant-{item}"
    return [binding for binding in found if binding["metadata"]["name"].startswith(begin)]


def granted_to(world: World, namespace: str, item: str) -> set[str]:
    """Return the names of all whom an item was granted to."""
    return {s["name"] for b in grants(world, namespace, item) for s in b.get("subjects") or ()}


def until_granted(world: World, name: str, seconds: float = SETTLED) -> None:
    """Wait until all is granted that a record asks for."""
    world.until_condition(name, "Granted", "True", seconds=seconds)


def settled(world: World, name: str, *groups: str, **more: Any) -> None:
    """Deploy a hub whose record asks for grants, and wait for them."""
    world.admin.apply(*hub(name), granting(name, *groups, **more))
    until_granted(world, name)


def binding_name(world: World, name: str, item: str, party: str, *groups: str) -> str:
    """Return how the operator will name a binding."""
    uid = world.record(name)["metadata"]["uid"]
    subjects = frozenset(Subject(GROUP, group) for group in groups)
    wanted = DesiredBinding(
        Owner(RECORD, name, uid), item, party, name, role_name(item), subjects, HubKey(name, name)
    )
    return wanted.key.name


def can(
    world: World, member_of: str, verb: str, resource: str, namespace: str, **more: str
) -> bool:
    """Return whether the API server lets a member of a group do something."""
    plural, _, subresource = resource.partition("/")
    attributes = {
        "verb": verb,
        "resource": plural,
        "subresource": subresource,
        "namespace": namespace,
        **more,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "somebody", "groups": [member_of], "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(world.admin._send("POST", path, review)["status"]["allowed"])


def may_restart(world: World, group: str, namespace: str) -> bool:
    """Return whether somebody can do what incident-response requires: delete pods, for one."""
    return can(world, group, "delete", "pods", namespace)


def until_may_restart(world: World, group: str, namespace: str) -> None:
    """Wait until somebody can: the authorizer hears of a binding after the operator does."""
    world.until(lambda: may_restart(world, group, namespace), f"{group} to have come by it")


def until_lost(world: World, group: str, namespace: str) -> None:
    """Wait until somebody can't any more: the authorizer hears of a deletion after a list does."""
    world.until(lambda: not may_restart(world, group, namespace), f"{group} to have lost it")
