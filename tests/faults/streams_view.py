"""The bus of a running system, read beside its services and without consuming anything."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from redis.asyncio import Redis

from contracts.topics import TICKET_EVENTS, TOPICS
from service_kit.bus.valkey.streams import records_of

_PAGE = 1000


class StreamsView:
    """What the streams hold, and how far their readers are."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def waiting(self) -> Mapping[str, int]:
        """How many records each reader has not finished yet; those that have finished all are left out.

        A group that nobody has ever read for is not a reader: topics are provided with the groups they may have.
        """
        found = {}
        for topic in TOPICS:
            if not await self._redis.exists(topic.name):
                continue
            for group in await self._redis.xinfo_groups(topic.name):
                unfinished = int(group["pending"]) + int(group["lag"] or 0)
                if unfinished and group["consumers"]:
                    found[f"{topic.name} → {group['name'].decode()}"] = unfinished
        return found

    async def dead_letters(self) -> Mapping[str, int]:
        """How many records were set aside, by stream."""
        names = [key async for key in self._redis.scan_iter(match="*-dlq", _type="stream")]
        lengths = {name.decode(): int(await self._redis.xlen(name)) for name in names}
        return {name: length for name, length in lengths.items() if length}

    async def _page(self, begin: str) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
        return cast(
            "list[tuple[bytes, Mapping[bytes, bytes]]]",
            await self._redis.xrange(TICKET_EVENTS.name, min=begin, count=_PAGE),
        )

    async def ticket_events(self) -> list[tuple[str, int]]:
        """Ticket and number of every record of `ticket-events-v1`, in the stream's order."""
        found: list[tuple[str, int]] = []
        begin = "-"
        while records := records_of(await self._page(begin)):
            bodies = [json.loads(record.value) for record in records]
            found += [(body["ticket_id"], body["seq"]) for body in bodies]
            begin = f"({records[-1].position}"
        return found


@asynccontextmanager
async def streams_view(home: Path) -> AsyncIterator[StreamsView]:
    """The bus of the system on this home."""
    async with Redis.from_url((home / "engine.url").read_text(), socket_timeout=10) as redis:
        yield StreamsView(redis)
