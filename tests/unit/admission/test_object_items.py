"""Whose a change of an object is, by the shipped model."""

from __future__ import annotations

import pytest

from responsibility.admission.object_items import (
    items_of_change,
    items_of_object,
    items_of_release,
)
from responsibility.admission.policies.guards import Guards
from responsibility.api.parse import load_shipped_model
from responsibility.hub.release.changes import Act, Change, ObjectName
from responsibility.ownership.terms.permission_index import Names

GUARDS = Guards.of(load_shipped_model())
NAMES = Names("prod", "prod", "z-")
POD = ("spec", "template", "spec")
APPS, RBAC, CORE = "apps", "rbac.authorization.k8s.io", ""


Place = tuple[str, str, str, str]


def whose(about: Place, steps: tuple[str, ...], act: Act = Act.CHANGED) -> tuple[str, ...]:
    kind, name, group, resource = about
    changed = ObjectName(kind, name, "prod", group, resource)
    return items_of_change(GUARDS, NAMES, Change(changed, ".".join(steps), act, steps))


@pytest.mark.parametrize(
    ("about", "steps", "items"),
    [
        (
            ("Deployment", "z-hub", APPS, "deployments"),
            (*POD, "containers", "[*]", "resources", "limits", "memory"),
            ("kubernetes-configuration",),
        ),
        (
            ("Deployment", "z-hub", APPS, "deployments"),
            ("spec", "replicas"),
            ("kubernetes-configuration",),
        ),
        (
            ("Deployment", "z-hub", APPS, "deployments"),
            (*POD, "containers", "[*]", "image"),
            ("deploy-configure-hub",),
        ),
        (
            ("Deployment", "other", APPS, "deployments"),
            (*POD, "containers", "[*]", "image"),
            ("deploy-configure-hub",),
        ),
        # A whole container is more than any field of one.
        (
            ("Deployment", "z-hub", APPS, "deployments"),
            (*POD, "containers", "[*]"),
            ("deploy-configure-hub",),
        ),
        (
            ("DaemonSet", "z-continuous-image-puller", APPS, "daemonsets"),
            (*POD, "initContainers", "[*]", "image"),
            ("basic-environment",),
        ),
        (
            ("PersistentVolumeClaim", "z-hub-db-dir", CORE, "persistentvolumeclaims"),
            ("spec", "resources", "requests", "storage"),
            ("data",),
        ),
        (
            ("NetworkPolicy", "z-hub", "networking.k8s.io", "networkpolicies"),
            ("spec", "ingress"),
            ("deploy-configure-hub",),
        ),
        (
            ("ClusterRole", "z-user-scheduler", RBAC, "clusterroles"),
            ("rules",),
            ("operate-cluster",),
        ),
        # Of what no model knows, whoever deploys.
        (("Thing", "x", "example.org", "things"), ("spec",), ("deploy-configure-hub",)),
    ],
)
def test_a_field_belongs_to_who_lists_it_and_the_rest_to_who_may_change_the_object(
    about: Place, steps: tuple[str, ...], items: tuple[str, ...]
) -> None:
    assert whose(about, steps) == items


def test_an_object_that_is_gone_belongs_to_who_may_delete_it() -> None:
    about = ("PersistentVolumeClaim", "z-hub-db-dir", CORE, "persistentvolumeclaims")
    service = ("Service", "z-hub", CORE, "services")
    assert "data" in whose(about, (), Act.DELETED)
    assert whose(service, (), Act.DELETED) == ("deploy-configure-hub",)


def test_what_is_not_read_belongs_to_who_may_change_it() -> None:
    about = ObjectName("Deployment", "z-hub", "prod", APPS, "deployments")
    assert items_of_object(GUARDS, NAMES, about) == items_of_release(GUARDS)
    assert items_of_release(GUARDS) == ("deploy-configure-hub",)
