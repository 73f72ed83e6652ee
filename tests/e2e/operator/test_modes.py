"""What each mode of the chart grants, the operator uses; and what it asks for, the mode grants.

The API server's audit log is the witness: a world is made in which everything happens that a mode
is for, and the requests of the operator are held against the rules that the chart rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import yaml

from responsibility.api.names import (
    DELEGATION_ROLE,
    ITEM_ROLE_PREFIX,
    REVOCATION_LABEL,
    REVOKE_VERB,
    UNDO_PREFIX,
)
from responsibility.cluster.undo_documents import MOST_KEPT
from tests.e2e.lab import audit
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest, where
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.process import Operator
from tests.e2e.operator.revocation import revoking
from tests.e2e.operator.world import World, hub, record, record_path, role_binding

Request = tuple[str, str, str, str]
"""Verb, API group, resource with its subresource, and the name that the rule limits it to."""

PATIENCE = 120.0
GROUP = "responsibility.2i2c.org"
FULL = "mode=deny,grants.enabled=true,grants.cluster=true"
# Granted and not seen in the log, each with its reason.
UNSEEN = {
    # Asked about by the API server itself, when somebody is bound; no request has this verb.
    "bind",
    # Asked about by the policy that confines the operator; there is no such request.
    REVOKE_VERB,
}
# What these are about is not deployed in this world: the rule is the same for each name.
NAMES_UNUSED = {"proxy", "autohttps", "user-scheduler"}
# Every authenticated user may ask these: by system:basic-user, not by the chart.
BASIC = {"selfsubjectaccessreviews", "selfsubjectreviews"}


def granted(objects: list[Manifest]) -> set[Request]:
    """Return what the chart's rules say that the operator's account may do."""
    roles = {(o["kind"], o["metadata"]["name"]): o for o in objects if o["kind"].endswith("Role")}
    bound = [
        roles[o["roleRef"]["kind"], o["roleRef"]["name"]]
        for o in objects
        if o["kind"].endswith("Binding") and _is_for_us(o.get("subjects") or [])
    ]
    assert bound
    return {
        (verb, group, resource, name)
        for role in bound
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }


def _is_for_us(subjects: list[Manifest]) -> bool:
    return any(subject["name"] == chart.RELEASE for subject in subjects)


def asked(events: list[audit.Event], rules: set[Request]) -> set[Request]:
    """Return what was asked, in the words of the rules."""
    named = {(verb, group, resource) for verb, group, resource, name in rules if name}
    found = set()
    for event in events:
        reference = event.get("objectRef")
        if reference is None or reference["resource"] in BASIC:
            continue
        parts = (reference["resource"], reference.get("subresource"))
        resource = "/".join(filter(None, parts))
        key = (event["verb"], reference.get("apiGroup", ""), resource)
        name = reference.get("name", "") if key in named else ""
        # A binding of markers is made by the rule without names, like all others.
        found.add((*key, name))
    return found


@contextmanager
def installed(world: World, values: str) -> Iterator[Operator]:
    """Install the chart with these values, and run the operator as its Deployment would."""
    world.install("--set", values)
    settings = {"LEADER_ELECTION": "true", **chart.environment("--set", values)}
    with world.operator(settings=settings) as operator:
        yield operator


def refused(events: list[audit.Event]) -> list[str]:
    """Return what the API server would not let the operator do."""
    return [
        f"{e['verb']} {e['requestURI']}"
        for e in events
        if e.get("responseStatus", {}).get("code") == 403
        and e["stage"] == "ResponseComplete"
        # A trial of a policy is meant to be refused: by the policy, as a dry run.
        and "dryRun=All" not in e["requestURI"]
    ]


def judge(world: World, since: int) -> None:
    """Hold what was asked since then against what is granted."""
    rules = granted(world.objects)

    def held() -> None:
        # A request is written down a moment after it was answered.
        events = world.requests(since)
        assert refused(events) == []
        seen = asked(events, rules)
        missing = seen - rules
        assert not missing, f"asked for, and by no rule of the chart: {sorted(missing)}"
        unused = {r for r in rules - seen if r[0] not in UNSEEN and r[3] not in NAMES_UNUSED}
        assert not unused, f"granted, and never asked for: {sorted(unused)}"

    eventually(held, 5)


def test_audit_grants_what_is_used_and_nothing_else(bare_world: World) -> None:
    world = bare_world
    since = world.mark()
    with installed(world, "mode=audit") as operator:
        world.admin.apply(*hub("reef"), record("reef"))
        world.until_condition("reef", "Ready", "True", seconds=PATIENCE)
        world.until_condition("reef", "Annotated", "True", seconds=PATIENCE)
        world.admin.apply(role_binding("reef", "eve", "admin", "eve"))
        world.until(lambda: world.causes("reef", kind="excess-access"), "a finding", PATIENCE)
        world.until(lambda: world.events("reef"), "an Event", PATIENCE)
        world.until(world.model_status, "the model's status", PATIENCE)
        assert operator.metrics().value("missing_rights") == 0, operator.log
        assert operator.metrics().value("leader") == 1
    judge(world, since)
    hubs_own = [w for w in world.writes(since) if "/namespaces/reef" in w]
    assert hubs_own
    assert all("/namespaces/reef/deployments/" in w for w in hubs_own)


# What a record asks for where a mode allows it. With both sides of it, all that there is.
ASKED: dict[str, dict[str, str]] = {
    "mode=warn": {"admission": "warn"},
    "mode=grant": {"rbac": "grant"},
    FULL: {"admission": "deny", "rbac": "grant"},
}


@pytest.mark.parametrize(
    "values", [pytest.param(v, marks=() if v == FULL else pytest.mark.long) for v in ASKED]
)
def test_a_mode_grants_what_is_used_and_nothing_else(bare_world: World, values: str) -> None:
    world, asked_for = bare_world, ASKED[values]
    name = f"cove-{list(ASKED).index(values)}"
    until = (datetime.now(UTC) + timedelta(days=5)).isoformat(timespec="seconds")
    community = enforcing.community({"kind": "Group", "name": "cove-admins"})
    delegate = {"party": "community", "until": until, "reason": "a workshop"}
    items = [{"name": enforcing.ITEM, "delegates": [delegate]}]
    bindings = [where(RBAC, "RoleBinding", namespace=name)] if "rbac" in asked_for else []
    bindings += [where(RBAC, "ClusterRoleBinding")] if "grants.cluster=true" in values else []
    since = world.mark()
    # As on a cluster where nobody has led yet, and no other hub wants anything.
    lease = where("coordination.k8s.io/v1", "Lease", "responsibility-operator", chart.NAMESPACE)
    world.admin.delete(lease, *(record_path(r) for r in _records(world)))
    with installed(world, values) as operator:
        world.admin.apply(*hub(name))
        force = {**asked_for, "force": True}
        world.admin.apply(record(name, parties=[community], items=items, enforcement=force))
        for key, condition in (("admission", "Enforced"), ("rbac", "Granted")):
            if key in asked_for:
                world.until_condition(name, condition, "True", seconds=PATIENCE)
        for path in bindings:
            world.until(partial(_ours, world, path), f"grants in {path}", PATIENCE)
            _meddle(world, path)
        # Without the delegation its date is over; with audit so are the grants.
        neither = {"admission": "observe", "rbac": "audit"}
        world.admin.apply(record(name, parties=[community], items=[], enforcement=neither))
        for path in bindings:
            world.until(partial(_none, world, path), f"none in {path}", PATIENCE)
        world.until(lambda: enforcing.namespace_keys(world, name) == ({}, {}), "", PATIENCE)
        jobs = f"/apis/batch/v1/namespaces/{chart.NAMESPACE}/jobs"
        world.until(lambda: not world.admin.items(jobs), "no marker", PATIENCE)
        assert operator.metrics().value("missing_rights") == 0, operator.log
    judge(world, since)
    bound = {name for verb, *_, name in granted(world.objects) if verb == "bind"}
    assert bound
    assert all(name == DELEGATION_ROLE or name.startswith(ITEM_ROLE_PREFIX) for name in bound)


def _records(world: World) -> list[str]:
    found = world.admin.items(where(OURS, "Responsibility"))
    return [r["metadata"]["name"] for r in found]


def test_revoke_grants_what_is_used_and_nothing_else(bare_world: World) -> None:
    world = bare_world
    world.admin.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": chart.NAMESPACE}}
    )
    # So many that the oldest is removed.
    old = [f"{UNDO_PREFIX}old-{number:03}" for number in range(MOST_KEPT)]
    world.admin.apply(*map(_finished, old))
    since = world.mark()
    lease = where("coordination.k8s.io/v1", "Lease", "responsibility-operator", chart.NAMESPACE)
    world.admin.delete(lease)
    with installed(world, "mode=revoke") as operator:
        revoking.deploy(world, "skerry")
        world.until_condition("skerry", "Granted", "True", seconds=PATIENCE)
        bindings = where(RBAC, "RoleBinding", namespace="skerry")
        world.until(partial(_ours, world, bindings), "grants", PATIENCE)
        _meddle(world, bindings)
        told = revoking.settled_plan(world, "skerry")
        revoking.approve(world, "skerry", told["revocable"]["digest"])
        revoking.until_revoked(world, "skerry")
        path = where("v1", "ConfigMap", namespace=chart.NAMESPACE)
        world.until(
            lambda: _names_of(world, f"{path}?labelSelector={REVOCATION_LABEL}") >= set(old[1:]), ""
        )
        world.admin.gone(f"{path}/{old[0]}")
        revoking.approve(world, "skerry", None)
        # It grants, so what it made goes when nothing is asked for any more.
        world.admin.apply(record("skerry", enforcement={"rbac": "audit"}))
        world.until(partial(_none, world, bindings), "no grants", PATIENCE)
        world.until_condition("skerry", "Annotated", "True", seconds=PATIENCE)
        assert operator.metrics().value("missing_rights") == 0, operator.log
    judge(world, since)
    verbs = {(verb, resource) for verb, _, resource, _ in granted(world.objects)}
    assert not {"escalate", "impersonate", "*"} & {verb for verb, _ in verbs}
    bound = {name for verb, *_, name in granted(world.objects) if verb == "bind"}
    assert all(name.startswith(ITEM_ROLE_PREFIX) for name in bound), "revoking takes no bind"
    assert {r for v, r in verbs if v == "delete"} == {"rolebindings", "configmaps"}


def _finished(name: str) -> Manifest:
    labels = {
        REVOCATION_LABEL: "done",
        "responsibility.2i2c.org/record-uid": "gone",
        "responsibility.2i2c.org/plan": "0" * 32,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": chart.NAMESPACE, "labels": labels},
        "data": {"undo.json": "{}"},
    }


def _names_of(world: World, path: str) -> set[str]:
    return {str(each["metadata"]["name"]) for each in world.admin.items(path)}


def _ours(world: World, path: str) -> list[Manifest]:
    begin = "responsibility-grant-"
    return [b for b in world.admin.items(path) if b["metadata"]["name"].startswith(begin)]


def _none(world: World, path: str) -> bool:
    return not _ours(world, path)


def _meddle(world: World, path: str) -> None:
    """Take a label away, which is repaired by a patch."""
    binding = min(_ours(world, path), key=lambda b: str(b["metadata"]["name"]))
    kind = "ClusterRoleBinding" if "namespace" not in binding["metadata"] else "RoleBinding"
    known = {k: binding["metadata"][k] for k in ("name", "namespace") if k in binding["metadata"]}
    bare: Manifest = {"apiVersion": RBAC, "kind": kind, "metadata": {**known, "labels": None}}
    world.admin.merge(bare)
    own = f"{path}/{known['name']}"

    def repaired() -> bool:
        found = world.admin.get(own)["metadata"].get("labels")
        return bool(found == binding["metadata"]["labels"])

    world.until(repaired, f"{own} to be put right", PATIENCE)


def test_the_log_is_read_as_rules_are_written() -> None:
    """The comparison itself can fail: in both directions."""
    event = {
        "verb": "patch",
        "objectRef": {"apiGroup": "apps", "resource": "deployments", "name": "hub"},
    }
    rules = {("patch", "apps", "deployments", "hub"), ("list", "", "nodes", "")}
    assert asked([event], rules) == {("patch", "apps", "deployments", "hub")}
    other = yaml.safe_load(yaml.safe_dump(event))
    other["objectRef"] |= {"name": "other", "subresource": "scale"}
    assert asked([other], rules) - rules == {("patch", "apps", "deployments/scale", "")}
    del other["objectRef"]["subresource"]
    assert asked([other], rules) - rules == {("patch", "apps", "deployments", "other")}
