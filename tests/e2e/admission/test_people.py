"""People of every role, in every stage, with every kind of name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.api.names import (
    BOUNDS_ANNOTATION,
    CONTACT_ANNOTATION,
    DELEGATES_ANNOTATION,
    DELEGATION_ROLE,
    OWNERS_ANNOTATION,
    break_glass_name,
)
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import MERGE, Answer, Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub
from tests.e2e.lab import audit, identities
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

LIMITS = hubs.ALL_ITEMS[14]
MARKER = "until-20991231t000000z"
OLD_MARKER = "until-20200101t000000z"
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "e2e"}}
DELEGATE = Person("dated@example.org")


def quota(asker: Asker, person: Person | None, name: str) -> Answer:
    """Ask for what belongs to item 14."""
    return asker.ask(person, "POST", f"/api/v1/namespaces/{name}/resourcequotas", QUOTA)


def marker(name: str) -> dict[str, Any]:
    """Return the RoleBinding that stands for a date, without the Job that ends it."""
    subject = {"kind": "ServiceAccount", "name": name, "namespace": hubs.OPERATOR_NAMESPACE}
    role = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": DELEGATION_ROLE,
    }
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": role,
        "subjects": [subject],
    }


@pytest.fixture(scope="module")
def dated(make_hub: MakeHub) -> str:
    """Make a hub with a delegate until a date, and one whose date has come."""
    delegates = f"{DELEGATES_ANNOTATION}{LIMITS}"
    lines = f"{MARKER} user:{DELEGATE.user}\n{OLD_MARKER} user:late"
    annotations = hubs.notes("dated") | {delegates: lines}
    return make_hub("dated", hubs.stages([14], AdmissionStage.DENY), annotations, populated=False)


def test_a_delegation_ends_with_its_marker(asker: Asker, dated: str) -> None:
    bindings = (
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{hubs.OPERATOR_NAMESPACE}/rolebindings"
    )
    assert quota(asker, DELEGATE, dated).refused
    made = asker.ask(hubs.OPERATOR, "POST", bindings, marker(MARKER), dry=False)
    assert made.code == 201, made.message
    wait_until(lambda: quota(asker, DELEGATE, dated).code == 201, PATIENCE, "the delegate to pass")
    assert quota(asker, Person("late"), dated).refused
    assert quota(asker, Person("stranger"), dated).refused
    assert asker.ask(hubs.OPERATOR, "DELETE", f"{bindings}/{MARKER}", dry=False).code == 200
    wait_until(lambda: quota(asker, DELEGATE, dated).refused, PATIENCE, "the delegation to end")
    assert not quota(asker, DELEGATE, dated).broken


# What is listed, and a path and value inside and outside.
NAMES = [
    "ann@example.org",
    "Ann Smith",
    "oidc:https://login.example.org/realms/a#ann",
    "DOMAIN\\ann",
    'it\'s "quoted" `here`',
    "per%cent %s {curly} ${dollar} $(paren)",
    "tab\there",
    "Zoë Ångström-北京",
    "a" * 250,
    "system:serviceaccount:prod:deployer",
    "like:.*",
    "group:owners",
    "until-20991231t000000z ann",
    ".*",
    "|",
]


@pytest.fixture(scope="module")
def named(make_hub: MakeHub) -> str:
    """Make a hub whose owners have odd names, as users and as groups."""
    lines = [f"{kind}:{name}" for name in NAMES for kind in ("user", "group")]
    annotations = hubs.notes("named", {14: lines})
    return make_hub("named", hubs.stages([14], AdmissionStage.DENY), annotations, populated=False)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_kind(asker: Asker, named: str, name: str) -> None:
    assert quota(asker, Person(name), named).code == 201
    assert quota(asker, Person("x", (name,)), named).code == 201
    for near in (f"{name}x", f"x{name}", name.swapcase(), f"user:{name}", name[:-1]):
        if near and near not in NAMES and near != name:
            answer = quota(asker, Person(near), named)
            assert answer.refused, near
            assert not answer.broken


def test_a_line_break_in_a_name_is_no_second_line(
    guarded: Cluster, named: str, tmp_path: Path
) -> None:
    # A header can't carry one; a certificate can.
    subject = f"/O=x\nuser:owner-14/O={'e2e-everything'}/CN=x\nuser:owner-14\n"
    path = identities.certificate_kubeconfig(guarded, subject, tmp_path / "kubeconfig")
    who = guarded.kubectl("auth", "whoami", "-o", "yaml", kubeconfig=path)
    assert yaml.safe_load(who.stdout)["status"]["userInfo"]["username"] == "x\nuser:owner-14\n"
    body = yaml.safe_dump(QUOTA)
    done = guarded.kubectl(
        "create", "-n", named, "--dry-run=server", "-f", "-", input=body, kubeconfig=path,
        check=False,
    )  # fmt: skip
    assert "ValidatingAdmissionPolicy" in done.stderr
    assert done.returncode != 0


@pytest.fixture(scope="module")
def warned(make_hub: MakeHub) -> str:
    """Make a hub that is in the stage of warnings."""
    return make_hub("warned", hubs.stages(hubs.ITEMS, AdmissionStage.WARN), hubs.notes("warned"))


def test_the_stage_of_warnings_warns_and_lets_pass(
    guarded: Cluster, warned: str, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    groups = ("e2e-everything",)
    identities.impersonating_kubeconfig(guarded, "stranger", groups, path, namespace=warned)
    done = guarded.kubectl("scale", "deployment/hub", "--replicas=3", kubeconfig=path)
    assert "Warning: " in done.stderr
    assert "item 14 (Resource limits) of LEAP (warned/warned)" in done.stderr
    assert "Party 14: 14@leap.example" in done.stderr
    assert "scaled" in done.stdout
    # The owner hears nothing.
    identities.impersonating_kubeconfig(guarded, "owner-14", groups, path, namespace=warned)
    assert not guarded.kubectl("scale", "deployment/hub", "--replicas=4", kubeconfig=path).stderr


def test_a_refusal_says_whom_to_call(asker: Asker, prod: str) -> None:
    answer = quota(asker, Person("stranger"), prod)
    assert answer.body["reason"] == "Forbidden"
    for part in (
        "create resourcequotas e2e",
        "item 14 (Resource limits)",
        "LEAP (prod/prod)",
        "Party 14: 14@leap.example",
        "delegate the item to you",
        "kubectl responsibility matrix prod",
    ):
        assert part in answer.message


def test_a_refused_field_is_named(asker: Asker, prod: str) -> None:
    path = f"/apis/apps/v1/namespaces/{prod}/deployments/hub"
    answer = asker.ask(hubs.owner(15), "PATCH", path, {"spec": {"replicas": 7}})
    assert "changes spec.replicas" in answer.message


@pytest.mark.parametrize("person", [hubs.EVE, hubs.MASTER], ids=["named", "system:masters"])
def test_whoever_breaks_the_glass_passes_and_is_written_down(
    guarded: Cluster, asker: Asker, prod: str, person: Person
) -> None:
    log = guarded.audit_log
    since = audit.mark(log)
    answer = quota(asker, person, prod)
    assert answer.code == 201
    assert len(answer.warnings) == 1
    for part in ("break-glass", "item 14 (Resource limits)", "LEAP (prod/prod)", "14@leap.example"):
        assert part in answer.warnings[0]
    key = f"{break_glass_name(LIMITS)}/break-glass"

    def written() -> list[str]:
        events = audit.events(log, since=since, user=person.user)
        return [e["annotations"][key] for e in events if key in e.get("annotations", {})]

    found = wait_until(written, PATIENCE, "the audit log to have it")
    assert "item 14" in found[0]
    assert "LEAP (prod/prod)" in found[0]
    assert "14@leap.example" in found[0]


def test_an_owner_who_could_break_the_glass_breaks_nothing(asker: Asker, prod: str) -> None:
    answer = quota(asker, Person("owner-14", ("system:masters",)), prod)
    assert answer.code == 201
    assert not answer.warnings


# More than a pattern or a number fits, and more lines than a request has time for: all that a
# Namespace may hold.
WICKED = {
    "a broken pattern": "like:(((",
    "a pattern for groups that is broken": "like-group:[",
    "dear patterns": "like:^(a|b|ab)*c{1,900}$\n" * 2_000,
    "empty lines": "\n" * 60_000,
    "other lines": f"{MARKER} user:x\n" * 2_000,
    "no numbers": "group:system:masters\tDeployment/spec.replicas\tx\ty\tz\n" * 100,
}


@pytest.fixture(scope="module")
def wicked(make_hub: MakeHub) -> str:
    """Make a hub in whose Namespace anything may be written."""
    return make_hub("wicked", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), {}, populated=False)


@pytest.mark.parametrize("content", WICKED)
@pytest.mark.parametrize(
    "key",
    [OWNERS_ANNOTATION, DELEGATES_ANNOTATION, BOUNDS_ANNOTATION, CONTACT_ANNOTATION],
)
def test_nothing_in_a_namespace_keeps_out_who_breaks_the_glass(
    asker: Asker, wicked: str, key: str, content: str
) -> None:
    """Whoever has the operator's token may write it, and somebody has to be able to mend it."""
    path, items = f"/api/v1/namespaces/{wicked}", (LIMITS, hubs.ALL_ITEMS[15], hubs.ALL_ITEMS[20])
    # Who is to be told alone puts an item in force.
    written = {f"{CONTACT_ANNOTATION}{item}": "nobody" for item in items}
    written |= {f"{key}{item}": WICKED[content] for item in items}
    body = {"metadata": {"annotations": written}}
    answer = asker.ask(hubs.OPERATOR, "PATCH", path, body, type=MERGE, dry=False)
    assert answer.code == 200, answer.message
    deployments = f"/apis/apps/v1/namespaces/{wicked}/deployments"
    try:
        # Nothing was in force before.
        wait_until(
            lambda: (said := quota(asker, hubs.MASTER, wicked)).warnings or said.code != 201,
            PATIENCE,
            "it to be read",
        )
        for person in (hubs.MASTER, hubs.EVE):
            asked = quota(asker, person, wicked)
            assert (asked.code, len(asked.warnings)) == (201, 1), asked
            made = asker.ask(person, "POST", deployments, hubs.workload("Deployment", "hub"))
            assert made.code == 201, made.message
    finally:
        mended = {"metadata": {"annotations": dict.fromkeys(written)}}
        answer = asker.ask(hubs.MASTER, "PATCH", path, mended, type=MERGE, dry=False)
    assert answer.code == 200, answer.message


@pytest.mark.parametrize(
    "person",
    [
        Person("system:kube-controller-manager"),
        Person("system:kube-scheduler"),
        Person("system:apiserver"),
        Person("system:serviceaccount:kube-system:replicaset-controller"),
        Person("system:node:x", ("system:nodes",)),
        Person("system:serviceaccount:prod:hub"),
        Person("system:serviceaccount:elsewhere:user-scheduler"),
        Person("x", ("system:bootstrappers:kubeadm",)),
    ],
    ids=lambda p: p.user,
)
def test_machines_pass(asker: Asker, prod: str, person: Person) -> None:
    answer = quota(asker, person, prod)
    assert answer.code == 201, answer.message
    assert not answer.warnings


@pytest.mark.parametrize(
    "person",
    [
        Person("cluster-admin"),
        Person("system:serviceaccount:kube-system-2:x"),
        Person("system:serviceaccount:elsewhere:hub"),
        Person("system:serviceaccount:prod:default"),
        Person("system:serviceaccount:a:b:user-scheduler"),
        Person("system:anonymous", ("system:unauthenticated",)),
    ],
    ids=lambda p: p.user,
)
def test_those_who_are_named_alike_do_not(asker: Asker, prod: str, person: Person) -> None:
    assert quota(asker, person, prod).refused


def test_without_a_word_about_an_item_it_is_not_in_force(asker: Asker, make_hub: MakeHub) -> None:
    # The label alone, however it got there, locks nobody out.
    make_hub("mute", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), {}, populated=False)
    assert quota(asker, Person("stranger"), "mute").code == 201


def test_with_an_empty_list_only_machines_and_the_glass_are_left(
    asker: Asker, make_hub: MakeHub
) -> None:
    annotations = {f"{CONTACT_ANNOTATION}{LIMITS}": "nobody\nat all"}
    make_hub("vacant", hubs.stages([14], AdmissionStage.DENY), annotations, populated=False)
    refused = quota(asker, Person("owner-14"), "vacant")
    assert refused.refused
    assert "nobody at all" in refused.message
    assert quota(asker, hubs.MASTER, "vacant").code == 201


def test_stages_are_each_items_own(asker: Asker, make_hub: MakeHub) -> None:
    labels = hubs.stages([14], AdmissionStage.DENY) | hubs.stages([15], AdmissionStage.WARN)
    make_hub("mixed", labels, hubs.notes("mixed"), populated=False)
    stranger = Person("stranger")
    assert quota(asker, stranger, "mixed").refused
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    answer = asker.ask(stranger, "POST", "/api/v1/namespaces/mixed/configmaps", body)
    assert answer.code == 201
    assert len(answer.warnings) == 1
    secrets = asker.ask(stranger, "DELETE", "/api/v1/namespaces/mixed/pods")
    assert secrets.code == 200
    assert not secrets.warnings


def test_lists_as_long_as_records_can_make_them(asker: Asker, make_hub: MakeHub) -> None:
    # An owner and 16 delegates with 64 subjects each, and somebody in hundreds of groups.
    lines = [f"group:team-{number:04}-of-a-large-organisation" for number in range(17 * 64)]
    texts = hubs.notes("long", {14: lines})
    texts[f"{DELEGATES_ANNOTATION}{LIMITS}"] = "\n".join(f"{OLD_MARKER} {line}" for line in lines)
    make_hub("long", hubs.stages([14], AdmissionStage.DENY), texts, populated=False)
    many = tuple(f"other-{number:04}-of-a-large-organisation" for number in range(300))
    for person in (Person("stranger", many), Person("stranger")):
        answer = quota(asker, person, "long")
        assert answer.refused, answer.message
        assert not answer.broken, answer.message
    last = lines[-1].removeprefix("group:")
    assert quota(asker, Person("x", (*many, last)), "long").code == 201
