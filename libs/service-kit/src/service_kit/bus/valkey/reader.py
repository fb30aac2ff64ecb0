"""One group reading one stream, alone and in order: what is pending first, then what arrives.

FastStream hands over what was delivered just now. That is not all: when the server dies while it answers, entries are
delivered that nobody received, and the next ones would overtake them. So the first batch after a start, after a broken
connection and after a batch that was not finished asks for the oldest pending entry; and the sweep does the same when
no batch comes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis

from service_kit.bus.consumption import Consumption
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.port import Subscription
from service_kit.bus.record import Record
from service_kit.bus.settlement import Pause
from service_kit.bus.valkey.connection import FAILURES, UNREACHABLE
from service_kit.bus.valkey.shared_wire import SharedWire
from service_kit.bus.valkey.streams import FIRST_ID, id_order, records_of
from service_kit.crash_points import crash_point

_ACK_RETRY_SECONDS = 0.2

log = structlog.get_logger(__name__)


class StreamReader:
    """Feeds one subscription. The only consumer of its group, so whatever is pending is its own."""

    def __init__(
        self,
        client: Redis,
        wire: SharedWire,
        subscription: Subscription,
        consumption: Consumption,
        *,
        failed_reads: Callable[[], int],
        pause: Pause,
        metrics: BusMetrics,
    ) -> None:
        """`failed_reads` counts those whose answers may be lost."""
        self._client = client
        self._consumption = consumption
        self._wire = wire
        self._failed_reads = failed_reads
        self._nothing_older_since: int | None = None
        self._pause = pause
        self._metrics = metrics
        self._stream = subscription.topic.name
        self._group = subscription.group
        self._page = subscription.max_records
        self._lock = asyncio.Lock()
        self._last_delivered = b""
        self.is_starved = False

    @property
    def trouble(self) -> str | None:
        """Why the subscription is not well, if so."""
        return self._consumption.trouble

    def begin_anew(self) -> None:
        """Expect that something is pending: the reading was interrupted."""
        self._nothing_older_since = None

    async def take(self, records: Sequence[Record]) -> None:
        """Handle a delivered batch, after everything older and without what a sweep has handled meanwhile.

        Returning early loses nothing: only what was acknowledged is ever forgotten.
        """
        async with self._lock:
            failed, known = self._failed_reads(), self._nothing_older_since
            self._nothing_older_since = None
            try:
                pending = records if known == failed else await self._without_gap(records)
                if pending is None or (pending and not await self._consumption.consume(pending, self._acknowledge)):
                    return
                self._nothing_older_since = failed
            except FAILURES as error:
                log.warning("batch_left_pending", stream=self._stream, group=self._group, error=repr(error))

    async def sweep(self) -> None:
        """Handle what is pending although no batch is in hand: after a start, and after the server was away.

        Also finds out whether the subscription is starved: records wait, nothing is in hand, and since the last
        sweep nothing was delivered. FastStream sleeps like that for five seconds after a failed read.
        """
        pending, lag, last_delivered = await self._observe()
        is_idle = not self._lock.locked()
        self.is_starved = is_idle and lag > 0 and last_delivered == self._last_delivered
        self._last_delivered = last_delivered
        if pending and is_idle:
            async with self._lock:
                self.begin_anew()  # what it drains may be in a batch that is about to be taken
                await self._drain(before=None)

    async def _observe(self) -> tuple[int, int, bytes]:
        for raw in await self._ask("XINFO", "GROUPS", self._stream):
            group = dict(zip(raw[::2], raw[1::2], strict=True))
            if group[b"name"] == self._group.encode():
                pending, lag = int(group[b"pending"]), int(group[b"lag"] or 0)
                self._metrics.pending.labels(self._stream, self._group).set(pending)
                self._metrics.lag.labels(self._stream, self._group).set(lag)
                return pending, lag, group[b"last-delivered-id"]
        return 0, 0, b""

    async def _without_gap(self, records: Sequence[Record]) -> Sequence[Record] | None:
        """What is still pending of `records`, after everything older was handled; None when the bus is stopping."""
        oldest = await self._oldest_pending()
        if oldest is None:
            return ()
        if oldest < id_order(records[0].position) and not await self._drain(before=records[0].position):
            return None
        return [record for record in records if id_order(record.position) >= oldest]

    async def _oldest_pending(self) -> tuple[int, int] | None:
        pending, oldest, *_ = await self._ask("XPENDING", self._stream, self._group)
        return id_order(oldest.decode()) if pending else None

    async def _ask(self, *command: Any) -> Any:
        [answer] = await self._wire.ask(command)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _drain(self, *, before: str | None) -> bool:
        """Handle all pending entries, or those older than `before`. False when the bus is stopping."""
        cursor = FIRST_ID
        while True:
            reply = await self._client.xautoclaim(
                self._stream, self._group, self._group, min_idle_time=0, start_id=cursor, count=self._page
            )
            entries = records_of(reply[1])
            older = [entry for entry in entries if before is None or id_order(entry.position) < id_order(before)]
            if older and not await self._consumption.consume(older, self._acknowledge):
                return False
            cursor = reply[0].decode()
            if cursor == FIRST_ID or len(older) < len(entries):
                return True

    async def _acknowledge(self, records: Sequence[Record]) -> None:
        """Acknowledge, however long the server is away; FastStream would log the failure and read on."""
        crash_point("bus.before_commit")
        while True:
            try:
                await self._ask("XACK", self._stream, self._group, *(record.position for record in records))
            except UNREACHABLE as error:
                log.warning("acknowledge_retried", stream=self._stream, group=self._group, error=repr(error))
                if not await self._pause(_ACK_RETRY_SECONDS):
                    raise
            else:
                return
