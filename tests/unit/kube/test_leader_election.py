"""One leads; the next takes over at once when the Lease is given back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from aiohttp import web

from responsibility.kube import errors
from responsibility.kube.leadership.leader_election import (
    PACE,
    QUICK,
    Leader,
    LeadershipLostError,
    Pace,
)
from tests.apiserver.lease import Lease
from tests.apiserver.over_http import HttpApiServer
from tests.apiserver.requests import Json, Request, refusal


@dataclass
class Clock:
    """The real clocks, and what a test has them jump by."""

    boot_by: float = 0.0
    wall_by: float = 0.0

    def boot(self) -> float:
        return time.monotonic() + self.boot_by

    def wall(self) -> float:
        return time.time() + self.wall_by


def candidate(
    server: HttpApiServer,
    identity: str,
    *,
    clock: Clock | None = None,
    lease: int = 8,
    pace: Pace = PACE,
) -> Leader:
    clock = clock or Clock()
    return Leader(
        server.api,
        "ours",
        "operator",
        identity,
        lease=lease,
        clock=clock.boot,
        wall=clock.wall,
        pace=pace,
    )


async def forever() -> None:
    await asyncio.Event().wait()


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - the server's side has no event to wait for
            await asyncio.sleep(0.001)


async def test_leads_while_it_works_and_gives_the_lease_back(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)
    leader = candidate(server, "one")

    async def work() -> str:
        assert leader.is_leader
        assert lease.spec["holderIdentity"] == "one"
        assert lease.spec["leaseDurationSeconds"] == 8
        assert lease.spec["renewTime"].endswith("Z")
        return "done"

    assert await leader.run(work) == "done"
    assert not leader.is_leader
    assert lease.spec["holderIdentity"] == ""


async def test_a_successor_need_not_wait_for_the_lease_to_expire(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)

    async def work() -> int:
        return int(lease.spec["leaseTransitions"])

    # It would be an hour.
    async with asyncio.timeout(60):
        assert await candidate(server, "one", lease=3_600).run(work) == 1
        assert await candidate(server, "two", lease=3_600).run(work) == 2


async def test_another_waits_while_one_leads(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)
    first, second = candidate(server, "one"), candidate(server, "two")
    over = asyncio.Event()
    led: list[str] = []

    async def work() -> None:
        led.append(lease.spec["holderIdentity"])
        await over.wait()

    tasks = [asyncio.create_task(first.run(work))]
    await until(lambda: led)
    asked = len(server.requests)
    tasks.append(asyncio.create_task(second.run(work)))
    await until(lambda: len(server.requests) > asked)
    assert (first.is_leader, second.is_leader) == (True, False)
    assert led == ["one"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert lease.spec["holderIdentity"] == "", "given back when cancelled, too"


async def test_a_renewal_that_was_cut_off_does_not_keep_the_lease(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)

    async def work() -> None:
        # As a request does that reaches the server when nobody waits for its answer any more.
        lease.touch()

    await candidate(server, "one").run(work)
    assert lease.spec["holderIdentity"] == ""


async def test_a_fault_of_the_work_comes_through(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)

    async def work() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await candidate(server, "one").run(work)
    assert lease.spec["holderIdentity"] == ""


async def test_a_lease_in_other_hands_ends_the_work_at_once(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)
    leader = candidate(server, "one")
    ended: list[bool] = []

    async def work() -> None:
        lease.hold("two")
        try:
            await forever()
        finally:
            ended.append(leader.may_write())

    # Where the server doesn't answer, it gives up with other words.
    async with asyncio.timeout(60):
        with pytest.raises(LeadershipLostError, match="is held by two"):
            await leader.run(work)
    assert ended == [False], "the work was cancelled, and could see that it does not lead"
    assert lease.spec["holderIdentity"] == "two", "the other's lease is left alone"


async def test_a_lease_that_cannot_be_renewed_is_lost(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)
    clock = Clock()
    leader = candidate(server, "one", clock=clock)
    led = asyncio.Event()

    async def work() -> None:
        led.set()
        server.answers[lease.path] = lambda _: refusal(503, "ServiceUnavailable")
        await forever()

    running = asyncio.create_task(leader.run(work))
    await led.wait()
    assert leader.may_write()
    # As many seconds later: the first failure is the last.
    clock.boot_by = 8 * 2 / 3
    assert not leader.may_write()
    with pytest.raises(LeadershipLostError, match="could not renew"):
        await running


@pytest.mark.parametrize("which", ["boot_by", "wall_by"])
async def test_whoever_was_stopped_may_not_write_when_it_wakes(
    server: HttpApiServer, which: str
) -> None:
    """A process that was stopped finds the one clock later, a machine that was maybe the other."""
    Lease.given_back(server)
    clock = Clock()
    leader = candidate(server, "one", clock=clock)

    async def work() -> None:
        async with server.api() as plain:
            api = plain.fenced(leader.may_write)
            await api.create("/things", {})
            setattr(clock, which, 60.0)
            asked = len(server.requests)
            for request in (
                api.create("/things", {}),
                api.apply("/things/a", {}, field_manager="me"),
                api.merge("/things/a", {}, field_manager="me"),
                api.replace("/things/a", {}),
                api.delete("/things/a"),
            ):
                with pytest.raises(errors.NotLeadingError, match="another replica may lead"):
                    await request
            assert len(server.requests) == asked, "nothing was sent"
            # Nor is anything held back that only asks.
            await api.get("/things")
            await api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {})

    server.answers["/things"] = lambda _: {"metadata": {}}
    server.answers["/apis/authorization.k8s.io/v1/subjectaccessreviews"] = lambda _: {"status": {}}
    await leader.run(work)


async def test_a_busy_process_and_a_slow_server_cost_no_lease(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)
    # With as much left as a machine may take that is busy with others, too.
    leader = candidate(server, "one", lease=20)

    async def work() -> str:
        first = lease.spec["renewTime"]
        # This loop stands still, with the server in it: renewing goes on when that answers again.
        time.sleep(2.5)  # noqa: ASYNC251 - the point of it
        await until(lambda: lease.spec["renewTime"] > first)
        assert leader.may_write()
        return "done"

    assert await leader.run(work) == "done"


# Leases are renewed without much of a pause, and slowness is forgotten at the next renewal.
HURRIED = Pace(retry=0.02, kept=0.1)


async def test_how_long_a_lease_lasts_goes_by_how_long_renewing_takes(
    server: HttpApiServer,
) -> None:
    lease, clock = Lease.given_back(server), Clock()
    answer, slow = server.answer_to(lease.path), False

    def answered(request: Request) -> Json | web.Response:
        # So many seconds pass, for the leader.
        clock.boot_by += 2.5 * slow
        return answer(request)

    server.answers[lease.path] = answered
    leader = candidate(server, "one", clock=clock, pace=HURRIED)

    async def work() -> None:
        nonlocal slow
        assert lease.spec["leaseDurationSeconds"] == 8, "it begins with the longest"
        await until(lambda: lease.spec["leaseDurationSeconds"] == QUICK)
        slow = True
        await until(lambda: lease.spec["leaseDurationSeconds"] == 8)
        # As long as all answers take so long, it stays so, and is not lost.
        renewals = lease.version + 5
        await until(lambda: lease.version >= renewals)
        assert lease.spec["leaseDurationSeconds"] == 8
        slow = False
        await until(lambda: lease.spec["leaseDurationSeconds"] == QUICK)

    await leader.run(work)


async def test_a_late_renewal_lets_it_write_again(server: HttpApiServer) -> None:
    """Nobody else has had the Lease meanwhile: the API server would have refused the renewal."""
    lease, clock = Lease.given_back(server), Clock()
    answer = server.answer_to(lease.path)
    leader = candidate(server, "one", clock=clock, pace=HURRIED)

    async def work() -> None:
        await until(lambda: lease.spec["leaseDurationSeconds"] == QUICK)
        refused = 0

        def refuse(_: Request) -> web.Response:
            nonlocal refused
            refused += 1
            return refusal(503, "ServiceUnavailable")

        server.answers[lease.path] = refuse
        # What was answered before has arrived by then.
        await until(lambda: refused)
        clock.boot_by += QUICK
        assert not leader.may_write(), "another may lead by now"
        server.answers[lease.path] = answer
        await until(leader.may_write)

    await leader.run(work)
    assert lease.spec["leaseTransitions"] == 1


async def test_a_renewal_is_one_request(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)

    async def work() -> None:
        asked = len(server.requests)
        await until(lambda: len(server.requests) >= asked + 5)
        assert {request.method for request in server.requests[asked:]} == {"PUT"}

    await candidate(server, "one", pace=HURRIED).run(work)
    assert lease.spec["holderIdentity"] == ""


async def test_every_other_refusal_costs_no_lease(server: HttpApiServer) -> None:
    """Whoever reads it again after each refusal never gets two answers one after the other."""
    lease = Lease.given_back(server)
    answer, asked = server.answer_to(lease.path), 0

    def busy(request: Request) -> Json | web.Response:
        nonlocal asked
        asked += 1
        return refusal(429, "TooManyRequests") if asked % 2 else answer(request)

    async def work() -> None:
        server.answers[lease.path] = busy
        renewals = lease.version + 3
        await until(lambda: lease.version >= renewals)

    await candidate(server, "one", pace=HURRIED).run(work)


async def test_a_lease_that_was_deleted_is_made_anew(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)

    async def work() -> None:
        lease.delete()
        await until(lambda: lease.stored)
        assert lease.spec["holderIdentity"] == "one"

    await candidate(server, "one").run(work)


@pytest.mark.parametrize("how", ["deleted", "emptied", "given away"])
async def test_a_lease_is_not_free_before_its_holder_can_know(
    server: HttpApiServer, how: str
) -> None:
    """Whoever held it writes until the next renewal, whatever others do to the Lease."""
    lease, clock = Lease.given_back(server), Clock()
    lease.hold("one")
    lease.spec["leaseDurationSeconds"] = 60
    waiting = candidate(server, "two", clock=clock, lease=60)
    led = asyncio.Event()

    async def work() -> None:
        led.set()
        await forever()

    running = asyncio.create_task(waiting.run(work))
    await until(lambda: len(server.requests) >= 1)
    if how == "deleted":
        lease.delete()
    elif how == "emptied":
        lease.spec["holderIdentity"] = ""
        lease.spec["leaseDurationSeconds"] = 15
    else:
        lease.spec["holderIdentity"] = "a stranger"
        lease.spec["leaseDurationSeconds"] = 2
    asked = len(server.requests)
    # One look may have been on its way; the second one saw it.
    await until(lambda: len(server.requests) >= asked + 2)
    clock.boot_by += 30
    asked = len(server.requests)
    await until(lambda: len(server.requests) >= asked + 2)
    assert not waiting.may_write()
    assert lease.stored is None or lease.spec["holderIdentity"] != "two", "claimed at most"
    clock.boot_by += 60
    async with asyncio.timeout(60):
        await led.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_trouble_with_the_server_is_no_reason_to_die(server: HttpApiServer) -> None:
    lease = Lease.given_back(server)
    server.fail(503, "ServiceUnavailable")

    async def work() -> str:
        return str(lease.spec["holderIdentity"])

    async with asyncio.timeout(60):
        assert await candidate(server, "one").run(work) == "one"


async def test_a_lease_too_short_to_be_safe_is_refused(server: HttpApiServer) -> None:
    with pytest.raises(ValueError, match="8 s or longer"):
        Leader(server.api, "ours", "operator", "one", lease=5)
