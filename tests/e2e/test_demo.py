"""The demo from end to end, as a newcomer runs it: what it says, and every command it proposes."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from demo import next_steps, tour
from demo.background import Operator
from demo.story import WIDTH
from tests.e2e.lab import clusters, lifetime
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.lab.existing import ExistingCluster
from tests.e2e.lab.waiting import wait_until

PATIENCE = 15.0
Completed = subprocess.CompletedProcess[str]


def _demo(command: str, name: str) -> Completed:
    # Not a terminal, and not somebody's taste: what is printed is plain text.
    environment = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "COLUMNS"}}
    done = subprocess.run(
        [sys.executable, "-m", "demo", command],
        env=environment | {"DEMO_NAME": name},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def demo() -> Iterator[Cluster]:
    """Describe the cluster of a demo of our own, and see that nothing of it stays."""
    if clusters.choose() is ExistingCluster:
        pytest.skip("the demo has a cluster of its own; set E2E_CLUSTER=kwok or kind")
    cluster = clusters.cluster(f"e2e-{os.getpid()}-demo")

    def down() -> None:
        _demo("down", cluster.name)

    lifetime.adopt(cluster.directory, cluster.kind, down)
    yield cluster
    down()
    lifetime.release(cluster.directory)
    assert not cluster.directory.exists()


@pytest.fixture(scope="module")
def story(demo: Cluster) -> str:
    """Bring the demo up, and return what it tells."""
    return _demo("up", demo.name).stdout


def _chapter(story: str, title: str) -> str:
    """Return a chapter, its lines joined to running text."""
    _, _, rest = story.partition(f"{title}  ─")
    assert rest, f"there is no chapter {title!r} in:\n{story}"
    chapter = re.split(r"\n\S[^\n]*  ──", rest)[0]
    return " ".join(chapter.split())


def test_it_is_plain_text_of_a_readable_width(story: str) -> None:
    assert "\x1b" not in story
    chapters, _, _ = story.partition("What to try next")
    assert not [line for line in chapters.splitlines() if len(line) > WIDTH]


@pytest.mark.parametrize(
    ("number", "title", "stands"),
    [
        (3, "Support users", ["recorded community", "overdue community", "recorded community"]),
        (14, "Resource limits", ["drift community", "drift provider", "drift provider"]),
        (18, "Cluster upgrades", ["ok provider", "ok provider", "ok provider"]),
        (20, "Operate the cluster", ["drift provider", "drift provider", "drift provider"]),
    ],
)
def test_the_matrix_says_who_owns_what_and_how_it_stands(
    story: str, number: int, title: str, stands: list[str]
) -> None:
    rows = [re.split(r"\s{2,}", line.strip()) for line in story.splitlines()]
    assert ["#", "item", "Atlas", "Coast", "LEAP"] in rows
    (row,) = [row for row in rows if row[:2] == [str(number), title]]
    assert [re.sub(r" \d+", "", cell) for cell in row[2:]] == stands


@pytest.mark.parametrize(
    ("chapter", "facts"),
    [
        (
            "What differs from that: the whole cluster",
            [
                "who User temp-contractor@example.org",
                "by ClusterRoleBinding temp-contractor to ClusterRole cluster-admin",
                "call Provider: support@hub-collective.example",
                "to end it Remove User temp-contractor@example.org from ClusterRoleBinding temp-",
                "who ServiceAccount leap-prod/traefik-dask-gateway",
            ],
        ),
        (
            "What differs from that: hub by hub",
            [
                "missing-access: The owner cannot do what the item asks of it who Atlas community",
                "call Atlas community: operations@atlas.example",
                "who User former-engineer@example.org",
                "by RoleBinding coast/former-engineer to ClusterRole admin",
                "who Group leap-admins",
                "attestation-overdue",
                "delegation-expired",
                "(spring workshop)",
            ],
        ),
        (
            "Who passes every check",
            [
                "Group system:masters ClusterRoleBinding cluster-admin named in the model",
                "User temp-contractor@example.org ClusterRoleBinding temp-contractor no: a finding",
                "1 on atlas",
            ],
        ),
        (
            "As kubectl shows it",
            [
                "coast coast/coast provider 12, community 8",
                "responsibility.2i2c.org/owner-split provider 12, community 8",
                "user-access=community",
            ],
        ),
        ("As Prometheus reads it", ["responsibility_records 3.0", "responsibility_drift{"]),
    ],
)
def test_a_chapter_has_its_facts(story: str, chapter: str, facts: list[str]) -> None:
    told = _chapter(story, chapter)
    assert [fact for fact in facts if fact not in told] == []


def test_the_tour_shows_what_is_told(story: str) -> None:
    """Line by line, spaces aside; the table of kubectl goes on with an age there."""
    told_by_the_demo, _, _ = tour.PAGE.read_text(encoding="utf-8").partition(
        "## On the command line"
    )
    blocks = re.findall(r"^```\n(.*?)^```", told_by_the_demo, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    told = [" ".join(line.split()) for line in story.splitlines()]
    shown = [" ".join(line.split()) for block in blocks for line in block.splitlines()]
    assert [line for line in shown if not any(each.startswith(line) for each in told)] == []


def test_the_tour_is_what_the_commands_show(demo: Cluster, story: str) -> None:
    """As `make tour` records it; run that where something was meant to change."""
    assert story
    assert tour.record(demo) == tour.written()


def test_what_is_worst_comes_first(story: str) -> None:
    told = _chapter(story, "What differs from that: hub by hub")
    kinds = ("missing-access", "former-engineer", "attestation-overdue", "delegation-expired")
    places = [told.index(kind) for kind in kinds]
    assert places == sorted(places)


def test_the_operator_has_all_its_rights_and_no_administrators(demo: Cluster, story: str) -> None:
    assert story
    metrics = Operator(demo).metrics()
    assert "responsibility_missing_rights 0.0" in metrics
    kubeconfig = Operator(demo).directory / "kubeconfig"
    can = demo.kubectl("auth", "can-i", "get", "secrets", "-A", kubeconfig=kubeconfig, check=False)
    assert can.stdout.strip() == "no"


def test_the_same_story_is_told_when_it_runs_again(demo: Cluster, story: str) -> None:
    """Nothing is left over, nothing is lost: only the operator's port and times are others."""
    again = _demo("up", demo.name).stdout
    assert _told(again) == _told(story)


def _told(story: str) -> str:
    told, _, _ = story.partition("As kubectl shows it")
    return told


def _timeless(story: str) -> str:
    """Leave out since when: what has ended and come back is new."""
    return re.sub(r"first at .*", "", _told(story))


def _records(demo: Cluster) -> dict[str, dict[str, Any]]:
    listed = json.loads(demo.kubectl("get", "resp", "-o=json").stdout)["items"]
    return {record["metadata"]["name"]: record["status"] for record in listed}


def _kinds(demo: Cluster, record: str) -> set[str]:
    return {cause["kind"] for cause in _records(demo)[record]["causes"]}


def _has_come_true(demo: Cluster, command: str) -> bool:
    """Return whether the cluster is by now as the step that has this command promises."""
    if "delete rolebinding" in command:
        return _kinds(demo, "coast") == {"attestation-overdue"}
    if "delegates/0/until" in command:
        items = {i for c in _records(demo)["leap-prod"]["causes"] for i in c["items"]}
        return "kubernetes-configuration" not in items
    if '"nobody"' in command:
        ready = next(c for c in _records(demo)["coast"]["conditions"] if c["type"] == "Ready")
        return ready["status"] == "False" and "unknown party nobody" in str(ready["message"])
    return True


def test_the_handover_of_the_tour_can_be_asked_for(demo: Cluster, story: str) -> None:
    assert story
    page = tour.PAGE.read_text(encoding="utf-8")
    (command,) = re.findall(r"`(kubectl responsibility handover coast [^`]*)`", page)
    script = f"{next_steps.preparation(demo)}\n{command}"
    told = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "delegate to community" in told.stdout
    assert "path: /metadata/generation" in told.stdout
    assert "make community the owner" in told.stdout


def test_what_it_proposes_works_when_pasted(demo: Cluster, story: str) -> None:
    """Each command in a shell of its own, after the lines that the demo says it needs."""
    operator = Operator(demo)
    preparation = next_steps.preparation(demo)
    assert preparation.splitlines()[0] in story
    answers = []
    for step in next_steps.steps(operator, datetime.now(UTC)):
        # Its first line stands in the story as it does here; the port may have changed since.
        assert step.why.split(":")[0] in story
        done = subprocess.run(
            ["bash", "-ec", f"{preparation}\n{step.command}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step.command}\n{done.stderr}"
        answers.append(done.stdout)
        wait_until(
            partial(_has_come_true, demo, step.command),
            PATIENCE,
            f"what is promised of: {step.command}; the operator's log ends in:\n"
            f"{operator.log.read_text(encoding='utf-8')[-2000:]}",
        )
    asked, leaver, planned, split, removed, extended, _, explained, counted = answers
    assert asked.strip() == "yes"
    assert "ClusterRole admin" in leaver
    assert "delete RoleBinding coast/former-engineer" in planned
    assert "PARTY" in split
    assert "DRIFT" in removed
    assert "responsibility/" in extended
    assert "until" in explained
    assert 'kind="excess-access"' in counted


def test_it_restores_what_was_tried_out(demo: Cluster, story: str) -> None:
    restored = _demo("up", demo.name).stdout
    assert _timeless(restored) == _timeless(story)


def test_the_operator_is_gone_when_the_demo_is(demo: Cluster) -> None:
    operator = Operator(demo)
    assert operator.is_up()
    url = operator.url
    _demo("down", demo.name)
    assert not demo.directory.exists()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"{url}/healthz", timeout=5)  # noqa: S310 - our own port
