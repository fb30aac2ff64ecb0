"""Dead letters on Valkey: one stream per topic and group."""

from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from service_kit.bus.dead_letter import Verdict, condemn, revive
from service_kit.bus.port import DeadLetter, Subscription
from service_kit.bus.record import Record
from service_kit.bus.valkey.connection import unavailable
from service_kit.bus.valkey.streams import FIRST_ID, fields_of, records_of

_MOST = 1000


class DeadLetterStreams:
    """Sets records aside, lists them, and puts them back."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def add(self, subscription: Subscription, record: Record, verdict: Verdict) -> None:
        """Set one record aside; returns when it is stored."""
        topic, group = subscription.topic, subscription.group
        letter = condemn(record, verdict, topic=topic.name, group=group)
        with unavailable("writing a dead letter"):
            await self._client.xadd(topic.dead_letter_topic(group), fields_of(letter))

    async def oldest(self, stream: str, limit: int, after: str | None = None) -> Sequence[DeadLetter]:
        """The oldest dead letters, at most a thousand; those behind `after`."""
        return [_letter(record) for record in await self._read(stream, limit, after=after or FIRST_ID)]

    async def put_back(self, topic: str, letters: Sequence[DeadLetter]) -> None:
        """Write these to their topic again, in order and at once."""
        with unavailable("putting dead letters back"):
            async with self._client.pipeline(transaction=True) as pipeline:
                for letter in letters:
                    pipeline.xadd(topic, fields_of(revive(Record(letter.key, letter.value, letter.headers))))
                await pipeline.execute()

    async def replay(self, stream: str, topic: str, limit: int) -> int:
        """Move the oldest dead letters, at most a thousand, back to their topic, in order and at once; how many."""
        letters = await self._read(stream, limit)
        if not letters:
            return 0
        with unavailable("replaying dead letters"):
            async with self._client.pipeline(transaction=True) as pipeline:
                for letter in letters:
                    pipeline.xadd(topic, fields_of(revive(letter)))
                pipeline.xdel(stream, *(letter.position for letter in letters))
                await pipeline.execute()
        return len(letters)

    async def discard(self, stream: str, is_unwanted: Callable[[DeadLetter], bool]) -> Sequence[DeadLetter]:
        """Remove those that are unwanted among all of them; which they were."""
        removed: list[DeadLetter] = []
        after = FIRST_ID
        while records := await self._read(stream, _MOST, after=after):
            unwanted = [letter for record in records if is_unwanted(letter := _letter(record))]
            if unwanted:
                with unavailable("removing dead letters"):
                    await self._client.xdel(stream, *(letter.id for letter in unwanted))
            removed += unwanted
            after = records[-1].position
        return removed

    async def _read(self, stream: str, limit: int, *, after: str = FIRST_ID) -> list[Record]:
        if limit < 1:
            raise ValueError("limit must be at least 1")
        with unavailable("reading dead letters"):
            entries: Any = await self._client.xrange(stream, min=f"({after}", count=min(limit, _MOST))
        return records_of(entries)


def _letter(record: Record) -> DeadLetter:
    return DeadLetter(record.position, record.key, record.value, dict(record.headers))
