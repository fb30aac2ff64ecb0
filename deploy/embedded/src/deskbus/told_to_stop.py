"""Signals that end a process in order."""

import asyncio
import signal


async def until_told_to_stop() -> None:
    """Returns at SIGINT or SIGTERM; a second one ends the process at once, as the default does."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell() -> None:
        told.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    await told.wait()
