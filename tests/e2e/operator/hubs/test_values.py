"""What changes inside a hub's Secret is judged by whose settings those are, on a live cluster."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import organisation
from responsibility.api.names import API_GROUP, VALUES_WEBHOOK
from tests.e2e.lab import audit
from tests.e2e.operator import chart, leases, patient
from tests.e2e.operator.api import where
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, STRANGER, Person
from tests.e2e.operator.hubs.values_world import (
    ADMINS,
    BREE,
    CANARY,
    DEPLOYER,
    HUB,
    IMAGE,
    LEADER,
    MEMORY,
    MUCH,
    OURS,
    PATIENCE,
    PYTHON,
    RESCUER,
    TESS,
    THEIRS,
    VALUES,
    WHOLE,
    changed,
    deploy,
    encoded,
    enforce,
    outcome,
    secret,
    write,
)
from tests.e2e.operator.hubs.webhooks import Listening
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World


@pytest.fixture(scope="module")
def listening(bare_world: World, tmp_path_factory: pytest.TempPathFactory) -> Listening:
    return Listening(bare_world.cluster, tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def world(bare_world: World, listening: Listening) -> World:
    enforcing.install(bare_world)
    options = f"valuesWebhook.secretName=x,valuesWebhook.caBundle={listening.bundle}"
    hooks = listening.configuration(
        VALUES_WEBHOOK, "--set", f"valuesWebhook.enabled=true,{options}"
    )
    glass = {"kind": "Group", "name": RESCUER[1][0]}
    bare_world.admin.apply(hooks, organisation.cluster_binding("rescuers", "cluster-admin", glass))
    return bare_world


@pytest.fixture(scope="module")
def settings(listening: Listening) -> dict[str, str]:
    return {**enforcing.ENABLED, **listening.settings, "VALUES_WEBHOOK": "true"}


@pytest.fixture(scope="module")
def operator(world: World, settings: dict[str, str]) -> Iterator[Operator]:
    with world.operator(settings=settings, program=patient.__name__) as running:
        yield running


@pytest.fixture(scope="module")
def reef(world: World, operator: Operator) -> str:
    """Enforce all items that say something about values, on one hub."""
    assert operator.running
    deploy(world, "reef")
    enforce(world, "reef")
    return "reef"


def reviews(operator: Operator, **labels: str) -> float:
    return operator.metrics().total("values_reviews_total", **labels)


def until_reviewed(world: World, operator: Operator, count: float, **labels: str) -> None:
    """Wait until so many reviews are counted, which an answer does not wait for."""
    world.until(
        lambda: reviews(operator, **labels) == count,
        lambda: f"{count:g} reviews {labels}; they are {reviews(operator, **labels):g}",
    )


@pytest.mark.parametrize(
    ("person", "values", "met"),
    [
        (LEADER, ADMINS, "passed"),
        (LEADER, IMAGE, "passed"),
        (LEADER, MEMORY, "refused"),
        (LEADER, PYTHON, "refused"),
        (ENGINEER, MEMORY, "passed"),
        (ENGINEER, PYTHON, "passed"),
        (ENGINEER, ADMINS, "refused"),
        (TESS, MEMORY, "passed"),
        (TESS, MUCH, "refused"),
        (TESS, changed(singleuser__memory={"guarantee": "1G"}), "refused"),
        (TESS, ADMINS, "refused"),
        (DEPLOYER, changed(Chart=CANARY, hub={}, singleuser__memory__limit="8G"), "passed"),
        # Where a delegation says nothing of it, the model's own bounds hold.
        (DEPLOYER, MUCH, "refused"),
        (WHOLE, changed(Chart=CANARY, hub={}, singleuser={}), "passed"),
        # What its account is let through for is what the chart's Role has, and no more.
        (HUB, MUCH, "refused"),
        (STRANGER, ADMINS, "refused by a policy"),
    ],
)
def test_people_change_what_is_theirs(
    world: World, reef: str, person: Person, values: Any, met: str
) -> None:
    done = write(world, person, values, reef)
    assert outcome(done) == met, done.stderr


def test_a_refusal_says_what_whose_it_is_and_whom_to_call(world: World, reef: str) -> None:
    said = write(world, LEADER, MEMORY, reef).stderr
    for words in (
        "update secrets hub changes singleuser.memory.limit. This is item 14 (Resource limits)",
        "reef",
        "support@hub-collective.example",
        "delegate the item to you",
    ):
        assert words in said
    said = write(world, TESS, MUCH, reef).stderr
    assert "You may change singleuser.memory.limit to at least 512Mi and at most 4G" in said
    said = write(world, ENGINEER, ADMINS, reef).stderr
    assert "item 4 (User access)" in said
    assert "reef@example.org" in said


def test_a_delegation_ends(world: World, reef: str) -> None:
    world.until(lambda: outcome(write(world, BREE, MEMORY, reef)) == "refused", "its end", PATIENCE)
    assert outcome(write(world, BREE, IMAGE, reef)) == "passed", "what is hers for good"


def test_other_keys_belong_to_whoever_deploys(world: World, reef: str) -> None:
    for key in ("hub.config.JupyterHub.cookie_secret", "start.sh"):
        patch = {"data": {key: encoded("y")}}
        assert outcome(write(world, LEADER, None, reef, patch=patch)) == "refused"
        assert outcome(write(world, ENGINEER, None, reef, patch=patch)) == "passed"


def test_a_refusal_is_counted_and_told_once(world: World, reef: str, operator: Operator) -> None:
    def told() -> list[str]:
        return [e["message"] for e in world.events(reef) if e["reason"] == "ValuesRefused"]

    before, since = reviews(operator, verdict="refused", hub=reef), world.mark()
    for _ in range(2):
        assert outcome(write(world, LEADER, MEMORY, reef, store=True)) == "refused"
    # Six items are enforced there, and one of their webhooks asks.
    until_reviewed(world, operator, before + 2, verdict="refused", hub=reef)
    world.until(lambda: len(told()) == 1, "the Event")
    assert LEADER[0] in told()[0]
    assert ITEM in told()[0]

    def noted() -> list[str]:
        return [
            note
            for event in audit.events(enforcing.log_of(world), since=since, user=LEADER[0])
            for key, note in (event.get("annotations") or {}).items()
            if key == f"values-1.{API_GROUP}/values"
        ]

    world.until(lambda: noted() == [f"refused {ITEM}"] * 2, "the audit log")


def test_breaking_the_glass_is_warned_of_counted_and_told(
    world: World, reef: str, operator: Operator
) -> None:
    done = write(world, RESCUER, MEMORY, reef, store=True)
    assert outcome(done) == "warned"
    assert "break-glass: update secrets hub changes singleuser.memory.limit" in done.stderr
    until_reviewed(world, operator, 1, verdict="break-glass", hub=reef)
    world.until(
        lambda: operator.metrics().total("break_glass_uses_total", hub=reef, item=ITEM) == 1,
        "the use",
    )
    world.until(lambda: "BreakGlassUsed" in [e["reason"] for e in world.events(reef)], "the Event")
    assert outcome(write(world, ENGINEER, VALUES, reef, store=True)) == "passed"


def test_without_its_labels_it_is_still_the_hubs(world: World, reef: str) -> None:
    bare = {"metadata": {"labels": dict.fromkeys(("app", "component", "release"))}}
    assert outcome(write(world, LEADER, None, reef, patch=bare, store=True)) == "passed"
    assert outcome(write(world, LEADER, MEMORY, reef)) == "refused"


def test_what_is_no_yaml_passes_and_is_no_way_around(
    world: World, reef: str, operator: Operator
) -> None:
    done = write(world, LEADER, f"a: [{CANARY}", reef, store=True)
    assert outcome(done) == "warned"
    assert "no YAML" in done.stderr
    until_reviewed(world, operator, 1, verdict="unreadable", hub=reef)
    assert outcome(write(world, LEADER, VALUES, reef)) == "refused"
    assert outcome(write(world, LEADER, MEMORY, reef)) == "refused"
    assert outcome(write(world, WHOLE, VALUES, reef, store=True)) == "passed"


@pytest.mark.parametrize("kind", ["long", "dense"])
def test_a_secret_of_the_largest_size_is_judged(
    world: World, reef: str, operator: Operator, kind: str, tmp_path: Path
) -> None:
    """A mebibyte of text is read; of values too many to read at once, any may have changed."""
    size = 1024 * 1024 - 8 * 1024
    padding = ["x" * size] if kind == "long" else [1] * (size // 10)
    unjudged = reviews(operator, verdict="unjudged")
    values = changed(hub__config__Authenticator__admin_users=padding)

    def put(person: Person, values: Any, *, store: bool = False) -> str:
        # A command line can't hold as much.
        file = tmp_path / "secret.json"
        text = yaml.dump(values, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
        current = world.admin.get(where("v1", "Secret", "hub", reef))
        current["data"]["values.yaml"] = base64.b64encode(text.encode()).decode()
        file.write_text(json.dumps(current), encoding="utf-8")
        user, groups = person
        done = world.cluster.kubectl(
            *("replace", "-f", str(file)),
            *(() if store else ("--dry-run=server",)),
            as_user=user,
            as_groups=groups,
            check=False,
        )
        return outcome(done)

    assert put(LEADER, values) == ("passed" if kind == "long" else "refused")
    assert put(WHOLE, values, store=True) == "passed"
    more = changed(
        hub__config__Authenticator__admin_users=padding,
        singleuser__memory__limit="2G",
    )
    assert put(LEADER, more) == "refused"
    assert put(WHOLE, VALUES, store=True) == "passed"
    assert reviews(operator, verdict="unjudged") == unjudged


# Each fits on a command line; some take seconds to read, where they are.
COSTLY = {
    "a number to the base of sixty": "a: 1" + ":59" * 30_000,
    "aliases of aliases": "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)),
    "deep lists": "[" * 40_000 + "]" * 40_000,
    "deep maps": "{a: " * 20_000,
    "a number of many digits": "a: " + "9" * 90_000,
    "a list of one name": "a:\n" + "".join(f"- {{name: n{n % 5}}}\n" for n in range(5_000)),
    "almost a number": "a: " + "1_" * 45_000 + "x",
}


def test_texts_that_are_costly_do_not_come_past_and_cost_nobody_else(
    world: World, reef: str, operator: Operator
) -> None:
    """All at once and dry, by one who owns something; meanwhile others have their answers."""
    unjudged = reviews(operator, verdict="unjudged")
    texts = [*COSTLY.values()] * 2
    with ThreadPoolExecutor(len(texts)) as pool:
        flood = [pool.submit(write, world, LEADER, text, reef) for text in texts]
        meanwhile = [outcome(write(world, TESS, values, reef)) for values in (MEMORY, MUCH, MEMORY)]
        met = [outcome(each.result()) for each in flood]
    assert meanwhile == ["passed", "refused", "passed"]
    assert set(met) == {"refused"}, dict(zip([*COSTLY] * 2, met, strict=True))
    assert reviews(operator, verdict="unjudged") == unjudged
    assert outcome(write(world, LEADER, ADMINS, reef)) == "passed"


@pytest.mark.parametrize("stage", ["observe", "warn", "deny"])
def test_the_stage_of_each_item_decides(world: World, operator: Operator, stage: str) -> None:
    name = f"cove-{stage}"
    deploy(world, name)
    enforce(world, name, kubernetes_configuration=stage)
    met = {"observe": "passed", "warn": "warned", "deny": "refused"}[stage]
    done = write(world, LEADER, MEMORY, name)
    assert outcome(done) == met, done.stderr
    assert outcome(write(world, LEADER, PYTHON, name)) == "refused"
    assert outcome(write(world, LEADER, MEMORY, name, store=True)) == met
    if stage == "warn":
        assert "singleuser.memory.limit" in done.stderr
        until_reviewed(world, operator, 1, verdict="warned", hub=name)
        world.until(
            lambda: "ValuesWarned" in [e["reason"] for e in world.events(name)], "the Event"
        )


@pytest.mark.usefixtures("operator")
def test_where_nothing_is_enforced_nobody_is_asked(world: World, operator: Operator) -> None:
    deploy(world, "moor")
    enforce(
        world, "moor", **dict.fromkeys([i.replace("-", "_") for i in (*THEIRS, *OURS)], "observe")
    )
    assert outcome(write(world, STRANGER, MUCH, "moor", store=True)) == "passed"
    assert reviews(operator, hub="moor") == 0


def test_a_prefixed_release_is_guarded_by_its_names(world: World, operator: Operator) -> None:
    for name in ("atoll", "lagoon"):
        prefix = f"{name}-jupyterhub-"
        deploy(world, name, prefix)
        # Named like a hub's, but no hub's.
        world.admin.apply(secret(name), secret(name, "docker-hub"))
        enforce(world, name)
    for name in ("atoll", "lagoon"):
        own = f"{name}-jupyterhub-hub"
        assert outcome(write(world, LEADER, MEMORY, name, name=own)) == "refused"
        assert outcome(write(world, LEADER, ADMINS, name, name=own)) == "passed"
        assert outcome(write(world, LEADER, MEMORY, name, name=own, store=True)) == "refused"
        until_reviewed(world, operator, 1, hub=name, verdict="refused")
        for other in ("hub", "docker-hub"):
            met = outcome(write(world, ENGINEER, MEMORY, name, name=other))
            assert met == "passed", "no policy is asked of these but those of item 15"


TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: hub}
data:
  {{- $values := merge dict .Values }}
  {{- $_ := set $values "Chart" (dict "Name" .Chart.Name "Version" .Chart.Version) }}
  values.yaml: {{ $values | toYaml | b64enc | quote }}
"""


def test_whoever_deploys_upgrades_with_helm(
    world: World, operator: Operator, tmp_path: Path
) -> None:
    assert operator.running
    enforcing.deploy(world, "bay")
    people = [{"kind": "Group", "name": name} for name in ("leaders", "people")]
    world.admin.apply(organisation.binding("bay", "everybody", "admin", *people))
    enforce(world, "bay")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "secret.yaml").write_text(TEMPLATE)
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: hub, version: 1.0.0}\n")

    def helm(person: Person, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(chart.helm()), *arguments, f"--kubeconfig={world.cluster.kubeconfig}"]
        command.append("--namespace=bay")
        command += [f"--kube-as-user={person[0]}", *(f"--kube-as-group={g}" for g in person[1])]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def upgrade(person: Person, values: Any) -> subprocess.CompletedProcess[str]:
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
        return helm(person, "upgrade", "--install", "bay", str(tmp_path))

    # To make the Secret is to set all that is in it: people deploy what is theirs.
    refused = upgrade(ENGINEER, VALUES)
    assert "create secrets hub sets" in refused.stderr
    assert helm(ENGINEER, "uninstall", "bay").returncode == 0
    for values in (VALUES, changed(singleuser__memory__limit="2G", hub__config={}), ADMINS):
        done = upgrade(DEPLOYER, values)
        assert done.returncode == 0, done.stderr
        assert "changes" not in done.stderr
    until_reviewed(world, operator, 3, hub="bay", verdict="allowed")
    assert outcome(write(world, LEADER, MEMORY, "bay")) == "refused"
    done = helm(DEPLOYER, "rollback", "bay")
    assert done.returncode == 0, done.stderr
    # Somebody who only holds the rights, and the owner of settings in it, end nothing.
    for person in (STRANGER, LEADER):
        assert helm(person, "uninstall", "bay").returncode, person
    remove = ("delete", "secret", "hub", "-n=bay", "--dry-run=server")
    gone = world.cluster.kubectl(*remove, as_user=LEADER[0], as_groups=LEADER[1], check=False)
    assert "delete secrets hub takes away all of values.yaml" in gone.stderr
    # Whoever deploys may, and nobody leaves what is agreed that way.
    assert helm(ENGINEER, "uninstall", "bay").returncode == 0
    assert "sets singleuser.memory.limit" in upgrade(DEPLOYER, MUCH).stderr
    done = upgrade(DEPLOYER, VALUES)
    assert done.returncode == 0, done.stderr


def test_a_replica_that_stands_by_answers(
    world: World, reef: str, operator: Operator, settings: dict[str, str]
) -> None:
    operator.stop()
    lead = {"LEADER_ELECTION": "true"}
    leases.give_back(world.admin)
    with world.operator(settings={**enforcing.ENABLED, **lead, "IDENTITY": "first"}) as first:
        world.until(lambda: first.metrics().value("leader") == 1, "a leader")
        second = {**settings, **lead, "IDENTITY": "second"}
        with world.operator(ready=False, settings=second, program=patient.__name__) as standing:
            standing.until_ready()
            assert standing.metrics().value("leader") == 0
            assert outcome(write(world, LEADER, MEMORY, reef)) == "refused"
            assert outcome(write(world, LEADER, ADMINS, reef)) == "passed"
            assert outcome(write(world, LEADER, MEMORY, reef, store=True)) == "refused"
            until_reviewed(world, standing, 1, hub=reef, verdict="refused")
            assert CANARY not in standing.log


def test_without_an_operator_the_policies_decide(
    world: World, reef: str, operator: Operator
) -> None:
    assert not operator.running
    assert outcome(write(world, LEADER, MEMORY, reef)) == "passed"
    assert outcome(write(world, STRANGER, MEMORY, reef)) == "refused by a policy"


def test_nothing_of_the_secrets_was_kept(world: World, operator: Operator) -> None:
    assert not operator.running
    code = encoded(CANARY).rstrip("=")[:12]
    events = yaml.safe_dump(world.admin.items("/api/v1/events"))
    records = yaml.safe_dump([world.record(name) for name in ("reef", "bay", "cove-warn")])
    for text in (operator.log, events, records):
        assert CANARY not in text
        assert code not in text
        assert "singleuser" not in text or text is records
