"""Never two that write, whatever is done to the Lease, and soon one: drawn, in virtual time.

Each candidate is the real one, in the loop of the test instead of a thread. Its requests take their
time to the server and back; what others do to the Lease is done on the server, at any moment. Who
writes is judged as from an audit log: a write that arrives after another candidate had the Lease is
one too many.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from responsibility.kube.client import Api
from responsibility.kube.leadership.leader_election import LEASE, QUICK, Leader
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.lease import Lease
from tests.apiserver.requests import Json, Request, refusal
from tests.apiserver.server import ApiServer
from tests.unit.controller.virtual import virtual

DRAWS = int(os.environ.get("LAW_DRAWS") or 40)
NAMES = ("one", "two", "three")
# Seconds for which things happen, and within which one leads when nothing more does: the longest
# term, as long until nobody else can, and some looks.
EVENTFUL, CALM = 120.0, 45.0
ODD_ANSWERS = ("<html>a proxy</html>", "", "7", '{"items": "no list"}')
# Seconds between two writes of whoever leads.
WORK = 0.1


@dataclass
class Wire:
    """How long requests take, one way: at least, at most; none arrives while it is cut."""

    draw: random.Random
    takes: tuple[float, float] = (0.002, 0.03)
    cut: bool = False

    async def carry(self) -> None:
        """Take the time that it takes."""
        if self.cut:
            await asyncio.Event().wait()
        await asyncio.sleep(self.draw.uniform(*self.takes))


class FarApi(InProcessApi):
    """A client at the other end of a wire."""

    def __init__(self, server: ApiServer, wire: Wire) -> None:
        super().__init__(server)
        self._wire = wire

    @asynccontextmanager
    async def _send(self, *request: Any, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        await self._wire.carry()
        async with super()._send(*request, **more) as answer:
            await self._wire.carry()
            yield answer


@dataclass
class Replica:
    """A pod: it is started, killed, ended in good order, and started again with the same name."""

    world: "World"
    name: str
    wire: Wire
    leader: Leader | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[str] | None = None
    writing: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.wire = wire = Wire(self.world.draw)
        clock = asyncio.get_running_loop().time

        @asynccontextmanager
        async def connect() -> AsyncIterator[Api]:
            yield FarApi(self.world.server, wire)

        leader = Leader(connect, "ours", "operator", self.name, clock=clock, wall=clock)
        self.leader, self.stop = leader, asyncio.Event()
        self.writing = asyncio.create_task(self._write(leader))
        self.running = asyncio.create_task(leader.campaign(lambda: None, self.stop))

    @property
    def writes(self) -> bool:
        return self.leader is not None and self.leader.may_write()

    async def kill(self) -> None:
        """Nothing more of it arrives."""
        self.wire.cut, self.leader = True, None
        await self._over()

    async def end(self) -> None:
        """Let it end its work, and give the Lease back."""
        leader, self.leader = self.leader, None
        if leader is not None and self.running is not None and self.writing is not None:
            self.writing.cancel()
            await asyncio.gather(self.writing, return_exceptions=True)
            self.stop.set()
            await self.running
        await self._over()

    async def _over(self) -> None:
        tasks = [task for task in (self.running, self.writing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, leader: Leader) -> None:
        """Write all the time that that may be."""
        while True:
            if leader.may_write():
                await self.wire.carry()
                self.world.arrived(self.name)
            await asyncio.sleep(WORK)


@dataclass
class World:
    """A server with one Lease, or none yet; replicas; and what an audit log would tell."""

    draw: random.Random
    name: str = ""
    server: ApiServer = field(default_factory=ApiServer)
    # Whether a middlebox answers something else half of the time, whatever was done.
    odd: bool = False
    # The share of requests that the server refuses, being busy.
    refused: float = 0.0
    holders: list[str] = field(default_factory=list)
    intruders: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lease = Lease(self.server)
        collection = self.lease.path.rpartition("/")[0]
        for path in (collection, self.lease.path):
            self.server.answers[path] = self._audited(self.server.answer_to(path))
        self.replicas = [Replica(self, name, Wire(self.draw)) for name in NAMES]

    def _audited(
        self, answer: Callable[[Request], Json | web.Response]
    ) -> Callable[[Request], Json | web.Response]:
        def answered(request: Request) -> Json | web.Response:
            if self.draw.random() < self.refused:
                return refusal(429, "TooManyRequests")
            given = answer(request)
            if request.method in ("POST", "PUT"):
                # A claim is no lead, and has no holder.
                self.holders.append(request.body["spec"]["holderIdentity"])
            if self.odd and self.draw.random() < 0.5:
                return web.Response(text=self.draw.choice(ODD_ANSWERS))
            return given

        return answered

    def arrived(self, name: str) -> None:
        if self.holders and self.holders[-1] not in ("", name):
            self.intruders.append(f"{self.now:.1f}: {name} wrote, {self.holders[-1]} had it")

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def writers(self) -> list[str]:
        return [replica.name for replica in self.replicas if replica.writes]

    async def do(self, name: str) -> None:
        """Bring one of the happenings about."""
        self.done.append(f"{self.now:.1f}: {name}")
        await HAPPENINGS[name](self)

    async def see(self, seconds: float) -> None:
        """Let so much time pass, and see at each moment that at most one may write."""
        end = self.now + seconds
        while self.now < end:
            told = "\n".join([self.name, *self.done, *self.intruders])
            assert len(self.writers()) < 2, f"{self.now:.1f}: {self.writers()}\n{told}"
            assert not self.intruders, told
            for replica in self.replicas:
                if replica.leader and replica.running and replica.running.done():
                    # Lost: its container is started again.
                    await replica.kill()
                    replica.start()
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        for replica in self.replicas:
            await replica.kill()

    def some(self) -> Replica:
        return self.draw.choice(self.replicas)


async def _deleted(world: World) -> None:
    if world.lease.stored is not None:
        world.lease.delete()


def _edited(**fields: Any) -> Callable[[World], Any]:
    async def edit(world: World) -> None:
        if world.lease.stored is not None:
            world.lease.edit(**fields)

    return edit


async def _given_to_a_replica(world: World) -> None:
    await _edited(holderIdentity=world.some().name)(world)


async def _made_anew(world: World) -> None:
    """Somebody deletes it, and puts back what it once was."""
    before = world.lease.stored
    await _deleted(world)
    holder = world.draw.choice(("", "a stranger", *NAMES))
    folder = world.lease.path.rpartition("/")[0]
    spec = {"holderIdentity": holder, "leaseDurationSeconds": world.draw.choice((1, 2, 15))}
    metadata = {
        "name": "operator",
        "annotations": (before or {}).get("metadata", {}).get("annotations"),
    }
    world.server.create(folder, {"metadata": metadata, "spec": spec}, "somebody")


async def _killed(world: World) -> None:
    replica = world.some()
    await replica.kill()
    if world.draw.random() < 0.7:
        replica.start()


async def _ended(world: World) -> None:
    replica = world.some()
    await replica.end()
    if world.draw.random() < 0.7:
        replica.start()


async def _started(world: World) -> None:
    """Start one that hasn't seen anything, or start one anew."""
    replica = next((r for r in world.replicas if r.leader is None), None)
    if replica is not None:
        replica.start()


async def _slow(world: World) -> None:
    """One's requests take long; never longer, on their way there, than is allowed for."""
    world.some().wire.takes = world.draw.choice(((0.2, 0.9), (1.0, 1.9)))


async def _odd(world: World) -> None:
    world.odd = True


async def _quick(world: World) -> None:
    world.odd = False
    for replica in world.replicas:
        replica.wire.takes = (0.002, 0.03)


async def _cut_off(world: World) -> None:
    world.some().wire.cut = True


HAPPENINGS: Mapping[str, Callable[[World], Any]] = {
    "the Lease is deleted": _deleted,
    "it is emptied": _edited(holderIdentity=""),
    "it is emptied as if given back": _edited(holderIdentity="", leaseDurationSeconds=1),
    "it is given to a stranger": _edited(holderIdentity="a stranger", leaseDurationSeconds=2),
    "it is given to a replica": _given_to_a_replica,
    "it is made short": _edited(leaseDurationSeconds=1),
    "it is made anew": _made_anew,
    "a replica is killed": _killed,
    "a replica is ended": _ended,
    "a replica is started": _started,
    "answers become slow": _slow,
    "answers become quick": _quick,
    "answers become odd": _odd,
    "one is cut off": _cut_off,
}


@pytest.mark.parametrize("seed", range(DRAWS))
def test_never_two_and_soon_one(seed: int) -> None:
    draw = random.Random(seed)

    @virtual
    async def drawn() -> None:
        world = World(draw, f"seed {seed}")
        for replica in world.replicas[: draw.randint(1, 3)]:
            replica.start()
        end = world.now + EVENTFUL
        while world.now < end:
            # Mostly one thing comes soon after another.
            await world.see(draw.choice((0.05, 0.3, 1.0, 3.0, 15.0)) * draw.uniform(0.5, 1.5))
            await world.do(draw.choice(sorted(HAPPENINGS)))
        for replica in world.replicas:
            if replica.wire.cut or replica.leader is None:
                await replica.kill()
                replica.start()
        await world.do("answers become quick")
        world.done.append("calm")
        await world.see(CALM)
        assert len(world.writers()) == 1, world.done
        await world.end()

    drawn()


@pytest.mark.parametrize("name", sorted(HAPPENINGS))
@pytest.mark.parametrize("newcomer", [0.02, 1.0, 2.0])
def test_one_that_has_never_seen_the_lease_takes_it_from_nobody(name: str, newcomer: float) -> None:
    """Somebody leads, long or shortly; something happens; another starts, before or after."""

    @virtual
    async def started() -> None:
        for led in (LEASE + 0.5, 60.0):
            world = World(random.Random(1))
            world.replicas[0].start()
            await world.see(led)
            assert world.writers() == ["one"]
            await world.do(name)
            await world.see(newcomer)
            world.replicas[1].start()
            await world.see(5.0)
            world.odd = False
            await world.see(CALM)
            assert len(world.writers()) == 1
            await world.end()

    started()


@virtual
async def test_the_very_first_start_claims_before_it_leads() -> None:
    """Nothing tells it apart from one whose Lease somebody has deleted a moment ago."""
    world = World(random.Random(1))
    world.replicas[0].start()
    await world.see(11.0)
    assert world.lease.spec["holderIdentity"] == ""
    assert not world.writers()
    await world.see(4.0)
    assert world.lease.spec["holderIdentity"] == "one"
    assert world.writers() == ["one"]
    await world.end()


@pytest.mark.parametrize("seed", range(20))
def test_the_next_one_leads_within_five_seconds_of_a_kill(seed: int) -> None:
    """Where answers are quick, as they are at rest: the Lease lasts for four seconds by then."""
    draw = random.Random(seed)

    @virtual
    async def killed() -> None:
        world = World(draw)
        world.replicas[0].start()
        await world.see(20.0)
        for replica in world.replicas[1:]:
            replica.start()
        await world.see(40.0 + draw.uniform(0.0, 3.0))
        assert world.lease.spec["leaseDurationSeconds"] == QUICK
        assert world.writers() == ["one"]
        await world.replicas[0].kill()
        since = world.now
        while not world.writers():
            await world.see(0.02)
        assert world.now - since <= 5.0
        await world.end()

    killed()


@pytest.mark.parametrize("seed", range(DRAWS))
def test_a_busy_server_costs_no_lead(seed: int) -> None:
    """Half of all requests are refused, drawn, while others wait for the Lease."""
    draw = random.Random(seed)

    @virtual
    async def busy() -> None:
        world = World(draw, f"seed {seed}")
        world.replicas[0].start()
        await world.see(20.0)
        for replica in world.replicas[1:]:
            replica.start()
        await world.see(40.0)
        leader, running = world.replicas[0].leader, world.replicas[0].running
        assert world.writers() == ["one"]
        world.refused = 0.5
        await world.see(60.0)
        world.refused = 0.0
        await world.see(5.0)
        assert world.writers() == ["one"]
        assert (world.replicas[0].leader, world.replicas[0].running) == (leader, running)
        await world.end()

    busy()
