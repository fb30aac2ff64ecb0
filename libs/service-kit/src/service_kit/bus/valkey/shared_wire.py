"""Many callers on one connection: what they ask while an answer is under way goes out together.

One round trip, and one sync of the server's log, then serve all of them.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service_kit.bus.valkey.wire import Command, Wire

_MOST_BYTES = 4 * 1024 * 1024
"""Calls go together up to here."""


@dataclass(frozen=True, slots=True)
class _Call:
    commands: Sequence[Command]
    size: int
    answers: asyncio.Future[list[Any]]


class SharedWire:
    """Sends the commands of each call in the order of the calls, none between those of another."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting: deque[_Call] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def ask(self, *commands: Command, size: int = 0) -> list[Any]:
        """The answer to each command; refusals are among them as `ResponseError`. `size` is in bytes, roughly.

        Raises:
            RedisError, OSError: not all were answered in time; any first part may have been carried out.
        """
        call = _Call(commands, size, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await call.answers

    async def close(self) -> None:
        """Wait for the calls in flight, and disconnect."""
        if self._flushing is not None:
            await self._flushing
        await self._wire.close()

    async def _flush(self) -> None:
        while self._waiting:
            calls = self._next_calls()
            try:
                answers = iter(await self._wire.ask([command for call in calls for command in call.commands]))
            except Exception as error:  # noqa: BLE001 - nobody else would tell the callers
                for call in calls:
                    if not call.answers.done():
                        call.answers.set_exception(error)
                continue
            for call in calls:
                own = [next(answers) for _ in call.commands]
                if not call.answers.done():
                    call.answers.set_result(own)

    def _next_calls(self) -> list[_Call]:
        calls = [self._waiting.popleft()]
        size = calls[0].size
        while self._waiting and size + self._waiting[0].size <= _MOST_BYTES:
            calls.append(self._waiting.popleft())
            size += calls[-1].size
        return calls
