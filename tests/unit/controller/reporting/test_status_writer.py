"""Statuses are made one at a time, with a turn for all others in between, and few wait at once."""

import asyncio
from typing import Any

import pytest

from responsibility.controller.publish import Publisher
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import garden_world

HUBS = [f"hub-{number:02}" for number in range(30)]


@virtual
async def test_whatever_is_due_has_a_turn_between_two_statuses_and_few_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = garden_world(*HUBS)
    turns, made_at, written = 0, [], 0
    most_held = 0
    make: Any = Publisher._record_status
    apply = world.api.apply

    def noting(self: Publisher, *given: Any, **named: Any) -> Any:
        nonlocal most_held
        made_at.append(turns)
        most_held = max(most_held, len(made_at) - written)
        return make(self, *given, **named)

    async def slow(path: str, *given: Any, **named: Any) -> Any:
        nonlocal written
        for _ in range(50):
            await asyncio.sleep(0)
        written += "responsibilities" in path
        return await apply(path, *given, **named)

    async def others() -> None:
        nonlocal turns
        for _ in range(100_000):
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(Publisher, "_record_status", noting)
    monkeypatch.setattr(type(world.api), "apply", lambda _, *a, **k: slow(*a, **k))
    other = asyncio.create_task(others())
    await world.publish()
    other.cancel()
    assert len(made_at) == len(HUBS)
    assert len(set(made_at)) == len(HUBS), "each in a turn of its own"
    assert most_held <= 8
    assert all(world.status(name) for name in HUBS)
