"""Waiting until a system has nothing left to do, so that whatever is wrong then stays wrong."""

from collections.abc import Mapping

from faults.site import Site
from service_kit.testing.eventually import eventually


async def until_quiet(site: Site, seconds: float) -> None:
    """Wait until every reader has read everything, every outbox is empty, and everything that was to leave has left.

    Raises:
        AssertionError: something still moves; it is named.
    """

    async def is_quiet() -> bool:
        moving = await _moving(site)
        assert not moving, f"still moving: {moving}"
        return True

    await eventually(is_quiet, seconds)


async def _moving(site: Site) -> Mapping[str, int]:
    """What is not finished, and how much of it. Stores first: whatever leaves them afterwards is seen on the bus."""
    stored = dict(await site.unfinished())
    async with site.bus_view() as bus:
        return stored | dict(await bus.waiting()) | dict(await site.unfinished())
