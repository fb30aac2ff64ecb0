from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from contracts.tickets import TicketClosed
from router.queue.queue_age import QueueAge
from router.queue.queue_store import QueueStore
from service_kit.testing.eventually import eventually


async def test_the_longest_wait_of_all_accounts_is_told(world: Any):
    """It grows while nobody takes the ticket, whichever account it is of, and ends with it."""
    registry = CollectorRegistry()
    queue = QueueStore(world.router.store)
    age = QueueAge(queue, world.clock, registry)

    async def told() -> float | None:
        await age.look()
        return registry.get_sample_value("router_queue_oldest_seconds")

    async def waits() -> bool:
        return await queue.oldest_since() is not None

    async def is_over() -> bool:
        return await told() == 0

    await world.account("acc", "ann")
    before = await told()
    await world.create("t1")
    await eventually(waits)
    world.clock.advance(timedelta(hours=1))
    waited = await told()
    await world.change("t1", TicketClosed, status="closed")

    assert (before, waited) == (0, 3600)
    await eventually(is_over)
