"""What is not as Helm deployed it: nothing where nobody did anything, and each change by itself."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.hub.release.changes import Act, Change, ObjectName
from responsibility.hub.release.difference import changes
from responsibility.hub.release.field_managers import FieldManagers
from responsibility.hub.release.sealing import sealed
from tests.unit.hub.release import server
from tests.unit.hub.release.server import DEPLOYED, LATER, Json

KEY = b"k"
POD = ("spec", "template", "spec")
HUB = (*POD, "containers", 0)


def told(wanted: Json, found: Json, *, scaled: bool = False) -> list[Change]:
    about = ObjectName(wanted["kind"], wanted["metadata"]["name"])
    managers = FieldManagers(found, deployed_at=DEPLOYED)
    return list(changes(sealed(wanted, KEY), sealed(found, KEY), about, managers, scaled=scaled))


def touched(found: Json) -> Json:
    """Return an object that somebody else has written who changed nothing of what was deployed."""
    place = ("metadata", "annotations", "responsibility.2i2c.org/owners")
    return server.edited(found, place, "x", "responsibility-operator")


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("manifest", [server.deployment(), server.policy(), server.service()])
def test_what_was_only_deployed_differs_in_nothing(manifest: Json, apply: bool) -> None:
    found = server.stored(manifest, apply=apply)
    assert told(manifest, found) == []
    assert told(manifest, touched(found)) == []


CHANGES: dict[str, tuple[tuple[str | int, ...], Any, str, Act]] = {
    "an image": ((*HUB, "image"), "x:1", "spec.template.spec.containers[hub].image", Act.CHANGED),
    "an amount": (
        (*HUB, "resources", "limits", "memory"),
        "1G",
        "spec.template.spec.containers[hub].resources.limits.memory",
        Act.CHANGED,
    ),
    "an amount taken away": (
        (*HUB, "resources", "limits", "memory"),
        ...,
        "spec.template.spec.containers[hub].resources.limits.memory",
        Act.REMOVED,
    ),
    "an amount where there was none": (
        (*HUB, "resources", "limits", "cpu"),
        "1",
        "spec.template.spec.containers[hub].resources.limits.cpu",
        Act.ADDED,
    ),
    "an argument": (
        (*HUB, "args", 1),
        "--debug",
        "spec.template.spec.containers[hub].args",
        Act.CHANGED,
    ),
    "the last of two variables": (
        (*HUB, "env", 1, "value"),
        "2",
        "spec.template.spec.containers[hub].env[PYTHONUNBUFFERED].value",
        Act.CHANGED,
    ),
    "an empty variable": (
        (*HUB, "env", 2, "value"),
        "x",
        "spec.template.spec.containers[hub].env[EMPTY].value",
        Act.ADDED,
    ),
    "a variable more": (
        (*HUB, "env", 4),
        {"name": "LD_PRELOAD", "value": "x"},
        "spec.template.spec.containers[hub].env[LD_PRELOAD]",
        Act.ADDED,
    ),
    "a safeguard taken away": (
        (*HUB, "securityContext", "allowPrivilegeEscalation"),
        ...,
        "spec.template.spec.containers[hub].securityContext.allowPrivilegeEscalation",
        Act.REMOVED,
    ),
    "a container more": (
        (*POD, "containers", 1),
        {"name": "spy", "image": "x"},
        "spec.template.spec.containers[spy]",
        Act.ADDED,
    ),
    "an init container": (
        (*POD, "initContainers"),
        [{"name": "spy", "image": "x"}],
        "spec.template.spec.initContainers[spy]",
        Act.ADDED,
    ),
    "the node's network": (
        (*POD, "hostNetwork"),
        True,
        "spec.template.spec.hostNetwork",
        Act.CHANGED,
    ),
    "a volume of the node": (
        (*POD, "volumes", 2),
        {"name": "root", "hostPath": {"path": "/"}},
        "spec.template.spec.volumes[root]",
        Act.ADDED,
    ),
    "the kind of a volume": (
        (*POD, "volumes", 1),
        {"name": "scratch", "hostPath": {"path": "/"}},
        "spec.template.spec.volumes[scratch].emptyDir",
        Act.REMOVED,
    ),
    "a toleration": (
        (*POD, "tolerations", 1, "key"),
        "c",
        "spec.template.spec.tolerations",
        Act.CHANGED,
    ),
    "an account": (
        (*POD, "serviceAccountName"),
        "other",
        "spec.template.spec.serviceAccountName",
        Act.CHANGED,
    ),
    "a number of pods": (("spec", "replicas"), 0, "spec.replicas", Act.CHANGED),
    "a label": (("metadata", "labels", "component"), "x", "metadata.labels.component", Act.CHANGED),
    "an annotation of the pods": (
        ("spec", "template", "metadata", "annotations", "sum"),
        "b2",
        "spec.template.metadata.annotations.sum",
        Act.CHANGED,
    ),
}


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_told_by_itself_with_who_and_when(name: str, apply: bool) -> None:
    place, value, path, act = CHANGES[name]
    manifest = server.deployment()
    found = server.edited(touched(server.stored(manifest, apply=apply)), place, value)
    told_ = told(manifest, found)
    if name == "the kind of a volume":
        # What came in its place is another field.
        more = [c for c in told_ if c.act is Act.ADDED]
        assert [c.path for c in more] == ["spec.template.spec.volumes[scratch].hostPath"]
        told_.remove(more[0])
    assert [(c.path, c.act) for c in told_] == [(path, act)]
    [change] = told_
    # Who only takes something away leaves no trace.
    who = ("", "") if value is ... else ("kubectl-edit", LATER)
    assert (change.manager, change.at) == who
    assert str(change.object) == "Deployment/hub"


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        (("spec", "ingress", 0, "from"), ..., "spec.ingress"),
        (("spec", "ingress", 0, "from", 0), {"namespaceSelector": {}}, "spec.ingress"),
        (("spec", "ingress", 1), {}, "spec.ingress"),
        (("spec", "egress", 0, "to"), [{"ipBlock": {"cidr": "1.1.1.1/32"}}], "spec.egress"),
        (("spec", "egress", 0, "ports", 0, "protocol"), "TCP", "spec.egress"),
        (("spec", "policyTypes"), ["Ingress"], "spec.policyTypes"),
    ],
)
def test_a_list_that_is_one_whole_is_told_as_one(place: Any, value: Any, path: str) -> None:
    manifest = server.policy()
    found = server.edited(server.stored(manifest), place, value)
    assert [c.path for c in told(manifest, found)] == [path]


def test_order_is_nothing_where_it_means_nothing() -> None:
    manifest = server.deployment()
    found = touched(server.stored(manifest))
    pod = found["spec"]["template"]["spec"]
    for name in ("volumes", "tolerations"):
        pod[name].reverse()
    found["metadata"]["managedFields"] = []
    assert told(manifest, found) == []
    pod["containers"][0]["args"].reverse()
    assert [c.path for c in told(manifest, found)] == ["spec.template.spec.containers[hub].args"]


def test_who_writes_as_helm_later_is_seen_all_the_same() -> None:
    manifest = server.deployment()
    place, value, path, _ = CHANGES["a container more"]
    for as_whom in ("helm", "Helm", "responsibility-operator", "kube-controller-manager"):
        found = server.edited(server.stored(manifest), place, value, as_whom)
        assert [(c.path, c.manager) for c in told(manifest, found)] == [(path, as_whom)]


def test_who_takes_away_all_that_is_known_of_writers_hides_no_change_nor_container() -> None:
    manifest = server.deployment()
    for name in ("an image", "a container more", "the node's network"):
        place, value, path, _ = CHANGES[name]
        found = server.edited(server.stored(manifest), place, value)
        found["metadata"]["managedFields"] = []
        assert [(c.path, c.manager, c.at) for c in told(manifest, found)] == [(path, "", "")]


def test_what_a_webhook_made_of_helms_own_request_is_no_change() -> None:
    manifest = server.deployment()
    webhook = copy.deepcopy(manifest)
    pod = webhook["spec"]["template"]["spec"]
    pod["containers"].append({"name": "istio-proxy", "image": "istio"})
    pod["containers"][0]["image"] = "mirror/hub:4.3.3"
    pod["containers"][0]["env"].append({"name": "PROXY", "value": "x"})
    found = server.stored(webhook)
    assert told(manifest, found) == []
    assert told(manifest, touched(found)) == []


def test_what_an_autoscaler_sets_is_no_change_but_only_that() -> None:
    manifest = server.deployment()
    found = server.edited(
        server.stored(manifest), ("spec", "replicas"), 3, "kube-controller-manager"
    )
    assert told(manifest, found, scaled=True) == []
    assert [c.path for c in told(manifest, found)] == ["spec.replicas"]


def test_a_secret_is_told_by_its_key_and_never_by_its_value() -> None:
    manifest = {**server.secret(b="Yg==", c="Yw=="), "stringData": {"a": "x"}}
    found = server.stored(server.secret(a="eA==", b="Yg==", c="Yw=="))
    del found["status"]
    assert told(manifest, found) == []
    changed = server.edited(touched(found), ("data", "b"), "c2VjcmV0")
    [change] = told(manifest, changed)
    assert (change.path, change.act, change.wanted, change.found) == (
        "data.b",
        Act.CHANGED,
        "",
        "",
    )
    assert "c2VjcmV0" not in repr(sealed(changed, KEY))
    removed = server.edited(touched(found), ("data", "hub.config"), "eA==")
    assert [c.path for c in told(manifest, removed)] == ['data["hub.config"]']


def test_values_are_told_of_some_fields_only() -> None:
    manifest = server.deployment()
    found = server.stored(manifest)
    [image] = told(manifest, server.edited(found, (*HUB, "image"), "x:1"))
    assert (image.wanted, image.found) == ("quay.io/jupyterhub/k8s-hub:4.3.3", "x:1")
    [env] = told(manifest, server.edited(found, (*HUB, "env", 1, "value"), "password"))
    assert (env.wanted, env.found) == ("", "")
    [args] = told(manifest, server.edited(found, (*HUB, "args", 1), "password"))
    assert (args.wanted, args.found) == ("", "")


@pytest.mark.parametrize("name", [n for n in CHANGES if n != "the kind of a volume"])
def test_no_flood_of_harmless_changes_hides_another(name: str) -> None:
    manifest = server.deployment()
    place, value, path, act = CHANGES[name]
    found = server.edited(touched(server.stored(manifest)), place, value)
    volumes = found["spec"]["template"]["spec"]["volumes"]
    for number in range(100):
        flood = {"name": f"a{number}", "emptyDir": {}}
        found = server.edited(found, (*POD, "volumes", len(volumes) + number), flood)
    told_ = told(manifest, found)
    assert (path, act) in {(c.path, c.act) for c in told_}
    assert len(told_) == 101


def test_no_flood_of_changes_by_as_many_managers_hides_another() -> None:
    manifest = server.deployment()
    found = server.stored(manifest)
    pod = found["spec"]["template"]["spec"]
    pod["volumes"] += [{"name": f"a{number}", "emptyDir": {}} for number in range(1_000)]
    pod["containers"][0]["image"] = "x"
    pod["hostPID"] = True
    entry = {"operation": "Apply", "time": LATER, "fieldsV1": {"f:spec": {}}}
    managers = [{"manager": f"m{number}", **entry} for number in range(1_000)]
    found["metadata"]["managedFields"] += managers
    paths = {c.path for c in told(manifest, found)}
    assert len(paths) >= 1_002
    assert paths > {
        "spec.template.spec.containers[hub].image",
        "spec.template.spec.hostPID",
    }


# --- laws -----------------------------------------------------------------------------------------

NAMES = st.sampled_from(["alpha", "beta", "gamma", "name", "value", "a.b/c"])
SCALARS = st.one_of(st.text("ab1", min_size=1, max_size=3), st.integers(1, 9), st.just(True))
TREES = st.recursive(
    SCALARS,
    lambda below: (
        st.dictionaries(NAMES, below, min_size=1, max_size=3)
        | st.lists(below, min_size=1, max_size=3)
    ),
    max_leaves=12,
)
SPECS = st.dictionaries(NAMES, TREES, min_size=1, max_size=4)


def _leaves(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for k, v in value.items() for leaf in _leaves(v, (*place, k))]
    if isinstance(value, list):
        return [leaf for n, v in enumerate(value) for leaf in _leaves(v, (*place, n))]
    return [place]


def _odd(spec: Json, extra: Json) -> Json:
    """Return an object with fields more, as defaults have them."""
    return {**extra, **{k: _odd(v, extra) if isinstance(v, dict) else v for k, v in spec.items()}}


@given(spec=SPECS, apply=st.booleans(), extra=st.dictionaries(st.just("dflt"), SCALARS))
def test_defaults_of_whatever_are_no_change(spec: Json, apply: bool, extra: Json) -> None:
    manifest = server.labelled("Thing", "x", spec)
    found = touched(server.stored(manifest, apply=apply))
    found["spec"] = _odd(found["spec"], extra)
    assert told(manifest, found) == []


@given(spec=SPECS, apply=st.booleans(), data=st.data())
def test_one_field_that_is_changed_is_that_one(
    spec: Json, apply: bool, data: st.DataObject
) -> None:
    manifest = server.labelled("Thing", "x", spec)
    place: Sequence[str | int] = data.draw(st.sampled_from(_leaves(spec)))
    found = server.edited(server.stored(manifest, apply=apply), ("spec", *place), "other")
    # Lists without keys are wholes.
    whole = next((n for n, step in enumerate(place) if isinstance(step, int)), len(place))
    [change] = told(manifest, found)
    assert change.steps == ("spec", *place[:whole])
    assert (change.manager, change.act) == ("kubectl-edit", Act.CHANGED)
