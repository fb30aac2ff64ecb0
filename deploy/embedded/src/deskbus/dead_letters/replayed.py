"""Which dead letters were put back, and when: noted in Redis for as long as the letters themselves are kept.

Not in the letters: Kafka changes nothing that is written. Where the notes are lost a letter can be put back once more,
which changes nothing either.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.bus.dead_letter import DEAD_LETTER_RETENTION
from service_kit.errors import Unavailable


class Replayed:
    """The notes, a hash for each dead-letter topic."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def of(self, dead_letter_topic: str) -> Mapping[str, datetime]:
        """When each letter of a dead-letter topic was put back, by the letter's id.

        Raises:
            Unavailable: Redis does not answer.
        """
        try:
            found = await self._redis.hgetall(_key(dead_letter_topic))
        except (RedisError, OSError) as error:
            raise Unavailable(f"what was put back is not known: {type(error).__name__}") from error
        return {_text(letter_id): datetime.fromisoformat(_text(at)) for letter_id, at in found.items()}

    async def note(self, dead_letter_topic: str, ids: Sequence[str], now: datetime) -> None:
        """Note that these were put back now.

        Raises:
            Unavailable: Redis does not answer.
        """
        key = _key(dead_letter_topic)
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(key, mapping=dict.fromkeys(ids, now.isoformat()))
                pipeline.expire(key, DEAD_LETTER_RETENTION)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise Unavailable(f"what was put back could not be noted: {type(error).__name__}") from error


def _key(dead_letter_topic: str) -> str:
    return f"deskbus:replayed:{dead_letter_topic}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
