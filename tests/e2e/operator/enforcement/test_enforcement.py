"""Stages go up and down, are proved, and hold: with real requests by people of all sides."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo import organisation
from responsibility.api.names import (
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
    STAGE_LABEL,
    binding_name,
    policy_name,
)
from tests.e2e.lab import identities
from tests.e2e.lab.cluster import Completed
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest, RefusedError, path_of, where
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, OTHER, STRANGER
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, namespace_path, record_path

# A policy, and a binding, take a moment to be compiled and to be seen by the API server.
PATIENCE = 60.0
LABEL = STAGE_LABEL + ITEM


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    enforcing.install(bare_world)
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=enforcing.ENABLED) as running:
        yield running


# It runs for all tests of this module, but where it is stopped.
pytestmark = pytest.mark.usefixtures("operator")


def enforce(world: World, name: str, stage: str = "deny") -> float:
    """Deploy a hub, ask for a stage, and wait until it is proved; return the seconds it took."""
    enforcing.deploy(world, name)
    began = time.monotonic()
    world.admin.apply(enforcing.staged(name, items=[enforcing.item(stage=stage)]))
    world.until_condition(name, "Enforced", "True", "Proved", seconds=PATIENCE)
    return time.monotonic() - began


def test_the_operator_has_all_rights_that_enforcing_takes(operator: Operator) -> None:
    assert operator.metrics().value("missing_rights") == 0, operator.log


def test_stages_go_up_and_down(world: World, operator: Operator) -> None:
    def said(what: str, text: str) -> Callable[[], bool]:
        if what == "stage":
            return lambda: enforcing.stage(world, "reef") == text
        return lambda: world.status("reef")["enforcement"] == text

    enforcing.deploy(world, "reef")
    world.admin.apply(enforcing.staged("reef"))
    world.until_condition("reef", "Ready", "True", seconds=PATIENCE)
    assert enforcing.namespace_keys(world, "reef") == ({}, {})
    assert enforcing.outcome(world, STRANGER, "reef") == "passed"
    assert world.status("reef")["enforcement"] == "observe/audit"
    assert world.condition("reef", "Enforced") == ("", "", "")
    for stage, met in (("warn", "warned"), ("deny", "refused")):
        took = enforce(world, "reef", stage)
        world.until(said("stage", stage), "the stage in the status")
        say(f"{stage} is in force and proved {took:.1f} s after it was asked for")
        assert enforcing.outcome(world, STRANGER, "reef") == met
        assert enforcing.outcome(world, ENGINEER, "reef") == "passed", "the owner is not bothered"
        assert enforcing.namespace_keys(world, "reef")[0] == {LABEL: stage}
        world.until(
            said("column", f"{stage}+observe/audit"),
            "the column",
        )
        assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 1
    world.admin.apply(enforcing.staged("reef", items=[enforcing.item(stage="observe")]))
    world.until(lambda: enforcing.namespace_keys(world, "reef") == ({}, {}), "no keys")
    enforcing.until_outcome(world, STRANGER, "reef", "passed")
    world.until(lambda: operator.metrics().of("enforced", hub="reef") == [], "the metric")

    def told() -> None:
        reasons = [e["reason"] for e in world.events("reef")]
        assert reasons.count("Enforced") >= 1
        assert reasons[-1] == "NotEnforced"

    eventually(told)


def test_the_message_says_whom_to_call(world: World) -> None:
    enforce(world, "cove")
    told = enforcing.scale(world, STRANGER, "cove", to=1).stderr
    assert "cove" in told
    assert "@" in told, "a contact"


def test_one_item_alone_shuts_nobody_out_who_may_act_by_another(world: World) -> None:
    """The Secret hub is everybody's who owns a part of it, enforced or not yet."""
    enforcing.deploy(world, "atoll")
    secret = {"apiVersion": "v1", "kind": "Secret"}
    world.admin.apply({**secret, "metadata": {"name": "hub", "namespace": "atoll"}})
    leads = enforcing.community({"kind": "Group", "name": "atoll-leads"})
    item = enforcing.item("user-access", owner="community")
    world.admin.apply(enforcing.staged("atoll", items=[item], parties=[leads]))
    world.until_condition("atoll", "Enforced", "True", "Proved", seconds=PATIENCE)
    assert list(enforcing.namespace_keys(world, "atoll")[0]) == [STAGE_LABEL + "user-access"]

    def change(user: str, groups: list[str]) -> str:
        done = world.cluster.kubectl(
            *("annotate", "secret", "hub", "-n=atoll", "tried=1", "--dry-run=server"),
            as_user=user,
            as_groups=groups,
            check=False,
        )
        return done.stderr

    world.admin.apply(organisation.binding("atoll", "leads", "admin", leads["subjects"][0]))
    assert "denied request" in change(*STRANGER)
    world.until(lambda: change("lead@example.org", ["atoll-leads"]) == "", "the lead to be let")
    assert change(*ENGINEER) == ""


def test_each_item_has_a_stage_of_its_own(world: World) -> None:
    enforcing.deploy(world, "dune")
    world.admin.apply(
        enforcing.staged(
            "dune",
            "warn",
            items=[enforcing.item(stage="deny"), enforcing.item(OTHER, stage="observe")],
        )
    )

    def labels() -> dict[str, str]:
        return enforcing.namespace_keys(world, "dune")[0]

    def as_asked() -> None:
        found = labels()
        assert found.get(LABEL) == "deny"
        assert STAGE_LABEL + OTHER not in found
        assert {v for k, v in found.items() if k != LABEL} == {"warn"}

    eventually(as_asked, PATIENCE)
    enforcing.until_outcome(world, STRANGER, "dune", "refused")


def test_nobody_is_locked_out_unless_the_record_insists(world: World) -> None:
    enforcing.deploy(world, "moor")
    vacant = enforcing.item(owner="community")
    parties = [enforcing.community()]
    world.admin.apply(enforcing.staged("moor", items=[vacant], parties=parties))
    world.until_condition("moor", "Enforced", "False", "NobodyLeft", seconds=PATIENCE)
    assert "nobody could act" in enforcing.note(world, "moor")
    assert enforcing.namespace_keys(world, "moor") == ({}, {})
    # One who has no right to do it is nobody as well, and the server is asked before that is said.
    # (Of a User nobody could tell: it may be in any group.)
    account = {"kind": "ServiceAccount", "namespace": "moor", "name": "idle"}
    world.admin.apply(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "idle", "namespace": "moor"},
        }
    )
    idle = [enforcing.community(account)]
    world.admin.apply(enforcing.staged("moor", items=[vacant], parties=idle))
    world.until_condition("moor", "Enforced", "False", "OwnerLacksAccess", seconds=PATIENCE)
    forced = enforcing.item(owner="community", force=True)
    # Whoever answers for incidents may scale the hub as well.
    others = {"name": OTHER, "owner": "community"}
    world.admin.apply(enforcing.staged("moor", items=[forced, others], parties=idle))
    world.until_condition("moor", "Enforced", "True", seconds=PATIENCE)
    assert enforcing.outcome(world, ENGINEER, "moor") == "refused", "as was insisted on"
    # In force as it is now, it stays when nothing is insisted on any more; going down just works.
    world.admin.apply(enforcing.staged("moor", items=[vacant], parties=idle))
    world.until(
        lambda: world.status("moor")["observedGeneration"] == generation(world, "moor"),
        "its status",
    )
    assert enforcing.stage(world, "moor") == "deny"
    world.admin.apply(
        enforcing.staged("moor", items=[enforcing.item(stage="warn", owner="community")])
    )
    world.until(lambda: enforcing.namespace_keys(world, "moor")[0] == {LABEL: "warn"}, "warn")


def generation(world: World, name: str) -> int:
    """Return how often a record's spec was changed."""
    return int(world.record(name)["metadata"]["generation"])


def test_two_releases_with_different_owners_are_not_enforced(world: World) -> None:
    enforcing.deploy(world, "twin")
    world.admin.apply(*hub("twin", name="b-hub", labels=_labels("b")))
    world.admin.apply(enforcing.staged("twin", "deny", namespace="twin", release="twin"))
    world.until_condition("twin", "Enforced", "False", "UnrecordedRelease", seconds=PATIENCE)
    assert " b, " in world.condition("twin", "Enforced")[2]
    other = enforcing.item(owner="community", force=True)
    parties = [enforcing.community({"kind": "Group", "name": "b-admins"})]
    world.admin.apply(
        enforcing.staged("twin-b", namespace="twin", release="b", items=[other], parties=parties)
    )
    for name in ("twin", "twin-b"):
        world.until_condition(name, "Enforced", "False", "SeveralReleases", seconds=PATIENCE)
    assert enforcing.namespace_keys(world, "twin") == ({}, {})


def test_a_release_that_comes_later_lifts_nothing(world: World, operator: Operator) -> None:
    """Who may create Deployments must not be able to lift what binds them."""
    enforce(world, "fjord")
    world.admin.apply(*hub("fjord", name="b-hub", labels=_labels("b")))
    world.until(
        lambda: "fjord/b" in world.model_status().get("unrecordedHubs", []), "it to be seen"
    )
    world.until_at_rest(operator)
    assert "holds b as well" in world.condition("fjord", "HubFound")[2]
    assert world.condition("fjord", "Enforced")[0] == "True"
    assert enforcing.namespace_keys(world, "fjord")[0] == {LABEL: "deny"}, "still in force"
    assert enforcing.outcome(world, STRANGER, "fjord") == "refused"
    deployments = "/apis/apps/v1/namespaces/fjord/deployments"
    world.admin.delete(f"{deployments}/hub")
    world.until_condition("fjord", "Enforced", "False", "NamesKept", seconds=PATIENCE)
    assert "release b (b-hub)" in world.condition("fjord", "Enforced")[2]
    world.until_at_rest(operator)
    labels, notes = enforcing.namespace_keys(world, "fjord")
    assert labels == {LABEL: "deny"}
    assert (notes[RELEASE_ANNOTATION], notes[PREFIX_ANNOTATION]) == ("fjord", "")
    world.admin.delete(f"{deployments}/b-hub")
    world.until_condition("fjord", "HubFound", "False", seconds=PATIENCE)
    assert enforcing.namespace_keys(world, "fjord")[0] == {LABEL: "deny"}


def _labels(release: str) -> dict[str, str]:
    return {
        "app": "jupyterhub",
        "component": "hub",
        "release": release,
        "chart": "jupyterhub-4.4.0",
    }


def test_a_deleted_record_leaves_nothing_behind(world: World) -> None:
    enforce(world, "tarn")
    world.admin.delete(record_path("tarn"))
    world.until(lambda: enforcing.namespace_keys(world, "tarn") == ({}, {}), "no keys")
    enforcing.until_outcome(world, STRANGER, "tarn", "passed")


def test_what_is_changed_by_hand_is_set_right(world: World) -> None:
    enforce(world, "holm")
    good = enforcing.namespace_keys(world, "holm")
    owners = f"{OWNERS_ANNOTATION}{ITEM}"
    for change in (
        {"labels": {LABEL: None}},
        {"labels": {LABEL: "warn"}},
        {"annotations": {owners: "user:stranger@example.org"}},
        {"annotations": {owners: None, HUB_ANNOTATION: None}},
        {
            "labels": {STAGE_LABEL + OTHER: "deny"},
            "annotations": {OWNERS_ANNOTATION + OTHER: "user:x"},
        },
    ):
        # As the operator itself: a policy keeps everybody else from it.
        by_hand(world, "holm", change)
        world.until(
            lambda: enforcing.namespace_keys(world, "holm") == good,
            f"{change} to be set right; it is {enforcing.namespace_keys(world, 'holm')}",
        )


def by_hand(world: World, name: str, metadata: Manifest) -> None:
    """Change a Namespace in the operator's name, but not through it."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}
    world.admin.merge(manifest, as_user=chart.ACCOUNT)


def test_a_namespace_that_goes_away_is_left_alone(world: World, operator: Operator) -> None:
    enforce(world, "skerry")
    failed = operator.metrics().total("write_errors_total")
    world.admin.delete(namespace_path("skerry"))
    world.admin.gone(namespace_path("skerry"))
    world.until_condition("skerry", "Enforced", "False", "NamespaceMissing", seconds=PATIENCE)
    assert operator.metrics().total("write_errors_total") == failed


def policy(world: World, kind: str, name: str) -> Manifest:
    """Return a policy or binding as it was installed."""
    found = next(
        m for m in enforcing.policies(world) if (m["kind"], m["metadata"]["name"]) == (kind, name)
    )
    return dict(found)


def _told(record: str, name: str, world: World) -> bool:
    """Return whether it is said which policy is at fault; a trial may tell before the watch."""
    status, _, message = world.condition(record, "Enforced")
    return status == "False" and name in message


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ValidatingAdmissionPolicy", policy_name(ITEM)),
        ("ValidatingAdmissionPolicyBinding", binding_name(ITEM, "deny")),
    ],
)
def test_a_policy_that_is_edited_or_deleted_shows_at_once(
    world: World, operator: Operator, kind: str, name: str
) -> None:
    enforce(world, "isle")
    good = policy(world, kind, name)
    path = where(good["apiVersion"], kind, name)
    change = (
        {"failurePolicy": "Ignore"} if kind.endswith("Policy") else {"validationActions": ["Audit"]}
    )
    for how, spoil in (
        ("edited", lambda: world.admin.merge({**good, "spec": change})),
        ("deleted", lambda: world.admin.delete(path)),
    ):
        began = time.monotonic()
        spoil()
        world.until(lambda: _told("isle", name, world), f"{name} to be named", PATIENCE)
        say(f"{name} {how}: told after {time.monotonic() - began:.1f} s")
        assert operator.metrics().value("enforced", hub="isle", item=ITEM) == 0
        assert enforcing.namespace_keys(world, "isle")[0] == {LABEL: "deny"}, "it is not lifted"
        world.admin.apply(good, manager="helm")
        world.until_condition("isle", "Enforced", "True", seconds=PATIENCE)
        world.until(
            lambda: operator.metrics().value("enforced", hub="isle", item=ITEM) == 1, "the metric"
        )

    def told() -> bool:
        # Events of one second are in no order.
        reasons = [e["reason"] for e in world.events("isle")]
        return min(map(reasons.count, ("Enforced", "NotEnforcedPolicyNotReliable"))) > 1

    world.until(told, "Events of each change")


def test_at_rest_nothing_is_written_and_everything_is_tried(
    world: World, operator: Operator
) -> None:
    world.until_at_rest(operator)
    since, tried = world.mark(), operator.metrics().value("probes_total", outcome="proved")
    world.until(
        lambda: operator.metrics().value("probes_total", outcome="proved") > tried,
        "another round of trials",
        90,
    )
    # Trials are dry runs; they are written down a moment after they were answered.
    world.until(lambda: [w for w in world.writes(since) if "dryRun=All" in w], "trials in the log")
    assert [w for w in world.writes(since) if "dryRun=All" not in w] == []


def test_refused_names_are_told_and_odd_ones_just_work(world: World) -> None:
    enforcing.deploy(world, "odd")
    names = [
        "jo smith@example.org",
        "https://issuer.example/realms/x#jo:1",
        'it\'s "quoted" \\ back',
        "x" * 250,
        "Ünïcödé 团队 🦀",
    ]
    subjects = [{"kind": "User", "name": n} for n in names]
    world.admin.apply(
        organisation.binding("odd", "odd", "admin", *subjects),
        enforcing.staged(
            "odd",
            items=[enforcing.item(owner="community", force=True)],
            parties=[enforcing.community(*subjects)],
        ),
    )
    world.until_condition("odd", "Enforced", "True", seconds=PATIENCE)
    listed = enforcing.namespace_keys(world, "odd")[1][f"{OWNERS_ANNOTATION}{ITEM}"].split("\n")
    assert {f"user:{n}" for n in names} <= set(listed)
    for name in names:
        assert enforcing.outcome(world, (name, []), "odd") == "passed", name
    assert enforcing.outcome(world, STRANGER, "odd") == "refused"
    for broken in ("two\nlines", "tab\there", "turned\u202eround"):
        refused = enforcing.staged(
            "odd", parties=[enforcing.community({"kind": "User", "name": broken})]
        )
        with pytest.raises(RefusedError, match=r"parties\[0\].subjects\[0\].name"):
            world.admin.apply(refused)


def test_a_policys_path_is_where_it_is() -> None:
    """The tests above change policies by path."""
    manifest = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "x"},
    }
    assert path_of(manifest).endswith("/v1/validatingadmissionpolicies/x")


def test_a_hollow_item_is_got_round_for_real_until_what_is_proposed_is_raised(
    world: World, operator: Operator, tmp_path: Path
) -> None:
    """A token of the hub's own account deletes what its holder may not."""
    sly = ("sly@example.org", ["slies"])
    own = organisation.rule("", ["persistentvolumeclaims"], ["get", "create", "delete"])
    tokens = organisation.rule("", ["serviceaccounts/token"], ["create"])
    account = {"kind": "ServiceAccount", "name": "hub", "namespace": "strait"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home", "namespace": "strait"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    world.admin.apply(
        *hub("strait"),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "hub", "namespace": "strait"},
        },
        organisation.cluster_role("keeps-volumes", own),
        organisation.cluster_role("asks-for-tokens", tokens),
        organisation.binding("strait", "hub", "keeps-volumes", account),
        organisation.binding("strait", "sly", "keeps-volumes", {"kind": "User", "name": sly[0]}),
        organisation.binding("strait", "more", "asks-for-tokens", {"kind": "User", "name": sly[0]}),
    )
    world.admin.apply(enforcing.staged("strait", items=[enforcing.item("data")]))
    told = world.until_condition("strait", "Enforced", "False", "Hollow", seconds=PATIENCE)
    assert f"User {sly[0]} can request a token of ServiceAccount strait/hub" in told
    assert "deploy-configure-hub" in told
    assert operator.metrics().value("enforced", hub="strait", item="data") == 0
    (found,) = world.causes("strait", item="data", kind="enforcement-hollow")
    assert "Raise deploy-configure-hub to deny" in found["remedy"]

    def make(**who: Any) -> Completed:
        text = json.dumps(claim)
        return world.cluster.kubectl("create", "-f", "-", input=text, check=False, **who)

    def token() -> Completed:
        user, groups = sly
        return world.cluster.kubectl(
            "create", "token", "hub", "-n=strait", as_user=user, as_groups=groups, check=False
        )

    refused = make(as_user=sly[0], as_groups=sly[1])
    assert "denied request" in refused.stderr, "the item refuses"
    got = token()
    assert got.returncode == 0, got.stderr
    as_hub = identities.token_kubeconfig(
        world.cluster, got.stdout.strip(), tmp_path / "hub.yaml", namespace="strait"
    )
    round_it = make(kubeconfig=as_hub)
    assert round_it.returncode == 0, f"and is got round: {round_it.stderr}"
    items = [enforcing.item("data"), enforcing.item("deploy-configure-hub")]
    world.admin.apply(enforcing.staged("strait", items=items))
    world.until_condition("strait", "Enforced", "True", "Proved", seconds=PATIENCE)
    assert world.causes("strait", kind="enforcement-hollow") == []
    assert operator.metrics().value("enforced", hub="strait", item="data") == 1
    assert "denied request" in token().stderr
    # The hub itself goes on.
    assert make(kubeconfig=as_hub).stderr.count("AlreadyExists") == 1
