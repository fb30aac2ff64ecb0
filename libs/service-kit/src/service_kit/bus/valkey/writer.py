"""Writing to streams: concurrent calls share one transaction, so that many publishers cost one sync."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from service_kit.bus.port import BusUnavailable
from service_kit.bus.record import Addressed
from service_kit.bus.valkey.streams import fields_of

_MOST_BYTES = 4 * 1024 * 1024
"""Calls join a transaction up to here: the server works on nothing else meanwhile."""


@dataclass(frozen=True, slots=True)
class _Call:
    entries: Sequence[Addressed]
    stored: asyncio.Future[None]

    @property
    def size(self) -> int:
        return sum(entry.record.size for entry in self.entries)


class StreamWriter:
    """Appends records in the order of the calls. A call is stored whole or, if the server dies, perhaps not at all."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._waiting: deque[_Call] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, entries: Sequence[Addressed]) -> None:
        """Append; returns when the server has confirmed every record.

        Raises:
            BusUnavailable: it has not; none or all may be stored.
        """
        call = _Call(entries, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await call.stored

    async def drain(self) -> None:
        """Wait for the calls in flight."""
        if self._flushing is not None:
            await self._flushing

    async def _flush(self) -> None:
        while self._waiting:
            calls = self._next_calls()
            try:
                await self._store(calls)
            except Exception as error:  # noqa: BLE001 - nobody else would tell the callers
                for call in calls:
                    if not call.stored.done():
                        call.stored.set_exception(_unconfirmed(error))
            else:
                for call in calls:
                    if not call.stored.done():
                        call.stored.set_result(None)

    def _next_calls(self) -> list[_Call]:
        calls = [self._waiting.popleft()]
        size = calls[0].size
        while self._waiting and size + self._waiting[0].size <= _MOST_BYTES:
            calls.append(self._waiting.popleft())
            size += calls[-1].size
        return calls

    async def _store(self, calls: Sequence[_Call]) -> None:
        # One transaction: if a single XADD could fail alone, a record would be stored after a gap, and consumers
        # that drop what they have seen by its number would drop the missing one when it is published again.
        async with self._client.pipeline(transaction=True) as pipeline:
            for call in calls:
                for entry in call.entries:
                    pipeline.xadd(entry.topic, fields_of(entry.record))
            await pipeline.execute()


def _unconfirmed(error: Exception) -> BusUnavailable:
    failure = BusUnavailable(f"Valkey did not confirm: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure
