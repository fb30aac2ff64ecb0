"""Nudges between replicas: one message for many keys, and nobody woken who waits for another."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from service_kit.fan_out import FanOut
from service_kit.testing.eventually import eventually


@pytest.fixture
async def replicas(valkey_url: str) -> AsyncIterator[tuple[FanOut, FanOut]]:
    """Two processes on one Valkey; the first listens, the second only talks."""
    async with Redis.from_url(valkey_url) as one, Redis.from_url(valkey_url) as other:
        here = FanOut(one, "test")
        await here.start()
        yield here, FanOut(other, "test")
        await here.stop()


async def test_one_nudge_wakes_all_who_are_concerned(replicas: tuple[FanOut, FanOut]) -> None:
    """Whoever waits for one of the keys is woken, also who waits for several; nobody else is."""
    here, there = replicas
    with here.listening("a") as a, here.listening("b", "x") as b, here.listening("c") as c:

        async def are_heard() -> bool:
            await there.nudge("a", "b")
            return a.is_set() and b.is_set()

        await eventually(are_heard)

        assert not c.is_set()


async def test_who_waits_no_more_is_forgotten(replicas: tuple[FanOut, FanOut]) -> None:
    """An event whose waiter left stays as it was."""
    here, _ = replicas
    with here.listening("a") as left:
        pass
    with here.listening("a") as stays:
        async with asyncio.timeout(2):
            await here.nudge("a")

    assert (left.is_set(), stays.is_set()) == (False, True)
