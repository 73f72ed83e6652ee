"""Turns of namespaces and users: who comes next, and who has asked for too much."""

from __future__ import annotations

import asyncio

import pytest

from responsibility.controller.webhooks.turns import BusyError, TooManyError, Turns


class Order:
    """Who came when; the first holds its turn until it is let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.came, self.go = turns, list[str](), asyncio.Event()

    async def one(self, namespace: str, user: str) -> None:
        async with self.turns.turn(namespace, user):
            self.came.append(f"{namespace}/{user}")
            await self.go.wait()

    async def ask(self, *who: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.one(*each.split("/"))) for each in who]
        # So that all of them have asked: each gets to its first wait in one round.
        await asyncio.sleep(0)
        return tasks


def turns(together: int = 1, most: int = 8, of_one_user: int = 4) -> Turns:
    return Turns(together=together, most=most, of_one_user=of_one_user)


async def test_namespaces_come_one_after_the_other_and_in_each_its_users() -> None:
    order = Order(turns())
    asked = ("a/x", "a/x", "a/x", "a/y", "b/z", "c/z", "b/z")
    tasks = await order.ask(*asked)
    order.go.set()
    await asyncio.gather(*tasks)
    assert order.came == ["a/x", "a/x", "b/z", "c/z", "a/y", "b/z", "a/x"]


async def test_of_one_user_there_are_no_more_than_may_be() -> None:
    order = Order(turns(of_one_user=2))
    tasks = await order.ask("a/x", "a/x", "a/x", "b/x")
    order.go.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found].count(TooManyError) == 1
    assert order.came == ["a/x", "a/x", "b/x"]
    # Nothing of it stays.
    await order.one("a", "x")


async def test_who_crowds_makes_room_for_who_does_not() -> None:
    """Many users of one namespace are as one: it costs themselves, and nobody else."""
    order = Order(turns(most=4))
    crowd = await order.ask(*(f"a/user-{number}" for number in range(9)))
    found = [task for task in crowd if task.done()]
    assert len(found) == 4, "one has its turn, and four wait"
    (other,) = await order.ask("b/z")
    order.go.set()
    results = await asyncio.gather(*crowd, other, return_exceptions=True)
    assert [type(each) for each in results].count(TooManyError) == 5
    assert order.came == ["a/user-0", "a/user-1", "b/z", "a/user-2", "a/user-3"]


async def test_where_nobody_crowds_it_is_too_much_for_us() -> None:
    order = Order(turns(most=2))
    tasks = await order.ask("a/x", "b/x", "c/x", "d/x")
    assert isinstance(tasks[3].exception(), BusyError)
    order.go.set()
    await asyncio.gather(*tasks[:3])


@pytest.mark.parametrize(("behind", "expected"), [("a/y", TooManyError), ("b/y", TimeoutError)])
async def test_a_wait_that_is_given_up_was_for_ones_own_or_for_us(
    behind: str, expected: type[Exception]
) -> None:
    order = Order(turns())
    (first,) = await order.ask("a/x")
    with pytest.raises(expected):
        async with asyncio.timeout(0.01):
            await order.one(*behind.split("/"))
    order.go.set()
    await first
    await order.one("c", "x")
