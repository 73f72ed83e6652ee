"""Phases, one after the other: changes and a fault, then quiet, and a look at all there is."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.process import Operator
from tests.e2e.operator.soak import changes, judge
from tests.e2e.operator.soak.changes import Scene
from tests.e2e.operator.soak.faults import FAULTS, Around, Fault
from tests.e2e.operator.soak.installations import HURRIED, Installation
from tests.e2e.operator.soak.replicas import Exit, Replica, Replicas, replicas
from tests.e2e.operator.soak.written import changes as differences
from tests.e2e.operator.soak.written import written
from tests.e2e.operator.world import World

# How often it may be found at work before it is said not to come to rest.
LOOKS = 4
# Seconds that a fault lasts, at least and at most; and within which all is to be well again.
LASTS = (1.0, 14.0)
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a fault: seconds until one led and all were ready again, and who ended by it.

    After that, all was as a fresh operator has it, or the phase would have failed.
    """

    fault: str
    seconds: float
    exits: tuple[Exit, ...]


@dataclass(slots=True)
class Soak:
    """One installation with so many replicas, and what is done to it."""

    world: World
    installation: Installation
    replicas: Replicas
    random: random.Random
    settings: Mapping[str, str]
    memory: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    recovered: list[Recovered] = field(default_factory=list)

    def phase(self) -> None:
        """Change things while something is wrong; then all has to be well."""
        fault = self.random.choice(FAULTS)
        self.faults.append(fault.name)
        scene = Scene(self.world, self.random, self.installation.asked)
        since = self.world.mark()
        self.replicas.leader()
        done: list[str] = []
        mode = f"{len(self.replicas.every)}× {self.installation.name}"
        told = f"{mode}, {len(self.faults)}: {fault.name}"
        say(f"soak: {told}")
        try:
            with fault.brings_about(Around(self.world, self.replicas, self.random)):
                until = time.monotonic() + self.random.uniform(*LASTS)
                while True:
                    done.append(changes.change(scene))
                    if (left := until - time.monotonic()) <= 0:
                        break
                    # A fault takes time: this is not waiting for anything.
                    time.sleep(min(left, self.random.uniform(0.0, 2.0)))
            self._all_is_well(fault, since)
        except Exception as failure:
            raise AssertionError(f"{told}: {'; '.join(done)}\n{failure}") from failure

    def _all_is_well(self, fault: Fault, since: int) -> None:
        began = time.monotonic()
        wait_until(self._settled, PATIENCE, lambda: f"one ready leader: {self._states()}")
        took, ended = time.monotonic() - began, list[Exit]()
        leader = self.replicas.leader()
        self._rests(leader)
        self._is_like_a_fresh_one(leader)
        assert self.replicas.leader() is leader, "who led leads"
        # The fresh one has never asked for the Lease.
        candidates = {replica.credential for replica in self.replicas.every}
        requests = self.world.requests(since)
        _none(judge.intruders(requests, candidates), "written after another had the Lease")
        for replica in self.replicas.every:
            exits, replica.exits = replica.exits, []
            ended += exits
            _none(judge.unmeant(exits, lead_may_be_lost=fault.ends), "ended")
            assert "Traceback" not in replica.operator.log, replica.operator.log[-6000:]
            told = self.memory.setdefault(replica.name, [])
            if exits:
                told.clear()
            told.append(replica.memory())
            assert not (more := judge.grown(told)), f"{replica.name} has grown: {more}"
        self.recovered.append(Recovered(fault.name, took, tuple(ended)))

    def report(self) -> str:
        """Return in a few words what was injected, what became of it, and who ended."""
        kinds = len({each.fault for each in self.recovered})
        seconds = sorted(each.seconds for each in self.recovered) or [0.0]
        exits = [end for each in self.recovered for end in each.exits]
        asked = sum(end.asked for end in exits)
        return (
            f"{len(self.faults)} faults; {len(self.recovered)} ({kinds} kinds) recovered from in "
            f"{seconds[-1]:.1f} s at most, {statistics.median(seconds):.1f} s in the median, and "
            f"then as a fresh operator has it; {len(exits)} exits: {asked} asked for, "
            f"{len(exits) - asked} to be started again"
        )

    def _rests(self, leader: Replica) -> None:
        """See that it writes nothing while all is listed anew and nothing changes."""
        for _ in range(LOOKS):
            self.world.until_at_rest(leader.operator, PATIENCE)
            at_rest, lists = self.world.mark(), leader.operator.metrics().total("relists_total")
            wait_until(
                lambda lists=lists: leader.operator.metrics().total("relists_total") > lists,  # type: ignore[misc]  # a default argument
                PATIENCE,
                "something to be listed again",
            )
            requests = self.world.requests(at_rest)
            if not (still := judge.writes(requests)):
                return
        _none([*judge.disputed(requests), *still], f"{leader.name} does not come to rest")

    def _is_like_a_fresh_one(self, leader: Replica) -> None:
        """Hold it against a fresh operator: what it says, and what either would have written."""
        before, direct, at_rest = written(self.world), self.world.identity(), self.world.mark()
        settings = {**self.settings, "LEADER_ELECTION": "false"}
        with self.world.operator(kubeconfig=direct, settings=settings) as fresh:
            self.world.until_at_rest(fresh, PATIENCE)
            self._equals(leader.operator, fresh)

            def same() -> list[str]:
                return differences(before, written(self.world))

            wait_until(lambda: not same(), PATIENCE, lambda: "\n".join(["the same:", *same()[:20]]))
        if not self.installation.asked.get("admission"):
            # There nothing has to be proved anew.
            requests = self.world.requests(at_rest)
            found = [*judge.disputed(requests), *judge.writes(requests)]
            _none(found, "written by a fresh one")

    def _equals(self, running: Operator, fresh: Operator) -> None:
        found: list[str] = []

        def equal() -> bool:
            nonlocal found
            found = judge.differences(running.metrics(), fresh.metrics())
            return not found

        wait_until(equal, PATIENCE / 2, lambda: "\n".join(["the same metrics:", *found[:20]]))

    def _settled(self) -> bool:
        self.replicas.look()
        every = self.replicas.every
        ready = [r.operator.page("/readyz")[0] for r in every] == [200] * len(every)
        return ready and [r.leads() for r in every].count(True) == 1

    def _states(self) -> str:
        return "; ".join(
            f"{r.name} {r.operator.page('/readyz')}, leads: {r.leads()}\n{r.operator.log[-1500:]}"
            for r in self.replicas.every
        )


def soak(
    world: World,
    installation: Installation,
    number: int,
    seed: int,
    go_on: Callable[[int], bool],
) -> Soak:
    """Install it, and go through phases for as long as ``go_on`` says of their number."""
    draw = random.Random(f"{seed} {installation.name} {number}")
    first, others = installation.install(world)
    changes.prepare(Scene(world, draw, installation.asked))
    settings = [first, *[others] * (number - 1)]
    with replicas(world, number, settings, seed) as running, ExitStack() as stack:
        stack.callback(changes.clear, world)
        soaked = Soak(world, installation, running, draw, {**others, **HURRIED})
        phases = 0
        try:
            while go_on(phases):
                soaked.phase()
                phases += 1
        finally:
            say(f"soak: {number}× {installation.name}: {soaked.report()}")
    say(
        f"soak: {number}× {installation.name}: {phases} phases; MiB in the end: "
        + ", ".join(f"{name} {told[-1]:.0f}" for name, told in soaked.memory.items() if told)
    )
    return soaked


def _none(found: list[str], what: str) -> None:
    assert not found, "\n".join([f"{what}:", *found[:20]])
