"""Waiting that ends early when a component is asked to stop."""

import asyncio


class StopSignal:
    """Set once by `stop`, seen by every loop of the component."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_set(self) -> bool:
        """Whether the component was asked to stop."""
        return self._event.is_set()

    def set(self) -> None:
        """Ask to stop; every pause in progress ends."""
        self._event.set()

    async def pause(self, seconds: float) -> bool:
        """Wait so long; False when asked to stop meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return True
        return False

    async def wait(self) -> None:
        """Wait until asked to stop."""
        await self._event.wait()
