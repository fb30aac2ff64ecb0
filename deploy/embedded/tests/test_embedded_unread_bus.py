"""Commands beside a running system read nothing off its bus."""

import asyncio

from redis.asyncio import Redis

from contracts.topics import AUDIT_EVENTS
from deskbus.unread_bus import unread
from service_kit.bus import Bus, Subscription
from service_kit.bus.port import DeadLetter
from service_kit.testing.bus_harness import Recorder
from service_kit.testing.platforms import PlatformFactory


async def delivered_to(bus: Bus, redis: Redis) -> int:
    """How many records the group was given once a bus that declares to read them has run for a moment."""
    bus.subscribe(Subscription(AUDIT_EVENTS, "tickets", Recorder()))
    await bus.start()
    await bus.put_back(AUDIT_EVENTS, [DeadLetter("1-0", "acc_1", b"{")])
    for _ in range(50):
        if await _given(redis):
            break
        await asyncio.sleep(0.02)
    await bus.stop()
    return await _given(redis)


async def _given(redis: Redis) -> int:
    [group] = await redis.xinfo_groups(AUDIT_EVENTS.name)
    return int(group["entries-read"] or 0)


async def test_what_is_declared_on_an_unread_bus_is_not_read(make_platform: PlatformFactory) -> None:
    """A command that composes a service publishes as it does, and takes no record from the service that runs."""
    platform = make_platform("tickets")
    by_the_command = await delivered_to(unread(platform.bus), platform.redis)
    by_the_service = await delivered_to(make_platform("tickets").bus, platform.redis)

    assert by_the_command == 0
    assert by_the_service >= 1
