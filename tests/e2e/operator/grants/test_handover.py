"""An item changes hands while the operator grants: as printed, step by step, as a person.

At every moment the API server is asked whether either party can act.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo import organisation
from responsibility.cli.main import main
from tests.e2e.lab.identities import impersonating_kubeconfig
from tests.e2e.lab.lifetime import say
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.grants.grants_world import (
    CONFINED,
    INSTALLED,
    ITEM,
    ON,
    granted_to,
    grants,
    until_granted,
)
from tests.e2e.operator.process import Operator
from tests.e2e.operator.revocation.revoking import RECORD_OWNERS
from tests.e2e.operator.world import World, binding_path, hub, owners, record, role_binding
from tests.e2e.plans.printed import scripts, shell

ITEMS = (ITEM, "data")
NORTH, SOUTH = {"user": "north@example.org"}, {"user": "south@example.org"}
COMMUNITY = {"user": "somebody", "groups": ["shoal-admins"]}
PROVIDER = {"user": "somebody", "groups": [organisation.PLATFORM["name"]]}
OVERLAP = timedelta(days=14)
# So long after it was asked for does the overlap end, at least, and for each second that this
# machine takes for one question: three steps are to be taken before.
LASTS, FOR_EACH_SECOND = timedelta(seconds=30), 20
PATIENCE = 120.0
EACH_MADE_FIRST = ["create"] * len(ITEMS) + ["delete"] * len(ITEMS)
Somebody = dict[str, Any]


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart as mode grant does, of its policies those that are about this."""
    bare_world.install(*INSTALLED)
    rendered = chart.rendered("--set", "mode=grant")
    policies = [o for o in rendered if o["metadata"]["name"] in (CONFINED, RECORD_OWNERS)]
    assert len(policies) == 4, "two policies, each with a binding"
    bare_world.admin.apply(*policies, manager="helm")
    captains = {"kind": "User", "name": "pat"}
    bare_world.admin.apply(organisation.cluster_binding("captains", "cluster-admin", captains))
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=ON) as running:
        yield running


pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be a person who may change records, in a folder of their own."""
    kubeconfig = impersonating_kubeconfig(world.cluster, "pat", (), tmp_path / "pat")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def party(name: str) -> Manifest:
    user = {"kind": "User", "name": f"{name}@example.org"}
    return {"name": name, "contact": {"email": user["name"]}, "subjects": [user]}


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["handover", *arguments]) == 0
    return capsys.readouterr().out


def needs(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Manifest]:
    """Return what the items' owner has to be able to do, as the server is asked."""
    items = json.loads(told(capsys, *arguments, "-o", "json"))["items"]
    found = {text: attributes(text) for item in items for text in item["needs"]}
    assert found
    return list(found.values())


def needs_and_time(
    capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[list[Manifest], timedelta]:
    """Return the same, and how long three steps may take here, by how long that took."""
    began = time.monotonic()
    found = needs(capsys, *arguments)
    return found, LASTS + timedelta(seconds=FOR_EACH_SECOND * (time.monotonic() - began))


def attributes(text: str) -> Manifest:
    """Return what ``kubectl auth can-i`` makes of a permission."""
    verb, what, *more = text.split()
    kind, _, name = what.partition("/")
    resource, _, group = kind.partition(".")
    asked = {"verb": verb, "resource": resource, "group": group, "name": name}
    for option in more:
        asked["subresource"] = option.removeprefix("--subresource=")
    return asked


def able(world: World, who: Somebody, asked: Sequence[Manifest], namespace: str) -> list[bool]:
    """Ask the server of each whether somebody can do it."""
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return [
        world.admin.create(
            path,
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {**who, "resourceAttributes": {**each, "namespace": namespace}},
            },
        )["status"]["allowed"]
        for each in asked
    ]


@dataclass
class Watch:
    """Asks, again and again, whether either of two parties can act.

    The giving one is asked first. If it can't any more, the receiving one must be able to by now:
    what it has come by, it does not lose.
    """

    world: World
    giving: Somebody
    receiving: Somebody
    asked: Sequence[Manifest]
    namespace: str
    rounds: int = 0
    seen: set[tuple[bool, bool]] = field(default_factory=set)
    gaps: list[Manifest] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            before, after = (
                able(self.world, who, self.asked, self.namespace)
                for who in (self.giving, self.receiving)
            )
            self.gaps += [
                asked
                for asked, one, other in zip(self.asked, before, after, strict=True)
                if not (one or other)
            ]
            self.seen.add((all(before), all(after)))
            self.rounds += 1
            # The others on this machine have to get on, too.
            self._stop.wait(0.05)


def until(world: World, watch: Watch, *, giving: bool, receiving: bool, what: str) -> None:
    """Wait until the server says so of all that is asked, none of it being in between."""

    def reached() -> bool:
        now = [
            set(able(world, who, watch.asked, watch.namespace))
            for who in (watch.giving, watch.receiving)
        ]
        return now == [{giving}, {receiving}]

    world.until(reached, what, PATIENCE)


def run(world: World, desk: Path, script: str) -> str:
    done = shell(world.cluster, desk, script)
    assert done.returncode == 0, script + done.stdout + done.stderr
    return done.stdout


def apply_plan(world: World, desk: Path, script: str) -> None:
    """Look at the plan as printed, and apply it as that says."""
    out = run(world, desk, script)
    (line,) = [x for x in out.splitlines() if x.startswith("to apply it: ")]
    run(world, desk, line.removeprefix("to apply it: ") + " --yes")


def test_with_an_overlap_somebody_can_act_at_every_moment(
    world: World, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agreed = record(
        "fjord",
        parties=[party("north"), party("south")],
        items=[{"name": item, "owner": "north"} for item in ITEMS],
        enforcement={"rbac": "grant"},
    )
    # What somebody gave it by hand, the operator does not take back.
    by_hand = role_binding("fjord", "norths", "edit", NORTH["user"])
    world.admin.apply(*hub("fjord"), agreed, by_hand)
    until_granted(world, "fjord")
    arguments = ["fjord", *(word for item in ITEMS for word in ("--item", item)), "--to", "south"]
    asked, lasts = needs_and_time(capsys, *arguments)
    watch = Watch(world, NORTH, SOUTH, asked, "fjord")
    assert all(able(world, NORTH, asked, "fjord"))
    assert not any(able(world, SOUTH, asked, "fjord"))

    # As if it had been asked for two weeks ago, so that the day comes.
    asked_for = datetime.now(UTC) + lasts - OVERLAP
    asked_at = asked_for.strftime("%Y-%m-%dT%H:%M:%SZ")
    options = ["--at", asked_at, "--from", asked_at, "--overlap", "14d"]
    printed = told(capsys, *arguments, *options)
    assert "CAUTION" not in printed
    delegate, give, own, end, revoke = scripts(printed).items()
    since = world.mark()
    with watch.watching():
        assert delegate[0] == "delegate to south"
        run(world, desk, delegate[1])
        assert give[0] == "give south what it lacks"
        assert "kind: " not in give[1], "the operator gives it"
        run(world, desk, give[1])
        assert all(able(world, SOUTH, asked, "fjord")), "once the printed wait is over"
        assert all(able(world, NORTH, asked, "fjord"))
        assert own[0] == "make south the owner"
        run(world, desk, own[1])
        until_granted(world, "fjord")
        early = asked_for + OVERLAP - datetime.now(UTC)
        say(f"the owner has changed {early.total_seconds():.0f} s before the overlap ends")
        assert granted_to(world, "fjord", ITEM) == {NORTH["user"], SOUTH["user"]}, early
        assert world.causes("fjord", kind="missing-access", party="south") == []

        # The day comes, and nobody has done anything.
        world.until(
            lambda: granted_to(world, "fjord", ITEM) == {SOUTH["user"]}, "the end", PATIENCE
        )
        assert world.admin.find(binding_path("fjord", "norths")) is not None
        assert end[0] == "end the overlap"
        run(world, desk, end[1])
        assert revoke[0] == "revoke what is then too much"
        assert "# then: delete RoleBinding fjord/norths" in revoke[1]
        apply_plan(world, desk, revoke[1])
        until(world, watch, giving=False, receiving=True, what="what north lost")
        rounds = watch.rounds
        world.until(lambda: watch.rounds > rounds + 1, "one more look", PATIENCE)
    assert watch.gaps == []
    assert (True, True) in watch.seen
    assert (False, True) in watch.seen
    until_granted(world, "fjord")
    world.until(lambda: not of_the_items(world, "fjord"), "nothing to be left")
    (item,) = [i for i in world.record("fjord")["spec"]["items"] if i["name"] == ITEM]
    assert (item["owner"], item["delegates"]) == ("south", [])

    # The server's own account: what is new was there before anything went.
    world.until(lambda: written(world, since) == EACH_MADE_FIRST, f"{EACH_MADE_FIRST}")


def written(world: World, since: int) -> list[str]:
    """Return what the operator has done to RoleBindings since then, in order."""
    return [
        event["verb"]
        for event in world.requests(since)
        if event["objectRef"]["resource"] == "rolebindings"
        and event["verb"] in {"create", "delete", "patch", "update"}
    ]


def of_the_items(world: World, name: str) -> list[Manifest]:
    """Return what is reported of the items that changed hands."""
    return [c for c in world.causes(name) if {*c["items"]} & {*ITEMS}]


def test_a_community_takes_over_its_whole_hub(
    world: World, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = {
        "name": "community",
        "contact": {"email": "hub@example.org"},
        "subjects": [{"kind": "Group", "name": COMMUNITY["groups"][0]}],
    }
    agreed = record("shoal", parties=[people], enforcement={"rbac": "grant"})
    helper = organisation.binding("shoal", "helpers", "edit", organisation.PLATFORM)
    world.admin.apply(*hub("shoal"), agreed, helper)
    until_granted(world, "shoal")
    arguments = ("shoal", "--all", "--to", "community")
    report = json.loads(told(capsys, *arguments, "-o", "json"))
    assert [line["number"] for line in report["items"]] == list(range(1, 21))
    attested = [line for line in report["items"] if line["kinds"] == ["attested"]]
    assert attested
    assert all(line["needs"] == [] and line["description"] for line in attested)
    asked = needs(capsys, *arguments)
    watch = Watch(world, PROVIDER, COMMUNITY, asked, "shoal")
    had = able(world, PROVIDER, asked, "shoal")
    # What the cluster has one of, this provider never had: nobody can lose it.
    watch.asked = [each for each, one in zip(asked, had, strict=True) if one]
    assert watch.asked
    assert not all(able(world, COMMUNITY, watch.asked, "shoal"))

    printed = told(capsys, *arguments)
    assert "nobody can act on kubernetes-upgrades, operate-cluster" in printed
    assert "CAUTION" not in printed
    delegate, give, own, revoke = scripts(printed).items()
    with watch.watching():
        run(world, desk, delegate[1])
        run(world, desk, give[1])
        assert all(able(world, COMMUNITY, asked, "shoal")), "also of what is given by hand"
        run(world, desk, own[1])
        until_granted(world, "shoal")
        world.until(
            lambda: (
                {s["name"] for b in grants(world, "shoal") for s in b["subjects"]}
                == {COMMUNITY["groups"][0]}
            ),
            "the end of the provider's grants",
            PATIENCE,
        )
        assert "# then: delete RoleBinding shoal/helpers" in revoke[1]
        apply_plan(world, desk, revoke[1])
        until(world, watch, giving=False, receiving=True, what="what the provider lost")
        rounds = watch.rounds
        world.until(lambda: watch.rounds > rounds + 1, "one more look", PATIENCE)
    assert watch.gaps == []
    owned = owners(world.status("shoal"))
    assert {owner for name, owner in owned.items() if name != "record"} == {"community"}
    assert all(able(world, COMMUNITY, asked, "shoal")), "all that it takes"
