"""A cluster on which enforcement is switched on, and people who try what they may and may not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from demo import organisation
from responsibility.admission.policies.rendered import rendered
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import is_our_key
from responsibility.api.parse import parse_model
from tests.e2e.admission.asking import Person as Asking
from tests.e2e.lab.cluster import Completed
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, Manifest, where
from tests.e2e.operator.world import World, hub, record

ENABLED = {"ENFORCEMENT": "true"}
ENGINEER = ("engineer@example.org", ["platform-engineers"])
# An administrator of a hub's namespace by RBAC, whom the record gives nothing.
STRANGER = ("stranger@example.org", ["strangers"])
ITEM = "kubernetes-configuration"
OTHER = "incident-response"
Person = tuple[str, list[str]]
JSON_PATCH = "application/json-patch+json"
_REFUSED = 400


def model(world: World) -> ResponsibilityModel:
    """Return the model as it is in the cluster."""
    return parse_model(world.admin.get(where(OURS, "ResponsibilityModel", "2i2c")))


def policies(world: World) -> list[Manifest]:
    """Return what the model renders for this cluster."""
    return rendered(model(world), namespace=chart.NAMESPACE, account=chart.ACCOUNT)


def install(world: World) -> None:
    """Install the chart with enforcement, and the policies of the model."""
    world.install("--set", "enforcement.enabled=true,policies.enabled=true")
    provider = organisation.cluster_binding("engineers", "cluster-admin", organisation.PLATFORM)
    world.admin.apply(provider)
    # What the chart ships is what is rendered, unless somebody is at work on that just now.
    render(world, {(o["kind"], o["metadata"]["name"]): o.get("spec") for o in world.objects})


def render(world: World, applied: dict[tuple[str, str], Any]) -> None:
    """Apply what the model renders now, as far as that is not what was ``applied``; note it."""
    found = {(m["kind"], m["metadata"]["name"]): m for m in policies(world)}
    world.admin.apply(
        *(m for key, m in found.items() if applied.get(key) != m["spec"]), manager="helm"
    )
    applied.update({key: m["spec"] for key, m in found.items()})


def people(namespace: str) -> list[Manifest]:
    """Return by what strangers may change everything in a namespace, as far as RBAC goes.

    They make and delete nothing, or they could get round what is enforced alone.
    """
    change = organisation.rule("*", ["*"], ["get", "list", "watch", "update", "patch"])
    make = organisation.rule("", ["replicationcontrollers"], ["create"])
    return [
        organisation.cluster_role("strangers", change, make),
        organisation.binding(
            namespace, "strangers", "strangers", {"kind": "Group", "name": "strangers"}
        ),
    ]


def until_proved(world: World, record_: str, *, seconds: float = 60) -> None:
    """Wait until what a record asks for has been proved, though somebody may get round it."""
    proved = {("True", "Proved"), ("False", "Hollow")}
    world.until(
        lambda: world.condition(record_, "Enforced")[:2] in proved, f"{record_} proved", seconds
    )


def community(*subjects: Manifest) -> Manifest:
    """Return the community's side of an agreement."""
    return {
        "name": "community",
        "contact": {"email": "reef@example.org"},
        "subjects": list(subjects),
    }


def staged(name: str, stage: str = "", items: Iterable[Manifest] = (), **spec: Any) -> Manifest:
    """Return a record that asks for a stage."""
    enforcement = spec.pop("enforcement", {"admission": stage} if stage else {})
    return record(name, items=list(items), enforcement=enforcement, **spec)


def item(name: str = ITEM, stage: str = "deny", **more: Any) -> Manifest:
    """Return an item of a record, with a stage of its own."""
    force = {"force": True} if more.pop("force", False) else {}
    return {"name": name, "enforcement": {"admission": stage, **force}, **more}


def scale(world: World, person: Person, namespace: str, *, to: int = 0) -> Completed:
    """Have somebody set the hub's replicas, without storing it."""
    user, groups = person
    return world.cluster.kubectl(
        "patch",
        "deployment",
        "hub",
        f"-n={namespace}",
        "--type=json",
        "-p",
        f'[{{"op": "add", "path": "/spec/replicas", "value": {to}}}]',
        "--dry-run=server",
        as_user=user,
        as_groups=groups,
        check=False,
    )


def outcome(world: World, person: Person, namespace: str) -> str:
    """Return what happens to somebody who changes the hub's replicas: passed, warned, refused."""

    def asked() -> str:
        user, groups = person
        path = where("apps/v1", "Deployment", "hub", namespace)
        change = [{"op": "add", "path": "/spec/replicas", "value": 1}]
        who = Asking(user, tuple(groups), bound=True)
        answer = world.asker.ask(who, "PATCH", path, change, type=JSON_PATCH)
        if answer.code < _REFUSED:
            return "warned" if answer.warnings else "passed"
        # RBAC is asked first, which hears of a binding a moment after it was made.
        assert "denied request" in answer.message, answer
        return "refused"

    return eventually(asked)


def until_outcome(
    world: World, person: Person, namespace: str, met: str, seconds: float = 60
) -> None:
    """Wait until that is what happens: policies and Namespaces are seen a moment later."""
    world.until(
        lambda: outcome(world, person, namespace) == met,
        f"{person[0]} to be {met} in {namespace}",
        seconds,
    )


def namespace_keys(world: World, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return our labels and annotations of a Namespace."""
    meta = world.admin.get(where("v1", "Namespace", name))["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    return (
        {k: v for k, v in labels.items() if is_our_key(k)},
        {k: v for k, v in annotations.items() if is_our_key(k)},
    )


def stage(world: World, record_: str, name: str = ITEM) -> str:
    """Return the stage of an item as the record's status tells it."""
    item = world.items(record_).get(name)
    return "" if item is None else str(item.get("admission", "observe"))


def note(world: World, record_: str, name: str = ITEM) -> str:
    """Return why an item's stage is not as asked."""
    return str(world.items(record_).get(name, {}).get("admissionNote", ""))


def deploy(world: World, name: str, **options: Any) -> None:
    """Deploy a hub that strangers administer."""
    world.admin.apply(*hub(name, **options), *people(name))


def log_of(world: World) -> Path:
    """Return where the API server's audit log is."""
    return world.cluster.audit_log
